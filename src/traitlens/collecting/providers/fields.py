"""Values out of a provider's answer, each of the type that it must have, or None.

What a provider sends is a stranger's JSON: a number may be text, a text a list, a list nothing.
A value of another type than the documented one is left out rather than guessed at.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from traitlens.collecting.records import Standard
from traitlens.records import storable

_MAX_CHARS = 300  # of a text
_MAX_WORDS = 32  # in a list of texts
_MAX_NUMBER = 1e30
_STANDARDS: Mapping[str, Standard] = {"erc721": "erc721", "erc1155": "erc1155"}


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object; another value is an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """Return a text that is not blank, cut to a few hundred characters."""
    return storable(value[:_MAX_CHARS]) if isinstance(value, str) and value.strip() else None


def address(value: object) -> str | None:
    """Return a URI whole: one that lies inline may be long."""
    return value if isinstance(value, str) and value.strip() else None


def number(value: object) -> int | float | None:
    """Return a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) and abs(value) < _MAX_NUMBER else None


def flag(value: object) -> bool | None:
    """Return a truth value, which may be written as the text "true" or "false"."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def words(value: object) -> list[str] | None:
    """Return the texts of a list, or None where there are none."""
    found = [text(item) for item in value[:_MAX_WORDS]] if isinstance(value, list) else []
    return [word for word in found if word] or None


def whole(value: object) -> int | None:
    """Return a uint256, which may be written in decimal or, after 0x, in hex digits."""
    if isinstance(value, str):
        if re.fullmatch(r"[0-9]{1,78}", value):
            value = int(value)
        elif re.fullmatch(r"0[xX][0-9a-fA-F]{1,64}", value):
            value = int(value, 16)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 1 << 256 else None


def standard(value: object) -> Standard | None:
    """Return the token standard, "ERC721", "erc-721" or the like."""
    return _STANDARDS.get(value.lower().replace("-", "")) if isinstance(value, str) else None


def present(**values: object) -> dict[str, object]:
    """Return the values that there are, by name."""
    return {name: value for name, value in values.items() if value is not None}

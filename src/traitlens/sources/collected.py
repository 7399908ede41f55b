"""The records that `traitlens collect` leaves beside a collection: where each token's picture came
from, and why others have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from traitlens import bounded_json

RECORDS = "tokens.jsonl"

_TOKEN_ID = re.compile(r"0|[1-9][0-9]{0,77}")
_MAX_REASON_CHARS = 100
_MAX_URI_CHARS = 2048


@dataclass(frozen=True, slots=True)
class Collected:
    """What is known of a token: why it is not collected, and the address of its picture."""

    reason: str | None
    uri: str | None


NOTHING = Collected(None, None)


def read_records(lines: Iterable[bytes]) -> dict[str, Collected]:
    """Return what was recorded of each token, by id; a line that is no record is passed over."""
    return {
        token_id: Collected(reason=_reason(value), uri=_uri(value))
        for value in map(_value, lines)
        if isinstance(value, dict) and isinstance(token_id := value.get("token_id"), str)
        if _TOKEN_ID.fullmatch(token_id)
    }


def _value(line: bytes) -> Any:
    try:
        return bounded_json.loads(line)
    except ValueError:
        return None


def _reason(record: dict[str, Any]) -> str | None:
    reason = record.get("reason") if record.get("status") != "collected" else None
    is_said = isinstance(reason, str) and reason.isprintable()
    return str(reason)[:_MAX_REASON_CHARS] if is_said else None


def _uri(record: dict[str, Any]) -> str | None:
    """Return where the picture was found, without the gateway; None where the document has it."""
    media = record.get("media")
    uri = media.get("url") if isinstance(media, dict) else None
    if not isinstance(uri, str) or not uri.isprintable() or len(uri) > _MAX_URI_CHARS:
        return None
    return None if uri.startswith("data:") else uri

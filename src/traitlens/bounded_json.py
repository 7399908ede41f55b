"""JSON from strangers, read without going deeper than it may.

Python's reader recurses in C, and is stopped by the recursion limit alone. Libraries raise that
limit for their own ends, to where a document of 100 KB brings the whole process down.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 256  # of lists and objects in one another; real documents have some ten

# A string is skipped whole, brackets in it too; one that is cut off ends the document. "*+" never
# goes back, so a string of 60 MB, as pictures in documents are, costs no memory.
_PIECES = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)


class TooDeepError(ValueError):
    """Lists and objects lie too deep in one another."""


def loads(
    data: str | bytes,
    *,
    most: int = MAX_DEPTH,
    parse_constant: Callable[[str], Any] | None = None,
) -> Any:
    """Return the value of a JSON document, as `json.loads`.

    Raises TooDeepError where lists and objects lie more than `most` deep in one another, and
    ValueError for what is no JSON.
    """
    text = data
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    if text.count("[") + text.count("{") > most and _depth(text, most) > most:
        raise TooDeepError(f"more than {most} lists and objects in one another")
    return json.loads(text, parse_constant=parse_constant)


def _depth(text: str, most: int) -> int:
    """Return how deep a text goes, or a number above `most` as soon as it is too deep."""
    depth = deepest = 0
    for piece in _PIECES.finditer(text):
        mark = text[piece.start()]
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > most:
                break
        elif mark in "]}":
            depth -= 1
    return deepest

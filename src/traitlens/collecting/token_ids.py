"""Token ids as a user names them: "0-9999", "1,5,7-9"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from traitlens.collecting.abi import MAX_UINT
from traitlens.collecting.records import MAX_TOKENS
from traitlens.errors import CollectError

_PART = re.compile(r"\s*(\d{1,78})\s*(?:-\s*(\d{1,78})\s*)?", re.ASCII)


def parse_ids(text: str) -> list[range]:
    """Return the named ids as ascending ranges that do not overlap; raises `CollectError`."""
    ranges = sorted((_part(part, text) for part in text.split(",")), key=lambda part: part.start)
    merged: list[range] = []
    for part in ranges:
        if merged and part.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, part.stop))
        else:
            merged.append(part)
    count = sum(part.stop - part.start for part in merged)
    if count > MAX_TOKENS:
        raise CollectError(
            f"--ids {_short(text)!r} names more tokens than are taken at once ({MAX_TOKENS:,})"
        )
    return merged


def ids_in(ranges: list[range]) -> Iterator[int]:
    """Yield the ids of ranges, one by one."""
    for part in ranges:
        yield from part


def _part(part: str, text: str) -> range:
    found = _PART.fullmatch(part)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if first > last or last > MAX_UINT:
        raise CollectError(
            f"--ids takes numbers and rising ranges, as in 0-9999 or 1,5,7-9; got {_short(text)!r}"
        )
    return range(first, last + 1)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."

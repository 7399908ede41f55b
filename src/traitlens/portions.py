"""Many things, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` items, the last one of what is left (`itertools.batched` of 3.12)."""
    assert size > 0
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some

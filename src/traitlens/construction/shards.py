"""The unit of work, of retry and of resumption: a run of one collection's tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from traitlens import store
from traitlens.records import RawToken
from traitlens.sources import Collection


@dataclass(frozen=True, slots=True)
class Shard:
    """Up to `size` tokens of a collection, and the file that they end in."""

    collection: Collection
    number: int
    size: int

    @property
    def name(self) -> str:
        return f"{self.collection.info.name}-{self.number:05d}.parquet"

    @property
    def start(self) -> int:
        return self.number * self.size

    def __len__(self) -> int:
        return min(self.size, self.collection.count - self.start)

    def raw_tokens(self) -> Iterator[RawToken]:
        for found in self.collection.found[self.start : self.start + self.size]:
            yield self.collection.read(found)


def shards_of(collection: Collection) -> list[Shard]:
    """Return the shards of a collection, in order."""
    size = store.TOKENS_PER_SHARD
    return [Shard(collection, number, size) for number in range(-(-collection.count // size))]


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where the unfinished work of a build lies, stage by stage."""

    path: Path

    @property
    def standardized(self) -> Path:
        return self.path / "standardized"

    @property
    def judged(self) -> Path:
        return self.path / "judged"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def tokens(self) -> Path:
        return self.data / "tokens"

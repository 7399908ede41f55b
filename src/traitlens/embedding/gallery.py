"""Which tokens of a data set are searched, in some tens of bytes a token."""

# Axes: N tokens, C collections

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.config import check_range, fingerprint
from traitlens.digest import key_of
from traitlens.embedding.pictures import pictures_at
from traitlens.errors import DatasetError
from traitlens.records import Location, Split, Token
from traitlens.store import Dataset

MIN_GALLERY = 2  # one token alone is always found

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gallery:
    """The tokens of a split, collection by collection, each with at least `MIN_GALLERY`.

    Tokens of collection c are the rows `start[c] : start[c + 1]`. Rows of one number in
    `caption_of` have equal captions, in `picture_of` equal pixels. `skipped` counts what was left
    out, by reason: rows + skipped = tokens of the split.
    """

    data: Dataset
    split: Split | None
    max_gallery: int | None
    seed: int
    collections: tuple[str, ...]
    start: Numbers  # (C + 1,)
    caption_of: Numbers  # (N,)
    picture_of: Numbers  # (N,)
    shards: tuple[str, ...]
    shard_of: Numbers  # (N,) number in `shards`
    row_of: Numbers  # (N,) row in its shard
    skipped: dict[str, int]

    @classmethod
    def of(
        cls,
        data: Dataset | str | Path,
        *,
        split: Split | None = "test",
        max_gallery: int | None = None,
        seed: int = 0,
    ) -> Gallery:
        """Return the gallery of a split, or of all tokens.

        `max_gallery` caps each collection to a seeded draw. Raises DatasetError where no
        collection has enough tokens.
        """
        if max_gallery is not None:
            check_range("max_gallery", max_gallery, low=MIN_GALLERY)
        data = data if isinstance(data, Dataset) else Dataset.open(data)
        found = _Found()
        for name in data.collections:
            tokens = data.tokens(collections=[name], split=split, images=False, metadata=False)
            found.add(name, tokens, most=max_gallery, key=f"{seed}:{name}")
        if not found.collections:
            raise DatasetError(
                f"{data.path} has {data.count(split=split)} tokens in "
                f"{'all' if split is None else f'its {split} split'}; a search needs at least "
                f"{MIN_GALLERY} of one collection"
            )
        return cls(
            data=data,
            split=split,
            max_gallery=max_gallery,
            seed=seed,
            collections=tuple(found.collections),
            start=np.cumsum([0, *found.sizes]).astype(np.int64),
            caption_of=np.concatenate(found.captions),
            picture_of=np.concatenate(found.pictures),
            shards=tuple(found.shards),
            shard_of=np.concatenate(found.shard_of),
            row_of=np.concatenate(found.row_of),
            skipped={reason: count for reason, count in found.skipped.items() if count},
        )

    def __len__(self) -> int:
        return int(self.start[-1])

    @property
    def fingerprint(self) -> str:
        """The same for the same rows of the same data set."""
        mark = self.data.manifest.fingerprint
        return fingerprint(mark, self.split, self.max_gallery, self.seed, len(self))

    @property
    def collection_of(self) -> Numbers:
        """The number of each row's collection, of shape (N,)."""
        return np.repeat(np.arange(len(self.collections)), np.diff(self.start))

    @property
    def families(self) -> dict[str, str]:
        """The family of each collection: its own name where none is known."""
        return {name: self.data.entry(name).family or name for name in self.collections}

    def rows(self, collection: str) -> slice:
        """Return the rows of a collection."""
        number = self.collections.index(collection)
        return slice(int(self.start[number]), int(self.start[number + 1]))

    def tokens(self, collection: str) -> list[Token]:
        """Return the tokens of a collection in the order of the rows.

        They are read from the data set each time, without pictures and original documents.
        """
        wanted = set(self.locations(range(*self.rows(collection).indices(len(self)))))
        read = self.data.tokens(
            collections=[collection], split=self.split, images=False, metadata=False
        )
        return [token for token in read if token.location in wanted]

    def locations(self, rows: Sequence[int]) -> list[Location]:
        """Return where the tokens of some rows lie."""
        return [
            Location(shard=self.shards[self.shard_of[row]], row=int(self.row_of[row]))
            for row in rows
        ]

    def pictures(self, rows: Sequence[int]) -> list[Image.Image]:
        """Return the decoded pictures of some rows, in their order."""
        return pictures_at(self.data, self.locations(rows))


class _Found:
    """What is known of the rows while the data set is read."""

    def __init__(self) -> None:
        self.collections: list[str] = []
        self.sizes: list[int] = []
        self.captions: list[Numbers] = []
        self.pictures: list[Numbers] = []
        self.shards: dict[str, int] = {}
        self.shard_of: list[Numbers] = []
        self.row_of: list[Numbers] = []
        self.skipped = {
            f"fewer than {MIN_GALLERY} in the collection": 0,
            "beyond max_gallery": 0,
        }
        self._captions: dict[int, int] = {}
        self._pictures: dict[int, int] = {}

    def add(self, name: str, tokens: Iterable[Token], *, most: int | None, key: str) -> None:
        """Add the tokens of a collection, at most so many of them."""
        rows = np.array(list(self._numbers(tokens)), np.int64).reshape(-1, 4)
        few, beyond = self.skipped
        if len(rows) < MIN_GALLERY:
            self.skipped[few] += len(rows)
            return
        drawn = rows[_draw(len(rows), most, key=key)]
        self.skipped[beyond] += len(rows) - len(drawn)
        self.collections.append(name)
        self.sizes.append(len(drawn))
        columns = (self.captions, self.pictures, self.shard_of, self.row_of)
        for column, numbers in zip(columns, drawn.T, strict=True):
            column.append(numbers)

    def _numbers(self, tokens: Iterable[Token]) -> Iterator[tuple[int, int, int, int]]:
        """Yield the numbers of each token's caption, picture, shard and row."""
        for token in tokens:
            assert token.location is not None
            picture = key_of(token.pixels_sha256 or token.token_uid)
            yield (
                self._captions.setdefault(key_of(token.caption), len(self._captions)),
                self._pictures.setdefault(picture, len(self._pictures)),
                self.shards.setdefault(token.location.shard, len(self.shards)),
                token.location.row,
            )


def _draw(size: int, most: int | None, *, key: str) -> list[int]:
    """Return at most `most` of the numbers below `size`, in order; nothing but `key` decides."""
    if most is None or size <= most:
        return list(range(size))
    return sorted(random.Random(key).sample(range(size), most))

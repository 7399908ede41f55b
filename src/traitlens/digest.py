"""What filters, captions and splits need to know of a collection, at some hundred bytes a token.

A collection is judged as a whole, and may be larger than memory. So its rows are read shard by
shard, without pictures, and of each only keys and trait numbers stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.records import Token, Trait


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Digest:
    """The tokens of one collection as arrays.

    Axes: N tokens in the order of the shards, kept and rejected; V distinct traits. Equal keys mean
    equal things; a key of 0 means that there is none. Token n has the traits
    `vocabulary[trait_index[trait_start[n] : trait_start[n + 1]]]`.
    """

    uid_keys: NDArray[np.uint64]  # (N,)
    kept: NDArray[np.bool_]  # (N,)
    media_keys: NDArray[np.uint64]  # (N,) of the original bytes
    pixel_keys: NDArray[np.uint64]  # (N,) of the pixels
    perceptual: NDArray[np.uint64]  # (N,) `perceptual_hash` itself, 64 bits
    vocabulary: tuple[Trait, ...]  # (V,) distinct types and values in order of first appearance
    trait_index: NDArray[np.int32]
    trait_start: NDArray[np.int64]  # (N + 1,)
    reasons: tuple[str | None, ...]  # (N,) why a token was rejected

    @classmethod
    def of(cls, tokens: Iterable[Token]) -> Digest:
        """Return the digest of the rows of one collection; pictures are not looked at."""
        keys: list[tuple[int, ...]] = []
        kept: list[bool] = []
        reasons: list[str | None] = []
        numbers: dict[tuple[str, str], int] = {}
        vocabulary: list[Trait] = []
        said: dict[str, str] = {}  # one object for each reason
        index: list[NDArray[np.int32]] = []
        for token in tokens:
            row = []
            for trait in token.traits:
                name = (trait.trait_type, trait.value)
                if name not in numbers:
                    numbers[name] = len(vocabulary)
                    vocabulary.append(trait)
                row.append(numbers[name])
            index.append(np.array(row, np.int32))
            kept.append(token.status == "kept")
            reasons.append(token.reason and said.setdefault(token.reason, token.reason))
            hashes = (token.sha256, token.pixels_sha256, token.perceptual_hash)
            keys.append(
                (key_of(token.token_uid), *(int((text or "0")[:16], 16) for text in hashes))
            )
        columns_4N = np.array(keys, np.uint64).reshape(-1, 4).T.copy()
        return cls(
            uid_keys=columns_4N[0],
            kept=np.array(kept, np.bool_),
            media_keys=columns_4N[1],
            pixel_keys=columns_4N[2],
            perceptual=columns_4N[3],
            vocabulary=tuple(vocabulary),
            trait_index=np.concatenate([np.empty(0, np.int32), *index]),
            trait_start=np.cumsum([0, *map(len, index)]).astype(np.int64),
            reasons=tuple(reasons),
        )

    def __len__(self) -> int:
        return len(self.kept)

    def traits_of(self, row: int) -> NDArray[np.int32]:
        """Return the numbers of the traits of a token, in its order."""
        return self.trait_index[self.trait_start[row] : self.trait_start[row + 1]]

    def trait_counts(self) -> NDArray[np.int64]:
        """Return (V,) how many kept tokens have each trait; twice in one token counts once."""
        rows = np.repeat(np.arange(len(self)), np.diff(self.trait_start))
        has = np.unique(np.stack([rows, self.trait_index])[:, self.kept[rows]], axis=1)
        return np.bincount(has[1], minlength=len(self.vocabulary)).astype(np.int64)

    def trait_set_keys(self) -> NDArray[np.uint64]:
        """Return (N,) keys that are equal for tokens with the same traits in any order."""
        names = [f"{trait.trait_type}\0{trait.value}" for trait in self.vocabulary]
        rows = (self.traits_of(row) for row in range(len(self)))
        texts = ("\1".join(sorted(names[number] for number in row)) for row in rows)
        return np.array([key_of(text) for text in texts], np.uint64)


def key_of(text: str) -> int:
    """Return the first 8 bytes of the SHA-256 of `text`, as a number."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

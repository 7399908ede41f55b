"""Whether a data set is NFT1000, by the authors' own partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from traitlens.records import SPLITS, Split
from traitlens.split import official_collections, official_split
from traitlens.store import CollectionEntry, Dataset

NEARLY_ALL = 0.99  # of the tokens, as some pictures may not be readable


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How many collections a data set has, and how many stand where the authors have them.

    `official` counts those that are called like one of NFT1000 and lie in the authors' split for
    it. `share` is that of NFT1000's tokens that the data set has as many of.
    """

    collections: int
    official: int
    of: int  # collections of NFT1000
    share: float

    @property
    def is_nft1000(self) -> bool:
        """Whether it has all collections of NFT1000 in their places, their tokens, and no more."""
        all_there = self.collections == self.official == self.of
        return all_there and abs(self.share - 1) <= 1 - NEARLY_ALL

    @property
    def words(self) -> str:
        """What the data set is, for a table."""
        if self.is_nft1000:
            return "NFT1000, by its names, splits and sizes"
        if self.official:
            return f"not NFT1000, of which it has {self.official:,} of {self.of:,} collections"
        return "not NFT1000"


def identify(data: Dataset) -> Identity:
    """Return how much of NFT1000 a data set is."""
    entries, official = data.manifest.collections, official_collections()
    return Identity(
        collections=len(entries),
        official=sum(_in_its_place(entry) for entry in entries),
        of=len(official),
        share=data.count() / sum(each.tokens for each in official),
    )


def _in_its_place(entry: CollectionEntry) -> bool:
    sides = [split for split in SPLITS if entry.splits.get(split, 0)]
    return sides == [official_split(entry.info)]


def collections_of(data: Dataset) -> dict[Split, int]:
    """Return in how many collections each split has tokens."""
    counts = Counter(
        split
        for entry in data.manifest.collections
        for split in SPLITS
        if entry.splits.get(split, 0)
    )
    return {split: counts[split] for split in SPLITS}


def ours_by_published(data: Dataset, published: Iterable[str]) -> dict[str, str]:
    """Return our names of those of the paper's collections that the data set has, by the paper's.

    A collection is known by its contract, or without one by the letters and digits of its name.
    """
    contracts = {_plain(entry.name): entry.contract for entry in official_collections()}
    ours = {}
    for entry in data.manifest.collections:
        contract = entry.info.contract
        ours[contract.lower() if contract else _plain(entry.name)] = entry.name
    known = (
        (name, ours.get(contracts[_plain(name)], ours.get(_plain(name)))) for name in published
    )
    return {name: found for name, found in known if found}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())

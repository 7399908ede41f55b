"""The authors' own partition of NFT1000: 800 collections for train, 50 to validate, 150 to test.

`nft1000.json` has the name, contract, number of tokens and split of each of the 1,000 collections:
facts out of the data files of github.com/ShuxunoO/NFT-Net (the list of collections, of 4 March
2024, and the partition). In that partition `UninterestedUnicorns` stands twice, and the collection
that it calls `Etherbananas` is `Etherbanullas` in the list; each is one collection here.

The sizes add up to the paper's (Wang et al. 2024, section 4) for validation and test; for train
they are 6,187,959 where the paper prints 6,178,249.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from traitlens.errors import ConfigError
from traitlens.records import SPLITS, CollectionInfo, Split

MINI_TOKENS = 1000  # a collection, in NFT1000mini

_NAMES_IN_AN_ERROR = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialCollection:
    """A collection of NFT1000."""

    name: str
    contract: str  # lower case
    tokens: int
    split: Split
    also: str | None = None  # another name that the authors have for it


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialCount:
    """How much of NFT1000 is in a split."""

    collections: int
    tokens: int
    mini_tokens: int  # in NFT1000mini, with up to `MINI_TOKENS` a collection


@cache
def official_collections() -> tuple[OfficialCollection, ...]:
    """Return the collections of NFT1000, in the authors' order."""
    import json

    text = files("traitlens.split").joinpath("nft1000.json").read_text(encoding="utf-8")
    return tuple(OfficialCollection(**entry) for entry in json.loads(text)["collections"])


def official_counts() -> dict[Split, OfficialCount]:
    """Return the size of each split of NFT1000."""
    counts: dict[Split, OfficialCount] = {}
    for split in SPLITS:
        sizes = [entry.tokens for entry in official_collections() if entry.split == split]
        mini = sum(min(size, MINI_TOKENS) for size in sizes)
        counts[split] = OfficialCount(collections=len(sizes), tokens=sum(sizes), mini_tokens=mini)
    return counts


def official_split(info: CollectionInfo) -> Split | None:
    """Return the split of a collection in the authors' partition; None when it is not in it.

    It is known by its contract on Ethereum; without a contract, by the letters and digits of its
    name, whatever their case.
    """
    if info.contract:
        on_ethereum = info.chain_id in (None, "eip155:1")
        return _by_contract().get(info.contract.lower()) if on_ethereum else None
    return _by_name().get(_plain(info.name))


def official_splits(collections: Iterable[CollectionInfo]) -> dict[str, Split]:
    """Return the split of each collection by its name.

    Raises ConfigError that names the collections which are not in NFT1000: a benchmark with others
    would be another benchmark.
    """
    splits = {info.name: official_split(info) for info in collections}
    known = {name: split for name, split in splits.items() if split is not None}
    unknown = [name for name in splits if name not in known]
    if unknown:
        listed = ", ".join(map(repr, unknown[:_NAMES_IN_AN_ERROR]))
        more = f" and {len(unknown) - _NAMES_IN_AN_ERROR} more" if len(unknown) > 10 else ""
        raise ConfigError(
            f"split.rule official is for the collections of NFT1000, and {listed}{more} "
            "are not among them; take them away or choose another rule"
        )
    return known


def _plain(name: str) -> str:
    """Return the letters and digits of a name: the rest gets lost where it names a file."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


@cache
def _by_contract() -> Mapping[str, Split]:
    found = {entry.contract: entry.split for entry in official_collections()}
    return MappingProxyType(found)


@cache
def _by_name() -> Mapping[str, Split]:
    found = {_plain(entry.name): entry.split for entry in official_collections()}
    found |= {_plain(e.also): e.split for e in official_collections() if e.also}
    return MappingProxyType(found)

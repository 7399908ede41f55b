"""The collections of NFT1000, as facts: names, contracts, sizes, checksums and the split.

Names, contracts, numbers of collected tokens and splits are those of `split.official`; the supply
and the SHA-256 of the zip that the authors publish stand in `nft1000.json` beside this file, which
`benchmarks/catalogue.py` makes out of the authors' lists (github.com/ShuxunoO/NFT-NET-Hub, of 4
March 2024). The order is theirs; they chose by the sales up to 23 June 2023, but for the last one.

In their training list `UninterestedUnicorns` stands twice; it is one collection here, and it and
`Pluto2` have no SHA-256. A few collections have more tokens than the supply says, as the supply
was asked at another time; `XANA Genesis` has a supply of 0.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from traitlens.errors import CollectError
from traitlens.records import Split

FACTS = "nft1000.json"

_SUGGESTED = 3
_ALIKE = 0.6  # of two names' letters, as `difflib` counts them


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A collection of NFT1000."""

    name: str
    contract: str  # on Ethereum, lower case
    split: Split
    tokens: int  # that the authors collected
    supply: int  # as the contract said
    sha256: str | None  # of the authors' zip, hex; None where they give none
    also: str | None = None  # another name that the authors have for it
    listed_twice: bool = False  # in the authors' training list

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON-ready facts."""
        return asdict(self)


@cache
def catalogue() -> tuple[CatalogueEntry, ...]:
    """Return the 1,000 collections, in the authors' order."""
    from traitlens.split import official_collections

    text = files("traitlens.collecting").joinpath(FACTS).read_text(encoding="utf-8")
    facts = json.loads(text)
    return tuple(
        CatalogueEntry(
            name=entry.name,
            contract=entry.contract,
            split=entry.split,
            tokens=entry.tokens,
            supply=facts["collections"][entry.contract][0],
            sha256=facts["collections"][entry.contract][1],
            also=entry.also,
            listed_twice=entry.name in facts["listed_twice"],
        )
        for entry in official_collections()
    )


def find(wanted: str) -> CatalogueEntry:
    """Return the collection of a name or a contract address, whatever their case and spaces.

    Raises CollectError that suggests the nearest names.
    """
    entry = known(wanted)
    if entry is None:
        raise CollectError(f"{wanted!r} is no collection of NFT1000; {_hint(wanted)}")
    return entry


def known(wanted: str) -> CatalogueEntry | None:
    """Return the collection of a name or a contract address; None where it is not in NFT1000."""
    return _by_plain_name().get(_plain(wanted))


def search(text: str, entries: Sequence[CatalogueEntry]) -> tuple[CatalogueEntry, ...]:
    """Return the entries with `text` in a name or the contract, whatever its case and spaces.

    Raises CollectError that suggests the nearest names where there is none.
    """
    plain = _plain(text)
    found = tuple(e for e in entries if any(plain in name for name in _plain_names(e)))
    if not plain or not found:
        raise CollectError(f"no listed collection has {text!r} in its name; {_hint(text)}")
    return found


def suggestions(wanted: str) -> tuple[str, ...]:
    """Return up to three names of NFT1000 that are spelt like `wanted`, the nearest first.

    A name that begins with it, or has it inside, is nearer than one that is only spelt alike.
    """
    plain = _plain(wanted)
    if not plain:
        return ()
    names = _by_plain_name()
    begin = sorted((name for name in names if name.startswith(plain)), key=len)
    inside = sorted((name for name in names if plain in name), key=len)
    alike = difflib.get_close_matches(plain, names, n=_SUGGESTED, cutoff=_ALIKE)
    nearest = dict.fromkeys(names[name].name for name in [*begin, *inside, *alike])
    return tuple(nearest)[:_SUGGESTED]


def in_split(split: str, entries: Sequence[CatalogueEntry]) -> tuple[CatalogueEntry, ...]:
    """Return the entries of a split of the authors' partition."""
    return tuple(entry for entry in entries if entry.split == split)


def by_name(entries: Sequence[CatalogueEntry]) -> tuple[CatalogueEntry, ...]:
    """Return the entries by name, whatever its case."""
    return tuple(sorted(entries, key=lambda entry: (entry.name.casefold(), entry.name)))


def by_size(entries: Sequence[CatalogueEntry]) -> tuple[CatalogueEntry, ...]:
    """Return the entries by collected tokens, the largest first; equal ones keep their order."""
    return tuple(sorted(entries, key=lambda entry: -entry.tokens))


def by_volume(
    entries: Sequence[CatalogueEntry], volumes: Mapping[str, float]
) -> tuple[CatalogueEntry, ...]:
    """Return the entries whose contract has a volume, the largest first; equal ones keep order."""
    traded = [entry for entry in entries if entry.contract in volumes]
    return tuple(sorted(traded, key=lambda entry: -volumes[entry.contract]))


def _hint(wanted: str) -> str:
    near = suggestions(wanted)
    if not near:
        return "`traitlens collections` lists them"
    *first, last = map(repr, near)
    return f"did you mean {', '.join(first)} or {last}?" if first else f"did you mean {last}?"


def _plain(text: str) -> str:
    """Return the letters and digits of a name: the rest gets lost where it is typed."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _plain_names(entry: CatalogueEntry) -> tuple[str, ...]:
    names = (entry.name, entry.contract, entry.also)
    return tuple(_plain(name) for name in names if name)


@cache
def _by_plain_name() -> Mapping[str, CatalogueEntry]:
    return {name: entry for entry in catalogue() for name in _plain_names(entry)}

"""What there is to say about a data set, as records; `statistics.json` is their stored form.

    Description
    ├── counts, traits, captions, pictures      of all collections together
    ├── themes, licences
    └── collections: CollectionDescription
        └── counts, traits, captions, pictures, rarity

Names, values and reasons were written by strangers: they stand here as one line of bounded length
without control characters (`plain_text.one_line`). Whoever renders them still has to escape them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

DESCRIPTION_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How often whole numbers occur: `values[i]`, ascending, occurs `counts[i]` times."""

    values: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if len(self.values) != len(self.counts) or min(self.counts, default=1) < 1:
            raise ValueError("a histogram has one count, of at least 1, for each value")
        if any(low >= high for low, high in pairwise(self.values)):
            raise ValueError("the values of a histogram ascend")

    @classmethod
    def of(cls, counted: Mapping[int, int]) -> Histogram:
        """Return the histogram of counted numbers."""
        values = sorted(value for value, count in counted.items() if count)
        return cls(values=tuple(values), counts=tuple(counted[value] for value in values))

    @property
    def total(self) -> int:
        """How many numbers there are."""
        return sum(self.counts)

    @property
    def minimum(self) -> int:
        """The least number, 0 where there is none."""
        return self.values[0] if self.values else 0

    @property
    def maximum(self) -> int:
        """The largest number, 0 where there is none."""
        return self.values[-1] if self.values else 0

    @property
    def mean(self) -> float:
        """The mean, 0 where there is no number."""
        numbers = zip(self.values, self.counts, strict=True)
        return sum(value * count for value, count in numbers) / max(1, self.total)

    @property
    def median(self) -> float:
        """The middle number, or the mean of the two in the middle; 0 where there is none."""
        if not self.total:
            return 0.0
        return (self._at((self.total - 1) // 2) + self._at(self.total // 2)) / 2

    def _at(self, position: int) -> int:
        passed = 0
        for value, count in zip(self.values, self.counts, strict=True):
            passed += count
            if position < passed:
                return value
        raise AssertionError("a position is below the total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of the tokens: `read` = `kept` + the sum of `rejected`, by reason."""

    read: int
    kept: int
    rejected: dict[str, int]
    splits: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitType:
    """A trait type, how many distinct values it has and how many tokens have one of them."""

    name: str
    values: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitCount:
    """A trait and how many tokens have it."""

    trait_type: str
    value: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitNumbers:
    """Counts over the traits of the kept tokens.

    `distinct` counts pairs of a type and a value; `phrases` distinct wordings (`captions.phrase`),
    of which the paper counts 595,504; `single` the traits that exactly one token has.
    """

    types: int
    distinct: int
    phrases: int
    single: int
    per_token: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """The best top-1, top-5 and top-10 that any text search can reach, in [0, 1].

    Captions that several tokens share cannot tell these apart: `metrics.ceiling`.
    """

    top1: float
    top5: float
    top10: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionNumbers:
    """How often captions repeat: `shared` tokens have a caption that another one has, too."""

    distinct: int
    shared: int
    largest_group: int
    ceilings: Ceilings
    words: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A size of pictures in px, and how many tokens have it."""

    width: int
    height: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """A colour, "#rrggbb", and the share of a sample's opaque pixels that are near it."""

    hex: str
    share: float

    def __post_init__(self) -> None:
        if not re.fullmatch("#[0-9a-f]{6}", self.hex):
            raise ValueError(f"no colour: {self.hex!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureNumbers:
    """Counts over the kept pictures; `colours` are of `sampled` pictures, all else is exact.

    `equal` tokens have the very pixels of another token. `stored_bytes` is that of the shards.
    """

    sizes: tuple[Size, ...]  # the most frequent ones
    other_sizes: int  # tokens of further sizes
    media_types: dict[str, int]
    animated: int
    equal: int
    stored_bytes: int
    sampled: int = 0
    colours: tuple[Colour, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RareToken:
    """A token and its information content in bits."""

    token_id: str
    bits: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rarity:
    """Who is rare in a collection; for the formula see `rarity.information_bits`.

    `bits` has the tokens by whole bits, rounded down.
    """

    rarest_traits: tuple[TraitCount, ...]
    common_traits: tuple[TraitCount, ...]
    rarest_tokens: tuple[RareToken, ...]
    mean_bits: float
    median_bits: float
    bits: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionDescription:
    """All about one collection; what its source did not say is None."""

    name: str
    theme: str
    theme_from: str  # "source" or "name"
    family: str | None
    licence: str | None
    source: str | None
    chain_id: str | None
    contract: str | None
    url: str | None
    description: str | None
    counts: Counts
    trait_types: tuple[TraitType, ...]  # the most frequent ones
    traits: TraitNumbers
    rarity: Rarity
    captions: CaptionNumbers
    pictures: PictureNumbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Collections that have something in common, and their kept tokens."""

    name: str
    collections: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All about a data set.

    `fingerprint` is that of what was described: `surveying.fingerprint_of`.
    """

    fingerprint: str
    counts: Counts
    traits: TraitNumbers
    captions: CaptionNumbers
    pictures: PictureNumbers
    themes: tuple[Group, ...]
    licences: tuple[Group, ...]
    collections: tuple[CollectionDescription, ...] = field(default=())
    version: int = DESCRIPTION_VERSION

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values; `stored.description_from_json` is the way back."""
        return asdict(self)


def groups(named: Iterable[tuple[str, int]]) -> tuple[Group, ...]:
    """Return the groups of (group, tokens) of each collection, those of most tokens first."""
    collections: dict[str, list[int]] = {}
    for name, tokens in named:
        collections.setdefault(name, []).append(tokens)
    made = (Group(name=n, collections=len(t), tokens=sum(t)) for n, t in collections.items())
    return tuple(sorted(made, key=lambda group: (-group.tokens, -group.collections, group.name)))

"""Which collections, and which of their tokens, are of no use to a search by words.

    rule            measured                                           falls
    unrevealed      a token with a placeholder for traits and picture  the token
    metadata        tokens without JSON that has attributes            the collection
    one_picture     tokens that show the most frequent picture         the collection
    duplicates      tokens whose picture another one shows, too        the collection
    look_alikes     tokens whose picture is nearly the mean one        the collection
    meaning         bits that the traits say (see `meaning`)           the collection
    few_tokens      tokens that are left                               the collection

The paper (section 4) drops collections whose media are all duplicates or one cover image, those
with fewer than 500 tokens, and those without JSON or with JSON without meaning; it gives no other
number. What is measured is reported for every rule, whether the collection falls or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_choice, check_range
from traitlens.digest import Digest
from traitlens.filtering.meaning import Meaning, meaning, unrevealed
from traitlens.filtering.pictures import picture_shares
from traitlens.records import CollectionInfo

UNREVEALED = "unrevealed"

# The rules in their order: a collection falls to the first one that it breaks.
REASONS = {
    "unrevealed": "collection: unrevealed",
    "metadata": "collection: most tokens without metadata",
    "one_picture": "collection: one picture for all",
    "duplicates": "collection: only duplicate pictures",
    "look_alikes": "collection: look-alike pictures",
    "meaning": "collection: traits without meaning",
    "few_tokens": "collection: too few tokens",
}
RULES = tuple(REASONS)

# Why sources and standardization reject a token whose JSON is missing or says nothing
NO_METADATA = frozenset(
    {"no metadata", "broken JSON", "metadata is no JSON object", "no attributes"}
)

FEWEST_TO_JUDGE = 10  # tokens; that five are alike says nothing

_TYPES_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterConfig:
    """What a collection may be; shares are in [0, 1], and one of 1 or a minimum of 0 bars nothing.

    By default only what words cannot tell apart falls, and nothing for being small.
    """

    min_tokens: int = 0
    max_without_metadata: float = 1.0
    max_one_picture: float = 0.9
    max_duplicates: float = 1.0
    max_look_alikes: float = 0.99
    min_trait_bits: float = 0.1
    off: tuple[str, ...] = ()  # rules that are measured, but nothing falls to

    def __post_init__(self) -> None:
        check_range("filters.min_tokens", self.min_tokens, low=0)
        for name in ("without_metadata", "one_picture", "duplicates", "look_alikes"):
            check_range(f"filters.max_{name}", getattr(self, f"max_{name}"), low=0, high=1)
        check_range("filters.min_trait_bits", self.min_trait_bits, low=0, high=64)
        for rule in self.off:
            check_choice("filters.off", rule, RULES)

    @classmethod
    def paper(cls) -> FilterConfig:
        """Return the paper's rules: its 500 tokens, and our numbers for its "all" and "no"."""
        return cls(
            min_tokens=500,
            max_without_metadata=0.5,
            max_one_picture=0.9,
            max_duplicates=0.99,
            max_look_alikes=0.9,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule measured; `fell` says whether the collection fell to it, `rows` how many tokens.

    The rule is broken above the limit, for `meaning` and `few_tokens` below it.
    """

    rule: str
    value: float
    limit: float
    fell: bool
    rows: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Why a collection falls as a whole, or which of its tokens (by row) fall on their own."""

    collection: str
    collection_reason: str | None = None
    row_reasons: dict[int, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def judge(info: CollectionInfo, digest: Digest, config: FilterConfig | None = None) -> Judgement:
    """Return what falls of a collection, and what each rule measured.

    Shares and bits are those of the tokens that are kept so far and not unrevealed; a collection of
    which fewer than `FEWEST_TO_JUDGE` are left can only fall for being small.
    """
    config = config or FilterConfig()
    waits_N = unrevealed(digest, digest.kept)
    fallen_N = waits_N & ("unrevealed" not in config.off)
    findings = tuple(_findings(digest, waits_N, fallen_N, config))
    broken = next((finding.rule for finding in findings if finding.fell), None)
    return Judgement(
        collection=info.name,
        collection_reason=broken and REASONS[broken],
        row_reasons={} if broken else dict.fromkeys(np.flatnonzero(fallen_N).tolist(), UNREVEALED),
        findings=findings,
    )


def _findings(
    digest: Digest,
    waits_N: NDArray[np.bool_],
    fallen_N: NDArray[np.bool_],
    config: FilterConfig,
) -> Iterator[Finding]:
    """Yield the finding of each rule, in the order of `RULES`."""
    left_N = digest.kept & ~fallen_N
    kept, left = int(digest.kept.sum()), int(left_N.sum())
    enough = left >= FEWEST_TO_JUDGE

    def above(rule: str, value: float, limit: float) -> Finding:
        fell = enough and value > limit and rule not in config.off
        return Finding(rule=rule, value=round(value, 4), limit=limit, fell=fell)

    yield Finding(
        rule="unrevealed",
        value=round(float(waits_N.sum()) / max(1, kept), 4),
        limit=0.0,
        fell=kept > 0 and not left,
        rows=int(fallen_N.sum()),
    )
    named = (reason and reason.partition(": ")[0] for reason in digest.reasons)
    without = sum(reason in NO_METADATA for reason in named) / max(1, len(digest))
    yield above("metadata", without, config.max_without_metadata)
    shares = picture_shares(digest, left_N)
    yield above("one_picture", shares.same, config.max_one_picture)
    yield above("duplicates", shares.duplicates, config.max_duplicates)
    yield above("look_alikes", shares.alike, config.max_look_alikes)
    found = meaning(digest, left_N)
    yield Finding(
        rule="meaning",
        value=round(found.bits, 4),
        limit=config.min_trait_bits,
        fell=enough and found.bits < config.min_trait_bits and "meaning" not in config.off,
        note=_note(found),
    )
    yield Finding(
        rule="few_tokens",
        value=left,
        limit=config.min_tokens,
        fell=0 < left < config.min_tokens and "few_tokens" not in config.off,
    )


def _note(found: Meaning) -> str:
    """Return which trait types say nothing, and why: "Artist: one value, Edition: numbers"."""
    empty = [f"{name}: {why}" for name, why in found.empty_types.items()]
    more = len(empty) - _TYPES_SHOWN
    return ", ".join(empty[:_TYPES_SHOWN]) + (f" and {more} more" if more > 0 else "")

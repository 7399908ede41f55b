"""What a search by words can reach in each collection, as records and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from traitlens.diagnosis.same_words import Alike, alike_table, alike_to_json, groups_table
from traitlens.tables import Cell, Column, Table, percents

Verdict = Literal["visible", "faint", "unseen", "abstract", "same", "too few"]
VISIBLE: Verdict = "visible"  # the probe reads it
FAINT: Verdict = "faint"  # better than chance
UNSEEN: Verdict = "unseen"  # no better than chance, where the probe could have been
ABSTRACT: Verdict = "abstract"  # of a form that no picture shows
SAME: Verdict = "same"  # for all tokens: it tells none apart
TOO_FEW: Verdict = "too few"  # tokens to tell
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

Reach = Literal["searchable", "hard", "beyond text search", "too small to tell"]

FOLLOWING = 0.5  # of a type's mentions

_LEGEND = (
    "Visible: a probe reads it from held-out pictures with an AUC of .9; faint: better than chance "
    "(of 100 values called visible or faint at most 5 are neither, in expectation); unseen: no "
    "better than chance where the probe reads comparable values; abstract: by its form; same: for "
    "all tokens. A probe that fails does not prove that no eye could see it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFinding:
    """One value of a trait, borne by `tokens`.

    `auc` and `p` are those of the better reader, None where nothing was probed; `others_auc` is
    that of the collection's other traits, of which the value `follows` when they tell it as well
    as the picture does, within its error. Of an unseen value, `bearers` and `others` are ids of
    some tokens with and without it.
    """

    collection: str
    trait_type: str
    value: str
    tokens: int
    verdict: Verdict
    auc: float | None = None
    p: float | None = None
    others_auc: float | None = None
    follows: bool = False
    bearers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """How often a type's value is guessed right from the held-out picture.

    Among its probed values, on the tokens that have just one of them. `balanced` is the mean over
    the values, whose `chance` is one by their number; `majority` is the accuracy of always guessing
    the most common value.
    """

    accuracy: float
    majority: float
    balanced: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFinding:
    """One trait type; `reason` says why it is abstract.

    `visible`, `unseen` and `follows` (see `ValueFinding`) are shares of its `mentions`; of its
    `values` so many were `judged`.
    """

    collection: str
    trait_type: str
    verdict: Verdict
    reason: str
    values: int
    judged: int
    mentions: int
    visible: float
    unseen: float
    follows: float
    guess: Guess | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionFinding:
    """What a search by words can reach in one collection.

    `bits` are what it takes to single out one of the `tokens`, log2 of their number; `bits_left`
    what is missing, on average, when one knows the caption, and when one knows only those of its
    traits that may show in the picture. The ceilings of top-k are in the same two ways. `mentions`
    are the shares of what the captions say, by verdict. `hidden` names the trait types that do not
    show, of `types`; `alike` is the size of the largest group of tokens whose captions say the
    same of the picture.
    """

    collection: str
    tokens: int
    pictures: int  # distinct ones
    probed: int
    captions: int  # distinct ones
    bits: float
    bits_left_by_caption: float
    bits_left_by_showing: float
    ceiling_by_caption: dict[int, float]
    ceiling_by_showing: dict[int, float]
    mentions: dict[str, float]
    types: int
    hidden: tuple[str, ...]
    alike: int
    reach: Reach
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiability:
    """What captions can tell apart and pictures can show, collection by collection.

    `features` is what the probe looked at: "pictures", or the name of a model. Collections of
    `skipped` were too small to probe; their captions are counted all the same.
    """

    features: str
    split: str | None
    max_tokens: int
    seed: int
    collections: tuple[CollectionFinding, ...]
    types: tuple[TypeFinding, ...]
    values: tuple[ValueFinding, ...]
    alike: tuple[Alike, ...]
    skipped: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON has it; the ks of ceilings become text."""
        value = asdict(self)
        value["alike"] = [alike_to_json(one) for one in self.alike]
        for one in value["collections"]:
            for name in ("ceiling_by_caption", "ceiling_by_showing"):
                one[name] = {str(k): share for k, share in one[name].items()}
        return value

    def tables(self) -> tuple[Table, ...]:
        """Return what there is to say, the summary first; CSV has the same rows."""
        return (
            _summary(self.collections),
            _reach(self.collections),
            _mentions(self.collections),
            _hidden_types(self.types),
            _following_types(self.types),
            _unseen_values(self.values),
            alike_table(self.alike),
            groups_table(self.alike),
        )


def _summary(found: Sequence[CollectionFinding]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for reach in get_args(Reach):
        rows += _means(reach, [one for one in found if one.reach == reach])
    return Table(
        title="How far a search by words can reach",
        columns=(
            Column("verdict"),
            Column("collections", "count"),
            *percents(
                ["ceiling top-1", "of what shows: top-1", "top-10", "unseen words", "abstract"]
            ),
        ),
        rows=(*rows, *_means("all", found)),
        note="Means over collections. Words: shares of the traits that captions mention.",
    )


def _means(name: str, found: Sequence[CollectionFinding]) -> list[tuple[Cell, ...]]:
    if not found:
        return []
    columns = [
        (
            one.ceiling_by_caption[1],
            one.ceiling_by_showing[1],
            one.ceiling_by_showing[10],
            one.mentions[UNSEEN],
            one.mentions[ABSTRACT],
        )
        for one in found
    ]
    return [(name, len(found), *np.mean(columns, axis=0).tolist())]


def _reach(found: Sequence[CollectionFinding]) -> Table:
    return Table(
        title="What captions can tell apart, and what of it shows",
        columns=(
            Column("collection"),
            Column("tokens", "count"),
            Column("captions", "count"),
            *percents(["ceiling top-1", "of what shows: top-1", "top-10"]),
            Column("bits left", "number", 2),
            Column("verdict"),
        ),
        rows=tuple(
            (
                one.collection,
                one.tokens,
                one.captions,
                one.ceiling_by_caption[1],
                one.ceiling_by_showing[1],
                one.ceiling_by_showing[10],
                one.bits_left_by_showing,
                f"{one.reach}: {one.why}" if one.why else one.reach,
            )
            for one in found
        ),
        note="Bits left: of log2 of the tokens, when one knows all traits that may show.",
    )


def _mentions(found: Sequence[CollectionFinding]) -> Table:
    return Table(
        title="What the captions speak of",
        columns=(
            Column("collection"),
            *percents(list(VERDICTS)),
        ),
        rows=tuple(
            (one.collection, *(one.mentions[verdict] for verdict in VERDICTS)) for one in found
        ),
        note=_LEGEND,
    )


def _hidden_types(found: Sequence[TypeFinding]) -> Table:
    worst = [one for one in found if one.verdict in (UNSEEN, ABSTRACT, FAINT)]
    return Table(
        title="Trait types that do not show, or hardly",
        columns=(
            Column("collection"),
            Column("trait type"),
            Column("verdict"),
            Column("values", "count"),
            Column("mentions", "count"),
            *percents(["visible", "guessed right", "by chance"]),
        ),
        rows=tuple(
            (
                one.collection,
                one.trait_type,
                f"{one.verdict}: {one.reason}" if one.reason else one.verdict,
                one.values,
                one.mentions,
                one.visible,
                None if one.guess is None else one.guess.balanced,
                None if one.guess is None else one.guess.chance,
            )
            for one in sorted(worst, key=lambda one: (one.verdict == FAINT, -one.mentions))
        ),
        note="Guessed right: from the picture, the mean over the type's values.",
    )


def _following_types(found: Sequence[TypeFinding]) -> Table:
    follow = [one for one in found if one.follows >= FOLLOWING]
    return Table(
        title="Trait types that may be read through others",
        columns=(
            Column("collection"),
            Column("trait type"),
            Column("verdict"),
            Column("values", "count"),
            Column("mentions", "count"),
            *percents(["visible", "follow"]),
        ),
        rows=tuple(
            (
                one.collection,
                one.trait_type,
                one.verdict,
                one.values,
                one.mentions,
                one.visible,
                one.follows,
            )
            for one in sorted(follow, key=lambda one: -one.follows)
        ),
        note="The collection's other traits tell these values as well as the picture does, so a "
        "probe that reads them need not have seen them.",
    )


def _unseen_values(found: Sequence[ValueFinding]) -> Table:
    unseen = sorted((one for one in found if one.verdict == UNSEEN), key=lambda one: -one.tokens)
    return Table(
        title="Values that the probe cannot see",
        columns=(
            Column("collection"),
            Column("trait type"),
            Column("value"),
            Column("tokens", "count"),
            Column("AUC", "number", 2),
            Column("such tokens"),
        ),
        rows=tuple(
            (
                one.collection,
                one.trait_type,
                one.value,
                one.tokens,
                one.auc,
                ", ".join(one.bearers),
            )
            for one in unseen
        ),
    )

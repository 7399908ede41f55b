"""What came of the questions with swapped traits, for tables, pages and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from traitlens.diagnosis.overlap import MACRO
from traitlens.diagnosis.questions import MIN_QUESTIONS, skipped_note
from traitlens.tables import Column, Table, percents

WORST = 15  # trait types that are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapRow:
    """How often a model told a token's trait from a swapped one; chance is 1/2.

    `MACRO` is the mean over collections, `trait_type` None stands for all types together. Shares
    in [0, 1]: `accuracy` with the token's picture, `mean_picture` with the collection's mean
    picture in its place, `blind` of a reader of the other traits alone (None without a train split
    to learn from), `above_blind` = accuracy - blind, over the collections that have both.
    """

    model: str
    collection: str
    trait_type: str | None = None
    questions: int
    accuracy: float
    mean_picture: float
    blind: float | None
    above_blind: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """How often a model read both of two tokens that differ in one trait; chance 1/4, 1/4, 1/6."""

    model: str
    collection: str
    pairs: int
    text: float
    image: float
    group: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapExample:
    """A token, and what was said of it instead of its trait; `right` is 1, 0, or 1/2 for a tie."""

    collection: str
    token_id: str
    trait_type: str
    value: str
    instead: str
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Swaps:
    """How models answer questions about one swapped trait, beside readers that see no picture.

    Of `skipped` collections too few traits could be swapped, of `skipped_groups` too few tokens
    differ in one trait. `examples` are questions about the trait types that the first model reads
    worst, those it got wrong before the others.
    """

    per_collection: int
    seed: int
    rows: tuple[SwapRow, ...]  # of all types together
    types: tuple[SwapRow, ...]  # by collection and type
    groups: tuple[GroupRow, ...]
    examples: tuple[SwapExample, ...]
    skipped: dict[str, str]
    skipped_groups: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def tables(self) -> tuple[Table, ...]:
        """Return the means of both tests, every collection of both, and the worst trait types."""
        return (
            self._means(),
            self._group_means(),
            self._collections(),
            self._group_collections(),
            self._worst_types(),
        )

    def _means(self) -> Table:
        return Table(
            title="One trait swapped: which of two texts fits, "
            f"mean over {_collections(self.rows)} collections",
            columns=(Column("model"), Column("questions", "count"), *_SHARES),
            rows=tuple(_swap_cells(row) for row in self.rows if row.collection == MACRO),
            note="Chance is 50. Mean picture: the model sees the mean of the collection's pictures "
            "instead of the token's. Blind: a reader that knows from the train split which traits "
            "are common and go together, and sees no picture; what a model has above it, in "
            "points, it saw. Without a train split there is no blind reader.",
        )

    def _collections(self) -> Table:
        return Table(
            title="One trait swapped, every collection",
            columns=(
                *map(Column, ("collection", "model")),
                Column("questions", "count"),
                *_SHARES,
            ),
            rows=tuple(
                (row.collection, *_swap_cells(row)) for row in self.rows if row.collection != MACRO
            ),
            note=skipped_note(self.skipped),
        )

    def _worst_types(self) -> Table:
        return Table(
            title="Trait types that are read worst",
            columns=(
                *map(Column, ("collection", "trait type", "model")),
                Column("questions", "count"),
                *_SHARES,
            ),
            rows=tuple((r.collection, r.trait_type, *_swap_cells(r)) for r in worst(self.types)),
            note=f"Of types with {MIN_QUESTIONS} questions or more. Chance is 50; the worst of "
            "many are so partly by bad luck.",
        )

    def _group_means(self) -> Table:
        rows = [(r.model, r.pairs, *_group_cells(r)) for r in self.groups if r.collection == MACRO]
        return Table(
            title="Two tokens that differ in one trait, "
            f"mean over {_collections(self.groups)} collections",
            columns=(Column("model"), Column("pairs", "count"), *_GROUPS),
            rows=tuple(rows),
            note="Text: both pictures choose their own caption; image: both captions choose their "
            "own picture; group: all of it. Chance is 25, 25 and 16.7. Ties are broken at random.",
        )

    def _group_collections(self) -> Table:
        rows = [
            (r.collection, r.model, r.pairs, *_group_cells(r))
            for r in self.groups
            if r.collection != MACRO
        ]
        return Table(
            title="Two tokens that differ in one trait, every collection",
            columns=(*map(Column, ("collection", "model")), Column("pairs", "count"), *_GROUPS),
            rows=tuple(rows),
            note=skipped_note(self.skipped_groups),
        )


def worst(types: Sequence[SwapRow]) -> list[SwapRow]:
    """Return the rows of the trait types that the first model reads worst, the worst first."""
    asked = [row for row in types if row.model == types[0].model]
    enough = [row for row in asked if row.questions >= MIN_QUESTIONS]
    return sorted(enough, key=lambda row: row.accuracy)[:WORST]


_SHARES = percents(("right", "mean picture", "blind", "above blind"))
_GROUPS = percents(("text", "image", "group"))


def _swap_cells(row: SwapRow) -> tuple[str | float | None, ...]:
    shares = row.accuracy, row.mean_picture, row.blind, row.above_blind
    return row.model, row.questions, *shares


def _group_cells(row: GroupRow) -> tuple[float, float, float]:
    return row.text, row.image, row.group


def _collections(rows: Sequence[SwapRow] | Sequence[GroupRow]) -> int:
    return len({row.collection for row in rows} - {MACRO})

"""What came of short queries, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from traitlens.diagnosis.overlap import MACRO
from traitlens.diagnosis.questions import skipped_note
from traitlens.tables import Cell, Column, Table, percents

PerK = dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortQueriesRow:
    """How a model, chance or structured search finds what has `traits` traits.

    `MACRO` is the mean over collections; its `n` and `queries` are sums. Scores are means over the
    queries, in [0, 1]. `precision_chance` and `precision_ceiling` are the precisions at k of a
    random order and of the best one, and `hit` is the chance of any right token among the first k.
    """

    model: str
    collection: str
    traits: int
    n: int
    queries: int
    precision: PerK
    precision_chance: PerK
    precision_ceiling: PerK
    hit: PerK
    r_precision: float
    map_at_r: float

    def lift(self, k: int) -> float | None:
        """Return how far the precision is from chance (0) to its ceiling (1); None: both are one"""
        chance = self.precision_chance[k]
        room = self.precision_ceiling[k] - chance
        return (self.precision[k] - chance) / room if room > 0 else None

    def to_json(self) -> dict[str, Any]:
        by_k = ("precision", "precision_chance", "precision_ceiling", "hit")
        said = {name: {str(k): v for k, v in getattr(self, name).items()} for name in by_k}
        return {**asdict(self), **said, "lift": {str(k): self.lift(k) for k in self.precision}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownQuery:
    """A query, and the tokens that the first model finds for it, best first.

    `right` of the collection's `n` tokens are right, and `hits_right` says which hits are.
    """

    query: str
    collection: str
    traits: int
    n: int
    right: int
    average_precision_at_r: float
    hits: tuple[str, ...]  # token ids
    hits_right: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortQueries:
    """The rows of every collection and number of traits, and the means over collections.

    `best` and `worst` are queries of the first model. `too_common` counts for each collection the
    drawn sets of traits that fit too many of its tokens, and `unread` names the models that are
    known by their vectors alone and read no new texts.
    """

    sizes: tuple[int, ...]
    per_size: int
    ks: tuple[int, ...]
    seed: int
    rows: tuple[ShortQueriesRow, ...]
    best: tuple[ShownQuery, ...]
    worst: tuple[ShownQuery, ...]
    too_common: dict[str, int]
    unread: tuple[str, ...]
    skipped: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "rows": [row.to_json() for row in self.rows]}

    def tables(self) -> tuple[Table, ...]:
        """Return the means over collections, every collection, and the queries at both ends."""
        means = [row for row in self.rows if row.collection == MACRO]
        parts = [row for row in self.rows if row.collection != MACRO]
        return (
            self._precisions(means),
            self._hits(means),
            self._collections(parts),
            _shown("Short queries that the model answers best", self.best),
            _shown("Short queries that the model answers worst", self.worst),
        )

    def _precisions(self, rows: Sequence[ShortQueriesRow]) -> Table:
        k = max(self.ks)
        return Table(
            title="Short queries, mean over collections",
            columns=(
                Column("traits", "count"),
                Column("model"),
                *percents([f"P@{k}" for k in self.ks]),
                *percents([f"lift of P@{k}", "R-precision", "mAP@R"]),
            ),
            rows=tuple(
                (r.traits, r.model, *r.precision.values(), r.lift(k), r.r_precision, r.map_at_r)
                for r in rows
            ),
            note="Every token with all the traits is right. Structured search filters the metadata "
            "and is the upper bound: where fewer than k are right, P@k stays below 100. Lift is 0 "
            f"at chance and 100 there.{self._left_out()}",
        )

    def _left_out(self) -> str:
        """Return what was not asked, and who was not asked, as sentences."""
        said = ""
        if too_common := sum(self.too_common.values()):
            said += f" {too_common:,} sets that fit too many tokens of a collection were left out."
        if self.unread:
            said += f" Known by their vectors alone, and not asked: {', '.join(self.unread)}."
        return said

    def _hits(self, rows: Sequence[ShortQueriesRow]) -> Table:
        return Table(
            title="Short queries: any right token among the first k, mean over collections",
            columns=(
                *(Column("traits", "count"), Column("model")),
                *percents([f"hit@{k}" for k in self.ks]),
                Column("queries", "count"),
            ),
            rows=tuple((r.traits, r.model, *r.hit.values(), r.queries) for r in rows),
        )

    def _collections(self, rows: Sequence[ShortQueriesRow]) -> Table:
        k = max(self.ks)
        return Table(
            title="Short queries, by collection",
            columns=(
                *(Column("collection"), Column("model")),
                *(Column("traits", "count"), Column("queries", "count")),
                *percents([f"P@{k}", f"lift of P@{k}", "R-precision", "mAP@R"]),
            ),
            rows=tuple(
                (
                    *(r.collection, r.model, r.traits, r.queries),
                    *(r.precision[k], r.lift(k), r.r_precision, r.map_at_r),
                )
                for r in rows
            ),
            note=skipped_note(self.skipped),
        )


def _shown(title: str, queries: Sequence[ShownQuery]) -> Table:
    """Return the queries with their first hits; those with all the traits are marked."""

    def cells(query: ShownQuery) -> tuple[Cell, ...]:
        hits = zip(query.hits, query.hits_right, strict=True)
        said = ", ".join(f"{token}*" if right else token for token, right in hits)
        return (
            *(query.query, query.collection, query.right, query.n),
            *(query.average_precision_at_r, said),
        )

    return Table(
        title=title,
        columns=(
            *(Column("query"), Column("collection")),
            *(Column("right", "count"), Column("N", "count")),
            *(Column("AP@R", "percent"), Column("first hits")),
        ),
        rows=tuple(map(cells, queries)),
        note="* has all the traits.",
    )

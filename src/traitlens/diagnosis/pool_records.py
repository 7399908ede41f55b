"""What came of searches in hard and in random pools, for tables, pages and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from traitlens import metrics
from traitlens.diagnosis.overlap import MACRO
from traitlens.diagnosis.questions import skipped_note
from traitlens.tables import Column, Table, percents

PerK = dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRow:
    """How often a model found the meant token first, among the first 5, ...: shares, by k.

    "macro" is the mean over collections; `n` and `queries` are then sums.
    """

    model: str
    collection: str
    n: int
    queries: int
    random: PerK
    hard: PerK
    chance: PerK

    def drop(self, k: int) -> float:
        """Return how many fewer are found in hard pools than in random ones."""
        return self.random[k] - self.hard[k]

    def lift(self, found: PerK, k: int) -> float | None:
        """Return how far `found` is from chance (0) to perfect (1); None where none is left."""
        return metrics.lift(found[k], self.chance[k]) if self.chance[k] < 1 else None

    def shares(self, k: int) -> tuple[float, float, float, float]:
        """Return what is found in random pools, in hard ones, the drop, and chance."""
        return self.random[k], self.hard[k], self.drop(k), self.chance[k]

    def to_json(self) -> dict[str, Any]:
        shares: dict[str, Mapping[int, float | None]] = {
            "random": self.random,
            "hard": self.hard,
            "drop": {k: self.drop(k) for k in self.random},
            "chance": self.chance,
            "lift_random": {k: self.lift(self.random, k) for k in self.random},
            "lift_hard": {k: self.lift(self.hard, k) for k in self.hard},
        }
        return asdict(self) | {
            name: {str(k): share for k, share in by_k.items()} for name, by_k in shares.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolExample:
    """A query, the tokens nearest to the meant one, and which of its hard pool a model chose."""

    collection: str
    token_id: str
    caption: str
    nearest: tuple[str, ...]  # token ids of the pool's first, the nearest first
    chosen: str  # token id; of tokens that tie, not the meant one


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """How models search among look-alikes.

    `hard` says what the hard pools are near by. `left_out` counts the tokens of a query's own
    caption that are in neither of its pools, over all queries. `too_few` tokens of the collections
    were no query, as fewer than `size` tokens have another caption than they.
    """

    hard: str
    size: int
    max_queries: int
    ks: tuple[int, ...]
    seed: int
    left_out: int
    too_few: int
    rows: tuple[PoolRow, ...]  # collections by model, then the means
    examples: tuple[PoolExample, ...]  # drawn, not chosen; answered by the first model
    skipped: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "rows": [row.to_json() for row in self.rows]}

    def tables(self) -> tuple[Table, ...]:
        """Return the means over collections, then every collection at the first k."""
        return self._means(), self._collections()

    def _means(self) -> Table:
        means = [row for row in self.rows if row.collection == MACRO]
        collections = len({row.collection for row in self.rows} - {MACRO})
        return Table(
            title=f"Pools of {self.size} tokens, at random and nearest by {self.hard}, "
            f"mean over {collections} collections",
            columns=(
                *map(Column, ("model", "top")),
                *percents(("random pool", "hard pool", "drop", "chance")),
                *(Column(name, "number", 2) for name in ("lift, random", "lift, hard")),
            ),
            rows=tuple(
                (row.model, str(k), *row.shares(k), row.lift(row.random, k), row.lift(row.hard, k))
                for row in means
                for k in self.ks
            ),
            note="A caption asks for its token. The drop is in points; a lift is 0 at chance and 1 "
            f"where all is found. {self.left_out:,} tokens of a query's own caption are in neither "
            f"of its pools, and {self.too_few:,} tokens were not asked for, since too few others "
            "have another caption.",
        )

    def _collections(self) -> Table:
        k = self.ks[0]
        return Table(
            title=f"Top-{k} in pools of {self.size} tokens, every collection",
            columns=(
                Column("collection"),
                *(Column(name, "count") for name in ("tokens", "queries")),
                Column("model"),
                *percents(("random pool", "hard pool", "drop", "chance")),
            ),
            rows=tuple(
                (row.collection, row.n, row.queries, row.model, *row.shares(k))
                for row in self.rows
                if row.collection != MACRO
            ),
            note=skipped_note(self.skipped),
        )

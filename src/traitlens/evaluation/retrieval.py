"""Retrieval in both directions, within each collection and over all of them.

Instance recall is the primary score: only the meant token counts. Caption-class recall beside it
counts any token with the same caption. Every row carries N, chance and ceiling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from traitlens import metrics
from traitlens.embedding import Embedded
from traitlens.evaluation.searching import (
    DIRECTIONS,
    Direction,
    Searched,
    search_all,
    search_collections,
)
from traitlens.metrics import Blocks, Counts
from traitlens.metrics.ranking import CPU
from traitlens.progress import Progress, silent

Scope = Literal["collection", "macro", "micro", "all"]

KS = (1, 5, 10)

PerK = dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRow:
    """How well one gallery, or a mean over galleries, was searched.

    Scopes: one `collection`; `macro` = mean over collections, `micro` = weighted by their queries,
    each query searching its own collection; `all` = one gallery of all tokens. Recalls, chances
    and ceilings are in [0, 1], by k. `chance` is that of a random order; `ceiling` the best that
    can be where captions repeat, which is what a structured search of the metadata reaches.
    `interval` holds the recalls with the confidence of a bootstrap over collections or families.
    """

    model: str
    direction: Direction
    scope: Scope
    gallery: str
    collections: int
    n: int  # tokens in the gallery; in all galleries for a mean
    queries: int
    recall: PerK
    chance: PerK
    ceiling: PerK
    class_recall: PerK
    class_chance: PerK
    mrr: float
    median_rank: float
    mean_rank: float
    right_collection: float | None = None  # the first hit's, in one gallery of all
    interval: dict[int, tuple[float, float]] | None = None  # of the recalls, for means

    def of_ceiling(self, k: int) -> float:
        """Return the recall as a share of its ceiling."""
        return self.recall[k] / self.ceiling[k]

    def lift(self, k: int) -> float | None:
        """Return how far the recall is from chance (0) to perfect (1); None where none is left."""
        return metrics.lift(self.recall[k], self.chance[k]) if self.chance[k] < 1 else None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "lift": {k: self.lift(k) for k in self.recall}}


def score_retrieval(
    embedded: Embedded,
    *,
    blocks: Blocks = CPU,
    work: Path | None = None,
    progress: Progress = silent,
) -> tuple[RetrievalRow, ...]:
    """Return the rows of each direction: every collection, macro, micro and all.

    Tokens of equal captions are one class, equal vectors tie (see `metrics`). With a folder `work`
    a stopped ranking of all goes on where it was.
    """
    within = search_collections(embedded, blocks=blocks, progress=progress)
    everything = search_all(embedded, blocks=blocks, work=work, progress=progress)
    rows: list[RetrievalRow] = []
    for direction in DIRECTIONS:
        mine = {name: found[direction] for name, found in within.items()}
        rows += rows_within(mine, model=embedded.model, direction=direction)
        rows.append(
            row_of_all(
                everything[direction],
                model=embedded.model,
                direction=direction,
                collections=len(within),
            )
        )
    return tuple(rows)


def rows_within(
    searched: dict[str, Searched], *, model: str, direction: Direction
) -> list[RetrievalRow]:
    """Return a row for each collection's gallery, then macro and micro."""
    rows = [
        _row(found, model=model, direction=direction, scope="collection", gallery=name)
        for name, found in searched.items()
    ]
    pooled = _pool(list(searched.values()))
    micro = _row(
        pooled,
        model=model,
        direction=direction,
        scope="micro",
        collections=len(rows),
        n=sum(row.n for row in rows),
    )
    return [*rows, _macro(rows), micro]


def row_of_all(
    found: Searched, *, model: str, collections: int, direction: Direction = "text_to_image"
) -> RetrievalRow:
    """Return the row of one gallery of all tokens."""
    return _row(found, model=model, direction=direction, scope="all", collections=collections)


def _pool(parts: Sequence[Searched]) -> Searched:
    def joined(of: Callable[[Searched], Counts]) -> Counts:
        counts = [of(part) for part in parts]
        return Counts(
            np.concatenate([c.above for c in counts]), np.concatenate([c.level for c in counts])
        )

    return Searched(
        instance=joined(lambda part: part.instance),
        same_class=joined(lambda part: part.same_class),
        gallery_size=np.concatenate([part.gallery_size for part in parts]),
        same_caption=np.concatenate([part.same_caption for part in parts]),
    )


def _row(
    found: Searched,
    *,
    model: str,
    direction: Direction,
    scope: Scope,
    gallery: str | None = None,
    collections: int = 1,
    n: int | None = None,
) -> RetrievalRow:
    return RetrievalRow(
        model=model,
        direction=direction,
        scope=scope,
        gallery=gallery or scope,
        collections=collections,
        n=found.n if n is None else n,
        queries=len(found.instance),
        recall={k: float(metrics.hits(found.instance, k).mean()) for k in KS},
        chance={k: float(np.minimum(1.0, k / found.gallery_size).mean()) for k in KS},
        ceiling={k: metrics.ceiling(found.same_caption, k) for k in KS},
        class_recall={k: float(metrics.hits(found.same_class, k).mean()) for k in KS},
        class_chance={k: _class_chance(found, k) for k in KS},
        mrr=float(metrics.reciprocal_ranks(found.instance).mean()),
        median_rank=float(np.median(found.instance.ranks)),
        mean_rank=float(found.instance.ranks.mean()),
        right_collection=(
            float(metrics.hits(found.same_collection, 1).mean()) if found.same_collection else None
        ),
    )


def _class_chance(found: Searched, k: int) -> float:
    """Return the mean chance that a random order puts any token of the caption in the first k."""
    pairs = np.stack([found.gallery_size, found.same_caption])
    distinct, times = np.unique(pairs, axis=1, return_counts=True)
    chances = [metrics.chance(k, int(n), right=int(right)) for n, right in distinct.T]
    return float(np.average(chances, weights=times))


def _macro(rows: Sequence[RetrievalRow]) -> RetrievalRow:
    def mean(of: Callable[[RetrievalRow], PerK]) -> PerK:
        return {k: float(np.mean([of(row)[k] for row in rows])) for k in KS}

    return RetrievalRow(
        model=rows[0].model,
        direction=rows[0].direction,
        scope="macro",
        gallery="macro",
        collections=len(rows),
        n=sum(row.n for row in rows),
        queries=sum(row.queries for row in rows),
        recall=mean(lambda row: row.recall),
        chance=mean(lambda row: row.chance),
        ceiling=mean(lambda row: row.ceiling),
        class_recall=mean(lambda row: row.class_recall),
        class_chance=mean(lambda row: row.class_chance),
        mrr=float(np.mean([row.mrr for row in rows])),
        median_rank=float(np.mean([row.median_rank for row in rows])),
        mean_rank=float(np.mean([row.mean_rank for row in rows])),
    )

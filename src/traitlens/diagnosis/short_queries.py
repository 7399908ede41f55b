"""What a searcher types: one, two or three traits, which many tokens may have.

A query is a set of traits that some token has together, in the words of a caption without the
collection's name. Every token of its collection that has them all is right. Sets are drawn by
drawing a token, then some of its traits; so common traits are asked for more often, but no set
twice. What fits more than half of the collection says nothing, and is left out.

Filtering the metadata would answer each query without a mistake: `structured search` is that upper
bound, which no search by pixels can pass.
"""

# Axes: N tokens of a collection, Q queries, K cuts, M measures

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens import metrics
from traitlens.captions import CaptionConfig
from traitlens.config import check_range
from traitlens.diagnosis.overlap import CHANCE, MACRO, Array, Bools, Rows, blocks
from traitlens.diagnosis.questions import one_gallery
from traitlens.diagnosis.short_query_records import (
    PerK,
    ShortQueries,
    ShortQueriesRow,
    ShownQuery,
)
from traitlens.diagnosis.trait_sets import TraitSet, TraitSetDraw
from traitlens.embedding import Embedded
from traitlens.errors import ConfigError
from traitlens.models.encoder import Vectors
from traitlens.progress import Progress, silent
from traitlens.records import Token
from traitlens.store import Dataset

STRUCTURED = "structured search"  # in the place of a model's name

_SHOWN, _SHOWN_A_COLLECTION, _SHOWN_HITS = 12, 3, 5


def short_queries(
    found: Sequence[Embedded],
    *,
    sizes: Sequence[int] = (1, 2, 3),
    per_size: int = 200,
    ks: Sequence[int] = (1, 5, 10),
    seed: int = 0,
    progress: Progress = silent,
) -> ShortQueries:
    """Return how well tokens are found by a few of their traits.

    Of each collection at most `per_size` sets of so many traits as `sizes` says are asked, the
    same of all models. `found[0]` must read new texts (ModelError); others that cannot are left
    out and named. Raises ConfigError for sizes, numbers and cuts below 1.
    """
    _check(sizes=sizes, per_size=per_size, ks=ks)
    gallery = one_gallery(found)
    readers = [found[0], *(e for e in found[1:] if e.encoder is not None)]
    config = _caption_config(gallery.data)
    parts: dict[str, _Part] = {}
    for done, name in enumerate(gallery.collections, start=1):
        draw = TraitSetDraw(gallery.tokens(name), config=config, key=f"{seed}:{name}")
        sets = [one for size in sizes for one in draw.draw(size, most=per_size)]
        parts[name] = _Part.of(readers, name, draw, sets, ks=ks)
        progress("short queries", done, len(gallery.collections), name)
    rows = [row for part in parts.values() for row in part.rows]
    best = [query for part in parts.values() for query in part.best]
    worst = [query for part in parts.values() for query in part.worst]
    return ShortQueries(
        sizes=tuple(sizes),
        per_size=per_size,
        ks=tuple(ks),
        seed=seed,
        rows=(*rows, *_means(rows, models=len(readers) + 2)),
        best=tuple(sorted(best, key=_by_success)[:_SHOWN]),
        worst=tuple(sorted(worst, key=_by_failure)[:_SHOWN]),
        too_common={name: part.too_common for name, part in parts.items() if part.too_common},
        unread=tuple(embedded.model for embedded in found[1:] if embedded.encoder is None),
        skipped=_skipped(parts, sizes),
    )


def _check(*, sizes: Sequence[int], per_size: int, ks: Sequence[int]) -> None:
    for option, values in (("sizes", sizes), ("ks", ks)):
        if not values:
            raise ConfigError(f"{option} must name at least one number; got none")
        check_range(option, min(values), low=1)
    check_range("per_size", per_size, low=1)


def _caption_config(data: Dataset) -> CaptionConfig:
    """Return the style of the data set's captions; the plain one where it does not say."""
    said = data.manifest.config.get("captions", {})
    return CaptionConfig(**{name: said[name] for name in ("style", "order") if name in said})


def _skipped(parts: Mapping[str, _Part], sizes: Sequence[int]) -> dict[str, str]:
    """Return the collections that are not asked for every size, and which are missing."""
    skipped = {}
    for name, part in parts.items():
        if missing := sorted(set(sizes) - {row.traits for row in part.rows}):
            skipped[name] = f"no set of {' or '.join(map(str, missing))} traits to ask for"
    return skipped


@dataclass(frozen=True, slots=True)
class _Part:
    """What came of the queries about one collection; nothing where there are none."""

    too_common: int
    rows: Sequence[ShortQueriesRow] = ()
    best: Sequence[ShownQuery] = ()
    worst: Sequence[ShownQuery] = ()

    @classmethod
    def of(
        cls,
        found: Sequence[Embedded],
        name: str,
        draw: TraitSetDraw,
        sets: Sequence[TraitSet],
        *,
        ks: Sequence[int],
    ) -> _Part:
        if not sets:
            return cls(draw.too_common)
        asked = _Asked(name, draw.tokens, sorted(sets, key=lambda one: len(one.right)))
        answers = [_Answers.of(embedded, asked, ks=ks) for embedded in found]
        best, worst = answers[0].ends(asked)
        return cls(draw.too_common, list(_rows(asked, answers, ks=ks)), best, worst)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The queries about a collection, those with few right tokens first."""

    collection: str
    tokens: Sequence[Token]
    sets: Sequence[TraitSet]

    @property
    def rights(self) -> NDArray[np.int64]:
        """How many tokens are right for each query: (Q,)."""
        return np.array([len(one.right) for one in self.sets])

    def right(self, queries: Rows) -> Bools:
        """Return which tokens are right for some of the queries: (Q, N)."""
        right_QN = np.zeros((len(queries), len(self.tokens)), np.bool_)
        for right_N, query in zip(right_QN, queries, strict=True):
            right_N[self.sets[query].right] = True
        return right_QN


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a model finds: `measured_MQ` has precision and hit at each k, R-precision and AP@R."""

    model: str
    items: metrics.Items
    texts_QD: Vectors
    measured_MQ: Array

    @classmethod
    def of(cls, embedded: Embedded, asked: _Asked, *, ks: Sequence[int]) -> _Answers:
        items = metrics.Items.of(embedded.of(asked.collection)[0])
        texts_QD = embedded.encode_texts([one.words for one in asked.sets])
        parts = []
        for queries in blocks(np.arange(len(asked.sets)), len(asked.tokens)):
            depth = max(*ks, int(asked.rights[queries].max()))
            order = metrics.Order.of(items.scores(texts_QD[queries]), depth)
            parts.append(_measure(order, asked.right(queries), ks=ks))
        return cls(embedded.model, items, texts_QD, np.concatenate(parts, axis=1))

    def ends(self, asked: _Asked) -> tuple[list[ShownQuery], list[ShownQuery]]:
        """Return the queries that are answered best, and worst; of equals those with more right."""
        at_r_Q, rights_Q = self.measured_MQ[-1], asked.rights
        best = np.lexsort((-rights_Q, -at_r_Q))[:_SHOWN_A_COLLECTION]
        worst = np.lexsort((-rights_Q, at_r_Q))[:_SHOWN_A_COLLECTION]
        return [self._show(asked, q) for q in best], [self._show(asked, q) for q in worst]

    def _show(self, asked: _Asked, query: int) -> ShownQuery:
        one, n = asked.sets[query], len(asked.tokens)
        (scores_N,) = self.items.scores(self.texts_QD[[query]])
        hits = np.argsort(-scores_N, kind="stable")[:_SHOWN_HITS]
        return ShownQuery(
            query=one.words,
            collection=asked.collection,
            traits=one.traits,
            n=n,
            right=len(one.right),
            average_precision_at_r=float(self.measured_MQ[-1, query]),
            hits=tuple(asked.tokens[row].token_id for row in hits),
            hits_right=tuple(np.isin(hits, one.right).tolist()),
        )


def _measure(order: metrics.Order, right_QN: Bools, *, ks: Sequence[int]) -> Array:
    return np.stack(
        [
            *(metrics.precision_at_k(order, right_QN, k) for k in ks),
            *(metrics.hit_at_k(order, right_QN, k) for k in ks),
            metrics.r_precision(order, right_QN),
            metrics.average_precision_at_r(order, right_QN),
        ]
    )


def _at_chance(rights_Q: NDArray[np.int64], n: int, *, ks: Sequence[int]) -> Array:
    """Return what a random order measures on average: (M, Q)."""
    distinct, which_Q = np.unique(rights_Q, return_inverse=True)
    share = distinct / n
    precisions = [distinct * (min(k, n) / n) / k for k in ks]
    hits = [[metrics.chance(k, n, right=right) for right in distinct.tolist()] for k in ks]
    at_r = [metrics.chance_average_precision_at_r(n, right) for right in distinct.tolist()]
    measured = np.stack([*precisions, *hits, share, at_r])
    return measured[:, which_Q]


def _at_best(rights_Q: NDArray[np.int64], *, ks: Sequence[int]) -> Array:
    """Return what a search measures that puts all right tokens first: (M, Q)."""
    ones = np.ones(len(rights_Q))
    return np.stack([*(np.minimum(1.0, rights_Q / k) for k in ks), *[ones] * (len(ks) + 2)])


def _rows(
    asked: _Asked, answers: Sequence[_Answers], *, ks: Sequence[int]
) -> Iterator[ShortQueriesRow]:
    """Yield the rows of a collection: for each size the models, chance and structured search."""
    measured = [(answer.model, answer.measured_MQ) for answer in answers]
    measured.append((CHANCE, _at_chance(asked.rights, len(asked.tokens), ks=ks)))
    measured.append((STRUCTURED, _at_best(asked.rights, ks=ks)))
    sizes_Q = np.array([one.traits for one in asked.sets])
    for size in np.unique(sizes_Q).tolist():
        mine_Q = sizes_Q == size
        means = [(model, found[:, mine_Q].mean(axis=1).tolist()) for model, found in measured]
        (_, chance), (_, best) = means[-2:]
        for model, found in means:
            yield ShortQueriesRow(
                model=model,
                collection=asked.collection,
                traits=size,
                n=len(asked.tokens),
                queries=int(mine_Q.sum()),
                precision=_per_k(ks, found),
                precision_chance=_per_k(ks, chance),
                precision_ceiling=_per_k(ks, best),
                hit=_per_k(ks, found[len(ks) :]),
                r_precision=found[-2],
                map_at_r=found[-1],
            )


def _per_k(ks: Sequence[int], found: Sequence[float]) -> PerK:
    """Return the first of the found numbers, one for each k."""
    return dict(zip(ks, found[: len(ks)], strict=True))


def _means(rows: Sequence[ShortQueriesRow], *, models: int) -> Iterator[ShortQueriesRow]:
    """Yield the mean over collections for each size and model; rows of a size go by model."""
    for size in sorted({row.traits for row in rows}):
        mine = [row for row in rows if row.traits == size]
        yield from (_mean(mine[number::models]) for number in range(models))


def _mean(rows: Sequence[ShortQueriesRow]) -> ShortQueriesRow:
    def of(score: Callable[[ShortQueriesRow], float]) -> float:
        return float(np.mean([score(row) for row in rows]))

    def of_each(scores: Callable[[ShortQueriesRow], PerK]) -> PerK:
        return {k: float(np.mean([scores(row)[k] for row in rows])) for k in scores(rows[0])}

    return ShortQueriesRow(
        model=rows[0].model,
        collection=MACRO,
        traits=rows[0].traits,
        n=sum(row.n for row in rows),
        queries=sum(row.queries for row in rows),
        precision=of_each(lambda row: row.precision),
        precision_chance=of_each(lambda row: row.precision_chance),
        precision_ceiling=of_each(lambda row: row.precision_ceiling),
        hit=of_each(lambda row: row.hit),
        r_precision=of(lambda row: row.r_precision),
        map_at_r=of(lambda row: row.map_at_r),
    )


def _by_success(query: ShownQuery) -> tuple[float, int]:
    return -query.average_precision_at_r, -query.right


def _by_failure(query: ShownQuery) -> tuple[float, int]:
    return query.average_precision_at_r, -query.right

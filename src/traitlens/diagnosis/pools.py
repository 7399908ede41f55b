"""Search among look-alikes: pools of the nearest tokens against random pools of equal size.

Most tokens of a collection are easily told from the meant one, so a score over all of them hides
how a model does where it is hard. Here each query searches two pools of one size: the meant token
among others drawn at random, and among those nearest to it. The difference is the drop. (The
fine-grained pools of Chen et al., "Rethinking Benchmarks for Cross-modal Image-text Retrieval",
SIGIR 2023, where look-alikes had to be guessed; the nearness here is our own, see `nearness`.)

Tokens of the query's own caption are in neither pool, since no text tells them apart. Scores that
tie are broken at random, in expectation (see `metrics`).
"""

# Axes: N tokens of a collection, Q queries, 2 pools of each, P tokens of a pool, D dimensions

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from traitlens import metrics
from traitlens.config import check_range
from traitlens.diagnosis.nearness import Hard, Nearness, check_hard, name_of, nearness_of
from traitlens.diagnosis.overlap import MACRO, blocks
from traitlens.diagnosis.questions import Array, Rows, drawing, mean, one_gallery, skipped_note
from traitlens.embedding import Embedded, Gallery
from traitlens.embedding.gallery import Numbers
from traitlens.progress import Progress, silent
from traitlens.records import Token
from traitlens.tables import Column, Table, percents

SHOWN = 2  # queries of a collection, for people to look at
SHOWN_TOKENS = 8  # of the pool of each

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Drawn:
    """The queries of a collection, and of each its random and its hard pool: rows in it, from 0.

    The last token of a pool is the meant one; the others of a hard pool come nearest first.
    """

    n: int
    queries_Q: Rows
    pools_Q2P: Rows
    left_out: int
    too_few: int


def pools(
    found: Sequence[Embedded],
    *,
    hard: Hard = "traits",
    size: int = 50,
    max_queries: int = 500,
    ks: Sequence[int] = (1, 5, 10),
    seed: int = 0,
    progress: Progress = silent,
) -> Pools:
    """Return how each model finds tokens by caption in hard pools and in random ones of `size`.

    `hard` is "traits", "pictures" or an encoder that is not compared (see `nearness_of`). At most
    `max_queries` tokens of each collection ask; all models search the same pools. Collections of
    `size` tokens or fewer are skipped: both pools would be the whole of them. Raises ConfigError
    for options that are out of range.
    """
    check_hard(hard, found)
    check_range("size", size, low=2)
    check_range("max_queries", max_queries, low=1)
    for k in ks:
        check_range("ks", k, low=1, high=size)
    gallery = one_gallery(found)
    drawn: list[_Drawn] = []
    rows: list[PoolRow] = []
    examples: list[PoolExample] = []
    skipped: dict[str, str] = {}
    for done, name in enumerate(gallery.collections, start=1):
        rng = drawing(seed, "pools", name)
        tokens = gallery.tokens(name)
        each = _draw(gallery, name, tokens, hard=hard, size=size, most=max_queries, rng=rng)
        if isinstance(each, str):
            skipped[name] = each
        else:
            drawn.append(each)
            scores = [_score(embedded, name, each) for embedded in found]
            for embedded, scores_Q2P in zip(found, scores, strict=True):
                rows.append(_row(embedded.model, name, each.n, scores_Q2P, ks=ks))
            examples += _examples(name, tokens, each, scores[0], rng=rng)
        progress("hard pools", done, len(gallery.collections), name)
    return Pools(
        hard=name_of(hard),
        size=size,
        max_queries=max_queries,
        ks=tuple(ks),
        seed=seed,
        left_out=sum(each.left_out for each in drawn),
        too_few=sum(each.too_few for each in drawn),
        rows=(*rows, *_means(rows)),
        examples=tuple(examples),
        skipped=skipped,
    )


def _draw(
    gallery: Gallery,
    name: str,
    tokens: Sequence[Token],
    *,
    hard: Hard,
    size: int,
    most: int,
    rng: np.random.Generator,
) -> _Drawn | str:
    """Return the queries and pools of a collection, or why there are none."""
    caption_N = gallery.caption_of[gallery.rows(name)]
    n = len(caption_N)
    if n <= size:
        return f"{n} tokens are all in a pool of {size}"
    _, number_N, count = np.unique(caption_N, return_inverse=True, return_counts=True)
    twins_N = count[number_N]  # tokens of the caption, itself included
    usable = np.flatnonzero(n - twins_N >= size)
    if not len(usable):
        return f"captions repeat, and fewer than {size} tokens have another one than any query"
    queries_Q = np.sort(rng.choice(usable, min(most, len(usable)), replace=False))
    nearness = nearness_of(gallery, name, tokens, hard)
    return _Drawn(
        n=n,
        queries_Q=queries_Q,
        pools_Q2P=_fill(queries_Q, caption_N, nearness, size=size, rng=rng),
        left_out=int((twins_N[queries_Q] - 1).sum()),
        too_few=n - len(usable),
    )


def _fill(
    queries_Q: Rows,
    caption_N: Numbers,
    nearness: Nearness,
    *,
    size: int,
    rng: np.random.Generator,
) -> Rows:
    """Return the random and the hard pool of each query, of shape (Q, 2, P)."""
    pools_Q2P = np.empty((len(queries_Q), 2, size), np.intp)
    pools_Q2P[:, :, -1] = queries_Q[:, None]
    unfilled = iter(pools_Q2P)
    for rows in blocks(queries_Q, len(caption_N)):
        for row, near_N in zip(rows, nearness(rows), strict=True):
            pool_2P = next(unfilled)
            others = rng.permutation(np.flatnonzero(caption_N != caption_N[row]))
            pool_2P[0, :-1] = others[: size - 1]
            # The sort is stable, so what is equally near stays in random order.
            pool_2P[1, :-1] = others[np.argsort(-near_N[others], kind="stable")][: size - 1]
    return pools_Q2P


def _score(embedded: Embedded, name: str, drawn: _Drawn) -> Array:
    """Return the scores of the tokens of all pools, of shape (Q, 2, P)."""
    images_ND, texts_ND = embedded.of(name)
    items = metrics.Items.of(images_ND)
    unscored = iter(drawn.pools_Q2P)
    scores = [
        scores_N[next(unscored)]
        for rows in blocks(drawn.queries_Q, len(images_ND))
        for scores_N in items.scores(texts_ND[rows])
    ]
    return np.stack(scores)


def _row(model: str, name: str, n: int, scores_Q2P: Array, *, ks: Sequence[int]) -> PoolRow:
    right_QP = np.zeros((len(scores_Q2P), scores_Q2P.shape[2]), np.bool_)
    right_QP[:, -1] = True
    random, hard = (metrics.count(scores_Q2P[:, which], right_QP) for which in (0, 1))
    return PoolRow(
        model=model,
        collection=name,
        n=n,
        queries=len(scores_Q2P),
        random={k: float(metrics.hits(random, k).mean()) for k in ks},
        hard={k: float(metrics.hits(hard, k).mean()) for k in ks},
        chance={k: metrics.chance(k, scores_Q2P.shape[2]) for k in ks},
    )


def _means(rows: Sequence[PoolRow]) -> Iterator[PoolRow]:
    """Yield the mean over collections of each model."""
    for model in dict.fromkeys(row.model for row in rows):
        mine = [row for row in rows if row.model == model]
        yield PoolRow(
            model=model,
            collection=MACRO,
            n=sum(row.n for row in mine),
            queries=sum(row.queries for row in mine),
            random=_mean([row.random for row in mine]),
            hard=_mean([row.hard for row in mine]),
            chance=_mean([row.chance for row in mine]),
        )


def _mean(each: Sequence[PerK]) -> PerK:
    return {k: mean(by_k[k] for by_k in each) for k in each[0]}


def _examples(
    name: str,
    tokens: Sequence[Token],
    drawn: _Drawn,
    scores_Q2P: Array,
    *,
    rng: np.random.Generator,
) -> Iterator[PoolExample]:
    """Yield some of the queries, drawn at random, and what came of their hard pools."""
    shown = rng.choice(len(scores_Q2P), min(SHOWN, len(scores_Q2P)), replace=False)
    for query in shown:
        pool = [tokens[row] for row in drawn.pools_Q2P[query, 1]]
        yield PoolExample(
            collection=name,
            token_id=pool[-1].token_id,
            caption=pool[-1].caption,
            nearest=tuple(token.token_id for token in pool[:-1][:SHOWN_TOKENS]),
            chosen=pool[int(np.nanargmax(scores_Q2P[query, 1]))].token_id,
        )

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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from traitlens import metrics
from traitlens.config import check_range
from traitlens.diagnosis.nearness import Hard, Nearness, check_hard, name_of, nearness_of
from traitlens.diagnosis.overlap import MACRO, blocks
from traitlens.diagnosis.pool_records import PerK, PoolExample, PoolRow, Pools
from traitlens.diagnosis.questions import Array, Rows, drawing, mean, one_gallery
from traitlens.embedding import Embedded, Gallery
from traitlens.embedding.gallery import Numbers
from traitlens.errors import ConfigError
from traitlens.progress import Progress, silent
from traitlens.records import Token

SHOWN = 2  # queries of a collection, for people to look at
SHOWN_TOKENS = 8  # of the pool of each


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
    if not ks:
        raise ConfigError("ks must name one rank at least, such as 1; got none")
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
            chosen=pool[_best(scores_Q2P[query, 1])].token_id,
        )


def _best(scores_P: Array) -> int:
    """Return the first of the highest scores; NaN is lower than any."""
    return int(np.where(np.isnan(scores_P), -np.inf, scores_P).argmax())

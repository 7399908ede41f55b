"""How good is what stands around the meant token: graded by the traits that it shares.

Instance recall calls a token wrong that has all but one of the traits asked for, and one that has
none. Here the caption of a token asks, every token of its collection gains by the traits that it
shares, and nDCG looks at the first places. mAP@R beside it takes all tokens of the caption as
right, and the mistakes at the first place are looked at alone.

Traits count as words: two that say the same are one, those without words (`None`) are none, and
neither are numbers and dates, which nobody sees.
"""

# Axes: N tokens of a collection, Q queries

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens import metrics
from traitlens.captions.words import trait_words
from traitlens.config import check_range
from traitlens.diagnosis.questions import drawing, one_gallery, skipped_note
from traitlens.embedding import Embedded
from traitlens.progress import Progress, silent
from traitlens.records import Token, Trait
from traitlens.tables import Column, Table, percents

CHANCE = "chance"  # in the place of a model's name
MACRO = "macro"  # in that of a collection's: the mean over collections

_CELLS = 2**21  # scores at a time: 16 MB, and some copies

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]


def telling_phrase(trait: Trait) -> str:
    """Return the words for a trait that can be seen; "" for numbers, dates and what says none."""
    words = trait_words(trait)
    return "" if words.is_measure else words.phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """What can be said of the tokens of a collection, both ways round."""

    of_token: tuple[tuple[str, ...], ...]  # of each of the N, without repeats
    tokens_with: dict[str, Rows]  # in order

    @classmethod
    def of(cls, tokens: Sequence[Token]) -> Phrases:
        of_token = tuple(
            tuple(dict.fromkeys(said for t in token.traits if (said := telling_phrase(t))))
            for token in tokens
        )
        rows: dict[str, list[int]] = {}
        for row, phrases in enumerate(of_token):
            for phrase in phrases:
                rows.setdefault(phrase, []).append(row)
        tokens_with = {phrase: np.array(found) for phrase, found in rows.items()}
        return cls(of_token=of_token, tokens_with=tokens_with)

    def __len__(self) -> int:
        return len(self.of_token)

    def bits(self, phrase: str) -> float:
        """Return how much a phrase tells of its token, -log2 of the share that have it."""
        return math.log2(len(self) / len(self.tokens_with[phrase]))

    def overlaps(self, rows_Q: Rows) -> Array:
        """Return the weighted Jaccard overlap of some tokens with all: (Q, N), in [0, 1].

        What both have, in bits, over what either has; 1 for equal sets of phrases, also empty ones.
        """
        bits = {phrase: self.bits(phrase) for phrase in self.tokens_with}
        shared_QN = np.zeros((len(rows_Q), len(self)))
        for shared_N, row in zip(shared_QN, rows_Q, strict=True):
            for phrase in self.of_token[row]:
                shared_N[self.tokens_with[phrase]] += bits[phrase]
        own_N = np.array([sum(bits[phrase] for phrase in said) for said in self.of_token])
        either_QN = own_N[rows_Q, None] + own_N - shared_QN
        overlap_QN = np.zeros_like(shared_QN)
        np.divide(shared_QN, either_QN, out=overlap_QN, where=either_QN > 0)
        set_N = self._set_numbers()
        overlap_QN[set_N[rows_Q, None] == set_N] = 1.0  # no rounding, and no 0 / 0
        return overlap_QN

    def _set_numbers(self) -> Rows:
        """Return equal numbers for tokens of equal sets of phrases: (N,)."""
        numbers: dict[frozenset[str], int] = {}
        return np.array([numbers.setdefault(frozenset(s), len(numbers)) for s in self.of_token])


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapRow:
    """How a model, or chance, orders the tokens of a collection.

    `MACRO` is the mean over collections; its `n` and `queries` are sums. Scores are means over the
    queries, in [0, 1]: `ndcg` with the overlap of traits as the gain, `map_at_r` with all tokens
    of the caption as right, `wrong` = the first hit is another token than the meant one,
    `wrong_overlap` = what such a hit shares with it (None: none was wrong).
    """

    model: str
    collection: str
    n: int
    queries: int
    ndcg: float
    map_at_r: float
    wrong: float
    wrong_overlap: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedOverlap:
    """The rows of every collection and model, of chance, and the means over collections."""

    k: int
    max_queries: int
    seed: int
    rows: tuple[OverlapRow, ...]
    skipped: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def tables(self) -> tuple[Table, ...]:
        """Return the means over collections, then every collection."""
        return self._means(), self._collections()

    def _scores(self) -> tuple[Column, ...]:
        return percents([f"nDCG@{self.k}", "mAP@R", "first hit wrong", "overlap of wrong"])

    def _means(self) -> Table:
        return Table(
            title="Graded by shared traits, mean over collections",
            columns=(Column("model"), *self._scores()),
            rows=tuple((r.model, *_cells(r)) for r in self.rows if r.collection == MACRO),
            note="A caption asks its own collection. nDCG: every token gains by the traits that it "
            "shares, the rare ones more. mAP@R: every token of the same caption is right. A "
            "perfect order has 100 in both. The overlap is that of wrong first hits alone.",
        )

    def _collections(self) -> Table:
        parts = [row for row in self.rows if row.collection != MACRO]
        return Table(
            title="Graded by shared traits, by collection",
            columns=(
                *(Column(name) for name in ("collection", "model")),
                *(Column(name, "count") for name in ("N", "queries")),
                *self._scores(),
            ),
            rows=tuple((r.collection, r.model, r.n, r.queries, *_cells(r)) for r in parts),
            note=skipped_note(self.skipped),
        )


def _cells(row: OverlapRow) -> tuple[float | None, ...]:
    return row.ndcg, row.map_at_r, row.wrong, row.wrong_overlap


def graded_overlap(
    found: Sequence[Embedded],
    *,
    max_queries: int = 500,
    k: int = 10,
    seed: int = 0,
    progress: Progress = silent,
) -> GradedOverlap:
    """Return how well the captions of tokens find what shares their traits.

    At most `max_queries` tokens of each collection, drawn by `seed`, are asked for; all models
    get the same. A collection where no trait tells tokens apart is skipped. Raises
    ConfigError for a `k` or `max_queries` below 1.
    """
    check_range("k", k, low=1)
    check_range("max_queries", max_queries, low=1)
    gallery = one_gallery(found)
    rows: list[OverlapRow] = []
    skipped: dict[str, str] = {}
    for done, name in enumerate(gallery.collections, start=1):
        phrases = Phrases.of(gallery.tokens(name))
        if any(map(phrases.bits, phrases.tokens_with)):
            rng = drawing(seed, "graded overlap", name)
            asked = rng.permutation(len(phrases))[:max_queries]
            rows += _score(found, name, phrases, asked=asked, k=k)
        else:
            skipped[name] = "no trait in words tells its tokens apart"
        progress("graded overlap", done, len(gallery.collections), name)
    return GradedOverlap(
        k=k,
        max_queries=max_queries,
        seed=seed,
        rows=(*rows, *_means(rows, models=len(found) + 1)),
        skipped=skipped,
    )


def _score(
    found: Sequence[Embedded], name: str, phrases: Phrases, *, asked: Rows, k: int
) -> list[OverlapRow]:
    """Return the rows of a collection: each model, then chance."""
    gallery = found[0].gallery
    caption_N = gallery.caption_of[gallery.rows(name)]
    n = len(caption_N)
    spaces = [(metrics.Items.of(images), texts) for images, texts in (e.of(name) for e in found)]
    measured: list[list[Array]] = [[] for _ in [*found, CHANCE]]
    for rows_Q in blocks(asked, n):
        gains_QN = phrases.overlaps(rows_Q)
        right_QN = caption_N[rows_Q, None] == caption_N
        other_QN = rows_Q[:, None] != np.arange(n)
        for part, (items, texts) in zip(measured[:-1], spaces, strict=True):
            scores_QN = items.scores(texts[rows_Q])
            part.append(_measure(scores_QN, gains_QN, right_QN, other_QN, k=k))
        measured[-1].append(_expect(gains_QN, right_QN, other_QN, k=k))
    models = [*(embedded.model for embedded in found), CHANCE]
    return [
        _row(model, name, n, np.concatenate(part, axis=1))
        for model, part in zip(models, measured, strict=True)
    ]


def blocks(queries: Rows, n: int) -> Iterator[Rows]:
    """Yield some of the queries at a time, so that a table of them by `n` items is small."""
    size = max(1, _CELLS // n)
    for start in range(0, len(queries), size):
        yield queries[start : start + size]


def _measure(
    scores_QN: Array, gains_QN: Array, right_QN: Bools, other_QN: Bools, *, k: int
) -> Array:
    """Return for each query nDCG, AP@R, the chance of a wrong first hit, and its gain: (4, Q)."""
    order = metrics.Order.of(scores_QN, max(k, int(right_QN.sum(axis=1).max())))
    return np.stack(
        [
            metrics.ndcg(order, gains_QN, k),
            metrics.average_precision_at_r(order, right_QN),
            order.expected(other_QN)[:, 0],
            order.expected(other_QN * gains_QN)[:, 0],
        ]
    )


def _expect(gains_QN: Array, right_QN: Bools, other_QN: Bools, *, k: int) -> Array:
    """Return what `_measure` returns of a random order, on average."""
    n = right_QN.shape[1]
    right_Q = right_QN.sum(axis=1)
    chance = {r: metrics.chance_average_precision_at_r(n, r) for r in set(right_Q.tolist())}
    return np.stack(
        [
            metrics.chance_ndcg(gains_QN, k),
            np.array([chance[right] for right in right_Q.tolist()]),
            other_QN.mean(axis=1),
            (other_QN * gains_QN).mean(axis=1),
        ]
    )


def _row(model: str, name: str, n: int, measured_4Q: Array) -> OverlapRow:
    ndcg, map_at_r, wrong, gain = measured_4Q.mean(axis=1).tolist()
    return OverlapRow(
        model=model,
        collection=name,
        n=n,
        queries=measured_4Q.shape[1],
        ndcg=ndcg,
        map_at_r=map_at_r,
        wrong=wrong,
        wrong_overlap=gain / wrong if wrong > 0 else None,
    )


def _means(rows: Sequence[OverlapRow], *, models: int) -> Iterator[OverlapRow]:
    """Yield the mean over collections of each model; each collection has `models` rows."""
    for number in range(models if rows else 0):
        mine = rows[number::models]
        overlaps = [row.wrong_overlap for row in mine if row.wrong_overlap is not None]
        yield OverlapRow(
            model=mine[0].model,
            collection=MACRO,
            n=sum(row.n for row in mine),
            queries=sum(row.queries for row in mine),
            ndcg=_mean(row.ndcg for row in mine),
            map_at_r=_mean(row.map_at_r for row in mine),
            wrong=_mean(row.wrong for row in mine),
            wrong_overlap=_mean(overlaps) if overlaps else None,
        )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))

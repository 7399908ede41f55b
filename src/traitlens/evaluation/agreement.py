"""How well CVI goes with what was found, over collections, and what may be concluded from it."""

# Axes: C collections

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from traitlens import metrics
from traitlens.errors import ConfigError
from traitlens.metrics import AlphaSweep, VarianceTerms
from traitlens.metrics.confidence import MIN_CLUSTERS
from traitlens.metrics.divergence import bootstrap_interval, known
from traitlens.tables import Column, Table

Array = NDArray[np.float64]

MIN_COLLECTIONS = 3  # two are always in one order or in the other

Index = Literal["as written", "without diagonal", "at equal N"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How well CVI in the form `index` goes with another number, `against`, over collections.

    `divergence` is Jensen and Shannon's, 0 to 1; None where a value is below 0, or all are 0.
    `interval` is that of Spearman's rho, None for fewer than 20 collections or families. `given_n`
    is the partial rank correlation given the sizes of the galleries; None at equal N. None, too,
    stands where there are fewer than 3 collections, or where a number is the same in all.
    """

    index: Index
    against: str
    collections: int
    divergence: float | None = None
    spearman: float | None = None
    kendall: float | None = None
    interval: tuple[float, float] | None = None
    given_n: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The sweep over alpha of one form of CVI against top-k."""

    index: Index
    k: int
    found: AlphaSweep


def agree(
    index: Index,
    against: str,
    index_C: Sequence[float],
    values_C: Sequence[float],
    *,
    n_C: Sequence[int] | None = None,
    clusters: Sequence[Hashable],
    seed: int = 0,
) -> Agreement:
    """Return how well CVI goes with some values, given the sizes of the galleries where told."""
    x_C, y_C = np.asarray(index_C, np.float64), np.asarray(values_C, np.float64)
    if len(x_C) < MIN_COLLECTIONS:
        return Agreement(index=index, against=against, collections=len(x_C))
    given = None if n_C is None else metrics.partial_rank_correlation(x_C, y_C, given=n_C)
    return Agreement(
        index=index,
        against=against,
        collections=len(x_C),
        divergence=_divergence(x_C, y_C),
        spearman=known(metrics.rank_correlation(x_C, y_C)),
        kendall=known(metrics.kendall_correlation(x_C, y_C)),
        interval=bootstrap_interval(
            lambda rows: metrics.rank_correlation(x_C[rows], y_C[rows]), clusters, seed=seed
        ),
        given_n=None if given is None else known(given),
    )


def sweep(
    index: Index,
    k: int,
    terms: Sequence[VarianceTerms],
    top_k: Sequence[float],
    *,
    clusters: Sequence[Hashable],
    seed: int = 0,
) -> Sweep | None:
    """Return the sweep; None for fewer than 3 collections and where one side is 0 in all."""
    if len(terms) < MIN_COLLECTIONS:
        return None
    off_diagonal = index != "as written"
    try:
        found = metrics.alpha_sweep(
            terms, top_k, off_diagonal=off_diagonal, clusters=clusters, seed=seed
        )
    except ConfigError:
        return None
    return Sweep(index=index, k=k, found=found)


def verdict(full: Agreement, before: Agreement, after: Agreement, *, equal_n: int) -> str:
    """Return in two sentences what may be concluded of CVI and top-1.

    `full` is over all collections, `before` over those that have `equal_n` tokens, in their full
    galleries, and `after` over the same, all cut to that many.
    """
    if full.collections < MIN_COLLECTIONS:
        return (
            f"{_counted(full.collections)}: a rank correlation takes {MIN_COLLECTIONS}, so nothing "
            "is known of whether CVI tells how hard a collection is."
        )
    if full.spearman is None:
        return (
            f"CVI or top-1 is the same in all of {_counted(full.collections)}, so there is no "
            "order to compare."
        )
    given = "" if full.given_n is None else f", and {full.given_n:.2f} given the number of tokens"
    first = (
        f"Over {_counted(full.collections)} CVI's rank correlation with top-1 is "
        f"{full.spearman:.2f}{given}."
    )
    return f"{first} {_at_equal_n(before, after, equal_n=equal_n)}"


def shown(title: str, agreements: Sequence[Agreement], note: str = "") -> Table:
    """Return agreements as a table."""
    return Table(
        title=title,
        columns=(
            Column("CVI"),
            Column("with"),
            Column("collections", "count"),
            Column("JSD", "number"),
            Column("Spearman", "number", 2),
            *_INTERVAL,
            Column("given N", "number", 2),
        ),
        rows=tuple(
            (
                each.index,
                each.against,
                each.collections,
                each.divergence,
                each.spearman,
                *(each.interval or (None, None)),
                each.given_n,
            )
            for each in agreements
        ),
        note=note,
    )


def shown_sweeps(sweeps: Sequence[Sweep]) -> Table:
    """Return what sweeps found as a table; the curves are in the JSON."""
    return Table(
        title="The alpha at which CVI goes best with top-k",
        columns=(
            Column("CVI"),
            Column("k", "count"),
            Column("best alpha", "number", 2),
            *_INTERVAL,
            Column("width within 10%", "number", 2),
            Column("JSD there", "number"),
        ),
        rows=tuple(
            (
                each.index,
                each.k,
                each.found.best,
                *(each.found.interval or (None, None)),
                each.found.flat_width,
                each.found.lowest,
            )
            for each in sweeps
        ),
        note="No row: fewer than 3 collections, or nothing found at that k in any of them.",
    )


_INTERVAL = (Column("95% from", "number", 2), Column("to", "number", 2))


def _divergence(index_C: Array, values_C: Array) -> float | None:
    try:
        return metrics.jensen_shannon_divergence(index_C, values_C)
    except ConfigError:  # a lift may be below 0, a top-k 0 everywhere
        return None


def _at_equal_n(before: Agreement, after: Agreement, *, equal_n: int) -> str:
    if before.spearman is None or after.spearman is None:
        return (
            f"It cannot be compared with {equal_n:,} tokens in each gallery "
            f"({_counted(after.collections)} with so many), so the number of tokens may be all "
            "there is to it."
        )
    said = (
        f"For the {after.collections} with {equal_n:,} tokens or more it goes from "
        f"{before.spearman:.2f} to {after.spearman:.2f} when all galleries have {equal_n:,}"
    )
    if after.interval is None:
        return (
            f"{said}; an interval takes {MIN_CLUSTERS} collections or families that share no art, "
            "so this holds for these collections alone."
        )
    low, high = after.interval
    conclusion = "it is not shown that CVI says more than the number of tokens"
    if low > 0:
        conclusion = "CVI says more than the number of tokens"
    elif high < 0:
        conclusion = "at equal size a low CVI goes with what is easy, not with what is hard"
    return f"{said} (95% interval {low:.2f} to {high:.2f}), so {conclusion}."


def _counted(collections: int) -> str:
    return f"{collections} collection{'' if collections == 1 else 's'}"

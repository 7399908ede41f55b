"""How far a mean over collections may be off, and whether a difference is more than chance.

Collections, or better families that share art, are the independent units, never queries: those of
one collection are easy or hard together. With fewer than `MIN_CLUSTERS` there is no interval.

For a paired comparison give the differences, collection by collection: what makes a collection
hard for both models then cancels.
"""

# Axes: C collections, G clusters, B resamples

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MIN_CLUSTERS = 20
MOST_ENUMERATED = 16  # clusters whose signs are all tried: 2**16 ways
BLOCK = 2**20  # resamples x clusters in memory at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Where the mean of all collections like these is likely to be, from `clusters` of them.

    Over many such draws about a share `level` of the intervals hold it.
    """

    low: float
    high: float
    level: float
    clusters: int

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clusters:
    """Sums over the collections of each cluster: of weight times value, and of weight."""

    totals_G: Floats
    weights_G: Floats

    @property
    def mean(self) -> float:
        return float(self.totals_G.sum() / self.weights_G.sum())


def cluster_interval(
    values_C: ArrayLike,
    *,
    weights_C: ArrayLike | None = None,
    clusters: Sequence[Hashable] | None = None,
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Interval | None:
    """Return a confidence interval of the mean over collections; None below `MIN_CLUSTERS`.

    The mean is plain (macro) or, with positive `weights_C`, sum(w v) / sum(w) (micro); collections
    of equal `clusters` are drawn together. `within` is what the mean can be, and cuts the interval.

    A studentized bootstrap (Efron and Tibshirani 1993, 12.5) with the jackknife's standard error,
    whose critical values are at least Student's. Of 95% intervals on skewed, bounded values, 20 to
    150 families, at least 93% hold the mean over collections, and 90% the one over queries; of
    percentile and BCa intervals 84% and 81%, of Student's 85% where recalls are near 1, and of the
    bootstrap's alone 86% where most differences are zero (`benchmarks/confidence.py`).
    """
    assert 0 < level < 1
    assert resamples > 0
    sums = _by_cluster(values_C, weights_C, clusters)
    count = len(sums.totals_G)
    if count < MIN_CLUSTERS:
        return None
    error = _standard_error(sums)
    low = high = sums.mean
    if error:
        student = student_quantile((1 + level) / 2, degrees=count - 1)
        ratios_B = _studentized(sums, error=error, resamples=resamples, seed=seed)
        least, most = np.quantile(ratios_B, [(1 - level) / 2, (1 + level) / 2])
        low -= max(most, student) * error
        high -= min(least, -student) * error
    low, high = np.clip([low, high], *within).tolist()
    return Interval(low=low, high=high, level=level, clusters=count)


def sign_flip_p(
    differences_C: ArrayLike,
    *,
    weights_C: ArrayLike | None = None,
    clusters: Sequence[Hashable] | None = None,
    draws: int = 10_000,
    seed: int = 0,
) -> float:
    """Return the two-sided p value of a mean difference; 1.0 when all differences are zero.

    How often is the mean as far from zero when each cluster's sign is a coin's, as it is where the
    two models may be swapped? All ways are tried for up to `MOST_ENUMERATED` clusters that differ;
    else `draws` are made, and the observed one counts as one more (Phipson and Smyth 2010).
    """
    totals_G = _by_cluster(differences_C, weights_C, clusters).totals_G
    totals_G = totals_G[totals_G != 0]
    # Sums in another order differ in their last bits.
    bound = abs(totals_G.sum()) - 1e-9 * np.abs(totals_G).sum()
    if len(totals_G) <= MOST_ENUMERATED:
        return float((np.abs(_all_signed_sums(totals_G)) >= bound).mean())
    rng = np.random.default_rng(seed)
    as_far = 0
    for size in _blocks(draws, len(totals_G)):
        signs_BG = 2 * rng.integers(0, 2, size=(size, len(totals_G))) - 1
        as_far += int((np.abs(signs_BG @ totals_G) >= bound).sum())
    return (1 + as_far) / (1 + draws)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p values that may each be read alone, in the order given (Holm 1979).

    The smallest of m is multiplied by m, the next by m - 1, and none falls below one before it.
    """
    adjusted: dict[str, float] = {}
    worst = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        worst = max(worst, min(1.0, (len(p_values) - place) * p_values[name]))
        adjusted[name] = worst
    return {name: adjusted[name] for name in p_values}


def student_quantile(p: float, *, degrees: int) -> float:
    """Return a quantile of Student's t (Abramowitz and Stegun 26.7.5).

    Off by less than 0.001 for p in [0.001, 0.999] and 15 degrees of freedom or more.
    """
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return float(z + sum(term / degrees**power for power, term in enumerate(terms, start=1)))


def _by_cluster(
    values_C: ArrayLike, weights_C: ArrayLike | None, clusters: Sequence[Hashable] | None
) -> _Clusters:
    values_C = np.asarray(values_C, dtype=np.float64)
    weights_C = np.ones(len(values_C)) if weights_C is None else np.asarray(weights_C, np.float64)
    clusters = range(len(values_C)) if clusters is None else clusters
    assert len(values_C) == len(weights_C) == len(clusters)
    assert np.isfinite(values_C).all(), "a collection without a score is no part of a mean"
    assert (weights_C > 0).all()
    number = {cluster: g for g, cluster in enumerate(dict.fromkeys(clusters))}
    of_C = np.array([number[cluster] for cluster in clusters], dtype=np.intp)
    totals_G, weights_G = np.zeros((2, len(number)))
    np.add.at(totals_G, of_C, weights_C * values_C)
    np.add.at(weights_G, of_C, weights_C)
    return _Clusters(totals_G=totals_G, weights_G=weights_G)


def _standard_error(sums: _Clusters) -> float:
    """Return the jackknife's standard error of the mean: each cluster left out in turn."""
    others_G = sums.weights_G.sum() - sums.weights_G
    moves_G = (sums.totals_G - sums.mean * sums.weights_G) / others_G
    # Equal values leave a few last bits, which are no spread.
    if np.abs(moves_G).max() <= 1e-12 * np.abs(sums.totals_G / sums.weights_G).max():
        return 0.0
    count = len(moves_G)
    return math.sqrt((count - 1) / count * float((moves_G**2).sum()))


def _studentized(sums: _Clusters, *, error: float, resamples: int, seed: int) -> Floats:
    """Return how far each resample's mean is from the mean, in its own standard errors.

    A resample whose clusters are all alike has no standard error and is left out.
    """
    rng = np.random.default_rng(seed)
    count = len(sums.totals_G)
    residuals_G = sums.totals_G - sums.mean * sums.weights_G
    found = [np.zeros(0)]
    for size in _blocks(resamples, count):
        times_BG = rng.multinomial(count, np.full(count, 1 / count), size=size)
        weights_B1 = (times_BG @ sums.weights_G)[:, None]
        off_B1 = (times_BG @ residuals_G)[:, None] / weights_B1
        moves_BG = (residuals_G - off_B1 * sums.weights_G) / (weights_B1 - sums.weights_G)
        errors_B = np.sqrt((count - 1) / count * (times_BG * moves_BG**2).sum(axis=1))
        spread_B = errors_B > 1e-9 * error
        found.append(off_B1[spread_B, 0] / errors_B[spread_B])
    return np.concatenate(found)


def _all_signed_sums(totals_G: Floats) -> Floats:
    """Return the sum under each of the 2**G ways to give the totals signs."""
    sums = np.zeros(1)
    for total in totals_G:
        sums = np.concatenate([sums + total, sums - total])
    return sums


def _blocks(draws: int, count: int) -> Iterator[int]:
    """Yield the sizes of blocks that together make `draws` rows of `count` numbers."""
    block = max(1, BLOCK // count)
    for start in range(0, draws, block):
        yield min(block, draws - start)

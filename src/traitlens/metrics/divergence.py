"""Whether one number tells how hard a collection is: it against another, over collections.

NFT1000 (arXiv 2402.16872), section 6.3, compares CVI with top-k as two distributions over the
collections, by their Jensen-Shannon divergence (equation 2), and takes the alpha where it is
lowest. Rank correlations stand beside: they are the plainer claim, "the lower, the harder".
"""

# Axes: C collections, A alphas, P pairs of collections

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from traitlens.errors import ConfigError
from traitlens.metrics.confidence import MIN_CLUSTERS
from traitlens.metrics.variance import VarianceTerms

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

ALPHAS = tuple(step / 100 for step in range(101))

FLAT = 0.1  # how far above the lowest divergence an alpha is as good

_RESAMPLES = 1000
_LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaSweep:
    """How well CVI goes with top-k, by alpha: the divergence and Spearman's rho at each, (A,).

    Rho is None where top-k, or CVI, is the same in all collections.
    `best` is the first alpha of the lowest divergence, `interval` where that lies in 95% of the
    bootstrap draws of collections (None for fewer than 20). The alphas from `flat[0]` to `flat[1]`
    come within 10% of the lowest divergence; it has one valley only.
    """

    alphas: tuple[float, ...]
    divergence: tuple[float, ...]
    spearman: tuple[float | None, ...]
    best: float
    flat: tuple[float, float]
    interval: tuple[float, float] | None

    @property
    def lowest(self) -> float:
        """The divergence at the best alpha."""
        return min(self.divergence)

    @property
    def flat_width(self) -> float:
        """How much of [0, 1] is as good as the best alpha."""
        return self.flat[1] - self.flat[0]


def jensen_shannon_divergence(p: ArrayLike, q: ArrayLike) -> float:
    """Return how far two distributions are apart, from 0 (the same) to 1 (nowhere both).

    Each is divided by its sum. H((p + q) / 2) - (H(p) + H(q)) / 2 with logarithms to base 2; not
    its root, which scipy's `jensenshannon` returns. Raises ConfigError for what is no distribution:
    values below 0, not finite or all 0, and different numbers of them.
    """
    p_C, q_C = _distribution(p, name="p"), _distribution(q, name="q")
    if p_C.shape != q_C.shape:
        raise ConfigError(f"p has {len(p_C)} values and q {len(q_C)}; both need as many")
    return float(_divergence(p_C, q_C))


def rank_correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Return Spearman's rho, in [-1, 1]; values that tie share their mean rank.

    NaN where either is the same everywhere, or has fewer than 2 values.
    """
    return _correlation(*(_centred_ranks(values) for values in _paired(x, y)))


def kendall_correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Return Kendall's tau-b, in [-1, 1]: the pairs in the same order less those in the other.

    As a share of the pairs that do not tie: of their number in `x` and in `y` the geometric mean.
    NaN where either is the same everywhere.
    """
    x_C, y_C = _paired(x, y)
    former, latter = np.triu_indices(len(x_C), k=1)
    return _correlation(np.sign(x_C[former] - x_C[latter]), np.sign(y_C[former] - y_C[latter]))


def partial_rank_correlation(x: ArrayLike, y: ArrayLike, *, given: ArrayLike) -> float:
    """Return Spearman's rho of `x` and `y` among those alike in `given`, in [-1, 1].

    It is what is left after a straight line of the ranks of `given` is taken off the ranks of both.
    NaN where `given` alone tells the order of either.
    """
    xy, xz, yz = rank_correlation(x, y), rank_correlation(x, given), rank_correlation(y, given)
    left = (1 - xz**2) * (1 - yz**2)
    # A rho of 1 may have lost its last bits.
    return (xy - xz * yz) / math.sqrt(left) if left > 1e-12 else math.nan


def alpha_sweep(
    terms: Sequence[VarianceTerms],
    top_k: Sequence[float],
    *,
    off_diagonal: bool = False,
    alphas: Sequence[float] = ALPHAS,
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> AlphaSweep:
    """Return how well CVI goes with top-k at each alpha, over the same collections.

    Collections of equal `clusters` are drawn together for the interval. Raises ConfigError where
    top-k or CVI is no distribution over the collections (see `jensen_shannon_divergence`).
    """
    assert len(terms) == len(top_k)
    assert len(alphas)
    index_AC = np.array(
        [[t.index_off_diagonal(a) if off_diagonal else t.index(a) for t in terms] for a in alphas]
    )
    for alpha, index_C in zip(alphas, index_AC, strict=True):
        _distribution(index_C, name=f"CVI at alpha {alpha:g}")
    top_C = _distribution(top_k, name="top-k")
    divergence_A = _divergences(index_AC, top_C)
    alphas_A = np.asarray(alphas, np.float64)
    as_good_A = alphas_A[divergence_A <= divergence_A.min() * (1 + FLAT)]
    return AlphaSweep(
        alphas=tuple(alphas_A.tolist()),
        divergence=tuple(divergence_A.tolist()),
        spearman=tuple(known(rank_correlation(index_C, top_C)) for index_C in index_AC),
        best=float(alphas_A[divergence_A.argmin()]),
        flat=(float(as_good_A.min()), float(as_good_A.max())),
        interval=bootstrap_interval(
            lambda rows: _best_alpha(alphas_A, index_AC[:, rows], top_C[rows]),
            range(len(terms)) if clusters is None else clusters,
            seed=seed,
        ),
    )


def bootstrap_interval(
    statistic: Callable[[Numbers], float], clusters: Sequence[Hashable], *, seed: int = 0
) -> tuple[float, float] | None:
    """Return where `statistic` of resampled rows lies in 95% of the draws; None below 20 clusters.

    Rows of equal `clusters` are drawn together. A draw that has no statistic (NaN) is left out.
    Percentiles, since neither a correlation nor a minimum is a mean: see `cluster_interval` for
    one. In a draw collections repeat and tie, so the ends are rough.
    """
    rows_of: dict[Hashable, list[int]] = {}
    for row, cluster in enumerate(clusters):
        rows_of.setdefault(cluster, []).append(row)
    if len(rows_of) < MIN_CLUSTERS:
        return None
    members = [np.array(rows, np.intp) for rows in rows_of.values()]
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(members), size=(_RESAMPLES, len(members)))
    found = [statistic(np.concatenate([members[g] for g in draw])) for draw in draws]
    found = [value for value in found if not math.isnan(value)]
    if not found:
        return None
    low, high = np.quantile(found, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def known(value: float) -> float | None:
    """Return None for NaN: JSON has none."""
    return None if math.isnan(value) else value


def _best_alpha(alphas_A: Array, index_AC: Array, top_C: Array) -> float:
    """Return the first alpha of the lowest divergence; NaN where one side is 0 everywhere."""
    if not top_C.any() or not index_AC.any(axis=1).all():
        return math.nan
    return float(alphas_A[_divergences(index_AC, top_C / top_C.sum()).argmin()])


def _divergences(index_AC: Array, top_C: Array) -> Array:
    return _divergence(index_AC / index_AC.sum(axis=1, keepdims=True), top_C)


def _divergence(p_C: Array, q_C: Array) -> Array:
    """Return the divergence of distributions over the last axis; 0 log 0 is 0."""
    mean_C = (p_C + q_C) / 2
    found: Array = (_surprise(p_C, mean_C) + _surprise(q_C, mean_C)) / 2
    # Equal ones may differ by some last bits.
    return np.clip(found, 0.0, 1.0)


def _surprise(p_C: Array, mean_C: Array) -> Array:
    """Return the sum of p log2(p / mean) over the last axis."""
    ratio_C = np.divide(p_C, mean_C, out=np.ones_like(mean_C), where=p_C > 0)
    found: Array = (p_C * np.log2(ratio_C)).sum(axis=-1)
    return found


def _distribution(values: ArrayLike, *, name: str) -> Array:
    """Return values that are at least 0 divided by their sum; raise ConfigError for others."""
    values_C = np.asarray(values, np.float64)
    assert values_C.ndim == 1
    for number in np.flatnonzero(~(np.isfinite(values_C) & (values_C >= 0))):
        raise ConfigError(
            f"{name}[{number}] is {values_C[number]:g}; each must be a finite number, 0 or more"
        )
    if not values_C.any():
        raise ConfigError(f"{name} is 0 everywhere, which is no distribution; one must be more")
    return np.asarray(values_C / values_C.sum(), np.float64)


def _paired(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    x_C, y_C = np.asarray(x, np.float64), np.asarray(y, np.float64)
    assert x_C.ndim == 1
    assert x_C.shape == y_C.shape
    assert np.isfinite(x_C).all(), "a value that is not known has no rank"
    assert np.isfinite(y_C).all(), "a value that is not known has no rank"
    return x_C, y_C


def _centred_ranks(values_C: Array) -> Array:
    """Return how many are below less how many are above, which is twice the rank about its mean."""
    ordered_C = np.sort(values_C)
    below_C = np.searchsorted(ordered_C, values_C, side="left")
    above_C = len(values_C) - np.searchsorted(ordered_C, values_C, side="right")
    return (below_C - above_C).astype(np.float64)


def _correlation(x_P: Array, y_P: Array) -> float:
    """Return the cosine of two vectors, in [-1, 1]; NaN where one is 0."""
    length = math.sqrt(float(x_P @ x_P) * float(y_P @ y_P))
    return min(1.0, max(-1.0, float(x_P @ y_P) / length)) if length else math.nan

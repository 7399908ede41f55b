"""Divergence, rank correlation and the sweep: Table 6 of NFT1000 comes out, and scipy agrees."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped,unused-ignore]
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped,unused-ignore]

from traitlens import metrics
from traitlens.errors import ConfigError
from traitlens.metrics import VarianceTerms
from traitlens.metrics.divergence import bootstrap_interval

# NFT1000, Table 6: five collections, then five classes of COCO.
TABLE_6 = {
    "CVI": (0.0003, 0.0005, 0.0007, 0.0009, 0.0011, 0.0034, 0.0037, 0.0038, 0.0042, 0.0044),
    1: (0.0365, 0.0286, 0.3060, 0.4758, 1.4656, 10.3192, 13.2463, 18.0556, 24.8908, 26.0465),
    5: (0.1823, 0.1429, 0.7201, 1.7359, 3.7433, 25.6125, 36.3806, 37.5, 52.8384, 50.2326),
    10: (0.3646, 0.4858, 1.3141, 2.9574, 5.9418, 37.2309, 50.0, 56.9444, 68.1223, 60.4651),
}

shares = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(any)
small_numbers = st.lists(st.integers(-3, 3), min_size=6, max_size=6)


def terms(image: float, text: float = 0.1, cross: float = 0.0) -> VarianceTerms:
    """Return terms whose image term is half as large without its diagonal."""
    return VarianceTerms(
        n=100,
        image=image,
        text=text,
        cross=cross,
        image_off_diagonal=image / 2,
        text_off_diagonal=text,
    )


@pytest.mark.parametrize(
    ("k", "all_rows", "collections"),
    [(1, 0.055468, 0.112266), (5, 0.042812, 0.084170), (10, 0.034390, 0.057562)],
)
def test_the_divergence_of_table_6_comes_out(k: int, all_rows: float, collections: float) -> None:
    cvi, top_k = TABLE_6["CVI"], TABLE_6[k]
    found = metrics.jensen_shannon_divergence
    assert found(cvi, top_k) == pytest.approx(all_rows, abs=5e-7)
    assert found(cvi[:5], top_k[:5]) == pytest.approx(collections, abs=5e-7)


@pytest.mark.parametrize(("k", "rho"), [(1, 0.9879), (5, 0.9758), (10, 0.9879)])
def test_the_rank_correlation_of_table_6_comes_out(k: int, rho: float) -> None:
    assert metrics.rank_correlation(TABLE_6["CVI"], TABLE_6[k]) == pytest.approx(rho, abs=5e-5)


@given(shares, shares)
def test_the_divergence_is_the_square_of_scipys_distance(p: list[float], q: list[float]) -> None:
    found = metrics.jensen_shannon_divergence(p, q)
    assert found == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-12)
    assert 0 <= found <= 1
    assert found == pytest.approx(metrics.jensen_shannon_divergence(q, p), abs=1e-12)


def test_the_divergence_runs_from_the_same_to_nowhere_both() -> None:
    assert metrics.jensen_shannon_divergence([1, 2, 3], [2, 4, 6]) == 0
    assert metrics.jensen_shannon_divergence([1, 0, 1, 0], [0, 1, 0, 1]) == 1


def test_the_divergence_by_hand() -> None:
    # The middle of (1, 0) and (1/2, 1/2) is (3/4, 1/4).
    expected = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5 * math.log2(2)) / 2
    assert metrics.jensen_shannon_divergence([1, 0], [1, 1]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("p", "words"),
    [
        ([0.5, -0.1, 0.6], r"p\[1\] is -0\.1"),
        ([0.5, 0.1, math.nan], r"p\[2\] is nan"),
        ([math.inf, 0.1, 0.2], r"p\[0\] is inf"),
        ([0.0, 0.0, 0.0], "p is 0 everywhere"),
        ([], "p is 0 everywhere"),
        ([1.0, 2.0], "p has 2 values and q 3"),
    ],
)
def test_what_is_no_distribution_is_refused(p: list[float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        metrics.jensen_shannon_divergence(p, [1, 2, 3])


@given(small_numbers, small_numbers)
def test_rank_correlations_are_scipys_also_with_ties(x: list[int], y: list[int]) -> None:
    spearman, kendall = metrics.rank_correlation(x, y), metrics.kendall_correlation(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert math.isnan(spearman)
        assert math.isnan(kendall)
    else:
        assert spearman == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
        assert kendall == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


def test_only_the_order_counts_for_a_rank_correlation() -> None:
    x = [0.1, 0.2, 5.0, 5.0, 9.0]
    assert metrics.rank_correlation(x, np.exp(x)) == 1
    assert metrics.rank_correlation(x, -np.exp(x)) == -1
    assert metrics.kendall_correlation(x, np.exp(x)) == 1


def test_kendall_counts_pairs_by_hand() -> None:
    # Of six pairs five are in the same order and one in the other.
    assert metrics.kendall_correlation([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(4 / 6)


@pytest.mark.parametrize("few", [[], [1.0]])
def test_fewer_than_two_values_have_no_rank_correlation(few: list[float]) -> None:
    assert math.isnan(metrics.rank_correlation(few, few))
    assert math.isnan(metrics.kendall_correlation(few, few))


def test_a_partial_correlation_is_that_of_what_a_line_in_the_ranks_leaves() -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(size=30)
    x, y = size + rng.normal(size=30), size + rng.normal(size=30)

    given, *ranks = (stats.rankdata(values) for values in (size, x, y))
    left = [rank - np.polyval(np.polyfit(given, rank, 1), given) for rank in ranks]
    expected = np.corrcoef(left)[0, 1]
    assert metrics.partial_rank_correlation(x, y, given=size) == pytest.approx(expected)


def test_nothing_is_left_of_two_values_that_only_follow_the_third() -> None:
    rng = np.random.default_rng(1)
    size = np.arange(4000)
    x, y = size + 2000 * rng.normal(size=4000), size + 2000 * rng.normal(size=4000)
    assert metrics.rank_correlation(x, y) > 0.2
    assert abs(metrics.partial_rank_correlation(x, y, given=size)) < 0.05


def test_a_third_value_of_the_same_order_leaves_nothing_to_correlate() -> None:
    found = metrics.partial_rank_correlation([1, 2, 3, 4], [2, 1, 4, 3], given=[10, 20, 30, 40])
    assert math.isnan(found)


def test_the_sweep_finds_the_alpha_that_made_top_k() -> None:
    rng = np.random.default_rng(2)
    found = [terms(*rng.random(3)) for _ in range(8)]
    sweep = metrics.alpha_sweep(found, [each.index(0.36) for each in found])
    assert sweep.best == 0.36
    assert sweep.lowest == pytest.approx(0, abs=1e-15)
    assert sweep.spearman[36] == 1


def test_each_alpha_of_the_sweep_has_its_own_divergence_and_rank_correlation() -> None:
    rng = np.random.default_rng(3)
    found, top_k = [terms(*rng.random(3)) for _ in range(6)], rng.random(6).tolist()
    sweep = metrics.alpha_sweep(found, top_k, alphas=[0.2, 0.9])
    for number, alpha in enumerate([0.2, 0.9]):
        index = [each.index(alpha) for each in found]
        expected = metrics.jensen_shannon_divergence(index, top_k)
        assert sweep.divergence[number] == pytest.approx(expected)
        assert sweep.spearman[number] == metrics.rank_correlation(index, top_k)


def test_the_default_sweep_runs_from_0_to_1_in_hundredths() -> None:
    found = [terms(0.1), terms(0.2)]
    assert metrics.alpha_sweep(found, [1, 2]).alphas == pytest.approx(np.linspace(0, 1, 101))


def test_the_sweep_without_diagonal_uses_those_terms() -> None:
    rng = np.random.default_rng(4)
    found = [terms(*rng.random(3)) for _ in range(8)]
    top_k = [each.index_off_diagonal(0.52) for each in found]
    assert metrics.alpha_sweep(found, top_k, off_diagonal=True).best == 0.52
    assert metrics.alpha_sweep(found, top_k).best != 0.52


def test_the_flat_part_is_where_the_divergence_is_within_a_tenth_of_the_lowest() -> None:
    rng = np.random.default_rng(5)
    found, top_k = [terms(*rng.random(3)) for _ in range(6)], rng.random(6).tolist()
    sweep = metrics.alpha_sweep(found, top_k)
    low, high = sweep.flat
    inside = [low <= alpha <= high for alpha in sweep.alphas]
    assert inside == [value <= 1.1 * sweep.lowest for value in sweep.divergence]
    assert sweep.flat_width == high - low
    assert low <= sweep.best <= high


def test_where_alpha_does_not_matter_the_flat_part_is_everything() -> None:
    found = [terms(0.1, 0.1), terms(0.3, 0.3), terms(0.4, 0.4)]
    assert metrics.alpha_sweep(found, [3, 1, 2]).flat_width == 1


@pytest.mark.parametrize(("collections", "known"), [(19, False), (20, True)])
def test_an_interval_of_alpha_needs_twenty_collections(collections: int, known: bool) -> None:
    rng = np.random.default_rng(6)
    found = [terms(*rng.random(3)) for _ in range(collections)]
    top_k = [each.index(0.6) * rng.uniform(0.9, 1.1) for each in found]
    sweep = metrics.alpha_sweep(found, top_k)
    assert (sweep.interval is not None) == known
    if sweep.interval:
        assert sweep.interval[0] <= sweep.best <= sweep.interval[1]


def test_collections_of_one_family_count_once_towards_the_twenty() -> None:
    found = [terms(0.1 + number / 40) for number in range(30)]
    families = [number // 2 for number in range(30)]
    assert metrics.alpha_sweep(found, list(range(30)), clusters=families).interval is None


def test_a_top_k_of_zero_everywhere_has_no_sweep() -> None:
    with pytest.raises(ConfigError, match="top-k is 0 everywhere"):
        metrics.alpha_sweep([terms(0.1), terms(0.2)], [0, 0])


def test_an_index_of_zero_everywhere_has_no_sweep() -> None:
    with pytest.raises(ConfigError, match="CVI at alpha 0 is 0 everywhere"):
        metrics.alpha_sweep([terms(0.1, text=0), terms(0.2, text=0)], [1, 2])


def test_an_order_that_is_the_same_everywhere_has_no_rho_in_the_sweep() -> None:
    found = [terms(0.1, 0.2), terms(0.3, 0.1), terms(0.2, 0.2)]
    assert set(metrics.alpha_sweep(found, [1, 1, 1]).spearman) == {None}


def test_the_interval_of_a_mean_is_about_two_standard_errors_to_each_side() -> None:
    values = np.random.default_rng(7).normal(size=400)
    interval = bootstrap_interval(lambda rows: float(values[rows].mean()), range(400))
    assert interval is not None
    error = values.std() / 20
    expected = (values.mean() - 1.96 * error, values.mean() + 1.96 * error)
    assert interval == pytest.approx(expected, abs=0.2 * error)


def test_members_of_a_cluster_are_drawn_together() -> None:
    seen: list[int] = []

    def collect(rows: np.ndarray) -> float:
        seen.extend((np.bincount(rows // 3, minlength=20) % 3).tolist())
        return 0.0

    assert bootstrap_interval(collect, [row // 3 for row in range(60)]) == (0, 0)
    assert set(seen) == {0}


def test_draws_without_a_statistic_are_left_out() -> None:
    assert bootstrap_interval(lambda _: math.nan, range(20)) is None
    interval = bootstrap_interval(lambda rows: 1.0 if 0 in rows else math.nan, range(20))
    assert interval == (1, 1)

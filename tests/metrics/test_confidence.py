"""Intervals and p values are over clusters, hold their level, and claim nothing of too few."""

import itertools

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped,unused-ignore]

from traitlens.metrics import MIN_CLUSTERS, cluster_interval, holm, sign_flip_p
from traitlens.metrics.confidence import Interval, student_quantile


def interval(values: object, **options: object) -> Interval:
    found = cluster_interval(values, **options)  # type: ignore[arg-type]
    assert found is not None
    return found


def skewed(count: int, *, seed: int = 0) -> np.ndarray:
    """Return recalls of which most are near 1 and some far below."""
    return np.random.default_rng(seed).beta(4, 0.5, size=count)


def test_there_is_no_interval_below_20_clusters() -> None:
    assert cluster_interval(skewed(MIN_CLUSTERS - 1)) is None
    assert cluster_interval([]) is None
    assert interval(skewed(MIN_CLUSTERS)).clusters == MIN_CLUSTERS


def test_clusters_are_counted_not_collections() -> None:
    families = [f"family {number % 19}" for number in range(100)]
    assert cluster_interval(skewed(100), clusters=families) is None


def test_values_that_are_all_equal_give_a_point() -> None:
    zero = interval(np.zeros(30))
    assert (zero.low, zero.high) == (0, 0)
    assert 0 in zero
    weights = np.random.default_rng(0).random(30) + 0.1
    equal = interval(np.full(30, 0.3), weights_C=weights)
    assert equal.low == equal.high == pytest.approx(0.3)


def test_the_mean_is_inside() -> None:
    values = skewed(25)
    assert values.mean() in interval(values)
    weights = np.arange(1.0, 26.0)
    assert np.average(values, weights=weights) in interval(values, weights_C=weights)


def test_symmetric_values_give_nearly_the_interval_of_students_t() -> None:
    values = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    low, high = stats.t.interval(0.95, 199, 0, stats.sem(values))
    found = interval(values)
    assert found.low == pytest.approx(low, rel=0.05)
    assert found.high == pytest.approx(high, rel=0.05)


def test_no_interval_is_narrower_than_students() -> None:
    for values in (skewed(30), np.eye(30)[0], np.random.default_rng(0).normal(size=30)):
        low, high = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
        found = interval(values)
        assert found.low <= low + 1e-4
        assert found.high >= high - 1e-4


def test_a_long_tail_below_makes_the_interval_longer_below() -> None:
    values = skewed(40)
    found = interval(values)
    assert values.mean() - found.low > 1.2 * (found.high - values.mean())


def test_turned_around_values_give_the_interval_turned_around() -> None:
    found, turned = interval(skewed(30)), interval(-skewed(30))
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_copies_within_clusters_tell_nothing_new() -> None:
    values = skewed(25)
    families = np.repeat(np.arange(25), 4).tolist()
    copied = interval(np.repeat(values, 4), clusters=families)
    once = interval(values)
    assert (copied.low, copied.high) == pytest.approx((once.low, once.high))
    naive = interval(np.repeat(values, 4))
    assert naive.high - naive.low < 0.6 * (once.high - once.low)


def test_the_unit_of_weights_does_not_matter() -> None:
    weights = np.random.default_rng(1).integers(1, 100, size=30)
    found, scaled = (interval(skewed(30), weights_C=weights * scale) for scale in (1, 7.5))
    assert (found.low, found.high) == pytest.approx((scaled.low, scaled.high))
    equal, none = interval(skewed(30), weights_C=np.full(30, 9.0)), interval(skewed(30))
    assert (equal.low, equal.high) == pytest.approx((none.low, none.high))


def test_a_seed_repeats_and_a_higher_level_is_wider() -> None:
    assert interval(skewed(30), seed=3) == interval(skewed(30), seed=3)
    assert interval(skewed(30), seed=3) != interval(skewed(30), seed=4)
    wide, narrow = interval(skewed(30), level=0.99), interval(skewed(30), level=0.9)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_one_value_that_differs_gives_a_finite_interval() -> None:
    found = interval(np.eye(20)[0])
    assert np.isfinite([found.low, found.high]).all()
    assert 0 in found


def test_an_interval_is_cut_to_what_the_mean_can_be() -> None:
    values = np.array([1.0] * 38 + [0.0, 0.0])
    assert interval(values).high > 1
    cut = interval(values, within=(0, 1))
    assert cut.high == 1
    assert cut.low == interval(values).low


def test_a_score_that_is_missing_is_refused() -> None:
    with pytest.raises(AssertionError):
        cluster_interval([0.5] * 20 + [float("nan")])


@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_of_skewed_recalls_hold_their_level(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    truth, repeats = 4 / 4.5, 400
    held = 0
    for _ in range(repeats):
        weights = rng.lognormal(0, 0.5, size=30) if weighted else None
        values = rng.beta(4, 0.5, size=30)
        held += truth in interval(values, weights_C=weights, resamples=500)
    # The percentile interval holds 90% of these; 400 repeats are within 2.2 points, mostly.
    assert held / repeats > 0.925


def test_p_by_hand_for_three_clusters() -> None:
    # Of the 8 ways to give 1, 2 and 3 signs, only all + and all - reach 6 away from zero.
    assert sign_flip_p([1, 2, 3]) == 2 / 8
    # 1 - 2 + 3 = 2: only +-(1 + 2 - 3) = 0 are nearer.
    assert sign_flip_p([1, -2, 3]) == 6 / 8


def test_p_is_that_of_scipy() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1, size=12)
    expected = stats.permutation_test((differences,), np.mean, permutation_type="samples")
    assert sign_flip_p(differences) == pytest.approx(expected.pvalue)


def test_all_zero_has_p_1() -> None:
    assert sign_flip_p(np.zeros(30)) == 1
    assert sign_flip_p([]) == 1


def test_zeros_do_not_change_p() -> None:
    assert sign_flip_p([1, 2, 3, *[0] * 40]) == sign_flip_p([1, 2, 3])


def test_the_sign_of_all_differences_does_not_matter() -> None:
    differences = np.random.default_rng(3).normal(0.2, 1, size=40)
    assert sign_flip_p(differences) == sign_flip_p(-differences)


def test_a_cluster_flips_as_one() -> None:
    assert sign_flip_p([1, 1, 1, 1], clusters=["a", "a", "b", "b"]) == 2 / 4
    assert sign_flip_p([1, 1, 1, 1]) == 2 / 16


def test_weights_count() -> None:
    # 1 + 1 - 1 = 1 is the least that any signs give.
    assert sign_flip_p([1, 1, -1]) == 1
    # 3 + 1 - 1 = 3, of 5, 3, 3 and 1 for the four ways with a first + and as many with a first -.
    assert sign_flip_p([1, 1, -1], weights_C=[3, 1, 1]) == 6 / 8


def test_drawn_p_is_near_the_enumerated_one_and_never_zero() -> None:
    differences = np.random.default_rng(5).normal(0.6, 1, size=17)
    ways = np.array(list(itertools.product([1, -1], repeat=17))) @ differences
    exact = (np.abs(ways) >= abs(differences.sum()) - 1e-9).mean()
    assert sign_flip_p(differences, draws=20_000) == pytest.approx(exact, abs=0.01)
    assert sign_flip_p(np.ones(40), draws=99) == 1 / 100


def test_p_is_at_most_alpha_in_alpha_of_true_nulls() -> None:
    rng = np.random.default_rng(0)
    p_values = [sign_flip_p(rng.standard_t(3, size=10)) for _ in range(1000)]
    assert 0.03 < np.mean(np.array(p_values) <= 0.05) < 0.07


def test_holm_by_hand() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06}
    )
    assert list(holm({"b": 0.9, "a": 0.5})) == ["b", "a"]
    assert holm({"b": 0.9, "a": 0.6}) == {"b": 1, "a": 1}
    assert holm({}) == {}


def test_a_single_p_value_is_its_own() -> None:
    assert holm({"only": 0.2}) == {"only": 0.2}


@pytest.mark.parametrize("degrees", [15, 19, 39, 500])
@pytest.mark.parametrize("p", [0.001, 0.025, 0.5, 0.975, 0.999])
def test_the_quantile_of_students_t_is_that_of_scipy(p: float, degrees: int) -> None:
    assert student_quantile(p, degrees=degrees) == pytest.approx(stats.t.ppf(p, degrees), abs=1e-3)

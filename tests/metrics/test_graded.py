"""Scores of whole rankings are what every order of the ties gives on average."""

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from traitlens import metrics
from traitlens.metrics import Order

NAN, INF = float("nan"), float("inf")

Flags = NDArray[np.bool_]


def flags(*rows: list[int]) -> Flags:
    return np.array(rows, dtype=bool)


# Hand-computed, without ties: the right items stand at places 1, 3 and 6 of 6.
SCORES = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]])
RIGHT = flags([1, 0, 1, 0, 0, 1])


def test_precision_is_the_share_of_right_ones_among_the_first_k() -> None:
    found = [metrics.precision_at_k(SCORES, RIGHT, k)[0] for k in (1, 2, 3, 6)]
    assert found == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])


def test_places_beyond_the_gallery_count_as_wrong() -> None:
    assert metrics.precision_at_k(SCORES, RIGHT, 10).tolist() == [0.3]
    assert metrics.recall_at_k(SCORES, RIGHT, 10).tolist() == [1]


def test_recall_is_the_share_of_the_right_ones_that_are_found() -> None:
    found = [metrics.recall_at_k(SCORES, RIGHT, k)[0] for k in (1, 2, 3, 6)]
    assert found == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1])


def test_r_precision_looks_at_as_many_places_as_there_are_right_items() -> None:
    assert metrics.r_precision(SCORES, RIGHT) == pytest.approx([2 / 3])


def test_average_precision_is_the_mean_precision_at_right_items() -> None:
    assert metrics.average_precision(SCORES, RIGHT) == pytest.approx([(1 + 2 / 3 + 3 / 6) / 3])


def test_average_precision_at_r_forgets_what_is_found_late() -> None:
    assert metrics.average_precision_at_r(SCORES, RIGHT) == pytest.approx([(1 + 2 / 3) / 3])


def test_ndcg_discounts_by_place_and_compares_with_the_best_order() -> None:
    gains = np.array([[0.5, 1.0, 0.0, 0.0, 0.25, 1.0]])
    discount = [1 / math.log2(1 + place) for place in (1, 2, 3)]
    expected = 0.5 * discount[0] + 1.0 * discount[1]
    best = 1.0 * discount[0] + 1.0 * discount[1] + 0.5 * discount[2]
    assert metrics.dcg(SCORES, gains, 3) == pytest.approx([expected])
    assert metrics.ideal_dcg(gains, 3) == pytest.approx([best])
    assert metrics.ndcg(SCORES, gains, 3) == pytest.approx([expected / best])


def test_a_cut_inside_a_group_of_ties_takes_its_share() -> None:
    scores, right = np.array([[0.9, 0.5, 0.5, 0.5, 0.1]]), flags([0, 1, 0, 0, 1])
    # Behind the first item one of three tied ones, of which one is right, fills place 2.
    assert metrics.precision_at_k(scores, right, 2) == pytest.approx([1 / 3 / 2])
    assert metrics.r_precision(scores, right) == pytest.approx([1 / 3 / 2])
    assert metrics.average_precision_at_r(scores, right) == pytest.approx([1 / 3 * 1 / 2 / 2])


def test_of_right_items_that_tie_each_adds_a_chance_to_hit() -> None:
    scores, right = np.zeros((1, 5)), flags([1, 1, 0, 0, 0])
    assert metrics.hit_at_k(scores, right, 1) == pytest.approx([2 / 5])
    assert metrics.hit_at_k(scores, right, 2) == pytest.approx([1 - 3 / 5 * 2 / 4])
    assert metrics.hit_at_k(scores, right, 4) == pytest.approx([1])
    assert metrics.hits(metrics.count(scores, right), 1) == pytest.approx([1 / 4])


def test_nan_scores_last_behind_what_is_infinitely_low_and_ties_with_its_like() -> None:
    scores = np.array([[NAN, -INF, NAN, 0.0]])
    places = [
        metrics.average_precision(scores, flags([int(item == i) for i in range(4)]))[0]
        for item in range(4)
    ]
    assert places == pytest.approx([(1 / 3 + 1 / 4) / 2, 1 / 2, (1 / 3 + 1 / 4) / 2, 1])


def test_a_query_with_nothing_right_has_no_share_of_it() -> None:
    nothing = flags([0] * 6)
    assert np.isnan(metrics.recall_at_k(SCORES, nothing, 3)).all()
    assert np.isnan(metrics.r_precision(SCORES, nothing)).all()
    assert np.isnan(metrics.average_precision(SCORES, nothing)).all()
    assert np.isnan(metrics.average_precision_at_r(SCORES, nothing)).all()
    assert np.isnan(metrics.ndcg(SCORES, np.zeros((1, 6)), 3)).all()
    assert np.isnan(metrics.chance_ndcg(np.zeros((1, 6)), 3)).all()
    assert metrics.precision_at_k(SCORES, nothing, 3).tolist() == [0]
    assert metrics.hit_at_k(SCORES, nothing, 3).tolist() == [0]


def test_a_query_with_nothing_right_harms_no_other() -> None:
    scores, right = np.tile(SCORES, (2, 1)), np.concatenate([flags([0] * 6), RIGHT])
    assert metrics.average_precision_at_r(scores, right)[1] == pytest.approx((1 + 2 / 3) / 3)
    assert metrics.r_precision(scores, right)[1] == pytest.approx(2 / 3)


def test_one_item_alone_is_always_found() -> None:
    one, right = np.array([[NAN]]), flags([1])
    assert metrics.average_precision_at_r(one, right).tolist() == [1]
    assert metrics.hit_at_k(one, right, 5).tolist() == [1]
    assert metrics.ndcg(one, np.ones((1, 1)), 10).tolist() == [1]


def test_no_queries_have_no_scores() -> None:
    assert metrics.average_precision(np.zeros((0, 4)), np.zeros((0, 4), dtype=bool)).shape == (0,)
    assert metrics.hit_at_k(np.zeros((0, 4)), np.zeros((0, 4), dtype=bool), 2).shape == (0,)
    assert metrics.ndcg(np.zeros((0, 4)), np.zeros((0, 4)), 2).shape == (0,)


def test_gains_below_zero_are_refused() -> None:
    with pytest.raises(AssertionError, match="below 0"):
        metrics.ndcg(SCORES, np.full((1, 6), -1.0), 3)


def test_a_cut_before_the_first_place_is_refused() -> None:
    for score in (metrics.precision_at_k, metrics.recall_at_k, metrics.hit_at_k):
        with pytest.raises(AssertionError, match="not at 0"):
            score(SCORES, RIGHT, 0)
    with pytest.raises(AssertionError, match="not at 0"):
        metrics.ndcg(SCORES, RIGHT.astype(float), 0)


def test_an_order_that_is_not_deep_enough_is_refused() -> None:
    with pytest.raises(AssertionError, match="not deep enough"):
        metrics.average_precision(Order.of(SCORES, 3), RIGHT)


# Few values, so that ties are the rule; NaN and -inf among them.
VALUES = st.sampled_from([0.0, 0.25, 0.5, NAN, -INF])
CASES = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        st.lists(VALUES, min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n).filter(any),
        st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=n, max_size=n).filter(any),
    )
)


def rankings(scores: list[float]) -> Iterator[list[int]]:
    """Yield the items, best first, for each of the n! ways to break the ties."""
    keys = [(math.isnan(score), 0 if math.isnan(score) else -score) for score in scores]
    for order in itertools.permutations(range(len(scores))):
        yield sorted(order, key=lambda item: keys[item])  # a stable sort keeps the order


def mean_over_rankings(scores: list[float], of: Callable[[list[int]], float]) -> float:
    return float(np.mean([of(ranking) for ranking in rankings(scores)]))


def precisions(ranking: list[int], right: list[bool]) -> list[float]:
    """Return P(i) rel(i) at each place."""
    marks = [right[item] for item in ranking]
    return [sum(marks[: i + 1]) / (i + 1) * mark for i, mark in enumerate(marks)]


@given(CASES)
def test_average_precisions_are_means_over_every_random_order(
    case: tuple[list[float], list[bool], list[float]],
) -> None:
    scores, right, _ = case
    n_right = sum(right)
    row, marks = np.array([scores]), np.array([right])
    full = mean_over_rankings(scores, lambda r: sum(precisions(r, right)) / n_right)
    at_r = mean_over_rankings(scores, lambda r: sum(precisions(r, right)[:n_right]) / n_right)
    assert metrics.average_precision(row, marks)[0] == pytest.approx(full)
    assert metrics.average_precision_at_r(row, marks)[0] == pytest.approx(at_r)


@given(CASES, st.integers(1, 6))
def test_precision_recall_and_hits_are_means_over_every_random_order(
    case: tuple[list[float], list[bool], list[float]], k: int
) -> None:
    scores, right, _ = case
    row, marks = np.array([scores]), np.array([right])
    found = mean_over_rankings(scores, lambda r: sum(right[item] for item in r[:k]))
    hit = mean_over_rankings(scores, lambda r: any(right[item] for item in r[:k]))
    at_r = mean_over_rankings(scores, lambda r: sum(right[item] for item in r[: sum(right)]))
    assert metrics.precision_at_k(row, marks, k)[0] == pytest.approx(found / k)
    assert metrics.recall_at_k(row, marks, k)[0] == pytest.approx(found / sum(right))
    assert metrics.hit_at_k(row, marks, k)[0] == pytest.approx(hit)
    assert metrics.r_precision(row, marks)[0] == pytest.approx(at_r / sum(right))


@given(CASES, st.integers(1, 6))
def test_gains_are_means_over_every_random_order(
    case: tuple[list[float], list[bool], list[float]], k: int
) -> None:
    scores, _, gains = case

    def gained(ranking: list[int]) -> float:
        return sum(gains[item] / math.log2(2 + place) for place, item in enumerate(ranking[:k]))

    best = gained(sorted(range(len(gains)), key=lambda item: -gains[item]))
    mean = mean_over_rankings(scores, gained)
    assert metrics.dcg(np.array([scores]), np.array([gains]), k)[0] == pytest.approx(mean)
    assert metrics.ndcg(np.array([scores]), np.array([gains]), k)[0] == pytest.approx(mean / best)


@given(CASES, st.integers(1, 6))
def test_a_constant_embedder_scores_chance(
    case: tuple[list[float], list[bool], list[float]], k: int
) -> None:
    scores, right, gains = case
    n, n_right = len(scores), sum(right)
    level, marks, values = np.zeros((1, n)), np.array([right]), np.array([gains])
    assert metrics.precision_at_k(level, marks, k)[0] == pytest.approx(min(k, n) * n_right / n / k)
    assert metrics.r_precision(level, marks)[0] == pytest.approx(n_right / n)
    chance = metrics.chance(k, n, right=n_right)
    assert metrics.hit_at_k(level, marks, k)[0] == pytest.approx(chance)
    at_r = metrics.chance_average_precision_at_r(n, n_right)
    assert metrics.average_precision_at_r(level, marks)[0] == pytest.approx(at_r)
    chance = metrics.chance_ndcg(values, k)[0]
    assert metrics.ndcg(level, values, k)[0] == pytest.approx(chance)


def drawn(*, seed: int = 0, q: int = 20, n: int = 60) -> tuple[NDArray[np.float64], Flags]:
    """Return scores with many ties and some NaN, and right items, at least one a query."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 25, (q, n)) / 25
    scores[rng.random((q, n)) < 0.1] = NAN
    right = rng.random((q, n)) < rng.uniform(0, 0.6, (q, 1))
    right[:, 0] = True
    return scores, right


@pytest.mark.parametrize("k", [1, 3, 10, 60])
def test_an_order_of_the_first_places_says_what_the_whole_one_says(k: int) -> None:
    scores, right = drawn()
    whole = Order.of(scores)
    assert metrics.precision_at_k(scores, right, k) == pytest.approx(
        metrics.precision_at_k(whole, right, k), abs=1e-12
    )
    assert metrics.hit_at_k(scores, right, k) == pytest.approx(metrics.hit_at_k(whole, right, k))
    gains = right * 0.7
    assert metrics.dcg(scores, gains, k) == pytest.approx(metrics.dcg(whole, gains, k))


def test_an_order_holds_no_more_places_than_its_groups_need() -> None:
    scores = np.array([[0.9, 0.5, 0.5, 0.1, 0.0, 0.2], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]])
    assert Order.of(scores, 1).items_QW.tolist() == [[0], [5]]
    assert Order.of(scores, 2).items_QW.shape == (2, 3)
    assert Order.of(scores, 99).items_QW.shape == (2, 6)


@pytest.mark.parametrize("seed", range(3))
def test_scores_depend_on_nothing_but_the_order(seed: int) -> None:
    scores, right = drawn(seed=seed)
    stretched = np.exp(3 * scores) - 7
    mixed = np.random.default_rng(seed).permutation(scores.shape[1])
    for score in (metrics.average_precision, metrics.average_precision_at_r, metrics.r_precision):
        assert score(stretched, right) == pytest.approx(score(scores, right))
        assert score(scores[:, mixed], right[:, mixed]) == pytest.approx(score(scores, right))


def test_a_perfect_order_scores_one_and_the_reverse_as_little_as_can_be() -> None:
    _, right = drawn()
    perfect, reverse = right.astype(float), -right.astype(float)
    places = np.arange(right.shape[1])
    perfect, reverse = perfect - places * 1e-6, reverse - places * 1e-6  # no ties
    for score in (metrics.average_precision, metrics.average_precision_at_r, metrics.r_precision):
        assert score(perfect, right) == pytest.approx(np.ones(len(right)))
        assert (score(reverse, right) <= score(drawn()[0], right) + 1e-12).all()


def test_equal_vectors_tie_wherever_they_lie() -> None:
    """Plain BLAS products of equal rows may differ in the last bits between columns."""
    rng = np.random.default_rng(1)
    pictures = np.concatenate([rng.normal(size=(101, 97)).astype(np.float32)] * 3)
    queries = rng.normal(size=(50, 97)).astype(np.float32)
    scores = metrics.Items.of(pictures).scores(queries)
    assert scores == pytest.approx(queries.astype(np.float64) @ pictures.astype(np.float64).T)
    assert (scores[:, :101] == scores[:, 101:202]).all()
    assert (scores[:, :101] == scores[:, 202:]).all()

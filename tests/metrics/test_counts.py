"""Ties score what a random order gives in expectation, and equal inputs always tie."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from traitlens import metrics
from traitlens.metrics import Counts


def counts_of(scores: list[float], right: list[int]) -> Counts:
    """Count one query whose right items are the numbers in `right`."""
    marks = np.isin(np.arange(len(scores)), right)
    return metrics.count(np.array([scores], dtype=float), marks[None, :])


def hits_of(scores: list[float], right: list[int]) -> list[float]:
    return [float(metrics.hits(counts_of(scores, right), k)[0]) for k in (1, 2, 3)]


NAN = float("nan")


@pytest.mark.parametrize(
    ("scores", "right", "expected"),
    [
        ([0.9, 0.5, 0.1], [0], [1, 1, 1]),
        ([0.9, 0.5, 0.1], [1], [0, 1, 1]),
        ([0.9, 0.9, 0.1], [0], [1 / 2, 1, 1]),
        ([0.5, 0.5, 0.5], [2], [1 / 3, 2 / 3, 1]),
        ([0.9, 0.5, 0.5, 0.5], [3], [0, 1 / 3, 2 / 3]),
        ([0.9, 0.8, 0.5, 0.5], [2], [0, 0, 1 / 2]),
    ],
)
def test_a_hit_under_ties_is_the_share_of_orders_that_hit(
    scores: list[float], right: list[int], expected: list[float]
) -> None:
    assert hits_of(scores, right) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scores", "right", "above", "level"),
    [
        ([0.9, 0.5, 0.1], [1, 2], 1, 0),  # the best right item is second
        ([0.5, 0.5, 0.1], [0, 1], 0, 0),  # right items do not tie with each other
        ([0.5, 0.5, 0.5, 0.9], [0, 1], 1, 1),
        ([0.9, 0.9, 0.1], [0, 2], 0, 1),
    ],
)
def test_of_several_right_items_the_best_one_counts(
    scores: list[float], right: list[int], above: int, level: int
) -> None:
    counts = counts_of(scores, right)
    assert (counts.above[0], counts.level[0]) == (above, level)


def test_nan_scores_last() -> None:
    assert hits_of([NAN, 0.1, -0.9], [0]) == [0, 0, 1]
    assert hits_of([NAN, 0.1, -0.9], [2]) == [0, 1, 1]
    assert hits_of([NAN, NAN, NAN], [1]) == pytest.approx([1 / 3, 2 / 3, 1])


def test_ranks_under_ties_are_expectations() -> None:
    counts = Counts(np.array([0, 1, 0]), np.array([0, 0, 2]))
    assert counts.ranks.tolist() == [1, 2, 2]
    assert metrics.reciprocal_ranks(counts) == pytest.approx([1, 1 / 2, (1 + 1 / 2 + 1 / 3) / 3])


def test_the_reciprocal_rank_without_a_tie_is_exact() -> None:
    counts = Counts(np.array([0, 6, 999_999]), np.zeros(3, dtype=np.int64))
    assert metrics.reciprocal_ranks(counts).tolist() == [1, 1 / 7, 1 / 1_000_000]


# Scores from a handful of values, so that ties are the rule.
SCORES = st.lists(st.sampled_from([0.0, 0.25, 0.5, NAN]), min_size=1, max_size=6)


@given(SCORES, st.data())
def test_expectations_are_those_of_every_random_order(
    scores: list[float], data: st.DataObject
) -> None:
    """The oracle sorts by score after each of the n! orders, and averages."""
    right = data.draw(st.integers(0, len(scores) - 1))
    keys = [-np.inf if np.isnan(s) else s for s in scores]
    ranks = []
    for order in itertools.permutations(range(len(scores))):
        ranking = sorted(order, key=lambda item: -keys[item])  # a stable sort keeps the order
        ranks.append(1 + ranking.index(right))
    counts = counts_of(scores, [right])
    for k in (1, 2, 5):
        assert metrics.hits(counts, k)[0] == pytest.approx(np.mean([rank <= k for rank in ranks]))
    assert counts.ranks[0] == pytest.approx(np.mean(ranks))
    assert metrics.reciprocal_ranks(counts)[0] == pytest.approx(np.mean([1 / r for r in ranks]))


@given(SCORES, st.data())
def test_several_right_items_hit_no_more_often_than_by_random_order(
    scores: list[float], data: st.DataObject
) -> None:
    """Right items that tie with each other would each add a chance; ours is the lower bound."""
    numbers = st.sets(st.integers(0, len(scores) - 1), min_size=1)
    right = data.draw(numbers)
    keys = [-np.inf if np.isnan(s) else s for s in scores]
    best = []
    for order in itertools.permutations(range(len(scores))):
        ranking = sorted(order, key=lambda item: -keys[item])
        wrong_before = next(i for i, item in enumerate(ranking) if item in right)
        best.append(1 + wrong_before)
    for k in (1, 2, 5):
        ours = metrics.hits(counts_of(scores, list(right)), k)[0]
        assert ours <= np.mean([rank <= k for rank in best]) + 1e-12


def retrieve(
    queries: NDArray[Any],
    gallery: NDArray[Any],
    *,
    query_keys: ArrayLike | None = None,
    gallery_keys: ArrayLike | None = None,
) -> Counts:
    return metrics.count_matches(
        queries,
        gallery,
        query_keys=np.arange(len(queries)) if query_keys is None else np.array(query_keys),
        gallery_keys=np.arange(len(gallery)) if gallery_keys is None else np.array(gallery_keys),
    )


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_a_constant_embedder_scores_exactly_chance(n: int) -> None:
    vectors = np.tile(np.random.default_rng(0).normal(size=33).astype(np.float32), (n, 1))
    counts = retrieve(vectors, vectors)
    for k in (1, 5, 10):
        assert metrics.hits(counts, k).mean() == pytest.approx(min(1, k / n), abs=1e-12)
        assert metrics.chance(k, n) == pytest.approx(min(1, k / n), abs=1e-12)


def unit_vectors(n: int, *, d: int = 97, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_equal_captions_score_one_half_each() -> None:
    """The perfect text encoder still cannot tell which of two pictures was meant."""
    pictures = unit_vectors(1000)
    texts = pictures.copy()
    texts[1::2] = texts[::2]
    to_text = retrieve(pictures[::2], texts, query_keys=np.arange(0, 1000, 2))
    assert (to_text.above == 0).all()
    assert (to_text.level == 1).all()
    assert metrics.hits(to_text, 1).tolist() == [0.5] * 500
    to_image = retrieve(texts, pictures)
    assert metrics.hits(to_image, 1).mean() == 0.5


def test_equal_items_tie_wherever_they_lie() -> None:
    """Plain BLAS products of equal rows may differ in the last bits between columns."""
    pictures = np.concatenate([unit_vectors(101)] * 3)
    texts = unit_vectors(303, seed=1)
    assert (retrieve(texts, pictures).level == 2).all()


def test_a_broken_vector_is_last_and_harms_no_other() -> None:
    pictures = np.eye(3, dtype=np.float32)
    texts = np.eye(3, dtype=np.float32)
    pictures[1] = NAN
    counts = retrieve(texts, pictures)
    assert metrics.hits(counts, 1).tolist() == [1, 0, 1]
    assert counts.above.tolist() == [0, 2, 0]


def test_a_query_without_a_right_item_is_refused() -> None:
    with pytest.raises(AssertionError, match="without a right item"):
        retrieve(np.eye(2), np.eye(2), query_keys=[0, 5])


def test_rows_are_grouped_in_order_of_first_sight() -> None:
    distinct, group = metrics.group_equal(np.array([[2.0], [1.0], [2.0], [3.0]]))
    assert distinct.tolist() == [[2], [1], [3]]
    assert group.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(
    ("k", "n", "right", "expected"),
    [(1, 4, 1, 0.25), (2, 4, 1, 0.5), (9, 4, 1, 1), (1, 4, 2, 0.5), (2, 4, 2, 5 / 6), (3, 4, 2, 1)],
)
def test_chance_is_that_of_a_random_order(k: int, n: int, right: int, expected: float) -> None:
    assert metrics.chance(k, n, right=right) == pytest.approx(expected)


def test_the_ceiling_shares_a_caption_among_its_tokens() -> None:
    same = np.array([1, 2, 2, 4, 4, 4, 4])
    assert metrics.ceiling(same, 1) == pytest.approx((1 + 2 * 1 / 2 + 4 * 1 / 4) / 7)
    assert metrics.ceiling(same, 3) == pytest.approx((1 + 2 + 4 * 3 / 4) / 7)
    assert metrics.ceiling(same, 10) == 1


def test_lift_goes_from_chance_to_perfect() -> None:
    assert metrics.lift(0.1, 0.1) == 0
    assert metrics.lift(1.0, 0.1) == 1
    assert metrics.lift(0.55, 0.1) == pytest.approx(0.5)
    assert np.isnan(metrics.lift(1.0, 1.0))

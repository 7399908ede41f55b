"""Rows say what was searched, and stand beside chance and ceiling."""

import numpy as np
import pytest

from tests.evaluation.bare import bare
from traitlens.evaluation import RetrievalRow, score_retrieval
from traitlens.evaluation.retrieval import KS, Scope
from traitlens.evaluation.searching import DIRECTIONS, Direction
from traitlens.models import Vectors


def score(
    images: Vectors, texts: Vectors, collections: str, captions: str
) -> tuple[RetrievalRow, ...]:
    """Score tokens whose collections and captions are single letters."""
    return score_retrieval(bare(images, texts, collections, captions))


def row_of(
    rows: tuple[RetrievalRow, ...],
    *,
    scope: Scope,
    direction: Direction = "text_to_image",
    gallery: str | None = None,
) -> RetrievalRow:
    (row,) = [
        row
        for row in rows
        if (row.scope, row.direction) == (scope, direction) and gallery in (None, row.gallery)
    ]
    return row


def one_hot(*numbers: int, d: int = 8) -> Vectors:
    return np.eye(d, dtype=np.float32)[list(numbers)]


def test_there_is_a_row_for_each_gallery_and_mean_in_both_directions() -> None:
    rows = score(one_hot(0, 1, 2, 3), one_hot(0, 1, 2, 3), "aabb", "wxyz")
    assert [(row.direction, row.gallery) for row in rows] == [
        (direction, gallery)
        for direction in DIRECTIONS
        for gallery in ("a", "b", "macro", "micro", "all")
    ]
    sizes = [(row.collections, row.n, row.queries) for row in rows[:5]]
    assert sizes == [(1, 2, 2), (1, 2, 2), (2, 4, 4), (2, 4, 4), (2, 4, 4)]


def test_a_constant_model_scores_chance_in_every_row() -> None:
    same = one_hot(*[0] * 17)
    for row in score(same, same, "a" * 5 + "b" * 12, "abcdefghijklmnopq"):
        for k in KS:
            assert row.recall[k] == pytest.approx(row.chance[k], abs=1e-12)
            assert row.lift(k) is None or row.lift(k) == pytest.approx(0, abs=1e-12)


def test_macro_weighs_collections_alike_and_micro_weighs_queries_alike() -> None:
    """Collection a finds both of its tokens, b finds one of its three at once."""
    images = one_hot(0, 1, 0, 1, 2)
    texts = one_hot(0, 1, 1, 0, 2)
    rows = score(images, texts, "aabbb", "vwxyz")
    assert row_of(rows, scope="collection", gallery="a").recall[1] == 1
    assert row_of(rows, scope="collection", gallery="b").recall[1] == pytest.approx(1 / 3)
    assert row_of(rows, scope="macro").recall[1] == pytest.approx((1 + 1 / 3) / 2)
    assert row_of(rows, scope="micro").recall[1] == pytest.approx(3 / 5)
    assert row_of(rows, scope="macro").chance[1] == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert row_of(rows, scope="micro").chance[1] == pytest.approx(2 / 5)
    # Over all, the pictures of a tie with the equal ones of b.
    assert row_of(rows, scope="all").recall[1] == pytest.approx((1 / 2 + 1 / 2 + 0 + 0 + 1) / 5)
    assert row_of(rows, scope="all").chance[1] == pytest.approx(1 / 5)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_perfect_model_reaches_the_ceiling_and_no_more(direction: Direction) -> None:
    """Tokens 0 and 1 share a caption; their pictures differ, and lie equally near to it."""
    images = np.array([[1, 1, 0], [1, -1, 0], [0, 0, 1]]) / np.sqrt([[2], [2], [1]])
    texts = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]])
    rows = score(images.astype(np.float32), texts.astype(np.float32), "aaa", "xxz")
    row = row_of(rows, scope="collection", direction=direction)
    assert row.ceiling[1] == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert row.recall[1] == pytest.approx(row.ceiling[1])
    assert row.of_ceiling(1) == pytest.approx(1)
    assert row.class_recall[1] == 1
    assert row.class_chance[1] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3) / 3)
    assert row.mrr == pytest.approx((3 / 4 + 3 / 4 + 1) / 3)
    assert row.median_rank == 1.5


def test_one_caption_in_two_collections_is_two_galleries_apart_and_one_class_together() -> None:
    vectors = one_hot(0, 1, 0, 1)
    rows = score(vectors, vectors, "aabb", "xyxy")
    assert row_of(rows, scope="micro").ceiling[1] == 1
    assert row_of(rows, scope="all").ceiling[1] == 0.5


def test_directions_differ_in_who_asks() -> None:
    images = one_hot(0, 1)
    texts = np.array([[1, 0], [0.8, 0.6]], dtype=np.float32)
    rows = score(images, np.pad(texts, ((0, 0), (0, 6))), "aa", "xy")
    to_image = row_of(rows, scope="macro")
    to_text = row_of(rows, scope="macro", direction="image_to_text")
    assert (to_image.recall[1], to_text.recall[1]) == (0.5, 1)

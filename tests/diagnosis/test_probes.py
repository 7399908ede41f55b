"""The probe: a fair judge of what can be read from pictures and what cannot."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from tests.helpers import draw
from traitlens.diagnosis import probes
from traitlens.diagnosis.probes import (
    auc,
    discoveries,
    draw_folds,
    held_out_scores,
    kernel,
    picture_readers,
    read,
    reader,
    scaled,
    vector_readers,
)

Bools = NDArray[np.bool_]


def one(has: list[bool] | Bools) -> Bools:
    """Return the labels of one value as a matrix."""
    return np.array(has, np.bool_)[:, None]


def noise(rows: int, columns: int, *, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def test_the_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    scores = np.array([1.0, 2.0, 3.0, 4.0])[:, None]
    assert auc(scores, one([False, True, False, True])) == [0.75]


def test_a_tie_counts_one_half() -> None:
    scores = np.array([1.0, 1.0, 1.0, 0.0])[:, None]
    assert auc(scores, one([True, False, False, False])) == pytest.approx([4 / 6])


def test_the_auc_is_that_of_scikit_learn() -> None:
    scores, has = noise(50, 4).round(1), noise(50, 4, seed=1) > 0.5
    theirs = [roc_auc_score(has[:, column], scores[:, column]) for column in range(4)]
    assert auc(scores, has) == pytest.approx(theirs)


def test_discoveries_follow_benjamini_and_hochberg() -> None:
    # Four values: the limits at .05 are .0125, .025, .0375 and .05.
    p = np.array([0.5, 0.03, 0.013, 0.02])
    assert discoveries(p, 0.05).tolist() == [False, True, True, True]
    assert not discoveries(np.array([0.013, 0.026, 0.04, 0.06]), 0.05).any()


def test_of_no_values_none_is_discovered() -> None:
    assert discoveries(np.empty(0), 0.05).shape == (0,)


def test_folds_differ_by_one_picture_at_most() -> None:
    counts = np.bincount(draw_folds(52, rng=np.random.default_rng(0)))
    assert sorted(counts) == [10, 10, 10, 11, 11]


def test_a_reader_predicts_as_the_ridge_regression_of_scikit_learn() -> None:
    features, has = noise(40, 6), noise(40, 1, seed=1) > 0
    fold = draw_folds(40, rng=np.random.default_rng(0))
    predicted = reader(features @ features.T, fold) @ has.astype(float)
    for number in range(probes.FOLDS):
        held = fold == number
        fitted = features[~held]
        spread = ((fitted - fitted.mean(axis=0)) ** 2).sum(axis=1).mean()
        ridge = Ridge(alpha=probes.RIDGE * spread).fit(fitted, has[~held, 0])
        expected = ridge.predict(features[held]) - has[~held].mean()
        assert predicted[held, 0] == pytest.approx(expected)


def test_few_features_are_scored_as_their_products_are() -> None:
    features, has = noise(60, 5), noise(60, 3, seed=1) > 0
    fold = draw_folds(60, rng=np.random.default_rng(0))
    by_products = reader(features @ features.T, fold) @ has.astype(float)
    assert held_out_scores(features, has, fold) == pytest.approx(by_products)


def test_no_picture_votes_on_its_own_fold() -> None:
    fold = draw_folds(30, rng=np.random.default_rng(0))
    weights = reader(kernel(noise(30, 4)), fold)
    assert not weights[fold[:, None] == fold[None, :]].any()
    assert weights.sum(axis=1) == pytest.approx(np.zeros(30), abs=1e-3)


def test_features_that_hardly_vary_stay_small() -> None:
    features = noise(100, 3) * [1.0, 1.0, 1e-3]
    assert scaled(features).std(axis=0)[2] < 0.01


def test_pictures_that_are_all_equal_show_nothing() -> None:
    fold = draw_folds(60, rng=np.random.default_rng(0))
    readers = picture_readers([Image.new("RGB", (8, 8), "red")] * 60, fold)
    found = read(readers, one(np.arange(60) % 2 == 0), rng=np.random.default_rng(1))
    assert found.auc_V == pytest.approx([0.5])
    assert found.p_V[0] > 0.05


def test_random_labels_are_found_as_often_as_p_says() -> None:
    fold = draw_folds(150, rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    has = np.stack([rng.permutation(150) < size for size in rng.integers(8, 75, 400)], axis=1)
    p = read(vector_readers(noise(150, 30), fold), has, rng=rng).p_V
    assert 0.02 < (p <= 0.05).mean() < 0.09  # of 400; the standard error is .011
    assert 0.4 < (p <= 0.5).mean() < 0.6


def test_a_part_at_its_place_is_read() -> None:
    rng = np.random.default_rng(0)
    names = [dict(zip(("background", "body"), _two(rng), strict=True)) for _ in range(120)]
    fold = draw_folds(120, rng=rng)
    readers = picture_readers([draw(parts) for parts in names], fold)
    found = read(readers, one([parts["body"] == "red" for parts in names]), rng=rng)
    assert found.auc_V[0] > 0.99
    assert found.p_V[0] == pytest.approx(1 / (probes.DRAWS + 1))


def test_a_part_that_moves_about_is_read_by_its_colour() -> None:
    rng = np.random.default_rng(0)
    has = one(np.arange(200) % 4 == 0)
    pictures = [_with_a_dot("magenta" if one else "cyan", rng) for one in has[:, 0]]
    fold = draw_folds(200, rng=rng)
    places, colours = (read([r], has, rng=rng) for r in picture_readers(pictures, fold))
    assert colours.auc_V[0] > 0.99
    assert places.p_V[0] < 0.05


def test_what_is_transparent_is_white() -> None:
    fold = np.array([0, 1])
    clear = [Image.new("RGBA", (8, 8), (255, 0, 0, 0)), Image.new("RGB", (8, 8), "white")]
    for weights in picture_readers(clear, fold):
        assert weights == pytest.approx(np.zeros((2, 2)))


def test_a_trait_that_no_line_divides_is_read_from_vectors() -> None:
    vectors = np.random.default_rng(0).choice([-1.0, 1.0], (200, 2))
    vectors += noise(200, 2) / 10
    has = one(vectors[:, 0] * vectors[:, 1] > 0)
    fold = draw_folds(200, rng=np.random.default_rng(0))
    linear, gaussian = vector_readers(vectors, fold)
    assert read([linear], has, rng=np.random.default_rng(1)).auc_V[0] < 0.7
    assert read([linear, gaussian], has, rng=np.random.default_rng(1)).auc_V[0] > 0.99


def test_the_upper_end_is_far_where_tokens_are_few() -> None:
    fold = draw_folds(200, rng=np.random.default_rng(0))
    has = np.stack([np.arange(200) < 8, np.arange(200) < 100], axis=1)
    found = read(vector_readers(noise(200, 5), fold), has, rng=np.random.default_rng(1))
    few, many = found.upper_V - found.auc_V
    assert few > 2 * many > 0


def test_nothing_to_read_is_no_error() -> None:
    fold = draw_folds(60, rng=np.random.default_rng(0))
    nothing = np.empty((60, 0), np.bool_)
    found = read(vector_readers(noise(60, 3), fold), nothing, rng=np.random.default_rng(1))
    assert found.auc_V.shape == found.p_V.shape == found.upper_V.shape == (0,)


def _two(rng: np.random.Generator) -> list[str]:
    return [str(name) for name in rng.choice(["red", "green", "blue", "yellow"], 2, replace=False)]


def _with_a_dot(colour: str, rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (24, 24), "white")
    ImageDraw.Draw(image).rectangle((4, 8, 20, 23), fill=_two(rng)[0])
    x, y = rng.integers(0, 22, 2).tolist()
    ImageDraw.Draw(image).rectangle((x, y, x + 1, y + 1), fill=colour)
    return image

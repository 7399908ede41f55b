"""Targets say what is an answer to what, in rows that sum to 1."""

import math

import pytest
import torch

from traitlens.training.objectives.engine import TO_PICTURES, TO_TEXTS
from traitlens.training.objectives.targets import (
    blend,
    even,
    importance,
    own_pairs,
    soft,
    text_nearness,
)


def test_the_only_own_pair_of_a_text_is_its_picture() -> None:
    own = own_pairs(torch.tensor([0, 1, 0, -1]), pictures=2)
    assert own.tolist() == [[True, False], [False, True], [True, False], [False, False]]


def test_a_text_is_spread_evenly_over_what_it_fits() -> None:
    fits = torch.tensor([[1, 1, 0, 1], [0, 0, 1, 0]], dtype=torch.bool)
    third = pytest.approx(1 / 3)
    assert even(fits, dim=TO_PICTURES).tolist() == [[third, third, 0, third], [0, 0, 1, 0]]


def test_a_picture_prefers_texts_that_fit_few() -> None:
    # The first text fits one picture, the second two: shares of 1 and 1/2, so 2/3 and 1/3.
    fits = torch.tensor([[1, 0], [1, 1]], dtype=torch.bool)
    two, one = pytest.approx(2 / 3), pytest.approx(1 / 3)
    assert even(fits, dim=TO_TEXTS).tolist() == [[two, 0], [one, 1]]


def test_k_texts_of_one_picture_share_it_equally() -> None:
    fits = own_pairs(torch.tensor([0, 1, 0, 1, 0, 1]), pictures=2)
    third = pytest.approx(1 / 3)
    assert even(fits, dim=TO_TEXTS).tolist() == [[third, 0], [0, third]] * 3
    assert torch.equal(even(fits, dim=TO_PICTURES), fits.float()), "each has one picture"


def test_rows_without_a_positive_are_empty() -> None:
    fits = torch.tensor([[1, 0], [0, 0]], dtype=torch.bool)
    for dim in (TO_PICTURES, TO_TEXTS):
        assert even(fits, dim=dim).tolist() == [[1, 0], [0, 0]]


def test_weights_shift_a_texts_share() -> None:
    fits = torch.tensor([[1, 1, 0]], dtype=torch.bool)
    weights = torch.tensor([[3.0, 1.0, 9.0]])
    assert even(fits, weights_TB=weights, dim=TO_PICTURES).tolist() == [[0.75, 0.25, 0]]
    assert importance(fits, weights).tolist() == [2], "the mean over its positives"


def test_weights_shift_a_pictures_share() -> None:
    fits = torch.tensor([[1, 0], [1, 1]], dtype=torch.bool)
    weights = torch.tensor([[1.0, 1.0], [6.0, 2.0]])
    # The first text's share of picture 0 is 1, the second's half of 6.
    assert even(fits, weights_TB=weights, dim=TO_TEXTS).tolist() == [[0.25, 0], [0.75, 1]]


def test_soft_targets_are_a_softmax_of_what_is_near() -> None:
    near = torch.tensor([[1.0, 0.5], [0.0, 1.0]])
    e = math.exp
    first = [e(2) / (e(2) + e(1)), e(1) / (e(2) + e(1))]
    second = [1 / (1 + e(2)), e(2) / (1 + e(2))]
    expected = torch.tensor([first, second])
    assert torch.allclose(soft(near, temperature=0.5, dim=TO_PICTURES), expected)
    by_text = [e(2) / (e(2) + 1), 1 / (e(2) + 1)]
    assert soft(near, temperature=0.5, dim=TO_TEXTS)[:, 0].tolist() == pytest.approx(by_text)


def test_what_is_no_negative_is_no_soft_target_either() -> None:
    allowed = torch.tensor([[True, False, True]])
    targets = soft(torch.zeros(1, 3), temperature=1, allowed_TB=allowed, dim=TO_PICTURES)
    assert targets.tolist() == [[0.5, 0, 0.5]]


def test_texts_are_near_the_own_captions_of_pictures_without_a_gradient() -> None:
    texts = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], requires_grad=True)
    near = text_nearness(texts, pictures=2)
    assert torch.allclose(near, torch.tensor([[1.0, 0.6], [0.6, 1.0], [0.0, 0.8]]))
    assert not near.requires_grad


def test_blending_leaves_a_row_without_a_positive_alone() -> None:
    hard = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    blended = blend(hard, torch.full((2, 2), 0.5), share=0.4, dim=TO_PICTURES)
    assert torch.allclose(blended, torch.tensor([[0.8, 0.2], [0.0, 0.0]]))

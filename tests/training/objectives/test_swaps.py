"""Twins are told apart by the one trait in which they differ."""

import numpy as np
import pytest
import torch

from tests.training.objectives.batches import Rows, softplus, texts
from traitlens.training.objectives.swaps import swap_loss

# Picture 2 is the twin of picture 0.
LOGITS = [[3.0, 0.0, 2.0], [0.0, 5.0, 0.0], [1.0, 0.0, 2.5]]
OWN = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
KNOWN = [[1, 1, 1]] * 3


def loss(fits: Rows = OWN, known: Rows = KNOWN, *, swaps: Rows = ((0, 2),)) -> float:
    truth = texts(fits, weights=known)
    return float(swap_loss(torch.tensor(LOGITS), truth, np.array(swaps, np.int64)))


def test_a_picture_and_its_twin_are_asked_two_questions_each() -> None:
    of_the_picture = softplus(1 - 3) + softplus(2 - 3)
    of_the_twin = softplus(2 - 2.5) + softplus(1 - 2.5)
    assert loss() == pytest.approx((of_the_picture + of_the_twin) / 4)


def test_it_does_not_matter_which_of_the_two_is_the_twin() -> None:
    assert loss(swaps=[(2, 0)]) == pytest.approx(loss())


def test_a_caption_that_fits_both_is_not_asked_about() -> None:
    # The first caption is silent about the trait: left are those that have the twin's, 1 of each.
    expected = (softplus(1 - 3) + softplus(1 - 2.5)) / 2
    assert loss([[1, 0, 1], [0, 1, 0], [0, 0, 1]]) == pytest.approx(expected)


def test_a_caption_of_which_it_is_not_known_is_not_asked_about() -> None:
    expected = (softplus(1 - 3) + softplus(1 - 2.5)) / 2
    assert loss(known=[[1, 1, 0], [1, 1, 1], [1, 1, 1]]) == pytest.approx(expected)


def test_where_no_caption_tells_the_twins_apart_there_is_no_loss() -> None:
    assert loss([[1, 0, 1], [0, 1, 0], [1, 0, 1]]) == 0


def test_questions_of_all_swaps_count_alike() -> None:
    every = [(0, 2), (0, 1), (1, 2)]
    alone = [loss(swaps=[swap]) for swap in every]
    assert loss(swaps=every) == pytest.approx(sum(alone) / 3)

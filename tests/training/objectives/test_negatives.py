"""Negatives that look truer than the truth are dropped, or all but the hardest; no gradient."""

import torch

from traitlens.training.objectives.engine import TO_PICTURES, TO_TEXTS
from traitlens.training.objectives.negatives import kept_negatives

SCORES = torch.tensor([[5.0, 7.0, 1.0], [6.5, 6.0, 3.0], [4.0, 4.0, 2.0]])
OTHERS = ~torch.eye(3, dtype=torch.bool)
OF = torch.arange(3)


def kept(
    scores: torch.Tensor = SCORES,
    negatives: torch.Tensor = OTHERS,
    of: torch.Tensor = OF,
    *,
    margin: float = torch.inf,
    hardest: int = 0,
    dim: int = TO_PICTURES,
) -> list[list[int]]:
    result = kept_negatives(scores, negatives, of, margin=margin, hardest=hardest, dim=dim)
    return result.int().tolist()


def test_without_a_margin_all_negatives_stay() -> None:
    assert kept() == OTHERS.int().tolist()


def test_a_text_drops_pictures_above_its_own_by_more_than_the_margin() -> None:
    # Texts score 5, 6 and 2 with their own pictures.
    assert kept(margin=1) == [[0, 0, 1], [1, 0, 1], [0, 0, 0]]


def test_a_picture_drops_texts_above_its_own_by_more_than_the_margin() -> None:
    # Pictures score 5, 6 and 2 with their own texts; 6.5 is above 5 + 1, and 7 is not above 6 + 1.
    assert kept(margin=1, dim=TO_TEXTS) == [[0, 1, 1], [0, 0, 1], [1, 1, 0]]


def test_the_margin_itself_is_still_allowed() -> None:
    assert kept(margin=2)[0] == [0, 1, 1]


def test_further_texts_are_compared_with_the_picture_they_are_of() -> None:
    scores = torch.tensor([[5.0, 4.0], [0.0, 3.0], [2.0, 4.0]])
    negatives = torch.tensor([[False, True], [True, False], [True, False]])
    assert kept(scores, negatives, torch.tensor([0, 1, 1]), margin=0)[2] == [1, 0]
    assert kept(scores, negatives, torch.tensor([0, 1, 1]), margin=-3)[2] == [0, 0]


def test_a_text_of_no_picture_drops_none() -> None:
    scores, negatives = torch.tensor([[9.0, 9.0]]), torch.tensor([[True, True]])
    assert kept(scores, negatives, torch.tensor([-1]), margin=0) == [[1, 1]]


def test_the_hardest_negatives_of_a_row_stay() -> None:
    assert kept(hardest=1) == [[0, 1, 0], [1, 0, 0], [1, 1, 0]], "equals stay together"
    assert kept(hardest=1, dim=TO_TEXTS) == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]


def test_the_hardest_are_taken_of_those_that_the_margin_leaves() -> None:
    assert kept(margin=1, hardest=1) == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]


def test_more_than_there_are_keeps_all() -> None:
    assert kept(hardest=2) == kept(hardest=7) == kept()


def test_choosing_has_no_gradient() -> None:
    scores = SCORES.clone().requires_grad_()
    chosen = kept_negatives(scores, OTHERS, OF, margin=1.0, hardest=1, dim=TO_PICTURES)
    assert not chosen.requires_grad

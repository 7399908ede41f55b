"""The engine's losses are their formulas, and finite where a batch has nothing to say."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn.functional import cross_entropy

from tests.training.objectives.batches import log_share, softplus
from traitlens.training.objectives.engine import (
    TO_PICTURES,
    TO_TEXTS,
    logsumexp_loss,
    sigmoid_loss,
    softmax_loss,
)

LOGITS = torch.tensor([[1.0, 0.0], [3.0, 2.0]])
OWN = torch.eye(2)
YES = torch.tensor([[True, False], [False, True]])


def random_logits(texts: int = 4, pictures: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    logits_TB = 3 * torch.randn(texts, pictures, generator=generator, dtype=torch.float64)
    return logits_TB.requires_grad_()


def test_each_text_chooses_among_the_pictures() -> None:
    expected = -(log_share([1, 0], 0) + log_share([3, 2], 1)) / 2
    assert float(softmax_loss(LOGITS, OWN, dim=TO_PICTURES)) == pytest.approx(expected)


def test_each_picture_chooses_among_the_texts() -> None:
    expected = -(log_share([1, 3], 0) + log_share([0, 2], 1)) / 2
    assert float(softmax_loss(LOGITS, OWN, dim=TO_TEXTS)) == pytest.approx(expected)


def test_a_target_may_be_spread_over_columns() -> None:
    targets = torch.tensor([[0.75, 0.25], [0.0, 1.0]])
    first = 0.75 * log_share([1, 0], 0) + 0.25 * log_share([1, 0], 1)
    expected = -(first + log_share([3, 2], 1)) / 2
    assert float(softmax_loss(LOGITS, targets, dim=TO_PICTURES)) == pytest.approx(expected)


def test_a_row_counts_as_it_weighs() -> None:
    loss = softmax_loss(LOGITS, OWN, weights=torch.tensor([3.0, 1.0]), dim=TO_PICTURES)
    expected = -(3 * log_share([1, 0], 0) + log_share([3, 2], 1)) / 4
    assert float(loss) == pytest.approx(expected)


def test_a_pair_that_is_not_allowed_is_in_no_denominator() -> None:
    logits = torch.tensor([[1.0, 0.0, 2.0]])
    allowed = torch.tensor([[True, True, False]])
    loss = softmax_loss(
        logits, torch.tensor([[1.0, 0.0, 0.0]]), allowed_TB=allowed, dim=TO_PICTURES
    )
    assert float(loss) == pytest.approx(-log_share([1, 0], 0))


def test_a_pair_with_a_target_is_allowed_whatever_is_said() -> None:
    loss = softmax_loss(LOGITS, OWN, allowed_TB=~YES, dim=TO_PICTURES)
    assert float(loss) == pytest.approx(float(softmax_loss(LOGITS, OWN, dim=TO_PICTURES)))


def test_a_row_without_a_positive_is_not_counted() -> None:
    targets = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    loss = softmax_loss(LOGITS, targets, dim=TO_PICTURES)
    assert float(loss) == pytest.approx(-log_share([1, 0], 0))


@pytest.mark.parametrize("dim", [TO_PICTURES, TO_TEXTS])
def test_with_nothing_to_learn_the_loss_and_its_gradient_are_zero(dim: int) -> None:
    logits = LOGITS.clone().requires_grad_()
    nothing = torch.zeros(2, 2)
    loss = softmax_loss(logits, nothing, allowed_TB=nothing > 0, dim=dim)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert float(loss.detach()) == 0
    assert torch.equal(gradient, nothing)


def test_one_positive_a_row_is_torchs_cross_entropy() -> None:
    logits = random_logits(5, 5).detach()
    ours = softmax_loss(logits, torch.eye(5, dtype=torch.float64), dim=TO_PICTURES)
    assert float(ours) == pytest.approx(float(cross_entropy(logits, torch.arange(5))))


def test_every_text_may_have_a_temperature_of_its_own() -> None:
    scale_T1 = torch.tensor([[1.0], [4.0]])
    loss = softmax_loss(scale_T1 * LOGITS, OWN, dim=TO_PICTURES)
    expected = -(log_share([1, 0], 0) + log_share([12, 8], 1)) / 2
    assert float(loss) == pytest.approx(expected)


def test_every_pair_is_asked_about_by_itself() -> None:
    expected = (softplus(-1) + softplus(0) + softplus(3) + softplus(-2)) / 2
    assert float(sigmoid_loss(LOGITS, YES)) == pytest.approx(expected)


def test_the_sigmoid_form_is_siglips() -> None:
    logits = random_logits(5, 5).detach()
    signs = 2 * torch.eye(5, dtype=torch.float64) - 1
    siglip = -torch.nn.functional.logsigmoid(signs * logits).sum() / 5
    ours = sigmoid_loss(logits, torch.eye(5, dtype=torch.bool))
    assert float(ours) == pytest.approx(float(siglip))


def test_a_sigmoid_pair_counts_as_it_weighs() -> None:
    weights = torch.tensor([[2.0, 0.0], [0.5, 1.0]])
    loss = sigmoid_loss(LOGITS, YES, weights_TB=weights)
    expected = (2 * softplus(-1) + 0.5 * softplus(3) + softplus(-2)) / 3
    assert float(loss) == pytest.approx(expected)


def test_sigmoids_of_large_logits_do_not_overflow() -> None:
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = sigmoid_loss(logits, torch.tensor([[False, True]]))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert float(loss.detach()) == pytest.approx(2e4)
    assert gradient.tolist() == [[1, -1]]


def test_the_log_sum_exp_form_lifts_true_texts_over_zero_and_others_under_it() -> None:
    logits = torch.tensor([[1.0, 0.0], [-2.0, 0.5], [3.0, -1.0]])
    true = torch.tensor([[True, False], [True, False], [False, True]])
    first = math.log(1 + math.exp(3)) + math.log(1 + math.exp(-1) + math.exp(2))
    second = math.log(1 + math.exp(0) + math.exp(0.5)) + math.log(1 + math.exp(1))
    assert float(logsumexp_loss(logits, true)) == pytest.approx((first + second) / 2)


def test_a_weight_multiplies_its_term_of_the_log_sum_exp_form() -> None:
    logits = torch.tensor([[1.0], [3.0], [5.0]])
    true = torch.tensor([[True], [False], [False]])
    loss = logsumexp_loss(logits, true, weights_TB=torch.tensor([[2.0], [0.5], [0.0]]))
    expected = math.log(1 + 0.5 * math.exp(3)) + math.log(1 + 2 * math.exp(-1))
    assert float(loss) == pytest.approx(expected)


def test_a_picture_of_which_nothing_is_known_is_not_counted() -> None:
    weights = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    expected = float(logsumexp_loss(LOGITS[:, :1], YES[:, :1]))
    assert float(logsumexp_loss(LOGITS, YES, weights_TB=weights)) == pytest.approx(expected)


@pytest.mark.parametrize("form", [sigmoid_loss, logsumexp_loss])
def test_where_nothing_is_known_the_gradient_is_zero(form: Callable[..., Tensor]) -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = form(logits, YES, weights_TB=torch.zeros(2, 2))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert float(loss.detach()) == 0
    assert torch.equal(gradient, torch.zeros(2, 2))


@pytest.mark.parametrize("dim", [TO_PICTURES, TO_TEXTS])
def test_the_softmax_forms_gradient_is_right(dim: int) -> None:
    logits = random_logits()
    generator = torch.Generator().manual_seed(1)
    targets = torch.rand(4, 3, generator=generator, dtype=torch.float64)
    targets = targets / targets.sum(dim=dim, keepdim=True) * (targets > 0.3)
    allowed = torch.rand(4, 3, generator=generator) < 0.7
    weights = torch.rand(4 if dim == TO_PICTURES else 3, generator=generator, dtype=torch.float64)

    def loss(logits_TB: Tensor) -> Tensor:
        return softmax_loss(logits_TB, targets, weights=weights, allowed_TB=allowed, dim=dim)

    assert gradcheck(loss, logits)


@pytest.mark.parametrize("form", [sigmoid_loss, logsumexp_loss])
def test_the_other_forms_gradients_are_right(form: Callable[..., Tensor]) -> None:
    generator = torch.Generator().manual_seed(1)
    true = torch.rand(4, 3, generator=generator) < 0.5
    weights = torch.rand(4, 3, generator=generator, dtype=torch.float64)
    weights[weights < 0.3] = 0
    assert gradcheck(lambda logits: form(logits, true, weights_TB=weights), random_logits())

"""Phrases teach traits one by one, and what is not known of them teaches nothing."""

import math

import pytest
import torch

from tests.training.objectives.batches import Rows, log_share, softplus, texts
from traitlens.training.objectives.config import PHRASE_FORMS, ObjectiveConfig
from traitlens.training.objectives.phrases import phrase_loss

# Two phrases, three pictures; whether the first shows in the last picture is not known.
LOGITS = [[2.0, 1.0, 0.5], [0.0, 3.0, 1.0]]
FITS = [[1, 0, 0], [0, 1, 1]]
WEIGHTS = [[4.0, 0.5, 0.0], [1.0, 3.0, 1.0]]


def loss(
    logits: Rows = LOGITS, fits: Rows = FITS, known: Rows = WEIGHTS, *, form: str, weights: str
) -> float:
    config = ObjectiveConfig(phrase_form=form, phrase_weights=weights)
    truth = texts(fits, of=[-1] * len(fits), weights=known)
    return float(phrase_loss(torch.tensor(logits), truth, config=config))


def test_a_phrase_is_true_of_a_picture_or_not() -> None:
    wrong = softplus(1) + softplus(0.5) + softplus(0)
    right = softplus(-2) + softplus(-3) + softplus(-1)
    found = loss(form="sigmoid", weights="all")
    assert found == pytest.approx((wrong + right) / 3)


def test_what_is_not_known_is_not_asked() -> None:
    wrong = softplus(1) + softplus(0)
    right = softplus(-2) + softplus(-3) + softplus(-1)
    found = loss(form="sigmoid", weights="known")
    assert found == pytest.approx((wrong + right) / 3)


def test_pairs_count_as_they_weigh() -> None:
    wrong = 0.5 * softplus(1) + softplus(0)
    right = 4 * softplus(-2) + 3 * softplus(-3) + softplus(-1)
    found = loss(form="sigmoid", weights="given")
    assert found == pytest.approx((wrong + right) / 8)


def test_the_log_sum_exp_form_looks_at_each_picture() -> None:
    e = math.exp
    pictures = [
        math.log(1 + e(0)) + math.log(1 + 4 * e(-2)),
        math.log(1 + 0.5 * e(1)) + math.log(1 + 3 * e(-3)),
        math.log(1 + e(-1)),
    ]
    found = loss(form="logsumexp", weights="given")
    assert found == pytest.approx(sum(pictures) / 3)


def test_in_the_softmax_form_what_is_not_known_is_no_negative() -> None:
    to_pictures = [
        log_share([2, 1], 0),
        (log_share([0, 3, 1], 1) + log_share([0, 3, 1], 2)) / 2,
    ]
    to_texts = [log_share([2, 0], 0), log_share([1, 3], 1), 0.0]
    expected = -(sum(to_pictures) / 2 + sum(to_texts) / 3) / 2
    assert loss(form="softmax", weights="known") == pytest.approx(expected)


def test_in_the_softmax_form_a_phrase_counts_as_its_positives_weigh() -> None:
    # The first phrase weighs 4; the second (3 + 1) / 2 = 2, of which 3/4 lie on the middle picture.
    second = 0.75 * log_share([0, 3, 1], 1) + 0.25 * log_share([0, 3, 1], 2)
    to_pictures = (4 * log_share([2, 1], 0) + 2 * second) / 6
    to_texts = [log_share([2, 0], 0), log_share([1, 3], 1), 0.0]
    expected = -(to_pictures + sum(to_texts) / 3) / 2
    assert loss(form="softmax", weights="given") == pytest.approx(expected)


@pytest.mark.parametrize("weights", ["known", "given"])
@pytest.mark.parametrize("form", PHRASE_FORMS)
def test_a_phrase_known_nowhere_changes_nothing(form: str, weights: str) -> None:
    more = loss(
        [*LOGITS, [9.0, -9.0, 9.0]],
        [*FITS, [1, 0, 1]],
        [*WEIGHTS, [0, 0, 0]],
        form=form,
        weights=weights,
    )
    assert more == pytest.approx(loss(form=form, weights=weights))


@pytest.mark.parametrize("weights", ["known", "given"])
@pytest.mark.parametrize("form", PHRASE_FORMS)
def test_it_does_not_matter_what_an_unknown_pair_is_said_to_be(form: str, weights: str) -> None:
    said = loss(fits=[[1, 0, 1], [0, 1, 1]], form=form, weights=weights)
    assert said == pytest.approx(loss(form=form, weights=weights))


@pytest.mark.parametrize("form", PHRASE_FORMS)
def test_equal_weights_weigh_nothing(form: str) -> None:
    ones = [[1.0] * 3] * 2
    counted = {w: loss(known=ones, form=form, weights=w) for w in ("all", "known", "given")}
    assert counted["all"] == counted["known"] == counted["given"]

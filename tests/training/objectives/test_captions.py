"""The loss over captions, option by option, against batches computed by hand."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

from tests.training.objectives.batches import log_share, softplus, texts
from traitlens.training.batch import Texts
from traitlens.training.objectives.captions import caption_loss
from traitlens.training.objectives.config import ObjectiveConfig

# Texts choose along rows, pictures along columns.
LOGITS = [[2.0, 1.0], [0.0, 3.0]]
OWN = [[1, 0], [0, 1]]


def loss(
    logits: list[list[float]] | Tensor,
    truth: Texts,
    *,
    vectors: Tensor | None = None,
    scale: float = 1.0,
    gone: float = 0.0,
    **options: str | float,
) -> float:
    """Return the loss over captions of these vectors, which hang on nothing else by default."""
    config = ObjectiveConfig(**options)  # type: ignore[arg-type]
    logits_TB = torch.as_tensor(logits)
    captions_TD = torch.zeros(len(logits_TB), 2) if vectors is None else vectors
    value = caption_loss(
        logits_TB, captions_TD, truth, config=config, scale=torch.tensor(scale), gone=gone
    )
    return float(value)


def both(targets_to_pictures: list[list[float]], targets_to_texts: list[list[float]]) -> float:
    """Return the mean of both directions over LOGITS; the second targets are a row a picture."""
    columns = [list(column) for column in zip(*LOGITS, strict=True)]
    ways = ((LOGITS, targets_to_pictures), (columns, targets_to_texts))
    return sum(
        -share * log_share(row, chosen) / 4
        for rows, targets in ways
        for row, shares in zip(rows, targets, strict=True)
        for chosen, share in enumerate(shares)
    )


def test_pairs_are_clips_loss() -> None:
    logits = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    clip = (cross_entropy(logits, torch.arange(5)) + cross_entropy(logits.T, torch.arange(5))) / 2
    all_equal = texts([[1] * 5] * 5)
    assert loss(logits, all_equal, positives="pairs") == pytest.approx(float(clip))


def test_every_text_that_fits_is_a_positive() -> None:
    # The first text fits both pictures; the second picture is 1/3 its and 2/3 the second text's.
    expected = both([[0.5, 0.5], [0, 1]], [[1, 0], [1 / 3, 2 / 3]])
    assert loss(LOGITS, texts([[1, 1], [0, 1]])) == pytest.approx(expected)


def test_spared_texts_are_neither_positives_nor_negatives() -> None:
    # The first text fits the second picture, so it is out of that pair's denominators.
    expected = -(0 + log_share([0, 3], 1) + log_share([2, 0], 0) + 0) / 4
    assert loss(LOGITS, texts([[1, 1], [0, 1]]), positives="spared") == pytest.approx(expected)


def test_sub_captions_share_their_picture_and_find_it_each() -> None:
    # Two pictures with two texts each; the texts of the first are rows 0 and 2.
    logits = [[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [2.0, 1.0]]
    truth = texts([[1, 0], [0, 1], [1, 0], [0, 1]], of=[0, 1, 0, 1])
    to_pictures = [log_share(row, of) for row, of in zip(logits, [0, 1, 0, 1], strict=True)]
    first, second = [2.0, 0.0, 1.0, 2.0], [1.0, 3.0, 0.0, 1.0]
    to_texts = [
        (log_share(first, 0) + log_share(first, 2)) / 2,
        (log_share(second, 1) + log_share(second, 3)) / 2,
    ]
    expected = -(sum(to_pictures) / 4 + sum(to_texts) / 2) / 2
    for positives in ("even", "pairs"):
        assert loss(logits, truth, positives=positives) == pytest.approx(expected)


def test_a_sub_caption_that_fits_many_counts_less_for_a_picture() -> None:
    # Row 2 is two words of the first picture's that fit both: half a text for each.
    logits = [[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]]
    truth = texts([[1, 0], [0, 1], [1, 1]], of=[0, 1, 0])
    words = (log_share([1, 0], 0) + log_share([1, 0], 1)) / 2
    to_pictures = log_share([2, 1], 0) + log_share([0, 3], 1) + words
    first, second = [2.0, 0.0, 1.0], [1.0, 3.0, 0.0]
    to_texts = (
        2 / 3 * log_share(first, 0)
        + 1 / 3 * log_share(first, 2)
        + 2 / 3 * log_share(second, 1)
        + 1 / 3 * log_share(second, 2)
    )
    assert loss(logits, truth) == pytest.approx(-(to_pictures / 3 + to_texts / 2) / 2)


def test_targets_soften_by_overlap() -> None:
    # Overlap 0.6 at temperature 0.5: a softmax over 2 and 1.2, either way.
    near, far = (math.exp(x) / (math.exp(2) + math.exp(1.2)) for x in (2, 1.2))
    truth = texts(OWN, overlap=[[1, 0.6], [0.6, 1]])
    rows = [[0.7 + 0.3 * near, 0.3 * far], [0.3 * far, 0.7 + 0.3 * near]]
    found = loss(LOGITS, truth, targets="overlap", soften=0.3, soft_temperature=0.5)
    assert found == pytest.approx(both(rows, rows))


def test_targets_soften_by_the_nearness_of_captions() -> None:
    near, far = (math.exp(x) / (math.exp(10) + math.exp(8)) for x in (10, 8))
    rows = [[0.9 + 0.1 * near, 0.1 * far], [0.1 * far, 0.9 + 0.1 * near]]
    found = loss(
        LOGITS,
        texts(OWN),
        vectors=torch.tensor([[1.0, 0.0], [0.8, 0.6]]),
        targets="context",
        soften=0.1,
        soft_temperature=0.1,
    )
    assert found == pytest.approx(both(rows, rows))


def test_smooth_targets_are_label_smoothing() -> None:
    logits = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    ways = [
        cross_entropy(rows, torch.arange(5), label_smoothing=0.1) for rows in (logits, logits.T)
    ]
    found = loss(logits, texts(torch.eye(5).tolist()), targets="smooth", soften=0.1)
    assert found == pytest.approx(float(sum(ways)) / 2)


def test_softening_ends() -> None:
    truth = texts(OWN, overlap=[[1, 0.6], [0.6, 1]])
    assert loss(LOGITS, truth, targets="overlap", gone=1.0) == pytest.approx(loss(LOGITS, truth))


def test_a_negative_truer_than_the_truth_is_dropped() -> None:
    # The second text prefers the first picture by 3 and so does the second picture the first text.
    logits = [[2.0, 1.5], [3.0, 0.0]]
    dropped = loss(logits, texts(OWN), margin=1.0, scale=1.0)
    # Rows 0 and column 0 keep both; row 1 and column 1 only their own, at no loss.
    expected = -(log_share([2, 1.5], 0) + log_share([2, 3], 0)) / 4
    assert dropped == pytest.approx(expected)


def test_the_margin_is_a_cosine() -> None:
    logits = [[2.0, 1.5], [3.0, 0.0]]
    whole = loss(logits, texts(OWN))
    assert loss(logits, texts(OWN), margin=1.0, scale=4.0) == pytest.approx(whole)
    assert loss(logits, texts(OWN), margin=1.0, scale=1.0) < whole


def test_a_text_that_fits_is_never_dropped() -> None:
    logits = [[0.0, 3.0], [0.0, 3.0]]
    truth = texts([[1, 1], [1, 1]])
    assert loss(logits, truth, margin=0.1) == pytest.approx(loss(logits, truth))


def test_only_the_hardest_negatives_count() -> None:
    logits = [[2.0, 1.0, 0.0], [0.0, 3.0, 1.5], [0.5, 1.0, 2.5]]
    rows = [([2.0, 1.0], 0), ([3.0, 1.5], 0), ([1.0, 2.5], 1)]
    columns = [([2.0, 0.5], 0), ([1.0, 3.0, 1.0], 1), ([1.5, 2.5], 1)]  # two equals stay
    expected = -sum(log_share(row, own) for row, own in [*rows, *columns]) / 6
    assert loss(logits, texts(torch.eye(3).tolist()), hardest=1) == pytest.approx(expected)


def test_a_caption_that_something_hidden_might_fit_counts_for_nothing() -> None:
    truth = texts(OWN, weights=[[1, 0], [1, 1]])
    expected = -(0 + log_share([0, 3], 1) + log_share([2, 0], 0) + 0) / 4
    assert loss(LOGITS, truth, caption_weights="known") == pytest.approx(expected)
    assert loss(LOGITS, truth) == pytest.approx(loss(LOGITS, texts(OWN)))


def test_sigmoid_pairs_are_siglips_loss() -> None:
    logits = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    siglip = -logsigmoid((2 * torch.eye(5) - 1) * logits).sum() / 5
    all_equal = texts([[1] * 5] * 5)
    found = loss(logits, all_equal, form="sigmoid", positives="pairs")
    assert found == pytest.approx(float(siglip))


def test_equal_captions_are_true_in_the_sigmoid_form() -> None:
    expected = (softplus(-2) + softplus(-1) + softplus(0) + softplus(-3)) / 3
    assert loss(LOGITS, texts([[1, 1], [0, 1]]), form="sigmoid") == pytest.approx(expected)


def test_a_pair_that_one_direction_drops_counts_half_in_the_sigmoid_form() -> None:
    # The second text drops the first picture (3 > 0 + 1); the first picture keeps the second text.
    # The second picture drops the first text (1.5 > 0 + 1); the first text keeps it.
    logits = [[2.0, 1.5], [3.0, 0.0]]
    expected = (softplus(-2) + softplus(0) + softplus(3) / 2 + softplus(1.5) / 2) / 2
    found = loss(logits, texts(OWN), form="sigmoid", margin=1.0)
    assert found == pytest.approx(expected)


def test_softening_and_dropping_combine() -> None:
    # The second text drops the first picture, which then takes none of its soft target either.
    logits = [[2.0, 1.5], [3.0, 0.0]]
    found = loss(logits, texts(OWN), targets="smooth", soften=0.2, margin=1.0)
    first = 0.9 * log_share([2, 1.5], 0) + 0.1 * log_share([2, 1.5], 1)
    back = 0.9 * log_share([2, 3], 0) + 0.1 * log_share([2, 3], 1)
    assert found == pytest.approx(-(first + back) / 4)

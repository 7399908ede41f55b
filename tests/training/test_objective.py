"""The loss is CLIP's where each caption fits one picture, and fair where it fits several."""

import math

import pytest
import torch

from traitlens.training.objective import contrastive_loss

EYE = torch.eye(3)


def loss(images: torch.Tensor, texts: torch.Tensor, fits: list[list[int]], scale: float) -> float:
    truth = torch.tensor(fits, dtype=torch.bool)
    return float(contrastive_loss(images, texts, truth, scale=torch.tensor(scale)))


def test_with_one_picture_a_caption_it_is_clips_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    images, texts = torch.randn(2, 4, 8, generator=generator)
    unit = torch.nn.functional.normalize
    logits = 5 * unit(texts, dim=-1) @ unit(images, dim=-1).T
    clip = (
        torch.nn.functional.cross_entropy(logits, torch.arange(4))
        + torch.nn.functional.cross_entropy(logits.T, torch.arange(4))
    ) / 2
    assert loss(images, texts, torch.eye(4).int().tolist(), 5.0) == pytest.approx(float(clip))


def test_a_hand_computed_batch() -> None:
    # One text for two equal pictures, at cosine 1; another text for a third, at right angles.
    images = EYE[[0, 0, 1]]
    texts = EYE[[0, 1]]
    a, b = math.log(2 * math.e + 1), math.log(2 + math.e)  # the texts' sums over pictures
    to_pictures = ((a - 1) + (b - 1)) / 2
    to_texts = math.log(math.e + 1) - 1  # the same for each of the three
    expected = (to_pictures + to_texts) / 2
    assert loss(images, texts, [[1, 1, 0], [0, 0, 1]], 1.0) == pytest.approx(expected)


def test_equal_captions_are_not_pushed_apart() -> None:
    images, texts = EYE[[0, 0, 1]], EYE[[0, 0, 1]]
    together = loss(images, texts, [[1, 1, 0], [1, 1, 0], [0, 0, 1]], 50.0)
    apart = loss(images, texts, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], 50.0)
    assert together == pytest.approx(apart), "equal vectors tie either way"
    images.requires_grad_(True)
    truth = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    value = contrastive_loss(images, texts, truth, scale=torch.tensor(50.0))
    (gradient,) = torch.autograd.grad(value, images)
    assert gradient.abs().max() < 1e-6, "a perfect answer is left alone"


def test_a_picture_that_no_text_fits_adds_nothing() -> None:
    value = loss(EYE[[0, 1]], EYE[[0]], [[1, 0]], 1.0)
    assert math.isfinite(value)

"""Cached gradients are those of one look at the whole batch, and dropout is the same twice."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.training.small_clip import IMAGE_PX, small_clip
from traitlens.models.torch_encoder import image_features, load_model, text_features
from traitlens.training.gradients import encode

CPU = torch.device("cpu")


def contrast(images_BD: Tensor, texts_BD: Tensor) -> Tensor:
    similarity = 10 * nn.functional.normalize(texts_BD) @ nn.functional.normalize(images_BD).T
    return nn.functional.cross_entropy(similarity, torch.arange(len(images_BD)))


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("chunk", [None, 7, 3, 1])
def test_gradients_of_a_clip_equal_a_plain_backward_in_float64(
    chunk: int | None, tmp_path: Path
) -> None:
    model, _ = load_model(small_clip(tmp_path))
    model = model.double()
    torch.manual_seed(1)
    pixels = torch.randn(7, 3, IMAGE_PX, IMAGE_PX, dtype=torch.float64)
    ids = torch.randint(3, 50, (7, 9))

    def texts(part: Tensor) -> Tensor:
        return text_features(model, part, torch.ones_like(part))

    contrast(image_features(model, pixels), texts(ids)).backward()  # type: ignore[no-untyped-call]
    plain = gradients(model)
    model.zero_grad()

    encoded = [
        encode(tower, items, chunk=chunk, dimension=16, device=CPU)
        for tower, items in ((lambda part: image_features(model, part), pixels), (texts, ids))
    ]
    leaves = [one.features_ND.clone().requires_grad_() for one in encoded]
    contrast(*leaves).backward()  # type: ignore[no-untyped-call]
    for one, leaf in zip(encoded, leaves, strict=True):
        assert leaf.grad is not None
        one.push(leaf.grad)
    cached = gradients(model)
    assert cached.keys() == plain.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(cached[name], gradient, rtol=0, atol=1e-10)


def dropping() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 64), nn.Dropout(0.5), nn.Linear(64, 3)).double()


def test_both_passes_of_a_chunk_drop_the_same() -> None:
    items = torch.randn(6, 4, dtype=torch.float64)
    goal = torch.randn(6, 3, dtype=torch.float64)
    model = dropping()
    torch.manual_seed(5)
    kept = torch.cat([model(items[:4]), model(items[4:])])  # the same chunks, with their graph
    (kept * goal).sum().backward()  # type: ignore[no-untyped-call]
    wanted = gradients(model)
    model.zero_grad()
    torch.manual_seed(5)
    encoded = encode(model, items, chunk=4, dimension=3, device=CPU)
    torch.testing.assert_close(encoded.features_ND, kept.detach())
    torch.manual_seed(99)
    encoded.push(goal)
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, wanted[name], rtol=0, atol=1e-12)


def test_the_second_pass_leaves_later_random_numbers_as_they_were() -> None:
    items = torch.randn(6, 4, dtype=torch.float64)
    encoded = encode(dropping(), items, chunk=2, dimension=3, device=CPU)
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    encoded.push(torch.ones(6, 3, dtype=torch.float64))
    assert torch.equal(torch.rand(4), wanted)


@pytest.mark.parametrize("chunk", [None, 2])
def test_a_frozen_tower_gets_no_gradients(chunk: int | None) -> None:
    model = dropping().requires_grad_(requires_grad=False)
    items = torch.randn(5, 4, dtype=torch.float64)
    encoded = encode(model, items, chunk=chunk, dimension=3, device=CPU)
    encoded.push(torch.ones(5, 3, dtype=torch.float64))
    assert gradients(model) == {}


def test_nothing_to_encode_has_features_of_the_right_width() -> None:
    encoded = encode(dropping(), [], chunk=2, dimension=3, device=CPU)
    assert encoded.features_ND.shape == (0, 3)
    encoded.push(torch.zeros(0, 3))

"""Which weights decay, how the learning rate goes, and what half precision adds."""

import math

import pytest
import torch
from torch import nn

from traitlens.training import TrainConfig
from traitlens.training.optimizing import Precision, Stepper, learning_rate

CPU = torch.device("cpu")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(3, 2))
        self.vector = nn.Parameter(torch.ones(3))
        self.clip_scale = nn.Parameter(torch.tensor(1.0))
        self.siglip_scale = nn.Parameter(torch.ones(1))  # a vector of one number
        self.frozen = nn.Parameter(torch.ones(4, 4), requires_grad=False)


def stepper(parts: nn.Module, config: TrainConfig, precision: str = "fp32") -> Stepper:
    return Stepper([parts], config, Precision(precision, CPU).scaler)


def test_the_rate_rises_to_its_peak_and_falls_along_a_cosine_to_zero() -> None:
    config = TrainConfig(steps=110, warmup=10 / 110, learning_rate=1.0)
    rates = [learning_rate(step, config) for step in range(110)]
    assert rates[:10] == pytest.approx([0.1 * (n + 1) for n in range(10)])
    assert rates[10] == 1.0
    assert rates[60] == pytest.approx(0.5)
    assert rates[109] == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.99)))


def test_only_matrices_decay_and_only_scalars_have_a_pace() -> None:
    parts = Parts()
    config = TrainConfig(weight_decay=0.3, temperature_pace=7.0)
    groups = stepper(parts, config).optimizer.param_groups
    found = {
        name: (group["weight_decay"], group["pace"])
        for name, parameter in parts.named_parameters()
        for group in groups
        if any(parameter is one for one in group["params"])
    }
    assert found == {
        "matrix": (0.3, 1.0),
        "vector": (0.0, 1.0),
        "clip_scale": (0.0, 7.0),
        "siglip_scale": (0.0, 7.0),
    }


def test_adam_moves_by_the_rate_and_the_pace_and_a_matrix_shrinks_besides() -> None:
    parts = Parts()
    config = TrainConfig(
        steps=10, warmup=0.0, learning_rate=0.01, weight_decay=0.5, temperature_pace=5.0
    )
    taken = stepper(parts, config)
    taken.backward(parts.matrix.sum() + parts.vector.sum() + parts.clip_scale)
    taken.step(0)
    # Adam's first step has the size of the rate, whatever the gradient
    assert parts.vector.tolist() == pytest.approx([0.99] * 3, abs=1e-5)
    assert parts.clip_scale.item() == pytest.approx(0.95, abs=1e-5)
    assert parts.matrix[0, 0].item() == pytest.approx(1 - 0.01 * 0.5 - 0.01, abs=1e-5)
    assert parts.siglip_scale.item() == 1.0, "what has no gradient does not move"


def test_gradients_are_clipped_all_together() -> None:
    parts = Parts()
    taken = stepper(parts, TrainConfig(clip_norm=2.0))
    taken.backward(3 * parts.clip_scale + 4 * parts.siglip_scale.sum())
    taken.step(0)
    assert parts.clip_scale.grad is not None
    assert parts.siglip_scale.grad is not None
    assert parts.clip_scale.grad.item() == pytest.approx(2 * 3 / 5)
    assert parts.siglip_scale.grad.item() == pytest.approx(2 * 4 / 5)


def test_a_step_whose_gradients_overflow_in_fp16_is_left_out_and_the_scale_falls() -> None:
    parts = Parts()
    taken = stepper(parts, TrainConfig(), "fp16")
    before = taken.scaler.get_scale()
    taken.backward(parts.vector.sum() * torch.inf)
    taken.step(0)
    assert parts.vector.tolist() == [1.0] * 3
    assert taken.scaler.get_scale() == before / 2


def test_a_scaled_loss_moves_weights_as_an_unscaled_one() -> None:
    moved = []
    for precision in ("fp32", "fp16"):
        parts = Parts()
        taken = stepper(parts, TrainConfig(), precision)
        taken.backward((parts.matrix**2).sum())
        taken.step(100)
        moved.append(parts.matrix.detach())
    torch.testing.assert_close(*moved)


@pytest.mark.parametrize(
    ("name", "half", "scales"),
    [("fp32", False, False), ("bf16", True, False), ("fp16", True, True)],
)
def test_products_are_in_the_format_that_is_named(name: str, half: bool, scales: bool) -> None:
    precision = Precision(name, CPU)
    assert precision.half is half
    assert precision.scaler.is_enabled() is scales
    with precision.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    wanted = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    assert product.dtype == wanted[name]


def test_auto_names_what_it_chose() -> None:
    assert Precision("auto", CPU).name in ("bf16", "fp32")

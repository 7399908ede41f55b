"""A state brings back all that changes, and nothing of another run."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn
from torch.optim import AdamW

from traitlens.training.checkpoint import (
    forget_worse,
    load_best,
    restore_state,
    save_best,
    save_state,
)


class Model(nn.Module):
    def __init__(self, *, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.learning = nn.Linear(3, 2)
        self.frozen = nn.Linear(3, 2).requires_grad_(requires_grad=False)
        self.register_buffer("seen", torch.rand(2))


def moved(model: Model) -> AdamW:
    optimizer = AdamW(model.learning.parameters(), lr=0.1)
    model.learning(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return optimizer


def test_weights_buffers_and_the_optimizer_come_back_and_go_on_alike(tmp_path: Path) -> None:
    model = Model(seed=0)
    optimizer = moved(model)
    known = {"best": [3, 0.25, 1], "recent": [{"loss": 0.1}]}
    save_state(tmp_path, {"model": model}, optimizer, step=7, mark="a", known=known)
    other = Model(seed=1)
    other.frozen = model.frozen
    fresh = AdamW(other.learning.parameters(), lr=0.1)
    assert restore_state(tmp_path, {"model": other}, fresh, mark="a") == (7, known)
    for one, its in ((model, optimizer), (other, fresh)):
        its.zero_grad()
        one.learning(torch.ones(1, 3)).square().sum().backward()
        its.step()
    assert all(
        torch.equal(value, other.state_dict()[name]) for name, value in model.state_dict().items()
    )


def test_what_does_not_learn_is_not_written(tmp_path: Path) -> None:
    model = Model(seed=0)
    save_state(tmp_path, {"model": model}, moved(model), step=1, mark="a", known={})
    with safe_open(tmp_path / "state.safetensors", framework="pt") as file:
        names = {name for name in file.keys() if name.startswith("model.")}  # noqa: SIM118
    assert names == {"model.learning.weight", "model.learning.bias", "model.seen"}


@pytest.mark.parametrize("broken", [True, False])
def test_there_is_no_state_of_another_run_or_in_a_broken_file(tmp_path: Path, broken: bool) -> None:
    model = Model(seed=0)
    optimizer = moved(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    save_state(tmp_path, {"model": Model(seed=1)}, optimizer, step=7, mark="b", known={})
    if broken:
        (tmp_path / "state.safetensors").write_bytes(b"half a fil")
    assert restore_state(tmp_path, {"model": model}, optimizer, mark="a") == (0, {})
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_folder_without_a_state_is_at_its_beginning(tmp_path: Path) -> None:
    model = Model(seed=0)
    assert restore_state(tmp_path, {"model": model}, moved(model), mark="a") == (0, {})


def test_the_best_weights_come_back_and_worse_ones_go(tmp_path: Path) -> None:
    model = Model(seed=0)
    best = model.learning.weight.detach().clone()
    save_best(tmp_path, model, step=5)
    moved(model)
    save_best(tmp_path, model, step=9)
    forget_worse(tmp_path, best_step=5)
    assert [file.name for file in tmp_path.iterdir()] == ["best-5.safetensors"]
    load_best(tmp_path, model, step=5)
    assert torch.equal(model.learning.weight, best)

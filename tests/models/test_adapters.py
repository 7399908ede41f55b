"""What training may change: whole towers, low-rank updates of them, or neither."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.checkpoints import openai_clip, sentence_encoder, siglip
from traitlens.errors import ConfigError, ModelError
from traitlens.models.adapters import AdaptConfig, adapt, merged, trainable
from traitlens.models.text_towers import join_text_tower
from traitlens.models.torch_encoder import image_features, load_model, text_features

IDS = torch.tensor([[2, 5, 6, 1], [2, 7, 1, 1]])
PIXELS = torch.linspace(-1, 1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)


def joined(folder: Path) -> Path:
    join_text_tower(
        openai_clip(folder / "clip"), sentence_encoder(folder / "bert"), folder / "joined"
    )
    return folder / "joined"


KINDS: dict[str, Callable[[Path], Path]] = {"clip": openai_clip, "siglip": siglip, "joined": joined}


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return KINDS[request.param](tmp_path_factory.mktemp(request.param) / "model")


def features(model: Any) -> tuple[Tensor, Tensor]:
    return image_features(model, PIXELS), text_features(model, IDS, torch.ones_like(IDS))


def take_steps(model: Any, *, count: int = 3) -> None:
    model.train()
    free = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(free, lr=1e-2, weight_decay=0.1)
    for _ in range(count):
        images, texts = features(model)
        loss = (model.logit_scale.exp() * images @ texts.T).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def weights(model: Any, start: str) -> dict[str, Tensor]:
    return {n: t.clone() for n, t in model.state_dict().items() if n.startswith(start)}


def test_updates_begin_at_zero(folder: Path) -> None:
    model: Any = load_model(folder)[0]
    before = features(model.eval())
    adapt(model, AdaptConfig(vision="lora", text="lora"))
    torch.testing.assert_close(features(model.eval()), before)


def test_a_merged_model_gives_what_the_adapted_one_gives(folder: Path) -> None:
    model = adapt(load_model(folder)[0], AdaptConfig(vision="lora", text="lora", rank=4))
    take_steps(model)
    stock: Any = merged(model)
    assert {n for n, _ in stock.named_parameters()} == {
        n for n, _ in load_model(folder)[0].named_parameters()
    }
    for one, other in zip(features(stock), features(model), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    assert any("lora_" in n for n, _ in model.named_parameters()), "training can go on"


def test_a_merged_model_is_written_and_opened_as_a_stock_one(folder: Path, tmp_path: Path) -> None:
    model = adapt(load_model(folder)[0], AdaptConfig(text="lora"))
    take_steps(model)
    merged(model).save_pretrained(tmp_path)
    opened: Any = load_model(tmp_path)[0]
    for one, other in zip(features(opened.eval()), features(model), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    assert type(opened) is type(load_model(folder)[0])


@pytest.mark.parametrize("side", ["vision", "text"])
def test_a_frozen_tower_is_the_same_to_the_bit_after_steps(folder: Path, side: str) -> None:
    options: dict[str, Any] = {side: "frozen"}
    model = adapt(load_model(folder)[0], AdaptConfig(**options))
    before = weights(model, f"{side}_model.")
    take_steps(model)
    after = weights(model, f"{side}_model.")
    assert all(torch.equal(after[n], before[n]) for n in before if ".head." not in n)


def test_low_rank_updates_leave_the_tower_s_own_weights(folder: Path) -> None:
    model = adapt(load_model(folder)[0], AdaptConfig(vision="lora"))
    before = weights(model, "vision_model.")
    take_steps(model)
    changed = {n for n, t in weights(model, "vision_model.").items() if not t.equal(before[n])}
    assert changed
    assert all("lora_" in name for name in changed)


def test_a_frozen_tower_has_no_dropout_left(tmp_path: Path) -> None:
    model = adapt(load_model(joined(tmp_path))[0], AdaptConfig(text="frozen")).train()
    one, other = (text_features(model, IDS, torch.ones_like(IDS)) for _ in range(2))
    assert torch.equal(one, other)


def test_what_is_trained_is_what_the_config_says(tmp_path: Path) -> None:
    model, _ = load_model(openai_clip(tmp_path / "clip"))
    whole = trainable(model)
    assert whole == sum(p.numel() for p in model.parameters())
    adapt(model, AdaptConfig(vision="frozen", text="lora", rank=3))
    # Two blocks: four layers of 32 x 32, one of 32 x 64 and one of 64 x 32, each with two factors.
    updates = 2 * (4 * 3 * (32 + 32) + 2 * 3 * (32 + 64))
    projections = 2 * 32 * 24
    assert trainable(model) == updates + projections + 1  # the temperature


def test_siglips_head_and_bias_stay_free(tmp_path: Path) -> None:
    model, _ = load_model(siglip(tmp_path / "siglip"))
    adapt(model, AdaptConfig(vision="frozen", text="frozen"))
    free = {n for n, p in model.named_parameters() if p.requires_grad}
    assert free == {
        "logit_scale",
        "logit_bias",
        "text_model.head.weight",
        "text_model.head.bias",
    }


def test_a_model_in_full_is_left_as_it_is(tmp_path: Path) -> None:
    model, _ = load_model(openai_clip(tmp_path / "clip"))
    names = [n for n, _ in model.named_parameters()]
    assert adapt(model, AdaptConfig()) is model
    assert [n for n, _ in model.named_parameters()] == names
    assert merged(model) is model


def test_one_seed_gives_one_update(tmp_path: Path) -> None:
    folder = openai_clip(tmp_path / "clip")
    name = "vision_model.encoder.layers.0.self_attn.q_proj.lora_A.default.weight"
    config = AdaptConfig(vision="lora")
    draws = [adapt(load_model(folder)[0], config, seed=s).state_dict()[name] for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_a_model_without_such_a_tower_is_refused() -> None:
    with pytest.raises(ModelError, match=r"has no text_model: adapt\.text must be full"):
        adapt(torch.nn.Linear(2, 2), AdaptConfig(text="lora"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vision": "lore"}, "adapt.vision must be one of full, lora, frozen; got 'lore'"),
        ({"rank": 0}, "adapt.rank must be at least 1; got 0"),
        ({"dropout": 2.0}, r"adapt.dropout must be in \[0, 1\]; got 2.0"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AdaptConfig(**options)

"""A stock CLIP of a few thousand weights, and a loop around it: steps take milliseconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import CLIPConfig, CLIPModel

from traitlens import files
from traitlens.models.adapters import adapt
from traitlens.models.pixels import PixelConfig
from traitlens.models.tiny import make_tiny
from traitlens.models.torch_encoder import load_model, text_length
from traitlens.models.words import Words
from traitlens.progress import silent
from traitlens.separation import components
from traitlens.store import Dataset
from traitlens.training.config import TrainConfig
from traitlens.training.course import Course
from traitlens.training.curves import Point
from traitlens.training.loop import Loop
from traitlens.training.material import gather
from traitlens.training.objectives import Objective
from traitlens.training.optimizing import Precision
from traitlens.training.ranks import Ranks
from traitlens.training.towers import Towers

WIDTH, DIMENSION, IMAGE_PX, PATCH_PX = 32, 16, 24, 12

ALONE = Ranks(device=torch.device("cpu"))


def small_clip(folder: Path, *, dropout: float = 0.0, seed: int = 0) -> Path:
    """Write a CLIP that looks at 24 x 24 px, with words for the drawn tokens; return its folder."""
    captions = [f"robots owls with {c} hat body background" for c in ("red", "green", "blue")]
    make_tiny("tiny", folder, captions=captions * 3, seed=seed)
    tokens = files.read_json(folder / "tokenizer.json")["model"]["vocab"]
    processor = files.read_json(folder / "processor_config.json")
    processor["image_processor"]["size"] = {"height": IMAGE_PX, "width": IMAGE_PX}
    files.write_json(folder / "processor_config.json", processor)
    common: dict[str, Any] = {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": 1,
    }
    common |= {"num_attention_heads": 2, "attention_dropout": dropout, "projection_dim": DIMENSION}
    text = common | {"vocab_size": len(tokens), "max_position_embeddings": 40}
    text |= {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}
    vision = common | {"image_size": IMAGE_PX, "patch_size": PATCH_PX}
    torch.manual_seed(seed)
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=DIMENSION)
    CLIPModel(config).save_pretrained(folder)
    return folder


def small_towers(folder: Path, *, config: TrainConfig, ranks: Ranks = ALONE) -> Towers:
    model, _ = load_model(folder)
    return Towers(
        adapt(model, config.adapt, seed=config.seed),
        Words(folder, max_length=text_length(model)),
        PixelConfig.load(folder),
        precision=Precision(config.precision, ranks.device),
        device=ranks.device,
    )


def small_loop(
    data: Dataset,
    folder: Path,
    *,
    config: TrainConfig,
    masks: Path | None = None,
    validator: Any = None,
    ranks: Ranks = ALONE,
) -> Loop:
    """Return a loop that trains the CLIP in `folder`; with `masks` components are found there."""
    towers = small_towers(folder, config=config, ranks=ranks)
    if masks:
        with ranks.first_alone():
            components(data, out=masks, split="train")
    material = gather(data, towers.pixels, split="train", masks_folder=masks)
    objective = Objective(config.objective)
    return Loop(towers, objective, material, validator, config=config, ranks=ranks)


def go(loop: Loop, work: Path, *, save_every: int = 10_000, workers: int = 0) -> Course:
    """Take all steps of a loop."""
    work.mkdir(exist_ok=True)

    def nobody(point: Point) -> None:
        """Tell nobody."""

    return loop.run(
        work,
        save_every=save_every,
        mark="a",
        workers=workers,
        on_point=nobody,
        progress=silent,
    )


def weights_of(loop: Loop) -> dict[str, torch.Tensor]:
    """Return all weights of a loop, those of its objective too."""
    return {
        f"{name}.{key}": value.detach().clone()
        for name, module in loop.modules.items()
        for key, value in module.state_dict().items()
    }

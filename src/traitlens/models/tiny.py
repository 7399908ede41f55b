"""Small dual encoders to train from scratch: stock `CLIPModel`s, so that everything opens them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from traitlens import files
from traitlens.config import check_choice

if TYPE_CHECKING:
    from transformers import CLIPModel

_PAD, _END, _START = "<pad>", "<end>", "<start>"


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyConfig:
    """The shape of a tiny model; a `text` or `vision` width is the size of its hidden states."""

    image_size: int = 64  # px
    patch_size: int = 32  # px; few large patches are quick, and PFP parts keep their places
    vision_width: int = 192
    vision_layers: int = 5
    position_std: float = 0.3  # of the patches' places at the start: they must not look alike
    text_width: int = 128
    text_layers: int = 2
    heads: int = 4
    dimension: int = 192
    vocabulary: int = 4000
    text_length: int = 64  # token ids


PRESETS: dict[str, TinyConfig] = {
    # For studies of many runs on a CPU: a step takes about a quarter of tiny's.
    "nano": TinyConfig(
        vision_width=128, vision_layers=3, text_width=64, text_layers=1, dimension=128
    ),
    # For a CPU, in minutes; the shipped model is one.
    "tiny": TinyConfig(),
    # For a GPU: 64 patches where tiny has 4, and deeper towers; a CPU takes 40 times as long.
    "small": TinyConfig(
        image_size=128,
        patch_size=16,
        vision_width=384,
        vision_layers=8,
        text_width=256,
        text_layers=4,
        heads=8,
        dimension=256,
        vocabulary=8000,
    ),
}


def is_preset(name: str) -> bool:
    """Return whether `name` is a model to be made rather than one to be loaded."""
    return name in PRESETS


def make_tiny(name: str, folder: Path, *, captions: Iterable[str], seed: int) -> None:
    """Write a fresh model into `folder`: weights drawn by `seed`, vocabulary from `captions`."""
    import torch

    check_choice("model", name, PRESETS)
    config = PRESETS[name]
    folder.mkdir(parents=True, exist_ok=True)
    ids = _write_tokenizer(folder, captions, config)
    _write_processor(folder, config)
    torch.manual_seed(seed)
    model = _model(config, vocabulary=len(ids), ids=ids)
    places = model.vision_model.embeddings.position_embedding.weight
    torch.nn.init.normal_(places, std=config.position_std)
    model.save_pretrained(folder)


def _model(config: TinyConfig, *, vocabulary: int, ids: dict[str, int]) -> CLIPModel:
    from transformers import CLIPConfig, CLIPModel

    text = {
        "vocab_size": vocabulary,
        "hidden_size": config.text_width,
        "intermediate_size": 4 * config.text_width,
        "num_hidden_layers": config.text_layers,
        "num_attention_heads": config.heads,
        "max_position_embeddings": config.text_length,
        "hidden_act": "gelu",
        "projection_dim": config.dimension,
        "pad_token_id": ids[_PAD],
        "bos_token_id": ids[_START],
        "eos_token_id": ids[_END],
    }
    vision = {
        "image_size": config.image_size,
        "patch_size": config.patch_size,
        "hidden_size": config.vision_width,
        "intermediate_size": 4 * config.vision_width,
        "num_hidden_layers": config.vision_layers,
        "num_attention_heads": config.heads,
        "hidden_act": "gelu",
        "projection_dim": config.dimension,
    }
    return CLIPModel(
        CLIPConfig(
            text_config=text,
            vision_config=vision,
            projection_dim=config.dimension,
            logit_scale_init_value=math.log(1 / 0.07),
        )
    )


def _write_tokenizer(folder: Path, captions: Iterable[str], config: TinyConfig) -> dict[str, int]:
    """Write a lower-casing byte-level BPE, which knows every word in pieces; return its ids."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from tokenizers.trainers import BpeTrainer

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    # <end> must not get id 2, for which `transformers` keeps an old, wrong way of pooling.
    trainer = BpeTrainer(
        vocab_size=config.vocabulary,
        special_tokens=[_PAD, _END, _START],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(captions, trainer)
    ids = tokenizer.get_vocab()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_START} $A {_END}",
        special_tokens=[(name, ids[name]) for name in (_START, _END)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": _PAD,
        "bos_token": _START,
        "eos_token": _END,
        "model_max_length": config.text_length,
    }
    files.write_json(folder / "tokenizer_config.json", described)
    return dict(ids)


def _write_processor(folder: Path, config: TinyConfig) -> None:
    half = [0.5, 0.5, 0.5]
    image_processor = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": config.image_size, "width": config.image_size},
        "resample": 4,  # box: pixel art stays crisp when it grows, and is averaged when it shrinks
        "do_center_crop": False,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": half,
        "image_std": half,
    }
    files.write_json(
        folder / "processor_config.json",
        {"processor_class": "CLIPProcessor", "image_processor": image_processor},
    )

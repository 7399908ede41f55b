"""open_clip's layout: `open_clip.create_model_and_transforms("local-dir:FOLDER")` opens it.

open_clip_config.json           the shape of both towers, and how pictures are prepared
open_clip_model.safetensors     the weights by open_clip's names, in float32
tokenizer.json ...              the words

Names and meanings are those of mlfoundations/open_clip 3 (`model.py`, `transformer.py`,
`factory.py`): query, key and value lie in one matrix, projections are stored transposed, and a text
ends at its highest id ("argmax") or at a named one ("eos").
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from traitlens import files
from traitlens.errors import ModelError
from traitlens.models.folder import WORD_FILES, copy_files
from traitlens.models.pixels import PixelConfig

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CONFIG, WEIGHTS = "open_clip_config.json", "open_clip_model.safetensors"

_INTERPOLATIONS = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers; open_clip knows no others
_TORCH_EPS = 1e-5  # of a LayerNorm, unless told
_OLD_END = 2  # `transformers` then pools at the highest id, whatever the end's id is


def write_open_clip(model: PreTrainedModel, source: Path, target: Path) -> list[str]:
    """Write a CLIP model into the folder `target`; return what a reader has to know.

    Raise ModelError for what open_clip cannot say: another class, or another activation.
    """
    if model.config.model_type != "clip":
        raise ModelError(f"open_clip's layout holds CLIP models, not a {type(model).__name__}")
    pixels = PixelConfig.load(source)
    config = {
        "model_cfg": _model_config(model.config, name=target.name),
        "preprocess_cfg": {
            "mean": list(pixels.mean),
            "std": list(pixels.std),
            "interpolation": _INTERPOLATIONS.get(pixels.resample, "bicubic"),
            "resize_mode": "squash" if pixels.shortest_edge is None else "shortest",
        },
    }
    files.write_json(target / CONFIG, config)
    save_file(_weights(model), target / WEIGHTS, metadata={"format": "pt"})
    copy_files(source, target, WORD_FILES)
    return _notes(pixels)


def _notes(pixels: PixelConfig) -> list[str]:
    size = f"{pixels.width} x {pixels.height} px"
    if pixels.resample not in _INTERPOLATIONS:
        return [
            f"open_clip resizes with bicubic, the model was trained with Pillow's filter "
            f"{pixels.resample}: resize pictures to {size} with that filter first"
        ]
    if pixels.shortest_edge not in (None, pixels.height):
        return [
            f"open_clip resizes the shorter edge to {pixels.height} px, not to "
            f"{pixels.shortest_edge} px as the model's own processor"
        ]
    return []


def _model_config(config: Any, *, name: str) -> dict[str, Any]:
    vision, text = config.vision_config, config.text_config
    activations = {vision.hidden_act, text.hidden_act}
    if not (activations == {"gelu"} or activations == {"quick_gelu"}):
        raise ModelError(
            f"open_clip's towers share one activation, gelu or quick_gelu; these have "
            f"{' and '.join(sorted(activations))}"
        )
    return {
        "embed_dim": config.projection_dim,
        "quick_gelu": activations == {"quick_gelu"},
        "vision_cfg": {
            **_tower(vision),
            "image_size": vision.image_size,
            "patch_size": vision.patch_size,
            "head_width": vision.hidden_size // vision.num_attention_heads,
        },
        "text_cfg": {
            **_tower(text),
            "context_length": text.max_position_embeddings,
            "vocab_size": text.vocab_size,
            "heads": text.num_attention_heads,
            "hf_tokenizer_name": name,  # from a local folder open_clip takes the folder's own
            "pool_type": "argmax" if text.eos_token_id == _OLD_END else "eos",
            "eos_id": text.eos_token_id,
            "pad_id": text.pad_token_id,
        },
    }


def _tower(config: Any) -> dict[str, Any]:
    """Return what both towers' configs have in common."""
    ratio = config.intermediate_size / config.hidden_size
    assert int(config.hidden_size * ratio) == config.intermediate_size, "as open_clip computes it"
    shape = {"width": config.hidden_size, "layers": config.num_hidden_layers, "mlp_ratio": ratio}
    if config.layer_norm_eps != _TORCH_EPS:
        shape["norm_kwargs"] = {"eps": config.layer_norm_eps}
    return shape


def _weights(model: Any) -> dict[str, Tensor]:
    """Return the weights by open_clip's names."""
    own = {name: value.float().cpu() for name, value in model.state_dict().items()}
    vision, text = "vision_model.", "text_model."
    plain = {
        "visual.class_embedding": vision + "embeddings.class_embedding",
        "visual.conv1.weight": vision + "embeddings.patch_embedding.weight",
        "visual.positional_embedding": vision + "embeddings.position_embedding.weight",
        **_pair("visual.ln_pre", vision + "pre_layrnorm"),  # the library's own spelling
        **_pair("visual.ln_post", vision + "post_layernorm"),
        "token_embedding.weight": text + "embeddings.token_embedding.weight",
        "positional_embedding": text + "embeddings.position_embedding.weight",
        **_pair("ln_final", text + "final_layer_norm"),
        "logit_scale": "logit_scale",
    }
    renamed = {name: own[theirs] for name, theirs in plain.items()}
    renamed["visual.proj"] = own["visual_projection.weight"].T
    renamed["text_projection"] = own["text_projection.weight"].T
    for name, config in (
        ("vision", model.config.vision_config),
        ("text", model.config.text_config),
    ):
        prefix = "visual.transformer" if name == "vision" else "transformer"
        for layer in range(config.num_hidden_layers):
            block = _block(own, f"{name}_model.encoder.layers.{layer}.")
            renamed |= {f"{prefix}.resblocks.{layer}.{n}": value for n, value in block.items()}
    return {name: value.clone().contiguous() for name, value in renamed.items()}


def _block(own: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the weights of one transformer block."""
    names = {
        **_pair("ln_1", "layer_norm1"),
        **_pair("ln_2", "layer_norm2"),
        **_pair("attn.out_proj", "self_attn.out_proj"),
        **_pair("mlp.c_fc", "mlp.fc1"),
        **_pair("mlp.c_proj", "mlp.fc2"),
    }
    block = {name: own[prefix + theirs] for name, theirs in names.items()}
    for kind in ("weight", "bias"):
        parts = [own[f"{prefix}self_attn.{part}_proj.{kind}"] for part in "qkv"]
        block[f"attn.in_proj_{kind}"] = torch.cat(parts)
    return block


def _pair(name: str, theirs: str) -> dict[str, str]:
    return {f"{name}.{kind}": f"{theirs}.{kind}" for kind in ("weight", "bias")}

"""Small checkpoints of the real classes, as they lie on the hub: random weights, a few words."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTokenizer,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

WORDS = ("red", "blue", "green", "hat", "eyes", "with", "and", "robots", "on", "background")
TEXTS = ["red hat", "robots with blue eyes and red hat", "green background", "hat"]
SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def openai_clip(folder: Path, *, act: str = "quick_gelu", end: int = 2) -> Path:
    """Write a CLIP as openai's: vocab.json and merges.txt, shortest edge and centre crop.

    With `end` = 2, as in its old configs, a text is pooled at its highest id.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pieces = sorted({letter for word in WORDS for letter in word})
    vocab = [*pieces, *(f"{letter}</w>" for letter in pieces)]
    vocab += ["r e", "re d</w>", "h a", "ha t</w>"]
    names = [piece.replace(" ", "") for piece in vocab] + ["<|startoftext|>", "<|endoftext|>"]
    ids = {name: number for number, name in enumerate(names)}
    merges: Any = [tuple(piece.split()) for piece in vocab if " " in piece]
    made = CLIPTokenizer(vocab=ids, merges=merges, model_max_length=20)
    write_plain_vocabulary(folder, ids, merges)
    made.save_pretrained(folder)
    (folder / "tokenizer.json").unlink()
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    )
    processor.save_pretrained(folder)
    text = SHAPE | {"vocab_size": len(ids), "max_position_embeddings": 20, "hidden_act": act}
    text |= {"bos_token_id": ids["<|startoftext|>"], "pad_token_id": ids["<|endoftext|>"]}
    text |= {"eos_token_id": end if end == 2 else ids["<|endoftext|>"]}
    return _write_clip(folder, text, act)


def _write_clip(folder: Path, text: dict[str, Any], act: str) -> Path:
    vision = SHAPE | {"image_size": 32, "patch_size": 8, "hidden_act": act}
    torch.manual_seed(0)
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    model = CLIPModel(config)
    for parameter in model.parameters():
        if parameter.dim() >= 2:  # fresh weights are so small that texts hardly differ
            torch.nn.init.normal_(parameter, std=0.15)
    model.save_pretrained(folder)
    return folder


def write_plain_vocabulary(
    folder: Path, ids: dict[str, int], merges: list[tuple[str, ...]]
) -> None:
    (folder / "vocab.json").write_text(json.dumps(ids))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")


def siglip(folder: Path) -> Path:
    """Write a SigLIP: no mask, padded to 16 ids with the token that also ends a text."""
    names = ("<pad>", "</s>", "<unk>", *WORDS)
    tokenizer = Tokenizer(
        models.WordLevel({name: number for number, name in enumerate(names)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    fast: Any = PreTrainedTokenizerFast
    fast(
        tokenizer_object=tokenizer,
        pad_token="</s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=16,
        model_input_names=["input_ids"],
    ).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    text = SHAPE | {"vocab_size": len(names), "max_position_embeddings": 16, "projection_size": 32}
    text |= {"bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 1}
    vision = SHAPE | {"image_size": 32, "patch_size": 8}
    torch.manual_seed(0)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    model.save_pretrained(folder)
    return folder


def sentence_encoder(folder: Path, *, pooling: str = "mean_tokens") -> Path:
    """Write a BERT in sentence-transformers' layout, as all-MiniLM-L6-v2 is."""
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS)
    tokenizer = Tokenizer(
        models.WordPiece({n: number for number, n in enumerate(names)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast: Any = PreTrainedTokenizerFast
    fast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=24,
    ).save_pretrained(folder)
    torch.manual_seed(1)
    shape = SHAPE | {"vocab_size": len(names), "max_position_embeddings": 40}
    BertModel(BertConfig(**shape)).save_pretrained(folder)
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(kinds.items())
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 12}')
    (folder / "1_Pooling").mkdir()
    switches = {
        f"pooling_mode_{name}": False for name in ("cls_token", "mean_tokens", "max_tokens")
    }
    switches |= {f"pooling_mode_{pooling}": True}
    (folder / "1_Pooling/config.json").write_text(json.dumps(switches))
    return folder

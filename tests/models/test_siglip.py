"""A SigLIP is given what its own processor would give it, and runs in search like any other."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoTokenizer, SiglipImageProcessorPil, SiglipModel, SiglipProcessor

from tests.models.checkpoints import TEXTS, siglip
from traitlens.models import load_encoder
from traitlens.models.export.onnx import write_onnx
from traitlens.models.onnx_encoder import OnnxEncoder
from traitlens.models.pixels import PixelConfig, pixel_values
from traitlens.models.torch_encoder import load_model
from traitlens.models.words import Words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return siglip(tmp_path_factory.mktemp("siglip") / "model")


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    stock: Any = SiglipProcessor
    pictures = SiglipImageProcessorPil.from_pretrained(folder)
    return stock(pictures, AutoTokenizer.from_pretrained(folder))


def picture(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(width)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


def test_texts_are_filled_up_and_nothing_is_masked(folder: Path, processor: Any) -> None:
    texts = [*TEXTS, "", "red hat " * 20]
    expected = processor(
        text=texts, padding="max_length", truncation=True, max_length=16, return_tensors="np"
    )
    ids, mask = Words(folder, max_length=16).ids(texts)
    np.testing.assert_array_equal(ids, expected["input_ids"])
    assert "attention_mask" not in expected
    assert mask.all()


def test_text_vectors_are_those_of_the_stock_model(folder: Path, processor: Any) -> None:
    model: Any = SiglipModel.from_pretrained(folder)
    inputs = processor(text=TEXTS, padding="max_length", max_length=16, return_tensors="pt")
    with torch.no_grad():
        expected = model.eval().get_text_features(**inputs).pooler_output
    expected = torch.nn.functional.normalize(expected).numpy()
    np.testing.assert_allclose(load_encoder(folder).encode_texts(TEXTS), expected, atol=1e-6)


@pytest.mark.parametrize("size", [(24, 24), (90, 40)])
def test_pixels_are_those_of_the_stock_processor(
    folder: Path, processor: Any, size: tuple[int, int]
) -> None:
    expected = processor(images=picture(*size), return_tensors="np")["pixel_values"]
    values = pixel_values([picture(*size)], PixelConfig.load(folder))
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_its_onnx_towers_give_the_same_vectors(folder: Path, tmp_path: Path) -> None:
    write_onnx(*load_model(folder), tmp_path)
    onnx, original = OnnxEncoder(tmp_path, name="s", precision="fp32"), load_encoder(folder)
    pictures = [picture(40, 40), picture(64, 30), picture(10, 10)]
    for texts in (TEXTS, TEXTS[:1]):
        np.testing.assert_allclose(
            onnx.encode_texts(texts), original.encode_texts(texts), atol=1e-5
        )
    np.testing.assert_allclose(
        onnx.encode_images(pictures), original.encode_images(pictures), atol=1e-5
    )
    assert onnx.dimension == original.dimension == 32

"""Our preparation of pictures is that of `transformers`, without it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from transformers import CLIPImageProcessorPil

from traitlens.errors import ModelError
from traitlens.models.pixels import BACKGROUND, PixelConfig, pixel_values


def noise(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(width * height)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize(
    "options",
    [
        {},  # CLIP's own: shortest edge and centre crop
        {"size": {"height": 64, "width": 64}, "do_center_crop": False, "resample": 4},
        {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}},
        {"size": {"height": 30, "width": 50}, "do_center_crop": False, "resample": 2},
        {"do_normalize": False},
    ],
)
@pytest.mark.parametrize("size", [(24, 24), (300, 200), (64, 90)])
def test_pixel_values_are_those_of_the_saved_processor(
    tmp_path: Path, options: dict[str, Any], size: tuple[int, int]
) -> None:
    processor = CLIPImageProcessorPil(**options)
    processor.save_pretrained(tmp_path)
    picture = noise(*size)
    expected = processor(picture, return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(
        pixel_values([picture], PixelConfig.load(tmp_path)), expected, atol=1e-5
    )


def test_transparent_pixels_show_the_background() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    config = PixelConfig(height=4, width=4, mean=(0, 0, 0), std=(1, 1, 1))
    values = pixel_values([clear], config)
    np.testing.assert_allclose(values[0, :, 0, 0] * 255, BACKGROUND)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"size": 3}',
        '{"size": "big", "image_mean": []}',
        '{"size": 3, "do_rescale": false}',
    ],
)
def test_a_processor_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(ModelError, match="is not understood as an image processor"):
        PixelConfig.load(tmp_path)

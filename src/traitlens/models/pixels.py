"""Pictures as a model wants them: the steps of its saved image processor, in Pillow and NumPy.

`transformers` has the same steps, but importing it takes seconds and needs torch to be useful;
search and serve need neither. A test holds the two equal.

Axes: N pictures, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens import files
from traitlens.errors import ModelError

BACKGROUND = (255, 255, 255)  # what shines through transparent pixels

# Newer `transformers` writes the first, older the second.
_FILES = ("processor_config.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelConfig:
    """The size and the colour scale of a model's input; see `transformers.CLIPImageProcessor`."""

    height: int
    width: int
    shortest_edge: int | None = None  # px; None squeezes the whole picture into height x width
    resample: int = 3  # Pillow's number; 3 = bicubic
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)

    @classmethod
    def load(cls, folder: Path) -> PixelConfig:
        """Return the config that a model's folder names; raise ModelError when there is none."""
        for name in _FILES:
            if (folder / name).is_file():
                return cls._parse(folder / name)
        raise ModelError(f"{folder} is no model: it has neither {' nor '.join(_FILES)}")

    @classmethod
    def _parse(cls, file: Path) -> PixelConfig:
        try:
            value: dict[str, Any] = files.read_json(file)
            value = value.get("image_processor", value)
            size = value["size"] if value.get("do_resize", True) else value["crop_size"]
            size = {"shortest_edge": size} if isinstance(size, int) else size
            crop = value.get("crop_size") if value.get("do_center_crop") else None
            crop = {"height": crop, "width": crop} if isinstance(crop, int) else crop
            edge = size.get("shortest_edge")
            frame = crop or ({"height": edge, "width": edge} if edge else size)
            if not value.get("do_rescale", True):
                raise ValueError("do_rescale is off")
            plain = not value.get("do_normalize", True)
            return cls(
                height=frame["height"],
                width=frame["width"],
                shortest_edge=edge,
                resample=value.get("resample", 3),
                mean=(0.0, 0.0, 0.0) if plain else tuple(value["image_mean"]),
                std=(1.0, 1.0, 1.0) if plain else tuple(value["image_std"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{file} is not understood as an image processor: {error}") from None


def frame(image: Image.Image, config: PixelConfig) -> NDArray[np.uint8]:
    """Return a picture on white, resized and cropped to the model's input: uint8 (H, W, C)."""
    opaque = on_background(image)
    if config.shortest_edge is not None:
        scale = config.shortest_edge / min(opaque.size)
        size = (max(1, int(opaque.width * scale)), max(1, int(opaque.height * scale)))
    else:
        size = (config.width, config.height)
    resized = opaque.resize(size, Image.Resampling(config.resample))
    if resized.size != (config.width, config.height):
        left = (resized.width - config.width) // 2
        top = (resized.height - config.height) // 2
        resized = resized.crop((left, top, left + config.width, top + config.height))
    return np.asarray(resized)


def on_background(image: Image.Image) -> Image.Image:
    """Return a picture as RGB, with `BACKGROUND` behind its transparent pixels."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    sheet = Image.new("RGBA", image.size, (*BACKGROUND, 255))
    return Image.alpha_composite(sheet, image).convert("RGB")


def normalize(frames_NHWC: NDArray[np.uint8], config: PixelConfig) -> NDArray[np.float32]:
    """Return frames as float32 (N, C, H, W) on the model's colour scale."""
    std_C11 = np.asarray(config.std, np.float32)[:, None, None]
    mean_C11 = np.asarray(config.mean, np.float32)[:, None, None]
    # One pass to copy and one in place: training spends a tenth of its time here otherwise.
    scaled_NCHW = np.ascontiguousarray(frames_NHWC.transpose(0, 3, 1, 2)).astype(np.float32)
    scaled_NCHW *= 1 / (255 * std_C11)
    scaled_NCHW -= mean_C11 / std_C11
    return scaled_NCHW


def pixel_values(images: Sequence[Image.Image], config: PixelConfig) -> NDArray[np.float32]:
    """Return pictures as a model's input: float32 (N, C, H, W)."""
    return normalize(np.stack([frame(image, config) for image in images]), config)

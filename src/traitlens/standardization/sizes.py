"""How large pictures are: three rules, and pixel art stays pixel art under each."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from traitlens.config import check_choice, check_range
from traitlens.standardization.limits import Limits
from traitlens.standardization.picture import Rejection
from traitlens.standardization.pixel_art import PixelGrid, on_grid, pixel_grid
from traitlens.standardization.resampling import lanczos

MODES = ("native", "whole", "paper")


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeConfig:
    """How large the pictures of a data set are; `width` is in px.

    native: as they are, but at most `width` wide. Wider pixel art is reduced to the largest whole
    multiple of its own grid, exactly; all else by Lanczos. whole: pixel art is enlarged to that
    multiple too. paper: exactly `width` wide, as in the paper (section 4.2), pixel art by nearest
    neighbour, all else by Lanczos. Heights follow in proportion.
    """

    mode: str = "native"
    width: int = 512

    def __post_init__(self) -> None:
        check_choice("size.mode", self.mode, MODES)
        check_range("size.width", self.width, low=8, high=4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resizing:
    """What is done with a picture: first onto `grid`, then to `width` x `height` px."""

    width: int
    height: int
    grid: PixelGrid | None = None

    def __call__(self, image: Image.Image) -> Image.Image:
        """Return the picture in its new size; alpha is premultiplied while it is smoothed."""
        if self.grid is not None:
            image = on_grid(image, self.grid)
        if image.size == (self.width, self.height):
            return image
        if self.grid is not None:
            return image.resize((self.width, self.height), Image.Resampling.NEAREST)
        return lanczos(image, width=self.width, height=self.height)


def resizing(image: Image.Image, config: SizeConfig, limits: Limits) -> Resizing | Rejection:
    """Return what `config` makes of a picture like this one, or why that would be too much."""
    if config.mode == "native" and image.width <= config.width:
        return Resizing(width=image.width, height=image.height)
    found = _for_art(image, config) or _for_pictures(image, config)
    if found.width * found.height > limits.max_pixels:
        return Rejection("too many pixels")
    return found


def _for_art(image: Image.Image, config: SizeConfig) -> Resizing | None:
    grid = pixel_grid(image)
    if grid is None or (grid.columns > config.width and config.mode != "paper"):
        return None
    if config.mode == "paper":
        height = max(1, round(grid.rows * config.width / grid.columns))
        return Resizing(width=config.width, height=height, grid=grid)
    factor = config.width // grid.columns
    return Resizing(width=factor * grid.columns, height=factor * grid.rows, grid=grid)


def _for_pictures(image: Image.Image, config: SizeConfig) -> Resizing:
    width = config.width if config.mode == "paper" else min(image.width, config.width)
    height = max(1, round(image.height * width / image.width))
    return Resizing(width=width, height=height)

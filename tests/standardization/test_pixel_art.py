"""Pixel art is told from all else, and its own grid is found."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.helpers import draw
from tests.standardization.samples import cut_out, encoded, face, gradient
from traitlens.standardization import decode
from traitlens.standardization.pixel_art import PixelGrid, on_grid, pixel_grid

SIZES = [(24, 24), (32, 32), (36, 27), (45, 45), (128, 128)]


def art(width: int, height: int, *, seed: int = 0) -> Image.Image:
    """Return random pixel art of six colours."""
    rng = np.random.default_rng(seed)
    colours_CP = rng.integers(0, 256, (6, 3), np.uint8)
    return Image.fromarray(colours_CP[rng.integers(0, 6, (height, width))])


def enlarged(image: Image.Image, width: int) -> Image.Image:
    height = round(image.height * width / image.width)
    return image.resize((width, height), Image.Resampling.NEAREST)


@pytest.mark.parametrize("size", SIZES)
def test_art_at_its_own_size_is_its_own_grid(size: tuple[int, int]) -> None:
    assert pixel_grid(art(*size)) == PixelGrid(columns=size[0], rows=size[1])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("factor", [2, 3, 10])
def test_whole_enlargements_go_back_to_the_very_pixels(size: tuple[int, int], factor: int) -> None:
    image = art(*size)
    large = enlarged(image, size[0] * factor)
    grid = pixel_grid(large)
    assert grid == PixelGrid(columns=size[0], rows=size[1])
    assert on_grid(large, grid).tobytes() == image.tobytes()


@pytest.mark.parametrize("width", [350, 500, 512, 1000])
@pytest.mark.parametrize("size", SIZES[:4])
def test_enlargements_to_any_size_go_back_too(size: tuple[int, int], width: int) -> None:
    image = art(*size)
    large = enlarged(image, width)
    grid = pixel_grid(large)
    assert grid == PixelGrid(columns=size[0], rows=size[1])
    assert on_grid(large, grid).tobytes() == image.tobytes()


def test_programs_that_take_the_first_pixel_of_a_block_are_understood() -> None:
    pixels_HWC = np.asarray(art(24, 24))
    index = np.arange(512) * 24 // 512
    large = Image.fromarray(pixels_HWC[index][:, index])
    assert pixel_grid(large) == PixelGrid(columns=24, rows=24)


def test_what_clear_pixels_hide_does_not_matter() -> None:
    pixels_HWC = np.array(cut_out().resize((240, 240), Image.Resampling.NEAREST))
    clear_HW = pixels_HWC[..., 3] == 0
    noise = np.random.default_rng(0).integers(0, 256, pixels_HWC.shape, np.uint8)
    pixels_HWC[clear_HW, :3] = noise[clear_HW, :3]
    assert pixel_grid(Image.fromarray(pixels_HWC)) == PixelGrid(columns=24, rows=24)


@pytest.mark.parametrize("side", [24, 64, 128, 256, 512])
def test_gradients_and_noise_are_no_pixel_art(side: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    slope = np.repeat(np.linspace(0, 200, side)[:, None], side, axis=1).astype(np.uint8)
    for image in (gradient(side, side), Image.fromarray(noise), Image.fromarray(slope)):
        assert pixel_grid(image.convert("RGB")) is None


@pytest.mark.parametrize("side", [64, 256, 512])
def test_smooth_drawings_are_no_pixel_art(side: int) -> None:
    image = Image.new("RGB", (4 * side, 4 * side), "#fbcfe8")
    pen = ImageDraw.Draw(image)
    for number, colour in enumerate(["#111", "#fff", "#d33", "#36c", "#3a5"]):
        left = side * (0.3 + 0.4 * number)
        pen.ellipse((left, left / 2, left + 1.6 * side, left / 2 + 1.3 * side), fill=colour)
    smooth = image.resize((side, side), Image.Resampling.LANCZOS)
    if side > 128:
        assert pixel_grid(smooth) is None
    assert pixel_grid(image) is None


def test_rectangles_anywhere_are_no_grid() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        image = Image.new("RGB", (512, 512), "white")
        for _ in range(8):
            left, right = sorted(rng.integers(0, 512, 2).tolist())
            top, bottom = sorted(rng.integers(0, 512, 2).tolist())
            colour = tuple(rng.integers(0, 256, 3).tolist())
            ImageDraw.Draw(image).rectangle((left, top, right, bottom), fill=colour)
        assert pixel_grid(image) is None


def test_smoothed_and_compressed_art_has_no_exact_grid() -> None:
    smooth = face().resize((512, 512), Image.Resampling.LANCZOS)
    noisy = decode(encoded(enlarged(face(), 480), "JPEG", quality=80))
    assert isinstance(noisy, Image.Image)
    assert pixel_grid(smooth) is None
    assert pixel_grid(noisy) is None


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (3, 3), (512, 512)])
def test_flat_and_tiny_pictures_have_no_grid(size: tuple[int, int]) -> None:
    assert pixel_grid(Image.new("RGB", size, "red")) is None


def test_a_plain_token_is_pixel_art() -> None:
    token = draw({"background": "blue", "body": "red", "hat": "green"})
    assert pixel_grid(token) == PixelGrid(columns=24, rows=24)

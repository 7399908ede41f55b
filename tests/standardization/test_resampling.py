"""Lanczos: Pillow's pixels, whatever does the sums."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from traitlens.standardization import resampling
from traitlens.standardization.resampling import lanczos

LANCZOS = Image.Resampling.LANCZOS


@pytest.fixture(params=["library", "Pillow"], autouse=True)
def _doer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test with the quick library and without it."""
    if request.param == "library":
        pytest.importorskip("cykooz_resizer", reason="not published for this platform")
    else:
        monkeypatch.setattr(resampling, "_library", lambda: None)


def noise(width: int, height: int, channels: int = 3) -> Image.Image:
    """Return the hardest edges there are: black beside white, at random."""
    rng = np.random.default_rng(0)
    return Image.fromarray(rng.integers(0, 2, (height, width, channels), dtype=np.uint8) * 255)


def levels_apart(one: Image.Image, other: Image.Image) -> NDArray[np.int16]:
    return np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16))


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((24, 24), (512, 512)),
        ((256, 200), (512, 400)),
        ((700, 900), (512, 658)),
        ((1500, 1300), (512, 444)),
        ((2200, 2000), (64, 58)),
        ((300, 300), (300, 100)),
        ((300, 300), (100, 300)),
        ((1, 5), (8, 40)),
        ((1000, 1), (512, 1)),
    ],
)
def test_pixels_are_within_two_levels_of_pillows(
    size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    image = noise(*size)
    width, height = wanted
    assert (
        levels_apart(
            lanczos(image, width=width, height=height), image.resize(wanted, LANCZOS)
        ).max()
        <= 2
    )


def test_bands_of_a_large_picture_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    image = noise(300, 200)
    whole = lanczos(image, width=100, height=67)
    monkeypatch.setattr(resampling, "_BAND_BYTES", 4 * 300 * 7)  # 7 rows at once
    assert lanczos(image, width=100, height=67).tobytes() == whole.tobytes()


def test_clear_pixels_do_not_bleed_their_hidden_colour() -> None:
    # Left half opaque red; right half clear, with green hidden in it.
    pixels_HWC = np.zeros((40, 40, 4), np.uint8)
    pixels_HWC[:, :20] = (255, 0, 0, 255)
    pixels_HWC[:, 20:] = (0, 255, 0, 0)
    small = np.asarray(lanczos(Image.fromarray(pixels_HWC), width=10, height=10))
    assert small[..., 1].max() == 0
    assert small[:, :4, 3].min() >= 240
    assert small[:, 6:, 3].max() <= 15


def test_alpha_and_premultiplied_colours_are_within_two_levels_of_pillows() -> None:
    image = noise(200, 200, channels=4)
    ours = lanczos(image, width=90, height=90)
    pillows = image.resize((90, 90), LANCZOS)
    assert ours.mode == "RGBA"
    assert levels_apart(ours, pillows)[..., 3].max() <= 2
    assert levels_apart(ours.convert("RGBa"), pillows.convert("RGBa")).max() <= 2


def test_a_flat_colour_stays_as_it_is() -> None:
    image = Image.new("RGB", (37, 53), (12, 200, 77))
    assert lanczos(image, width=512, height=733).getcolors() == [(512 * 733, (12, 200, 77))]


def test_the_source_is_left_as_it_was() -> None:
    image = noise(50, 50, channels=4)
    before = image.tobytes()
    lanczos(image, width=20, height=20)
    assert image.tobytes() == before and image.mode == "RGBA"

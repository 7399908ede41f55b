"""Three rules of size, and pixel art under each."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.standardization.samples import encoded, face, gradient
from traitlens.errors import ConfigError
from traitlens.standardization import (
    Limits,
    Picture,
    Rejection,
    SizeConfig,
    StandardizeConfig,
    standardize,
)


def sized(image: Image.Image, mode: str, *, width: int = 512) -> Image.Image:
    config = StandardizeConfig(size=SizeConfig(mode=mode, width=width))
    picture = standardize(encoded(image), config)
    assert isinstance(picture, Picture)
    result = Image.open(io.BytesIO(picture.png))
    assert result.size == (picture.width, picture.height)
    return result


def enlarged(image: Image.Image, width: int) -> Image.Image:
    return image.resize(
        (width, round(image.height * width / image.width)), Image.Resampling.NEAREST
    )


@pytest.mark.parametrize("image", [face(), gradient(), enlarged(face(), 480)])
def test_native_leaves_what_is_not_too_wide_as_it_is(image: Image.Image) -> None:
    assert sized(image, "native").tobytes() == image.tobytes()


def test_native_reduces_a_wide_picture_in_proportion() -> None:
    assert sized(gradient(1000, 500), "native", width=100).size == (100, 50)


@pytest.mark.parametrize("width", [720, 1000, 2400])
def test_native_reduces_wide_pixel_art_to_a_whole_multiple_exactly(width: int) -> None:
    reduced = sized(enlarged(face(), width), "native")
    assert reduced.tobytes() == enlarged(face(), 21 * 24).tobytes()


def test_art_whose_own_grid_is_too_wide_is_smoothed() -> None:
    assert sized(enlarged(face(), 48), "native", width=10).size == (10, 10)


@pytest.mark.parametrize("width", [24, 240, 512, 1000])
def test_whole_brings_pixel_art_of_any_size_to_one_size(width: int) -> None:
    assert sized(enlarged(face(), width), "whole").tobytes() == enlarged(face(), 504).tobytes()


def test_whole_leaves_other_pictures_as_native_does() -> None:
    assert sized(gradient(), "whole").tobytes() == gradient().tobytes()
    assert sized(gradient(1000, 500), "whole").size == (512, 256)


def test_paper_is_exactly_as_wide_and_pixel_art_gets_no_new_colours() -> None:
    large = sized(face(), "paper")
    assert large.size == (512, 512)
    assert large.tobytes() == enlarged(face(), 512).tobytes()


def test_paper_enlarges_other_pictures_smoothly() -> None:
    expected_HWC = np.asarray(gradient().resize((512, 384), Image.Resampling.LANCZOS), int)
    assert np.abs(np.asarray(sized(gradient(), "paper"), int) - expected_HWC).max() <= 2


def test_a_very_wide_picture_keeps_a_row() -> None:
    assert sized(gradient(2000, 2), "paper").size == (512, 1)


def test_a_picture_that_would_become_too_high_is_rejected() -> None:
    media = encoded(Image.new("RGB", (1, 10_000)))
    config = StandardizeConfig(size=SizeConfig(mode="paper"))
    assert standardize(media, config) == Rejection("too many pixels")
    assert isinstance(standardize(media, StandardizeConfig()), Picture)


def test_smoothing_takes_no_colour_from_clear_pixels() -> None:
    """Columns of opaque red and clear green: half alpha, and not a trace of green."""
    pixels_HWC = np.zeros((64, 64, 4), np.uint8)
    pixels_HWC[:, 0::2] = (255, 0, 0, 255)
    pixels_HWC[:, 1::2] = (0, 255, 0, 0)
    pixels_HWC[0, 0] = (254, 0, 0, 255)  # or every block would be equal: a grid
    pixels_HWC[1::3, 2] = (253, 0, 0, 255)
    reduced_HWC = np.asarray(sized(Image.fromarray(pixels_HWC), "native", width=16))
    assert (reduced_HWC[..., 0] >= 250).all()
    assert (reduced_HWC[..., 1] == 0).all()
    assert np.abs(reduced_HWC[2:-2, 2:-2, 3].astype(int) - 128).max() <= 8


def test_a_large_jpeg_decoded_smaller_looks_as_if_it_was_not() -> None:
    image = gradient(2400, 1200)
    config = StandardizeConfig(size=SizeConfig(width=256))
    picture = standardize(encoded(image, "JPEG", quality=95), config)
    assert isinstance(picture, Picture)
    seen_HWC = np.asarray(Image.open(io.BytesIO(picture.png)), int)
    expected_HWC = np.asarray(image.resize((256, 128), Image.Resampling.LANCZOS), int)
    assert np.abs(seen_HWC - expected_HWC).mean() < 1.5


@pytest.mark.parametrize("options", [{"mode": "big"}, {"width": 7}, {"width": 5000}])
def test_a_size_that_cannot_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"size\."):
        SizeConfig(**options)  # type: ignore[arg-type]


def test_the_limit_of_pixels_holds_for_the_result() -> None:
    config = StandardizeConfig(size=SizeConfig(mode="paper"), limits=Limits(max_pixels=512 * 300))
    assert standardize(encoded(face()), config) == Rejection("too many pixels")

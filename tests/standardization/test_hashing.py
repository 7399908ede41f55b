"""Look-alikes share most bits of the perceptual hash, and others do not."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.helpers import draw
from tests.standardization.samples import cut_out, encoded, face, gradient
from traitlens.standardization import hamming, perceptual_hash


def scene(seed: int, side: int = 256) -> Image.Image:
    """Return a smooth random picture with some detail, as photos are."""
    rng = np.random.default_rng(seed)
    picture = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
    detail = Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8))
    size = (side, side)
    smooth = picture.resize(size, Image.Resampling.BICUBIC)
    return Image.blend(smooth, detail.resize(size, Image.Resampling.BICUBIC), 0.15)


PICTURES = [
    face(),
    face().resize((240, 240), Image.Resampling.NEAREST),
    gradient(200, 200),
    draw({"background": "blue", "body": "red", "hat": "yellow"}),
    *(scene(seed) for seed in range(6)),
]


@pytest.mark.parametrize("number", range(len(PICTURES)))
def test_a_jpeg_of_half_the_size_differs_in_at_most_four_bits(number: int) -> None:
    image = PICTURES[number]
    large = image.resize((2 * image.width, 2 * image.height), Image.Resampling.LANCZOS)
    copy = Image.open(io.BytesIO(encoded(image, "JPEG", quality=80)))
    assert hamming(perceptual_hash(large), perceptual_hash(image)) <= 4
    assert hamming(perceptual_hash(image), perceptual_hash(copy)) <= 4
    if image.width >= 200:
        half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
        copy = Image.open(io.BytesIO(encoded(half, "JPEG", quality=80)))
        assert hamming(perceptual_hash(image), perceptual_hash(copy)) <= 4


def test_different_pictures_differ_in_many_bits() -> None:
    hashes = [perceptual_hash(scene(seed)) for seed in range(20)]
    distances = [hamming(a, b) for n, a in enumerate(hashes) for b in hashes[:n]]
    assert min(distances) >= 12
    assert 28 <= np.mean(distances) <= 36  # as of random bits


@pytest.mark.parametrize("colour", ["black", "white", "#7f7f7f", "#123456"])
@pytest.mark.parametrize("side", [1, 24, 300])
def test_a_flat_picture_has_one_hash_that_is_not_zero(colour: str, side: int) -> None:
    assert perceptual_hash(Image.new("RGB", (side, side), colour)) == "0000000000000001"


def test_clear_pixels_count_as_mid_grey_whatever_colour_they_hide() -> None:
    shown = Image.new("RGB", (24, 24), (128, 128, 128))
    art = cut_out()
    shown.paste(art, mask=art)
    hidden = np.array(art)
    hidden[hidden[..., 3] == 0] = (255, 0, 255, 0)
    assert perceptual_hash(art) == perceptual_hash(shown)
    assert perceptual_hash(Image.fromarray(hidden)) == perceptual_hash(art)


def test_distance_counts_bits() -> None:
    assert hamming("0000000000000000", "ffffffffffffffff") == 64
    assert hamming("0000000000000003", "0000000000000001") == 1

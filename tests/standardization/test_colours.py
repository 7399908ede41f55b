"""Depth, profile, alpha and rotation, against pixels computed by hand."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.standardization.samples import encoded, grey_png, png_file, rgb16_png
from traitlens.standardization import decode
from traitlens.standardization.colours import on_background

# Two rows of three, all different: each of the eight orientations shows.
CORNERS = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[9, 9, 9], [99, 99, 99], [255, 255, 0]]], np.uint8
)


def pixels(media: bytes) -> list[tuple[int, ...]]:
    """Return the decoded pixels, row by row."""
    image = decode(media)
    assert isinstance(image, Image.Image)
    channels = len(image.getbands())
    return [tuple(pixel) for pixel in np.asarray(image).reshape(-1, channels).tolist()]


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def swapped_profile(name: str = "Swapped sR") -> bytes:
    """Return sRGB with the red and the blue primary exchanged, under another name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    renamed = profile.replace("sRGB built-in".encode("utf-16-be"), f"{name:13}".encode("utf-16-be"))
    head, table = renamed[:132], renamed[132:]
    table = table.replace(b"rXYZ", b"????", 1).replace(b"bXYZ", b"rXYZ", 1)
    return head + table.replace(b"????", b"bXYZ", 1)


@pytest.mark.parametrize(
    ("orientation", "turned_HWC"),
    [
        (1, CORNERS),
        (2, CORNERS[:, ::-1]),
        (3, CORNERS[::-1, ::-1]),
        (4, CORNERS[::-1]),
        (5, CORNERS.transpose(1, 0, 2)),
        (6, np.rot90(CORNERS, -1)),
        (7, CORNERS[::-1, ::-1].transpose(1, 0, 2)),
        (8, np.rot90(CORNERS)),
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_each_orientation_comes_out_upright(
    kind: str, orientation: int, turned_HWC: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
) -> None:
    media = encoded(Image.fromarray(CORNERS), kind, exif=exif(orientation), lossless=True)
    image = decode(media)
    assert isinstance(image, Image.Image)
    assert np.array_equal(np.asarray(image), turned_HWC)


def test_a_senseless_orientation_is_none() -> None:
    media = encoded(Image.fromarray(CORNERS), exif=exif(77))
    assert pixels(media)[0] == (255, 0, 0)
    assert len(pixels(encoded(Image.fromarray(CORNERS), exif=b"Exif\0\0garbage"))) == 6


def test_grey_of_16_bits_is_scaled_not_clipped() -> None:
    media = grey_png(np.array([[0, 128, 257, 40_000, 65_535]]), depth=16)
    assert [grey for grey, *_ in pixels(media)] == [0, 0, 1, 156, 255]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_grey_of_few_bits_reaches_from_black_to_white(depth: int) -> None:
    media = grey_png(np.array([[0, 2**depth - 1]]), depth=depth)
    assert pixels(media) == [(0, 0, 0), (255, 255, 255)]


def test_colours_of_16_bits_are_scaled() -> None:
    media = rgb16_png(np.array([[[65_535, 0, 0x1234], [0x8080, 0xFF00, 257]]]))
    assert pixels(media) == [(255, 0, 0x12), (0x80, 255, 1)]


@pytest.mark.parametrize(
    ("depth", "row", "clear", "first"),
    [
        (1, b"\x40", 1, (0, 0, 0, 255)),
        (2, b"\x10", 1, (0, 0, 0, 255)),
        (4, b"\x01", 1, (0, 0, 0, 255)),
        (8, b"\x00\x01", 1, (0, 0, 0, 255)),
        (16, b"\x00\x00\x9c\x40", 40_000, (0, 0, 0, 255)),
    ],
)
def test_the_clear_grey_is_clear_at_every_depth(
    depth: int, row: bytes, clear: int, first: tuple[int, ...]
) -> None:
    extra = [(b"tRNS", clear.to_bytes(2, "big"))]
    seen = pixels(png_file(2, 1, depth=depth, colour=0, rows=[row], extra=extra))
    assert seen[0] == first
    assert seen[1][3] == 0


def test_the_clear_colour_of_16_bits_is_clear() -> None:
    row = bytes.fromhex("ffff 0000 0000 1234 5678 9abc".replace(" ", ""))
    extra = [(b"tRNS", bytes.fromhex("123456789abc"))]
    seen = pixels(png_file(2, 1, depth=16, colour=2, rows=[row], extra=extra))
    assert seen == [(255, 0, 0, 255), (0x12, 0x56, 0x9A, 0)]


def test_a_palette_with_alpha_keeps_it() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 0, 255, 0, 255, 0])
    image.putdata([0, 1, 2])
    media = encoded(image, transparency=bytes([0, 128, 255]))
    assert pixels(media) == [(255, 0, 0, 0), (0, 0, 255, 128), (0, 255, 0, 255)]


def test_grey_with_alpha_keeps_it() -> None:
    image = Image.new("LA", (1, 1), (90, 10))
    assert pixels(encoded(image)) == [(90, 90, 90, 10)]


def test_opaque_alpha_is_dropped() -> None:
    assert pixels(encoded(Image.new("RGBA", (1, 1), (1, 2, 3, 255)))) == [(1, 2, 3)]


def test_inks_become_colours() -> None:
    media = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)
    assert np.allclose(pixels(media)[0], (255, 0, 0), atol=3)


def test_inks_as_luma_and_chroma_become_colours() -> None:
    """Adobe's transform 2: the stored (128, 128, 228, 255) are inverted inks as YCC.

    R = 128 + 1.402 * 100 > 255, G = 128 - .714 * 100 = 57, B = 128 are 255 minus the inverted
    inks, (0, 198, 127), and inks 255 minus those: without black, a colour is 255 minus its ink.
    """
    media = encoded(Image.new("CMYK", (8, 8), (127, 127, 27, 0)), "JPEG", quality=100)
    at = media.index(b"Adobe") + 11
    assert media[at] == 0
    assert np.allclose(pixels(media[:at] + b"\2" + media[at + 1 :])[0], (0, 198, 127), atol=3)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_profile_is_applied(mode: str) -> None:
    """With red and blue exchanged in the profile, red is written as (0, 0, 255)."""
    image = Image.new("RGB", (2, 1), (0, 0, 255))
    image.putpixel((1, 0), (0, 255, 0))
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    if mode == "RGBA":
        image.putalpha(77)
    seen = pixels(encoded(image, icc_profile=swapped_profile()))
    assert np.allclose([pixel[:3] for pixel in seen], [(255, 0, 0), (0, 255, 0)], atol=2)
    assert all(pixel[3:] == (77,) for pixel in seen) or mode != "RGBA"


def test_a_profile_of_srgb_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    seen = pixels(encoded(Image.fromarray(noise), icc_profile=profile))
    assert seen == [tuple(pixel) for pixel in noise.reshape(-1, 3).tolist()]


@pytest.mark.parametrize(
    "profile",
    [
        b"x" * 200,
        swapped_profile()[:300],
        swapped_profile().replace(b"RGB ", b"CMYK", 1),
        swapped_profile() + bytes(5 * 2**20),
    ],
    ids=["garbage", "cut off", "of another space", "oversized"],
)
def test_a_profile_that_cannot_be_used_is_ignored(profile: bytes) -> None:
    media = encoded(Image.new("RGB", (1, 1), (0, 0, 255)), "WEBP", lossless=True)
    assert pixels(media) == [(0, 0, 255)]
    media = encoded(Image.new("RGB", (8, 8), (0, 0, 255)), "JPEG", quality=100, icc_profile=profile)
    assert np.allclose(pixels(media)[0], (0, 0, 255), atol=4)


def test_alpha_is_composited_on_the_background() -> None:
    image = Image.new("RGBA", (3, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 128))
    image.putpixel((2, 0), (255, 0, 0, 255))
    shown = on_background(image, "#0000ff")
    assert shown.mode == "RGB"
    # 255 * 128 / 255 = 128 of red, and what is left of blue
    assert shown.tobytes() == bytes([0, 0, 255, 128, 0, 127, 255, 0, 0])


def test_text_and_profiles_do_not_travel_on() -> None:
    image = decode(encoded(Image.new("RGB", (4, 4), "red"), "GIF", comment=b"secret"))
    assert isinstance(image, Image.Image)
    assert image.info == {}

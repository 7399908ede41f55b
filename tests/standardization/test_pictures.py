"""Any picture becomes clean PNG, and anything else a countable reason."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from traitlens.standardization import Picture, Rejection, SizeConfig, decode, standardize


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def standardized(media: bytes, *, max_width: int = 512) -> Picture:
    picture = standardize(media, SizeConfig(max_width=max_width))
    assert isinstance(picture, Picture)
    return picture


def reopened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.png))


def header_of_png(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b"")


def test_a_small_picture_keeps_its_size_and_its_pixels() -> None:
    image = noise(24, 24)
    picture = standardized(encoded(image))
    assert (picture.width, picture.height, picture.media_type) == (24, 24, "image/png")
    assert reopened(picture).tobytes() == image.tobytes()


def test_a_wide_picture_is_reduced_in_proportion() -> None:
    picture = standardized(encoded(Image.new("RGB", (1000, 500), "red"), "JPEG"), max_width=100)
    assert reopened(picture).size == (picture.width, picture.height) == (100, 50)
    assert picture.media_type == "image/jpeg"


def test_the_palettes_transparency_is_kept_as_alpha() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    kept = reopened(standardized(encoded(image, transparency=0)))
    assert kept.mode == "RGBA"
    assert kept.getpixel((0, 0)) == (255, 0, 0, 0)
    assert kept.getpixel((1, 0)) == (0, 0, 255, 255)


def test_the_cameras_rotation_is_applied() -> None:
    image = Image.new("RGB", (2, 1), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    assert standardized(encoded(image, "JPEG", exif=exif)).height == 2


def test_equal_pixels_have_one_hash_whatever_the_file() -> None:
    image = noise(16, 16)
    lossless = standardized(encoded(image, "WEBP", lossless=True)).pixels_sha256
    assert standardized(encoded(image)).pixels_sha256 == lossless
    assert standardized(encoded(image.rotate(90))).pixels_sha256 != lossless


def test_text_and_profiles_do_not_travel_on() -> None:
    image = Image.new("RGB", (4, 4), "red")
    image.info["comment"] = "x"
    picture = standardized(encoded(image, "GIF", comment=b"secret"))
    assert b"secret" not in picture.png


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        (b"", "empty picture"),
        (b"<svg/>", "unsupported media type"),
        (b"not a picture at all", "unsupported media type"),
        (encoded(noise(64, 64))[:900], "broken picture"),
        (header_of_png(30_000, 30_000), "too many pixels"),
        (header_of_png(12_000, 12_000), "too many pixels"),
    ],
)
def test_bad_media_are_rejected_with_their_reason(media: bytes, reason: str) -> None:
    assert standardize(media, SizeConfig()) == Rejection(reason)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_are_pictures_or_reasons_and_never_errors(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]))
    media = bytearray(encoded(noise(20, 20), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        media[data.draw(st.integers(0, len(media) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(decode(bytes(media)), Image.Image | Rejection)

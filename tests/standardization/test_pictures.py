"""Any media become a clean PNG, and anything else a countable reason."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.standardization.samples import (
    cut_out,
    encoded,
    face,
    frames,
    png_chunk,
    png_file,
    sample_media,
)
from traitlens.errors import ConfigError
from traitlens.standardization import (
    FrameConfig,
    Limits,
    Picture,
    Rejection,
    StandardizeConfig,
    decode,
    hamming,
    perceptual_hash,
    standardize,
)
from traitlens.standardization.kinds import MEDIA_TYPES, kind_of


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def standardized(media: bytes, **options: object) -> Picture:
    picture = standardize(media, StandardizeConfig(**options))  # type: ignore[arg-type]
    assert isinstance(picture, Picture)
    return picture


def reopened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.png))


def header_of_png(width: int, height: int) -> bytes:
    """Return a PNG that claims a size and holds no pixels."""
    return png_file(width, height, depth=8, colour=6, rows=[])


def animated_webp_header(width: int, height: int) -> bytes:
    """Return an animated WebP that claims a canvas and holds no frame."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def test_a_small_picture_keeps_its_size_and_its_pixels() -> None:
    image = noise(24, 24)
    picture = standardized(encoded(image))
    assert (picture.width, picture.height, picture.media_type) == (24, 24, "image/png")
    assert (picture.frame, picture.frame_count, picture.more) == (0, 1, ())
    assert reopened(picture).tobytes() == image.tobytes()


@pytest.mark.parametrize("name", sorted(sample_media()))
def test_each_sample_becomes_a_picture_of_what_it_shows(name: str) -> None:
    media = sample_media()[name]
    picture = standardized(media)
    shown = reopened(picture)
    assert shown.size == (picture.width, picture.height)
    assert shown.mode in ("RGB", "RGBA")
    kind = "svg" if name == "svg/data-uri" else kind_of(media)
    assert kind is not None
    assert picture.media_type == MEDIA_TYPES[kind]
    assert picture.perceptual_hash == perceptual_hash(shown)


SAME_ART = ["rgb", "palette", "rgb-16-bit", "interlaced", "profile"]


@pytest.mark.parametrize("name", [*(f"png/{kind}" for kind in SAME_ART), "webp/lossless",
                                  "gif/still", "gif/interlaced", "bmp/rgb", "bmp/palette",
                                  "svg/rects", "svg/sized", "svg/gzip", "svg/image"])  # fmt: skip
def test_equal_pixels_have_one_hash_whatever_the_file(name: str) -> None:
    rgba = face().convert("RGBA").tobytes()
    expected = hashlib.sha256(b"(24, 24)" + rgba).hexdigest()
    assert standardized(sample_media()[name]).pixels_sha256 == expected


def test_other_pixels_have_another_hash() -> None:
    turned = standardized(encoded(face().rotate(90)))
    assert turned.pixels_sha256 != standardized(encoded(face())).pixels_sha256


@pytest.mark.parametrize("name", ["jpeg/rgb", "jpeg/cmyk", "avif/alpha"])
def test_lossy_files_look_like_what_they_were(name: str) -> None:
    picture = standardized(sample_media()[name], background="#dcc828")
    assert hamming(picture.perceptual_hash, perceptual_hash(face())) <= 8


def test_the_clear_colour_of_a_gif_is_clear() -> None:
    clear = reopened(standardized(sample_media()["gif/clear"]))
    on_paper = reopened(standardized(sample_media()["gif/clear"], background="#dcc828"))
    assert clear.mode == "RGBA"
    assert clear.getpixel((0, 0)) == (220, 200, 40, 0)
    assert on_paper.tobytes() == face().tobytes()


def test_alpha_is_kept_or_composited() -> None:
    assert reopened(standardized(encoded(cut_out()))).tobytes() == cut_out().tobytes()
    on_white = reopened(standardized(encoded(cut_out()), background="#ffffff"))
    assert on_white.mode == "RGB"
    assert on_white.getpixel((0, 0)) == (255, 255, 255)


def test_further_frames_are_pictures_of_equal_size() -> None:
    first, *rest = frames(5)
    media = encoded(first, "GIF", save_all=True, append_images=rest)
    picture = standardized(media, frames=FrameConfig(choice="first", count=3))
    opened = [Image.open(io.BytesIO(png)) for png in picture.more]
    assert [image.convert("RGB").tobytes() for image in opened] == [
        frames(5)[number].tobytes() for number in (1, 3)
    ]


def test_the_key_draws_the_frame() -> None:
    first, *rest = frames(12)
    media = encoded(first, "GIF", save_all=True, append_images=rest)
    config = StandardizeConfig()
    drawn = {getattr(standardize(media, config, key=str(key)), "frame", None) for key in range(40)}
    assert len(drawn) > 6
    assert standardize(media, config, key="a") == standardize(media, config, key="a")


def test_a_png_may_carry_any_amount_of_text() -> None:
    bomb = png_chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(10**7)))
    text = png_chunk(b"tEXt", b"x\0" + b"y" * 3 * 2**20)
    plain = encoded(face())
    media = plain[:33] + bomb * 100 + text + plain[33:]
    assert standardized(media).pixels_sha256 == standardized(plain).pixels_sha256


@pytest.mark.parametrize(
    ("media", "reason"),
    [
        (b"", "empty picture"),
        (b"not a picture at all", "unsupported media type"),
        (encoded(face(), "TIFF"), "unsupported media type"),
        (encoded(noise(64, 64))[:900], "broken picture"),
        (encoded(noise(64, 64), "JPEG")[:300], "broken picture"),
        (encoded(noise(64, 64), "WEBP")[:200], "broken picture"),
        (header_of_png(30_000, 30_000), "too many pixels"),
        (header_of_png(12_000, 12_000), "too many pixels"),
        (animated_webp_header(2**24, 2**24), "too many pixels"),
        (b"RIFF\x10\0\0\0WEBPVP8X", "broken picture"),
        (b"data:image/png;base64,A", "broken data URI"),
        (b"data:,data:,x", "broken data URI"),
        (b"data:text/plain,hello", "unsupported media type"),
    ],
)
def test_bad_media_are_rejected_with_their_reason(media: bytes, reason: str) -> None:
    assert standardize(media, StandardizeConfig()) == Rejection(reason)
    assert decode(media) == Rejection(reason)


def test_the_limits_of_the_config_hold() -> None:
    config = StandardizeConfig(limits=Limits(max_bytes=10))
    assert standardize(encoded(face()), config) == Rejection("media too large")
    config = StandardizeConfig(limits=Limits(max_pixels=24 * 24 - 1))
    assert standardize(encoded(face()), config) == Rejection("too many pixels")


@pytest.mark.parametrize("background", ["white", "#fff", "#12345g", ""])
def test_a_background_that_is_no_colour_is_refused(background: str) -> None:
    with pytest.raises(ConfigError, match="#rrggbb"):
        StandardizeConfig(background=background)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_are_pictures_or_reasons_and_never_errors(data: st.DataObject) -> None:
    media = bytearray(sample_media()[data.draw(st.sampled_from(sorted(sample_media())))])
    for _ in range(data.draw(st.integers(0, 8))):
        media[data.draw(st.integers(0, len(media) - 1))] = data.draw(st.integers(0, 255))
    start = data.draw(st.integers(0, len(media)))
    del media[start : start + data.draw(st.integers(0, 40))]
    limits = Limits(max_pixels=200_000)
    result = standardize(bytes(media), StandardizeConfig(limits=limits))
    assert isinstance(result, Picture | Rejection)
    assert isinstance(decode(bytes(media), limits), Image.Image | Rejection)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(sample_media())))
def test_any_bytes_behind_a_right_beginning_raise_nothing(tail: bytes, name: str) -> None:
    for length in (4, 12, 40):
        media = sample_media()[name][:length] + tail
        assert isinstance(decode(media, Limits(max_pixels=10_000)), Image.Image | Rejection)

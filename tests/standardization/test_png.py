"""PNG bytes: the same pixels back, a clean file, and no larger than Pillow's by much."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from traitlens.standardization.png import png_bytes

CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def picture(pixels_HWC: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels_HWC.squeeze(2) if pixels_HWC.shape[2] == 1 else pixels_HWC)


def noise(*, width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return picture(rng.integers(0, 256, (height, width, CHANNELS[mode]), dtype=np.uint8))


def photo(*, width: int = 256, height: int = 256) -> Image.Image:
    """Return soft colours under a grain, as a camera sees them."""
    rng = np.random.default_rng(1)
    soft = noise(width=9, height=9, seed=2).resize((width, height), Image.Resampling.BICUBIC)
    grainy_HWC = np.asarray(soft, np.float64) + rng.normal(scale=3, size=(height, width, 3))
    return Image.fromarray(grainy_HWC.clip(0, 255).astype(np.uint8))


def pixel_art(*, size: int) -> Image.Image:
    """Return 24 x 24 blocks in 4 colours, enlarged to `size` px by nearest neighbour."""
    palette = np.array([[10, 20, 30], [200, 40, 40], [250, 250, 0], [90, 90, 200]], np.uint8)
    blocks_HW = np.random.default_rng(3).integers(0, 4, (24, 24)).clip(1) % 4
    return Image.fromarray(palette[blocks_HW]).resize((size, size), Image.Resampling.NEAREST)


def read(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def filters(png: bytes, *, row_bytes: int) -> set[int]:
    """Return the filter types of the rows."""
    rows = zlib.decompress(b"".join(data for name, data in chunks(png) if name == b"IDAT"))
    return set(rows[:: row_bytes + 1])


def pillow_bytes(image: Image.Image) -> int:
    sink = io.BytesIO()
    image.save(sink, format="PNG")
    return len(sink.getvalue())


@pytest.mark.parametrize("mode", CHANNELS)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 7), (7, 1), (24, 24), (300, 211)])
def test_a_picture_comes_back_pixel_for_pixel(mode: str, width: int, height: int) -> None:
    image = noise(width=width, height=height, mode=mode)
    with Image.open(io.BytesIO(png_bytes(image))) as back:
        assert back.mode == mode
        assert np.array_equal(np.asarray(back), np.asarray(image))


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(1, 400),
    height=st.integers(1, 300),
    mode=st.sampled_from(list(CHANNELS)),
    colours=st.sampled_from([2, 3, 16, 256]),
    seed=st.integers(0, 2**16),
)
def test_any_pixels_come_back_whatever_way_was_chosen(
    width: int, height: int, mode: str, colours: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    few_HWC = rng.integers(0, colours, (height, width, CHANNELS[mode])) * (255 // (colours - 1))
    image = picture(few_HWC.astype(np.uint8))
    assert np.array_equal(read(png_bytes(image)), np.asarray(image))


def test_a_known_picture_has_the_bytes_that_the_standard_asks_for() -> None:
    image = Image.frombytes("RGB", (2, 2), bytes([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 9]))
    png = png_bytes(image)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    (_, header), (_, data), (_, end) = chunks(png)
    assert header == bytes([0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0])
    assert end == b""
    as_they_are = bytes([0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 9])
    less_those_above = bytes([2, 1, 2, 3, 4, 5, 6, 2, 0, 0, 0, 0, 0, 3])
    assert zlib.decompress(data) in (as_they_are, less_those_above)


def test_each_chunk_carries_its_checksum() -> None:
    png = png_bytes(pixel_art(size=48))
    at = 8
    for name, data in chunks(png):
        end = at + 8 + len(data)
        assert struct.unpack(">I", png[end : end + 4])[0] == zlib.crc32(name + data)
        at = end + 4


def test_the_average_of_two_bright_bytes_is_right() -> None:
    # The sum of two bytes above 127 needs nine bits; here are 254 + 255, 255 + 255 and so on.
    rng = np.random.default_rng(4)
    bright_HWC = rng.integers(200, 256, (200, 200, 3), dtype=np.uint8)
    png = png_bytes(Image.fromarray(bright_HWC))
    assert filters(png, row_bytes=600) == {3}
    assert np.array_equal(read(png), bright_HWC)


def test_metadata_and_profiles_are_left_behind() -> None:
    image = pixel_art(size=24)
    text = PngImagePlugin.PngInfo()
    text.add_text("where", "at home")
    sink = io.BytesIO()
    image.save(sink, format="PNG", pnginfo=text, icc_profile=b"profile", dpi=(72, 72))
    with Image.open(sink) as described:
        assert [name for name, _ in chunks(png_bytes(described))] == [b"IHDR", b"IDAT", b"IEND"]


def test_a_palette_becomes_colours() -> None:
    image = pixel_art(size=64)
    palette = image.quantize(4)
    assert palette.mode == "P"
    assert np.array_equal(read(png_bytes(palette)), np.asarray(image))


def test_a_palette_with_transparency_keeps_it() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 0
    assert read(png_bytes(image)).tolist() == [[[10, 20, 30, 0], [40, 50, 60, 255]]]


def test_equal_pixels_give_equal_bytes() -> None:
    image = photo()
    same = Image.frombytes("RGB", image.size, image.tobytes())
    same.info["comment"] = "another history"
    assert png_bytes(image) == png_bytes(same)


@pytest.mark.parametrize(
    ("image", "chosen"),
    [
        (pixel_art(size=24), 0),
        (pixel_art(size=512), 2),
        (photo(), 3),
    ],
    ids=["native pixel art as it is", "enlarged pixel art up", "photos average"],
)
def test_each_kind_gets_its_filter(image: Image.Image, chosen: int) -> None:
    assert filters(png_bytes(image), row_bytes=3 * image.width) == {chosen}


def test_a_ramp_that_changes_everywhere_is_still_seen_to_repeat() -> None:
    y_HW, x_HW = np.mgrid[:300, :300]
    ramp_HWC = np.stack([3 * x_HW + 5 * y_HW, 2 * y_HW + x_HW, x_HW + y_HW], -1).astype(np.uint8)
    assert filters(png_bytes(Image.fromarray(ramp_HWC)), row_bytes=900) == {2}


@pytest.mark.parametrize(
    ("image", "most"),
    [
        (pixel_art(size=24), 0.9),
        (pixel_art(size=512), 1.2),
        (photo(), 1.05),
        (noise(width=256, height=256), 1.01),
        (photo().convert("RGBA"), 1.05),
    ],
    ids=["native pixel art", "enlarged pixel art", "photo", "noise", "photo with alpha"],
)
def test_files_are_about_as_small_as_pillows(image: Image.Image, most: float) -> None:
    assert len(png_bytes(image)) <= most * pillow_bytes(image)

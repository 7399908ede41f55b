"""What a decoder in another process says is checked before it is believed."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.helpers import png
from traitlens.standardization import FrameConfig, Picture, Rejection, StandardizeConfig
from traitlens.standardization.guard_messages import (
    answer_parts,
    block,
    check_png,
    files_message,
    read_answer,
    read_files,
)

CONFIG = StandardizeConfig(frames=FrameConfig(count=2))
RED = png(Image.new("RGB", (3, 2), "red"))
PICTURE = Picture(
    png=RED,
    width=3,
    height=2,
    media_type="image/svg+xml",
    pixels_sha256="0a" * 32,
    perceptual_hash="0123456789abcdef",
    frame=3,
    frame_count=5,
    more=(png(Image.new("RGBA", (3, 2), "blue")),),
)
HEADER = {
    "width": 3,
    "height": 2,
    "media_type": "image/png",
    "pixels_sha256": "0a" * 32,
    "perceptual_hash": "0123456789abcdef",
    "frame": 0,
    "frame_count": 1,
    "png_bytes": [len(RED)],
}


class Pipe:
    """Bytes to read, and the most that was asked for at once."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)
        self.most = 0

    def read(self, count: int) -> bytes:
        self.most = max(self.most, count)
        data = self.data.read(count)
        if len(data) < count:
            raise EOFError
        return data


def answered(header: Any, payload: bytes = RED) -> Picture | Rejection:
    return read_answer(Pipe(block(json.dumps(header).encode()) + payload).read, CONFIG)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(added: bytes) -> bytes:
    """Return the red PNG with a chunk added after its header."""
    return RED[:33] + added + RED[33:]


@pytest.mark.parametrize("answer", [PICTURE, Rejection("too many pixels")])
def test_an_answer_arrives_as_it_was_sent(answer: Picture | Rejection) -> None:
    assert read_answer(Pipe(b"".join(answer_parts(answer))).read, CONFIG) == answer


def test_files_arrive_as_they_were_sent() -> None:
    files = [(b"abc", "eip155:1/erc721:0xab/7"), (b"", ""), (bytes(300), "caf\xe9 \ud800")]
    assert read_files(Pipe(files_message(files)).read) == files


@pytest.mark.parametrize(
    "changed",
    [
        {"width": 2},
        {"width": 0},
        {"width": -3},
        {"width": 3.0},
        {"width": True},
        {"width": "3"},
        {"width": 10**12},
        {"height": 10**9},
        {"height": None},
        {"frame": 1},
        {"frame": -1},
        {"frame_count": 0},
        {"media_type": "image/png\n"},
        {"media_type": "<script>"},
        {"media_type": 7},
        {"pixels_sha256": "0a" * 31},
        {"pixels_sha256": "0A" * 32},
        {"perceptual_hash": "0123456789abcdeg"},
        {"png_bytes": []},
        {"png_bytes": [len(RED)] * 3},
        {"png_bytes": [len(RED) - 1]},
        {"png_bytes": [2**40]},
        {"png_bytes": [-1]},
        {"png_bytes": {"0": len(RED)}},
        {"reason": ""},
        {"reason": "a\x1b[2J"},
        {"reason": "a" * 201},
        {"reason": ["a"]},
    ],
)
def test_a_header_that_is_off_is_refused(changed: dict[str, Any]) -> None:
    assert isinstance(answered(HEADER), Picture)
    with pytest.raises(ValueError, match=r"sound decoder|no whole number|look like|no list"):
        answered(HEADER | changed)


@pytest.mark.parametrize("left_out", sorted(HEADER))
def test_a_header_that_lacks_something_is_refused(left_out: str) -> None:
    with pytest.raises(ValueError):
        answered({name: value for name, value in HEADER.items() if name != left_out})


@pytest.mark.parametrize(
    "header",
    [b"", b"null", b"[]", b"7", b"[" * 4000, b'{"width": ' + b"9" * 4000, b"\xff\xfe", b" " * 5000],
)
def test_a_header_that_is_no_object_is_refused(header: bytes) -> None:
    with pytest.raises(ValueError):
        read_answer(Pipe(block(header) + RED).read, CONFIG)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_run_out_and_are_never_asked_for_without_bound(
    data: bytes,
) -> None:
    pipe = Pipe(data)
    with pytest.raises((ValueError, EOFError)):
        read_answer(pipe.read, CONFIG)
    assert pipe.most <= 4096


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_read() -> None:
    pipe = Pipe(block(json.dumps(HEADER | {"png_bytes": [2**30]}).encode()))
    with pytest.raises(ValueError):
        read_answer(pipe.read, CONFIG)
    assert pipe.most < 4096


@given(st.integers(0, 8 * len(RED) - 1))
def test_a_png_with_any_bit_flipped_is_refused(bit: int) -> None:
    flipped = bytearray(RED)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError):
        check_png(bytes(flipped), size=(3, 2))


@given(st.integers(0, len(RED) - 1))
def test_a_png_that_ends_early_is_refused(length: int) -> None:
    with pytest.raises(ValueError):
        check_png(RED[:length], size=(3, 2))


@pytest.mark.parametrize(
    "bad",
    [
        with_chunk(chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(10**5)))),
        with_chunk(chunk(b"tEXt", b"Comment\0hello")),
        with_chunk(chunk(b"acTL", bytes(8))),
        with_chunk(chunk(b"IDAT", b"") * 100),
        with_chunk(chunk(b"IEND", b"")),
        RED + b"appended",
        RED + chunk(b"IEND", b""),
        RED[:33] + chunk(b"IEND", b""),
        RED[:8] + RED[33:],
        png(Image.new("L", (3, 2))),
        png(Image.new("P", (3, 2))),
        png(Image.new("I;16", (3, 2))),
    ],
)
def test_a_png_with_anything_but_pixels_is_refused(bad: bytes) -> None:
    check_png(RED, size=(3, 2))
    with pytest.raises(ValueError):
        check_png(bad, size=(3, 2))

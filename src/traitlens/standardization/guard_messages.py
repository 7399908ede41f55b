"""What passes between a guarded decoder and the process that asks it.

    files:   <I files> then, a file: <I bytes of the key> <Q bytes of the media> key media
    answer:  <I bytes of the header> header (JSON) and the bytes of its PNGs, one after the other

Files come from us and are believed. An answer comes from a process that reads what strangers wrote:
every part of it is bounded before it is read and checked before it is handed on.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from traitlens import bounded_json
from traitlens.standardization.picture import Picture, Rejection

if TYPE_CHECKING:
    from traitlens.standardization import StandardizeConfig

Media = tuple[bytes, str]  # a file, and the key (the token's uid) that seeds its random frame
Read = Callable[[int], bytes]  # returns exactly as many bytes as it is asked for

MAX_HEADER_BYTES = 4096
MAX_ANSWER_BYTES = 2**30

_LENGTH = struct.Struct("<I")
_FILE = struct.Struct("<IQ")


def block(data: bytes) -> bytes:
    """Return `data` with its length before it."""
    return _LENGTH.pack(len(data)) + data


def read_block(read: Read) -> bytes:
    """Return the data of the next `block`."""
    return read(*_LENGTH.unpack(read(_LENGTH.size)))


def files_message(files: Sequence[Media]) -> bytes:
    """Return a batch of files as one message."""
    parts = [_LENGTH.pack(len(files))]
    for media, key in files:
        name = key.encode(errors="surrogatepass")
        parts += (_FILE.pack(len(name), len(media)), name, media)
    return b"".join(parts)


def read_files(read: Read) -> list[Media]:
    """Return the next batch of files."""
    (count,) = _LENGTH.unpack(read(_LENGTH.size))
    return [_read_file(read) for _ in range(count)]


def _read_file(read: Read) -> Media:
    name_bytes, media_bytes = _FILE.unpack(read(_FILE.size))
    key = read(name_bytes).decode(errors="surrogatepass")
    return read(media_bytes), key


def answer_parts(answer: Picture | Rejection) -> Iterator[bytes]:
    """Yield an answer's header and PNGs."""
    if isinstance(answer, Rejection):
        yield block(json.dumps({"reason": answer.reason}).encode())
        return
    pngs = (answer.png, *answer.more)
    header = {
        "width": answer.width,
        "height": answer.height,
        "media_type": answer.media_type,
        "pixels_sha256": answer.pixels_sha256,
        "perceptual_hash": answer.perceptual_hash,
        "frame": answer.frame,
        "frame_count": answer.frame_count,
        "png_bytes": [len(png) for png in pngs],
    }
    yield block(json.dumps(header).encode())
    yield from pngs


def read_answer(read: Read, config: StandardizeConfig) -> Picture | Rejection:
    """Return the next answer, or raise ValueError for one that no sound decoder sends."""
    header = _read_header(read)
    if "reason" in header:
        return Rejection(_text(header, "reason", r"[ -~]{1,200}"))
    # A small picture may be enlarged beyond a limit that was set very low.
    max_pixels = max(config.limits.max_pixels, config.size.width**2)
    width = _whole(header, "width", low=1, high=max_pixels)
    height = _whole(header, "height", low=1, high=max_pixels // width)
    frame_count = _whole(header, "frame_count", low=1, high=2**31)
    pngs = _read_pngs(read, header, size=(width, height), max_count=config.frames.count)
    return Picture(
        png=pngs[0],
        width=width,
        height=height,
        media_type=_text(header, "media_type", r"[a-z]+/[a-z0-9.+-]{1,60}"),
        pixels_sha256=_text(header, "pixels_sha256", r"[0-9a-f]{64}"),
        perceptual_hash=_text(header, "perceptual_hash", r"[0-9a-f]{16}"),
        frame=_whole(header, "frame", low=0, high=frame_count - 1),
        frame_count=frame_count,
        more=pngs[1:],
    )


def _read_header(read: Read) -> dict[str, Any]:
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    _require(length <= MAX_HEADER_BYTES, "header")
    header = bounded_json.loads(read(length))
    _require(isinstance(header, dict), "header")
    return dict(header)


def _read_pngs(
    read: Read, header: dict[str, Any], *, size: tuple[int, int], max_count: int
) -> tuple[bytes, ...]:
    lengths = header.get("png_bytes")
    if not isinstance(lengths, list) or not 1 <= len(lengths) <= max_count:
        raise ValueError("png_bytes is no list of the right length")
    width, height = size
    # RGBA and a filter byte a row; deflate adds less than a sixteenth to what it cannot compress.
    most = (4 * width + 1) * height * 17 // 16 + 2**16
    for length in lengths:
        _require(type(length) is int and 0 < length <= most, "png_bytes")
    _require(sum(lengths) <= MAX_ANSWER_BYTES, "png_bytes")
    pngs = tuple(read(length) for length in lengths)
    for png in pngs:
        check_png(png, size=size)
    return pngs


def check_png(png: bytes, *, size: tuple[int, int]) -> None:
    """Raise ValueError unless `png` is an RGB or RGBA PNG of `size` that holds pixels only.

    Looked at are the signature, the chunks and their checksums (PNG, third edition, section 5), not
    the pixels: many will open what another process has called a PNG.
    """
    _require(png[:8] == b"\x89PNG\r\n\x1a\n", "signature")
    kinds: list[bytes] = []
    start = 8
    while start < len(png):
        _require(len(png) - start >= 12 and len(kinds) <= 8 + len(png) // 1024, "chunks")
        length, kind = struct.unpack_from(">I4s", png, start)
        end = start + 12 + length
        _require(end <= len(png), "length of a chunk")
        checksum = zlib.crc32(memoryview(png)[start + 4 : end - 4])
        _require(checksum == int.from_bytes(png[end - 4 : end], "big"), "checksum")
        kinds.append(kind)
        start = end
    _require(kinds[:1] + kinds[-1:] == [b"IHDR", b"IEND"], "first and last chunk")
    _require(set(kinds[1:-1]) == {b"IDAT"}, "chunks")
    _require(png[8:12] == b"\0\0\0\x0d", "length of the first chunk")
    _require(struct.unpack_from(">II", png, 16) == size, "size")
    _require(png[24:29] in (b"\x08\x02\0\0\0", b"\x08\x06\0\0\0"), "kind of pixels")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"not what a sound decoder sends: {what}")


def _whole(header: dict[str, Any], name: str, *, low: int, high: int) -> int:
    value = header.get(name)
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} is no whole number in [{low}, {high}]")
    return value


def _text(header: dict[str, Any], name: str, pattern: str) -> str:
    value = header.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise ValueError(f"{name} does not look like {pattern}")
    return value

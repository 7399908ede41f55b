"""Pictures as PNG bytes, quick to write and about as small as Pillow's.

Pillow tries five filters on every row, which costs more than the compression. Here a picture gets
one filter, found by one look, and where that is not plain by a try on a few rows:

- art has areas of one colour, so most bytes equal those above them: `up` turns them, and every row
  that an enlargement repeats, to zeros, and deflate finds what repeats;
- a photo or noise repeats nowhere, so looking for repeats is in vain: `average` makes its bytes
  small, and runs and Huffman codes alone do better, and sooner, than that search;
- pixel art of native size repeats within a few hundred bytes, and is often smallest unfiltered.

At 512 px that takes 0.4 to 7 ms instead of 6 to 160 (`benchmarks/standardizing.py`). zlib-ng gives
the same bytes whatever vector instructions a processor has.

Axes: H height, R the bytes of a row.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from zlib_ng import zlib_ng

_Rows = NDArray[np.uint8]  # (H, R)

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Mode -> colour type and channels (PNG specification, 11.2.1); all of 8 bits.
_COLOUR_TYPES = {"L": (0, 1), "RGB": (2, 3), "LA": (4, 2), "RGBA": (6, 4)}
_NONE, _UP, _AVERAGE = 0, 2, 3  # filter types (PNG specification, 9.2)
_SMALL_BYTES = 2**16  # pixel art of 128 x 128: there is time to try, and repeats lie near
_EVERY = 8  # of how many rows one is looked at
_MIN_CHANGED = 0.5  # share of bytes unlike the one above, from which both ways are tried
_BAND = 8  # rows of a try
_AT_ONCE = 32  # rows: larger steps would fetch fresh memory from the system each time


def png_bytes(image: Image.Image) -> bytes:
    """Return a picture as PNG bytes, without metadata: equal pixels, equal bytes.

    RGB, RGBA, L and LA are kept, in 8 bits a channel and without a palette; other modes become
    RGB, or RGBA where they have transparency.
    """
    if image.mode not in _COLOUR_TYPES:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    colour_type, channels = _COLOUR_TYPES[image.mode]
    pixels_HR = np.asarray(image).reshape(image.height, image.width * channels)
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, colour_type, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            *_chunk(b"IHDR", header),
            *_chunk(b"IDAT", _compress(pixels_HR, channels=channels)),
            *_chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, data: bytes) -> tuple[bytes, ...]:
    """Return the parts of a chunk (PNG specification, 5.3)."""
    checksum = zlib_ng.crc32(data, zlib_ng.crc32(name))
    return struct.pack(">I", len(data)), name, data, struct.pack(">I", checksum)


def _compress(pixels_HR: _Rows, *, channels: int) -> bytes:
    """Return the filtered rows as a zlib stream."""
    up_HR = _filter_up(pixels_HR)
    if pixels_HR.size <= _SMALL_BYTES:
        tried = (_find_repeats(rows_HR, level=6) for rows_HR in (_unfiltered(pixels_HR), up_HR))
        return min(tried, key=len)
    if np.count_nonzero(up_HR[:, 1:][::_EVERY]) < _MIN_CHANGED * up_HR[::_EVERY].size:
        return _find_repeats(up_HR)
    average_HR = _filter_average(pixels_HR, channels=channels)
    if len(_find_runs(_sample(average_HR))) <= len(_find_repeats(_sample(up_HR))):
        return _find_runs(average_HR)
    return _find_repeats(up_HR)


def _sample(filtered_HR: _Rows) -> _Rows:
    """Return two bands of rows: what repeats in a picture mostly repeats within them."""
    starts = len(filtered_HR) // 4, 3 * len(filtered_HR) // 4
    return np.concatenate([filtered_HR[start : start + _BAND] for start in starts])


def _find_repeats(filtered_HR: _Rows, *, level: int = 3) -> bytes:
    deflate = zlib_ng.compressobj(level=level)
    return deflate.compress(filtered_HR.data) + deflate.flush()


def _find_runs(filtered_HR: _Rows) -> bytes:
    deflate = zlib_ng.compressobj(level=1, strategy=zlib_ng.Z_RLE)
    return deflate.compress(filtered_HR.data) + deflate.flush()


def _unfiltered(pixels_HR: _Rows) -> _Rows:
    """Return the bytes as they are, after a column of the filter's number."""
    filtered_HR = _with_filter(pixels_HR, _NONE)
    filtered_HR[:, 1:] = pixels_HR
    return filtered_HR


def _filter_up(pixels_HR: _Rows) -> _Rows:
    """Return each byte less the one above it, after a column of the filter's number."""
    filtered_HR = _with_filter(pixels_HR, _UP)
    filtered_HR[0, 1:] = pixels_HR[0]
    np.subtract(pixels_HR[1:], pixels_HR[:-1], out=filtered_HR[1:, 1:])
    return filtered_HR


def _filter_average(pixels_HR: _Rows, *, channels: int) -> _Rows:
    """Return each byte less the mean of those above and to its left, after a column as above."""
    filtered_HR = _with_filter(pixels_HR, _AVERAGE)
    above_HR = np.zeros_like(pixels_HR[:1])
    for top in range(0, len(pixels_HR), _AT_ONCE):
        band_HR = pixels_HR[top : top + _AT_ONCE]
        above_HR = np.concatenate([above_HR[-1:], band_HR[:-1]])
        into_HR = filtered_HR[top : top + _AT_ONCE, 1:]
        _subtract_means(band_HR, above_HR, channels=channels, into_HR=into_HR)
        above_HR = band_HR
    return filtered_HR


def _subtract_means(band_HR: _Rows, above_HR: _Rows, *, channels: int, into_HR: _Rows) -> None:
    np.subtract(band_HR[:, :channels], above_HR[:, :channels] >> 1, out=into_HR[:, :channels])
    left_HR, above_HR = band_HR[:, :-channels], above_HR[:, channels:]
    # The mean of two bytes, rounded down, without a carry into a ninth bit.
    mean_HR = (left_HR ^ above_HR) >> 1
    mean_HR += left_HR & above_HR
    np.subtract(band_HR[:, channels:], mean_HR, out=into_HR[:, channels:])


def _with_filter(pixels_HR: _Rows, number: int) -> _Rows:
    """Return room for the filtered rows, the filter's number before each."""
    height, length = pixels_HR.shape
    filtered_HR = np.empty((height, 1 + length), np.uint8)
    filtered_HR[:, 0] = number
    return filtered_HR

"""What opened media look like to the rest, whichever decoder is behind them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from PIL import Image

from traitlens.standardization.limits import Limits
from traitlens.standardization.picture import Rejection

# What Pillow's and ffmpeg's readers raise on damaged files; seen in fuzzing, and their neighbours.
DECODER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Image.DecompressionBombError,
    struct.error,
    zlib.error,
)

# Frames decoded in all x pixels of one: about a minute of 1080p video.
MAX_TOTAL_PIXELS = 4_000_000_000


class Media(Protocol):
    """A picture, an animation or a video whose header was read and found to be within limits."""

    @property
    def frame_count(self) -> int:
        """How many frames there should be; a broken file may have fewer."""

    def frames(self, wanted: Sequence[int]) -> Iterator[Image.Image]:
        """Yield the `wanted` frames (ascending), upright RGB or RGBA; fewer if the file breaks."""


def beyond_limits(width: int, height: int, frame_count: int, limits: Limits) -> Rejection | None:
    """Return why a picture of this size must not be decoded, or None where it may be."""
    if width < 1 or height < 1:
        return Rejection("broken picture")
    if frame_count > limits.max_frames:
        return Rejection("too many frames")
    if width * height > limits.max_pixels or width * height * frame_count > MAX_TOTAL_PIXELS:
        return Rejection("too many pixels")
    return None

"""What standardizing hands back: a picture, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A standardized picture: PNG bytes, RGB or RGBA, `width` x `height` px.

    `pixels_sha256` is that of its size and RGBA pixels, in hex; `perceptual_hash` 16 hex digits
    that look-alikes share or nearly share. Of an animation of `frame_count` frames it is number
    `frame`, from 0; `more` has the further frames that the config asked for, as PNG of equal size.
    """

    png: bytes
    width: int
    height: int
    media_type: str
    pixels_sha256: str
    perceptual_hash: str
    frame: int = 0
    frame_count: int = 1
    more: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why media could not become a picture: a short, countable reason."""

    reason: str

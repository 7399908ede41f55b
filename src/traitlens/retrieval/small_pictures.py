"""The pictures that an index carries: small enough for a list of hits, and for looking twice."""

from __future__ import annotations

import io

from PIL import Image

MAX_SIDE_PX = 256
_QUALITY = 85  # of WebP


def small_picture(png: bytes, image: Image.Image) -> bytes:
    """Return the PNG itself if it is small, as pixel art is; else the image reduced, as WebP."""
    if max(image.size) <= MAX_SIDE_PX:
        return png
    small = image.copy()
    small.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    small.save(sink, "WEBP", quality=_QUALITY)
    return sink.getvalue()

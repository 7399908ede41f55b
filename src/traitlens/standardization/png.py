"""Pictures as PNG bytes."""

from __future__ import annotations

import io

from PIL import Image


def png_bytes(image: Image.Image) -> bytes:
    """Return a picture as PNG bytes, without metadata."""
    sink = io.BytesIO()
    image.save(sink, format="PNG")
    return sink.getvalue()

"""Pages for people: one HTML file that needs nothing else, not even the network.

What tokens, sources and models say was written by strangers: whoever makes a page escapes all of
it, and a content security policy forbids the page everything but its own style and pictures.
"""

from __future__ import annotations

import base64
import io
from html import escape
from importlib import resources

from PIL import Image

from traitlens.standardization import png_bytes

PIXEL_ART_PX = 128  # pictures up to this size are enlarged without smoothing
PICTURE_PX = 400  # larger ones are made smaller, for a sharp card on a fine screen

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html_page(title: str, body: str, *, style: str) -> str:
    """Return the page; `style` is CSS that follows the colours and letters that all pages share."""
    shared = resources.files(__name__).joinpath("page.css").read_text("utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
<style>
{shared}{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def isolated(text: str) -> str:
    """Return text, escaped, that cannot reorder what is around it, whatever its direction."""
    return f"<bdi>{escape(text)}</bdi>"


def img(
    picture: Image.Image,
    *,
    alt: str,
    pixel_art_px: int = PIXEL_ART_PX,
    picture_px: int = PICTURE_PX,
) -> str:
    """Return the tag that shows a picture, its bytes within: sharp as PNG, or smaller as WebP."""
    if max(picture.size) <= pixel_art_px:
        kind, look, data = "png", ' class="pixels"', png_bytes(picture)
    else:
        kind, look, data = "webp", "", _thumbnail(picture, picture_px)
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return f'<img{look} src="{source}" alt="{escape(alt)}" loading="lazy">'


def _thumbnail(picture: Image.Image, picture_px: int) -> bytes:
    smaller = picture.copy()
    smaller.thumbnail((picture_px, picture_px), Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    smaller.save(sink, format="WEBP", quality=85)
    return sink.getvalue()

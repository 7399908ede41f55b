"""One picture in, clean PNG or a reason out.

The media are hostile: the format is taken from the bytes, never from the name, and the size is
checked before a pixel is decoded.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from traitlens.config import check_range

# Pillow's other decoders are rarely met here and less hardened.
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}

MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64_000_000  # 8,000 x 8,000: above any real token, 256 MB decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeConfig:
    """How large the pictures of a data set are; smaller ones keep their native size."""

    max_width: int = 512  # px, the paper's width (section 4.2)

    def __post_init__(self) -> None:
        check_range("size.max_width", self.max_width, low=8, high=4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A standardized picture: PNG bytes, RGB or RGBA, `width` x `height` px."""

    png: bytes
    width: int
    height: int
    media_type: str
    pixels_sha256: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why media could not become a picture: a short, countable reason."""

    reason: str


def standardize(media: bytes, config: SizeConfig) -> Picture | Rejection:
    """Return `media` as a clean PNG no wider than `config.max_width`, or why that cannot be."""
    read = _read(media)
    if isinstance(read, Rejection):
        return read
    decoded, media_type = read
    image = _shrink(decoded, max_width=config.max_width)
    return Picture(
        png=png_bytes(image),
        width=image.width,
        height=image.height,
        media_type=media_type,
        pixels_sha256=hashlib.sha256(
            f"{image.size}".encode() + image.convert("RGBA").tobytes()
        ).hexdigest(),
    )


def decode(media: bytes) -> Image.Image | Rejection:
    """Return the first frame as an RGB or RGBA picture, upright, or why it cannot be read."""
    read = _read(media)
    return read if isinstance(read, Rejection) else read[0]


def _read(media: bytes) -> tuple[Image.Image, str] | Rejection:
    """Return the decoded picture and its media type, or why it cannot be read."""
    if len(media) > MAX_BYTES:
        return Rejection("media too large")
    try:
        with warnings.catch_warnings():
            # Pillow only warns between one and two times its own limit; ours is below it.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(media), formats=tuple(FORMATS)) as image:
                if image.width * image.height > MAX_PIXELS:
                    return Rejection("too many pixels")
                image.load()
                return _upright_rgb(image), FORMATS[str(image.format)]
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Rejection("too many pixels")
    except UnidentifiedImageError:
        return Rejection("unsupported media type" if media else "empty picture")
    except (OSError, SyntaxError, ValueError, EOFError, IndexError):
        return Rejection("broken picture")  # the errors of Pillow's decoders on damaged files


def png_bytes(image: Image.Image) -> bytes:
    """Return a picture as PNG bytes, without metadata."""
    sink = io.BytesIO()
    image.save(sink, format="PNG")
    return sink.getvalue()


def _upright_rgb(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    rgba = upright.convert("RGBA")
    opaque = rgba.getchannel("A").getextrema() == (255, 255)
    clean = upright.convert("RGB") if opaque else rgba
    clean.info = {}  # an inherited ICC profile or text chunk would be written again
    return clean


def _shrink(image: Image.Image, *, max_width: int) -> Image.Image:
    if image.width <= max_width:
        return image
    height = max(1, round(image.height * max_width / image.width))
    return image.resize((max_width, height), Image.Resampling.LANCZOS)

"""SVG as pixels: cleaned, bounded, and drawn by resvg with one font, the same on every machine.

A drawing of vectors has no size of its own and is drawn at the width that is asked for. Pixel art
that is written as rects, as much on-chain art is, is drawn at a whole multiple of its units and
comes back at its own grid: 24 x 24 px for 24 x 24 rects.
"""

from __future__ import annotations

import atexit
import io
import os
import re
import tempfile
import threading
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageFont

from traitlens.standardization.colours import drop_opaque_alpha
from traitlens.standardization.data_uris import data_uri_bytes
from traitlens.standardization.kinds import MEDIA_TYPES, kind_of
from traitlens.standardization.limits import Limits
from traitlens.standardization.media import DECODER_ERRORS, beyond_limits
from traitlens.standardization.picture import Rejection
from traitlens.standardization.pixel_art import on_grid, pixel_grid
from traitlens.standardization.stills import open_still
from traitlens.standardization.svg_cleaning import CleanSvg, clean_svg, data_href, written
from traitlens.standardization.svg_size import SvgSize, svg_size

MAX_BYTES = 16 * 2**20  # of the document
MAX_PIXELS = 16_000_000  # drawn
MAX_NESTED = 2  # SVG in an image of an SVG
MAX_EMBEDDED = 256  # images in a document

# Only these can be pixel art; anything round, smooth or written is drawn at once as a drawing.
BLOCKY = frozenset(["a", "defs", "g", "image", "path", "rect", "style", "svg", "switch", "use"])
PROBE_PX = 256  # enough to see a grid whose edges lie on whole units
MAX_UNITS = 2048  # a side of pixel art: 24 to 1,000, and a few more

FONT = "Aileron"
STACK_BYTES = 16 * 2**20
_BACKGROUND = re.compile(
    r"background(?:-color)?\s*:\s*(#[0-9a-f]{3,8}|[a-z]+|rgba?\([^)]*\))", re.I
)
_BACKGROUND_IMAGE = re.compile(
    r"background(?:-image)?\s*:\s*url\(\s*['\"]?(data:[^)'\"]+)", re.IGNORECASE
)


class Svg:
    """An SVG that was cleaned and measured; see `media.Media`."""

    frame_count = 1

    def __init__(self, document: CleanSvg, size: SvgSize, *, width: int, behind: str) -> None:
        self._document = document
        self._size = size
        self._width = width
        self._behind = behind

    def frames(self, wanted: Sequence[int]) -> Iterator[Image.Image]:
        """Yield the picture, RGB or RGBA; nothing where the renderer fails."""
        if wanted:
            try:
                yield self._pixel_art() or self._drawn(self._width)
            except DECODER_ERRORS:
                return

    def _pixel_art(self) -> Image.Image | None:
        units = round(self._size.box_width)
        if not self._document.elements <= BLOCKY or not 4 <= units <= MAX_UNITS:
            return None
        drawn = self._drawn(units * max(1, PROBE_PX // units))
        grid = pixel_grid(drawn)
        return on_grid(drawn, grid) if grid else None

    def _drawn(self, width: int) -> Image.Image:
        height = max(1, round(width / self._size.aspect))
        size = {"width": str(width), "height": str(height), "viewBox": self._size.view_box}
        return _rendered(self._document.written(size, behind=self._behind))


def open_svg(media: bytes, limits: Limits, *, width: int, depth: int = 0) -> Svg | Rejection:
    """Return an SVG ready to be drawn `width` px wide, or why it cannot be."""
    if len(media) > MAX_BYTES:
        return Rejection("media too large")
    images = _Embedding(limits, depth=depth)
    document = clean_svg(media, embed=images.href)
    if isinstance(document, Rejection):
        return document
    size = svg_size(document.root) or _measured(document)
    if size is None:
        return Rejection("broken SVG")
    pixels = Limits(max_pixels=min(MAX_PIXELS, limits.max_pixels))
    height = max(1, round(width / size.aspect))
    if problem := beyond_limits(width, height, 1, pixels):
        return problem
    return Svg(document, size, width=width, behind=_background(document, size, images))


def unzipped(media: bytes, limits: Limits) -> bytes | Rejection:
    """Return what a gzipped SVG holds, at most as much as an SVG may have."""
    most = min(MAX_BYTES, limits.max_bytes)
    try:
        document = zlib.decompressobj(wbits=31).decompress(media, most + 1)
    except zlib.error:
        return Rejection("broken SVG")
    return Rejection("media too large") if len(document) > most else document


class _Embedding:
    """Decides which images inside a document are drawn, and bounds them together."""

    def __init__(self, limits: Limits, *, depth: int) -> None:
        self._limits = limits
        self._depth = depth
        self._pixels_left = limits.max_pixels
        self._images_left = MAX_EMBEDDED

    def href(self, uri: str) -> str | None:
        """Return a harmless `data:` URI of the same image; None for anything else."""
        if uri.strip()[:5].lower() != "data:" or not self._images_left:
            return None
        self._images_left -= 1
        media = data_uri_bytes(uri, self._limits.max_bytes)
        if isinstance(media, Rejection):
            return None
        kind = kind_of(media)
        if kind in ("png", "jpeg", "gif", "webp"):
            return data_href(media, MEDIA_TYPES[kind]) if self._fits(media) else None
        return self._nested(media) if kind == "svg" else None

    def _fits(self, media: bytes) -> bool:
        kind = kind_of(media)
        assert kind is not None
        still = open_still(media, kind, self._limits)
        if isinstance(still, Rejection):
            return False
        self._pixels_left -= still.width * still.height
        return self._pixels_left >= 0

    def _nested(self, media: bytes) -> str | None:
        if self._depth >= MAX_NESTED:
            return None
        deeper = _Embedding(self._limits, depth=self._depth + 1)
        document = clean_svg(media, embed=deeper.href)
        if isinstance(document, Rejection):
            return None
        return data_href(document.written({}).encode(), MEDIA_TYPES["svg"])


def _background(document: CleanSvg, size: SvgSize, images: _Embedding) -> str:
    """Return what CSS puts behind the root, as elements: the renderer draws no CSS backgrounds."""
    style = document.root_style
    box = {"x": f"{size.left:g}", "y": f"{size.top:g}"}
    box |= {"width": f"{size.box_width:.9g}", "height": f"{size.box_height:.9g}"}
    behind = ""
    if colour := _BACKGROUND.search(style):
        behind += f"<rect {written(box | {'fill': colour[1]})}/>"
    if image := _BACKGROUND_IMAGE.search(style):
        href = images.href(image[1])
        looks = {"preserveAspectRatio": "none", "style": "image-rendering:pixelated"}
        behind += f"<image {written(box | looks | {'href': href})}/>" if href else ""
    return behind


def _measured(document: CleanSvg) -> SvgSize | None:
    """Return the box that a document without any size draws in, or None where that fails."""
    probe = {"width": "100%", "height": "100%"}
    try:
        drawn = _rendered(document.written(probe))
    except DECODER_ERRORS:
        return None
    width, height = drawn.size
    return SvgSize(left=0, top=0, box_width=width, box_height=height, aspect=width / height)


def _rendered(document: str) -> Image.Image:
    """Return the picture; ValueError where the renderer cannot draw it.

    The renderer takes about 40 kB of stack for each level of nesting, more than a thread has
    everywhere; so it runs in one that has enough.
    """
    answers: list[bytes | Exception] = []
    former = threading.stack_size(STACK_BYTES)
    try:
        thread = threading.Thread(target=lambda: answers.append(_png(document)), daemon=True)
        thread.start()
    finally:
        threading.stack_size(former)
    thread.join()
    png = answers[0] if answers else ValueError("the renderer failed")
    if isinstance(png, Exception):
        raise png
    image = Image.open(io.BytesIO(png))
    image.load()
    return drop_opaque_alpha(image)


def _png(document: str) -> bytes | Exception:
    """Return what the renderer returns, or raises."""
    import resvg_py

    try:
        return resvg_py.svg_to_bytes(
            svg_string=document,
            skip_system_fonts=True,
            font_files=[text_font()] if "<text" in document else None,
            font_family=FONT,
            serif_family=FONT,
            sans_serif_family=FONT,
            cursive_family=FONT,
            fantasy_family=FONT,
            monospace_family=FONT,
        )
    except ValueError as error:
        return error
    except BaseException as error:
        # A panic of the renderer is derived from BaseException, by a class that cannot be imported.
        if type(error).__name__ == "PanicException":
            return ValueError("the renderer failed")
        raise


@cache
def text_font() -> str:
    """Return the path of the one font that text is drawn with: Aileron (CC0), as Pillow has it.

    The renderer wants a file, and a process that decodes may write none, so it asks for this before
    it limits itself.
    """
    font = ImageFont.load_default(size=16)
    assert isinstance(font, ImageFont.FreeTypeFont)
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create(FONT)
        os.write(handle, font.font_bytes)
        return f"/proc/self/fd/{handle}"
    with tempfile.NamedTemporaryFile(suffix=".ttf", delete=False) as file:
        file.write(font.font_bytes)
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return file.name

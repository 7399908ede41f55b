"""Lanczos as Pillow does it, about four times as fast.

The sums are Pillow's (three lobes, wider when reducing, premultiplied alpha, width before height),
done with the processor's vector instructions by fast_image_resize, the library behind
`cykooz_resizer`. Pixels differ from Pillow's by at most 2 of 255 levels, and are the same whichever
instructions a processor has. The order matters: after the first pass values are cut to 0..255,
and height before width would move hard edges by up to 15 levels.

Where that library has no package (it is not published for every platform), Pillow does the work.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from PIL import Image

_BAND_BYTES = 2**23  # of pixels handed over at once: more costs the time to fetch fresh memory


def lanczos(image: Image.Image, *, width: int, height: int) -> Image.Image:
    """Return an RGB or RGBA picture resized to `width` x `height` px."""
    assert image.mode in ("RGB", "RGBA"), image.mode
    library = _library()
    if library is None:
        return image.resize((width, height), Image.Resampling.LANCZOS)
    if image.mode == "RGBA":
        premultiplied = _resized(image.convert("RGBa"), library, width=width, height=height)
        return premultiplied.convert("RGBA")
    return _resized(image, library, width=width, height=height)


@functools.cache
def _library() -> Any:
    """Return the module, or None where it is not installed."""
    try:
        import cykooz_resizer  # type: ignore[import-untyped, unused-ignore]
    except ModuleNotFoundError:
        return None
    return cykooz_resizer


def _resized(image: Image.Image, library: Any, *, width: int, height: int) -> Image.Image:
    resize = _Resize(library, channels=len(image.getbands()))
    narrow = [resize(band.tobytes(), band.size, (width, band.height)) for band in _bands(image)]
    pixels = resize(b"".join(narrow), (width, image.height), (width, height))
    return Image.frombytes(image.mode, (width, height), pixels)


def _bands(image: Image.Image) -> Iterator[Image.Image]:
    """Yield the picture from top to bottom, whole if it is not large."""
    rows = max(1, _BAND_BYTES // (4 * image.width))
    if rows >= image.height:
        yield image
        return
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


class _Resize:
    """The library's convolution on pixels in bytes; of one picture, since it keeps its buffers."""

    def __init__(self, library: Any, *, channels: int) -> None:
        self._image = library.ImageData
        self._kind = library.PixelType.U8x3 if channels == 3 else library.PixelType.U8x4
        self._resizer = library.Resizer()
        self._options = library.ResizeOptions(
            resize_alg=library.ResizeAlg.convolution(library.FilterType.lanczos3),
            use_alpha=False,  # alpha is premultiplied already
        )

    def __call__(self, pixels: bytes, size: tuple[int, int], wanted: tuple[int, int]) -> bytes:
        if size == wanted:
            return pixels
        source, target = self._image(*size, self._kind, pixels), self._image(*wanted, self._kind)
        self._resizer.resize(source, target, self._options)
        resized: bytes = target.get_buffer()
        return resized

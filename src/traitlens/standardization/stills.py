"""Pictures and animations that Pillow decodes: PNG, JPEG, WebP, AVIF, GIF, BMP.

Size and number of frames are known before a pixel is decoded; what only costs memory (text in a
PNG) is cut out before Pillow sees it.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence

from PIL import Image, UnidentifiedImageError

from traitlens.standardization.colours import clean, orientation
from traitlens.standardization.containers import gif_frame_count, png_without_text, webp_size
from traitlens.standardization.kinds import Kind
from traitlens.standardization.limits import Limits
from traitlens.standardization.media import DECODER_ERRORS, beyond_limits
from traitlens.standardization.picture import Rejection

READERS: dict[Kind, str] = {
    "png": "PNG",
    "jpeg": "JPEG",
    "webp": "WEBP",
    "avif": "AVIF",
    "gif": "GIF",
    "bmp": "BMP",
}
PNG_GREY = 0  # the colour type at byte 25 of a PNG; the depth is at byte 24


class Still:
    """A picture or animation whose header was read; see `media.Media`."""

    def __init__(
        self, image: Image.Image, *, frame_count: int, grey_bits: int, max_pixels: int
    ) -> None:
        self.frame_count = frame_count
        self.width, self.height = image.size
        self._image = image
        self._grey_bits = grey_bits
        self._max_pixels = max_pixels

    def frames(self, wanted: Sequence[int]) -> Iterator[Image.Image]:
        """Yield the `wanted` frames (ascending), composed; fewer where the file breaks off."""
        for number in wanted:
            try:
                frame = self._frame(number)
            except DECODER_ERRORS:
                return
            yield frame

    def _frame(self, number: int) -> Image.Image:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.frame_count > 1:
                self._image.seek(number)
            if self._image.width * self._image.height > self._max_pixels:
                raise ValueError("a frame larger than the first")
            self._image.load()
            return clean(self._image, grey_bits=self._grey_bits, keep=self.frame_count > 1)


def open_still(
    media: bytes, kind: Kind, limits: Limits, *, enough_width: int | None = None
) -> Still | Rejection:
    """Return a picture ready to be decoded, or why it cannot be.

    A JPEG more than twice as wide as `enough_width` is decoded at a half, a quarter or an eighth
    of its size, never below twice that width: the decoder's own cosine transform does it.
    """
    if kind == "webp" and (problem := _webp_problem(media, limits)):
        return problem
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's limits are above ours
            return _opened(media, kind, limits, enough_width)
    except Image.DecompressionBombError:
        return Rejection("too many pixels")
    except (UnidentifiedImageError, *DECODER_ERRORS):
        return Rejection("broken picture")


def _opened(
    media: bytes, kind: Kind, limits: Limits, enough_width: int | None
) -> Still | Rejection:
    readable = png_without_text(media) if kind == "png" else media
    image = Image.open(io.BytesIO(readable), formats=(READERS[kind],))
    frame_count = _frame_count(image, media, kind, limits)
    if problem := beyond_limits(image.width, image.height, frame_count, limits):
        return problem
    if kind == "jpeg" and enough_width:
        _decode_smaller(image, 2 * enough_width)
    grey_bits = media[24] if kind == "png" and media[25] == PNG_GREY else 8
    return Still(image, frame_count=frame_count, grey_bits=grey_bits, max_pixels=limits.max_pixels)


def _frame_count(image: Image.Image, media: bytes, kind: Kind, limits: Limits) -> int:
    if kind == "gif":  # Pillow would walk to the end, however far that is
        return gif_frame_count(media, stop=limits.max_frames + 1)
    return 1 if kind in ("jpeg", "bmp") else int(getattr(image, "n_frames", 1))


def _webp_problem(media: bytes, limits: Limits) -> Rejection | None:
    """Return why a WebP is not even opened: that alone would fill two canvases of its size."""
    size = webp_size(media)
    return beyond_limits(*size, 1, limits) if size else Rejection("broken picture")


def _decode_smaller(image: Image.Image, width: int) -> None:
    turned = orientation(image) >= 5
    across = image.height if turned else image.width
    if across >= 2 * width:
        scale = width / across
        image.draft(None, (int(image.width * scale), int(image.height * scale)))

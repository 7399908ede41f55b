"""Any media in, a clean PNG or a reason out.

    picture = standardize(media, StandardizeConfig(), key=token_uid)

The media are hostile: what they are is taken from the bytes, never from a name, and size and length
are checked before a pixel is decoded. A decoder that hangs or crashes is `guard`'s to survive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from PIL import Image

from traitlens.errors import ConfigError
from traitlens.standardization.colours import on_background
from traitlens.standardization.data_uris import data_uri_bytes
from traitlens.standardization.frames import Chosen, FrameConfig, choose_frames
from traitlens.standardization.hashing import perceptual_hash, pixels_sha256
from traitlens.standardization.kinds import MEDIA_TYPES, Kind, kind_of
from traitlens.standardization.limits import Limits
from traitlens.standardization.media import DECODER_ERRORS, Media
from traitlens.standardization.picture import Picture, Rejection
from traitlens.standardization.png import png_bytes
from traitlens.standardization.sizes import SizeConfig, resizing
from traitlens.standardization.stills import open_still
from traitlens.standardization.svg import open_svg, unzipped
from traitlens.standardization.video import open_video

MAX_BYTES = Limits().max_bytes
DECODED_SVG_WIDTH = 512  # px: drawings have no size of their own

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardizeConfig:
    """How media become pictures.

    `background` is "keep", for alpha as it is, or "#rrggbb", which alpha is composited on.
    """

    size: SizeConfig = field(default_factory=SizeConfig)
    frames: FrameConfig = field(default_factory=FrameConfig)
    background: str = "keep"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.background != "keep" and not _COLOUR.fullmatch(self.background):
            raise ConfigError(f'background must be "keep" or #rrggbb; got {self.background!r}')


def standardize(media: bytes, config: StandardizeConfig, *, key: str = "") -> Picture | Rejection:
    """Return `media` as a clean PNG, or why that cannot be.

    `key` names the token: with the config's seed it draws the frame of an animation. Media may be
    a picture, an animation, a video, an SVG, or a `data:` URI of one of them. Damaged media raise
    nothing.
    """
    kind = kind_of(media)
    if kind == "data":
        held = _held(media, config.limits)
        if isinstance(held, Rejection):
            return held
        media, kind = held, kind_of(held)
    opened = _open(media, kind, config.limits, width=config.size.width)
    if isinstance(opened, Rejection):
        return opened
    assert kind is not None, "what could be opened has a kind"
    try:
        chosen = choose_frames(opened, config.frames, key=key, max_pixels=config.limits.max_pixels)
        if isinstance(chosen, Rejection):
            return chosen
        return _picture(chosen, MEDIA_TYPES[kind], config)
    except DECODER_ERRORS:
        return Rejection("broken picture")


def decode(media: bytes, limits: Limits = Limits()) -> Image.Image | Rejection:  # noqa: B008
    """Return the first frame as an upright RGB or RGBA picture, or why it cannot be read.

    It decodes here, in this process. Media of strangers that may crash a decoder (SVG, video) are
    better sent through `guard`.
    """
    kind = kind_of(media)
    if kind == "data":
        held = _held(media, limits)
        if isinstance(held, Rejection):
            return held
        media, kind = held, kind_of(held)
    opened = _open(media, kind, limits, width=DECODED_SVG_WIDTH, whole=True)
    if isinstance(opened, Rejection):
        return opened
    return next(opened.frames([0]), Rejection("broken picture"))


def _held(uri: bytes, limits: Limits) -> bytes | Rejection:
    """Return what a data URI holds, which may not be another one."""
    held = data_uri_bytes(uri.decode("utf-8", "replace"), limits.max_bytes)
    if isinstance(held, bytes) and kind_of(held) == "data":
        return Rejection("broken data URI")
    return held


def _open(
    media: bytes, kind: Kind | None, limits: Limits, *, width: int, whole: bool = False
) -> Media | Rejection:
    """Return media ready to be decoded: a JPEG at no more than it takes, unless `whole`."""
    if not media:
        return Rejection("empty picture")
    if len(media) > limits.max_bytes:
        return Rejection("media too large")
    if kind is None:
        return Rejection("unsupported media type")
    if kind == "svgz":
        document = unzipped(media, limits)
        if isinstance(document, Rejection):
            return document
        media, kind = document, kind_of(document)
        if kind != "svg":
            return Rejection("unsupported media type")
    if kind == "svg":
        return open_svg(media, limits, width=width)
    if kind in ("mp4", "webm"):
        return open_video(media, kind, limits)
    return open_still(media, kind, limits, enough_width=None if whole else width)


def _picture(chosen: Chosen, media_type: str, config: StandardizeConfig) -> Picture | Rejection:
    images = chosen.images
    if config.background != "keep":
        images = tuple(on_background(image, config.background) for image in images)
    resize = resizing(images[0], config.size, config.limits)
    if isinstance(resize, Rejection):
        return resize
    image, *more = (resize(image) for image in images)
    return Picture(
        png=png_bytes(image),
        width=image.width,
        height=image.height,
        media_type=media_type,
        pixels_sha256=pixels_sha256(image),
        perceptual_hash=perceptual_hash(image),
        frame=chosen.numbers[0],
        frame_count=chosen.frame_count,
        more=tuple(png_bytes(image) for image in more),
    )

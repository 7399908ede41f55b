"""Frames of MP4 and WebM videos, through PyAV (the extra `video`).

What a container says about its length is not believed: packets are counted, and the frames are
those that decode, one after the other from the start. Nothing outside the bytes is opened. Alpha,
which few WebM videos have, is not decoded.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image

from traitlens.standardization.kinds import Kind
from traitlens.standardization.limits import Limits
from traitlens.standardization.media import DECODER_ERRORS, beyond_limits
from traitlens.standardization.picture import Rejection

if TYPE_CHECKING:
    from av.container import InputContainer

READERS: dict[Kind, str] = {"mp4": "mov", "webm": "matroska"}

# What tokens use. ffmpeg reads hundreds more, few of them as well tested.
CODECS = ("h264", "hevc", "av1", "vp9", "vp8", "mpeg4")

TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


class Video:
    """A video whose packets were counted; see `media.Media`."""

    def __init__(self, media: bytes, kind: Kind, limits: Limits, *, frame_count: int) -> None:
        self.frame_count = frame_count
        self._media = media
        self._kind = kind
        self._limits = limits

    def frames(self, wanted: Sequence[int]) -> Iterator[Image.Image]:
        """Yield the `wanted` frames (ascending); fewer where the stream breaks off."""
        left = list(reversed(wanted))
        if not left:
            return
        for number, frame in enumerate(self._decoded()):
            if number == left[-1]:
                left.pop()
                yield _upright(frame)
                if not left:
                    return

    def _decoded(self) -> Iterator[Any]:
        try:
            with _container(self._media, self._kind) as container:
                stream = container.streams.video[0]
                stream.codec_context.thread_count = 1
                stream.codec_context.options = {"max_pixels": str(self._limits.max_pixels)}
                frames = container.decode(stream)
                yield from itertools.islice(frames, self._limits.max_frames)
        except _errors():
            return


def open_video(media: bytes, kind: Kind, limits: Limits) -> Video | Rejection:
    """Return a video ready to be decoded, or why it cannot be."""
    try:
        import av  # noqa: F401
    except ImportError:
        return Rejection("video needs the extra traitlens[video]")
    try:
        with _container(media, kind) as container:
            return _checked(media, kind, container, limits)
    except _errors():
        return Rejection("broken video")


def _checked(
    media: bytes, kind: Kind, container: InputContainer, limits: Limits
) -> Video | Rejection:
    if not container.streams.video:
        return Rejection("unsupported media type")  # sound alone
    stream = container.streams.video[0]
    context = stream.codec_context
    if context.name not in CODECS and context.codec.canonical_name not in CODECS:
        return Rejection("unsupported media type")
    packets = (packet for packet in container.demux(stream) if packet.size)
    count = sum(1 for _ in itertools.islice(packets, limits.max_frames + 1))
    if not count:
        return Rejection("broken video")
    if problem := beyond_limits(context.width, context.height, count, limits):
        return problem
    return Video(media, kind, limits, frame_count=count)


def _container(media: bytes, kind: Kind) -> InputContainer:
    import av

    av.logging.set_level(av.logging.PANIC)  # damaged files would fill the terminal
    options = {"protocol_whitelist": "none"}
    return av.open(io.BytesIO(media), "r", format=READERS[kind], options=options)


def _errors() -> tuple[type[Exception], ...]:
    """Return what damaged videos raise; also ENOMEM, where a header asks for the impossible."""
    import av

    return (av.FFmpegError, *DECODER_ERRORS)


def _upright(frame: Any) -> Image.Image:
    image: Image.Image = frame.to_image()
    turn = TURNS.get(int(frame.rotation) % 360)
    return image.transpose(turn) if turn is not None else image

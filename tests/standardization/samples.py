"""One small valid file of every format and variant that can be standardized.

    media = sample_media()["gif/animated"]

A key is "format/variant"; the format says what decodes it: png, jpeg, webp, avif, gif, bmp, svg,
mp4, webm. All show the same 24 x 24 px of pixel art, so that a wrong decoder shows. Files of a kind
that this machine's Pillow or PyAV cannot write are left out.
"""

from __future__ import annotations

import base64
import functools
import gzip
import io
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageDraw, features

SIZE_PX = 24
INK, PAPER, HAT = (20, 20, 20), (220, 200, 40), (40, 60, 200)


def face(hat_left: int = 6) -> Image.Image:
    """Return 24 x 24 px of RGB pixel art; the hat begins at column `hat_left`."""
    image = Image.new("RGB", (SIZE_PX, SIZE_PX), PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((6, 8, 17, 22), fill=(230, 150, 110), outline=INK)
    draw.rectangle((hat_left, 3, hat_left + 11, 7), fill=HAT)
    draw.point([(9, 12), (14, 12), (10, 18), (11, 18), (12, 18)], fill=INK)
    return image


def cut_out() -> Image.Image:
    """Return the face in RGBA, with a clear paper and a half clear hat."""
    pixels_HWC = np.array(face().convert("RGBA"))
    pixels_HWC[(pixels_HWC[..., :3] == PAPER).all(-1)] = 0
    pixels_HWC[(pixels_HWC[..., :3] == HAT).all(-1), 3] = 128
    return Image.fromarray(pixels_HWC)


def frames(count: int = 4) -> list[Image.Image]:
    """Return an animation: the hat moves by one pixel a frame."""
    return [face(hat_left=4 + number) for number in range(count)]


def gradient(width: int = 48, height: int = 36) -> Image.Image:
    """Return a smooth RGB picture, as little pixel art as can be."""
    y_H, x_W = np.mgrid[0:height, 0:width]
    red_HW = 255 * x_W / (width - 1)
    green_HW = 255 * y_H / (height - 1)
    blue_HW = 128 + 100 * np.sin(x_W / 7 + y_H / 5)
    return Image.fromarray(np.stack([red_HW, green_HW, blue_HW], axis=-1).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return a picture as a file of Pillow's format `kind`."""
    sink = io.BytesIO()
    image.save(sink, kind, **options)
    return sink.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk with its right length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_file(
    width: int,
    height: int,
    *,
    depth: int,
    colour: int,
    rows: Sequence[bytes],
    extra: Sequence[tuple[bytes, bytes]] = (),
    interlaced: bool = False,
) -> bytes:
    """Return a PNG made by hand: `rows` are the packed, unfiltered scanlines."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", header), *extra, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


def grey_png(values_HW: NDArray[np.integer], *, depth: int) -> bytes:
    """Return a grey PNG of 1, 2, 4, 8 or 16 bits; `values_HW` are in [0, 2**depth - 1]."""
    height, width = values_HW.shape
    return png_file(
        width, height, depth=depth, colour=0, rows=[_packed(row, depth) for row in values_HW]
    )


def rgb16_png(values_HWC: NDArray[np.integer]) -> bytes:
    """Return an RGB (3 channels) or RGBA (4 channels) PNG of 16 bits a channel."""
    height, width, channels = values_HWC.shape
    rows = [row.astype(">u2").tobytes() for row in values_HWC]
    return png_file(width, height, depth=16, colour=2 if channels == 3 else 6, rows=rows)


def _packed(values_W: NDArray[np.integer], depth: int) -> bytes:
    if depth == 16:
        return values_W.astype(">u2").tobytes()
    bits_WB = (values_W[:, None] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits_WB.astype(np.uint8).ravel()).tobytes()


def interlaced_png(image: Image.Image) -> bytes:
    """Return an RGB picture as an Adam7 interlaced PNG."""
    pixels_HWC = np.asarray(image.convert("RGB"))
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    rows = [
        row.tobytes()
        for top, left, down, right in [*passes, (1, 0, 2, 1)]
        for row in pixels_HWC[top::down, left::right]
        if row.size
    ]
    return png_file(image.width, image.height, depth=8, colour=2, rows=rows, interlaced=True)


def rect_svg(image: Image.Image, *, block: int = 10, attributes: str = "") -> str:
    """Return a picture as an SVG of one `block` units wide rect a pixel, as on-chain art is."""
    pixels_HWC = np.asarray(image.convert("RGB")).tolist()
    rects = "".join(
        f'<rect x="{x * block}" y="{y * block}" width="{block}" height="{block}" '
        f'fill="#{red:02x}{green:02x}{blue:02x}"/>'
        for y, row_WC in enumerate(pixels_HWC)
        for x, (red, green, blue) in enumerate(row_WC)
    )
    box = f"0 0 {image.width * block} {image.height * block}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {attributes} '
        f'shape-rendering="crispEdges">{rects}</svg>'
    )


VECTOR_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50">'
    '<defs><linearGradient id="g"><stop offset="0" stop-color="#f00"/>'
    '<stop offset="1" stop-color="#00f"/></linearGradient></defs>'
    '<rect width="100" height="50" fill="url(#g)"/><circle cx="50" cy="25" r="20" fill="#fff"/>'
    "</svg>"
)
TEXT_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" preserveAspectRatio="xMinYMin meet" '
    'viewBox="0 0 350 350"><style>.base { fill: white; font-family: serif; font-size: 14px; }'
    '</style><rect width="100%" height="100%" fill="black" />'
    '<text x="10" y="20" class="base">Quarterstaff</text>'
    '<text x="10" y="40" class="base">Studded Leather Armor</text></svg>'
)


def image_svg(media: bytes, media_type: str = "image/png") -> str:
    """Return an SVG that holds one picture as a data URI."""
    uri = f"data:{media_type};base64,{base64.b64encode(media).decode()}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {SIZE_PX} {SIZE_PX}">'
        f'<image width="{SIZE_PX}" height="{SIZE_PX}" style="image-rendering: pixelated" '
        f'xlink:href="{uri}"/></svg>'
    )


def video(
    codec: str,
    container: str,
    pictures: Sequence[Image.Image],
    *,
    options: dict[str, str] | None = None,
) -> bytes:
    """Return pictures as a video, 10 a second; ValueError where PyAV lacks the codec."""
    import av

    sink = io.BytesIO()
    with av.open(sink, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=10, options=options or {})
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuv420p"
        # Threads of VP8's encoder wait for one another by spinning: minutes, on a busy machine.
        stream.codec_context.thread_count = 1
        for picture in pictures:
            pixels_HWC = np.asarray(picture)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels_HWC, format="rgb24")))
        out.mux(stream.encode(None))
    return sink.getvalue()


@functools.cache
def sample_media() -> dict[str, bytes]:
    """Return one small file of every supported kind, by "format/variant"."""
    return {
        name: media
        for makers in (_png, _jpeg, _webp, _avif, _others, _svg, _video)
        for name, media in makers()
    }


def _png() -> Iterator[tuple[str, bytes]]:
    image, grey = face(), np.asarray(face().convert("L"))
    wide_HWC = np.asarray(image).astype(np.uint16) * 257
    yield "png/rgb", encoded(image)
    yield "png/rgba", encoded(cut_out())
    yield "png/palette", encoded(image.quantize(8))
    yield "png/palette-2-bit", encoded(image.quantize(4), bits=2)
    yield "png/palette-clear", encoded(image.quantize(8), transparency=0)
    yield "png/rgb-clear", encoded(image, transparency=PAPER)
    yield "png/grey-clear", encoded(image.convert("L"), transparency=int(grey[0, 0]))
    yield "png/grey-alpha", encoded(cut_out().convert("LA"))
    for depth in (1, 2, 4, 8):
        yield f"png/grey-{depth}-bit", grey_png(grey >> 8 - depth, depth=depth)
    yield "png/grey-16-bit", grey_png(grey.astype(np.uint16) * 257, depth=16)
    yield "png/rgb-16-bit", rgb16_png(wide_HWC)
    yield "png/rgba-16-bit", rgb16_png(np.dstack([wide_HWC, np.full(grey.shape, 40_000)]))
    yield "png/interlaced", interlaced_png(image)
    yield "png/profile", encoded(image, icc_profile=_srgb_profile())
    yield "png/turned", encoded(image, exif=_orientation(6))
    yield "png/smooth", encoded(gradient())
    first, *rest = frames()
    yield "png/animated", encoded(first, save_all=True, append_images=rest, duration=100)


def _jpeg() -> Iterator[tuple[str, bytes]]:
    image = face()
    yield "jpeg/rgb", encoded(image, "JPEG", quality=95)
    yield "jpeg/progressive", encoded(gradient(), "JPEG", progressive=True)
    yield "jpeg/grey", encoded(image.convert("L"), "JPEG")
    yield "jpeg/cmyk", encoded(image.convert("CMYK"), "JPEG")
    yield "jpeg/turned", encoded(image, "JPEG", exif=_orientation(6))
    yield "jpeg/profile", encoded(image, "JPEG", icc_profile=_srgb_profile())


def _webp() -> Iterator[tuple[str, bytes]]:
    first, *rest = frames()
    yield "webp/lossy", encoded(gradient(), "WEBP", quality=80)
    yield "webp/lossless", encoded(face(), "WEBP", lossless=True)
    yield "webp/alpha", encoded(cut_out(), "WEBP", lossless=True)
    yield "webp/animated", encoded(first, "WEBP", save_all=True, append_images=rest, lossless=True)


def _avif() -> Iterator[tuple[str, bytes]]:
    if not features.check("avif"):
        return
    first, *rest = frames()
    yield "avif/lossy", encoded(gradient(), "AVIF", quality=70, speed=10)
    yield "avif/alpha", encoded(cut_out(), "AVIF", quality=90, speed=10)
    yield (
        "avif/animated",
        encoded(first, "AVIF", save_all=True, append_images=rest, quality=90, speed=10),
    )


def _others() -> Iterator[tuple[str, bytes]]:
    image = face()
    first, *rest = frames()
    few = image.quantize(8)
    yield "gif/still", encoded(image, "GIF", interlace=0)
    yield "gif/clear", encoded(few, "GIF", transparency=few.getpixel((0, 0)))
    yield "gif/animated", encoded(first, "GIF", save_all=True, append_images=rest, duration=100)
    yield (
        "gif/restored",
        encoded(first, "GIF", save_all=True, append_images=rest, duration=100, disposal=2),
    )
    yield "gif/interlaced", encoded(few, "GIF", interlace=1)
    yield "bmp/rgb", encoded(image, "BMP")
    yield "bmp/palette", encoded(few, "BMP")
    yield "bmp/alpha", encoded(cut_out(), "BMP")


def _svg() -> Iterator[tuple[str, bytes]]:
    rects = rect_svg(face())
    yield "svg/rects", rects.encode()
    yield "svg/sized", rect_svg(face(), attributes='width="240" height="240"').encode()
    yield "svg/vector", VECTOR_SVG.encode()
    yield "svg/text", TEXT_SVG.encode()
    yield "svg/image", image_svg(encoded(face())).encode()
    yield "svg/nested", image_svg(VECTOR_SVG.encode(), "image/svg+xml").encode()
    yield "svg/utf-16", VECTOR_SVG.encode("utf-16")
    yield "svg/declared", b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- x -->' + rects.encode()
    yield "svg/gzip", gzip.compress(rects.encode(), mtime=0)
    yield "svg/data-uri", f"data:image/svg+xml;utf8,{quote(VECTOR_SVG)}".encode()


def _video() -> Iterator[tuple[str, bytes]]:
    big = [frame.resize((96, 96), Image.Resampling.NEAREST) for frame in frames(6)]
    wanted: list[tuple[str, str, str, dict[str, str]]] = [
        ("mp4/h264", "libx264", "mp4", {"crf": "10"}),
        ("mp4/av1", "libsvtav1", "mp4", {"preset": "12", "crf": "20"}),
        ("mp4/mpeg4", "mpeg4", "mp4", {}),
        ("webm/vp9", "libvpx-vp9", "webm", {"cpu-used": "8"}),
        ("webm/vp8", "libvpx", "webm", {"deadline": "realtime", "cpu-used": "8"}),
    ]
    for name, codec, container, options in wanted:
        make = functools.partial(video, codec, container, big, options=options)
        if media := _unless_missing(make):
            yield name, media


def _unless_missing(make: Callable[[], bytes]) -> bytes | None:
    try:
        return make()
    except (ImportError, ValueError, OSError):  # no PyAV here, or one without that encoder
        return None


def _orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def _srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

"""Any decoded picture becomes upright RGB or RGBA in sRGB, as its author saw it.

What Pillow leaves undone is done here: 16-bit grey is scaled instead of clipped, a profile is
applied, the camera's rotation too, and a clear grey of few bits is found at its own depth.
"""

from __future__ import annotations

import functools
import io
import struct

import numpy as np
from PIL import Image, ImageCms

ORIENTATION = 0x0112  # the Exif tag (Exif 2.3, section 4.6.4)
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

MAX_PROFILE_BYTES = 4 * 2**20  # profiles of printing presses reach two; beyond is no profile
PROFILE_SPACES = {"RGB ": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ("CMYK",)}


def clean(image: Image.Image, *, grey_bits: int = 8, keep: bool = True) -> Image.Image:
    """Return a loaded picture as upright RGB, or RGBA where a pixel is not opaque.

    `grey_bits` is the depth of a grey PNG: its clear grey is written at that depth. The result
    is a new picture without metadata; where `keep` is False it may be `image` itself, which is
    quicker.
    """
    turn = orientation(image)
    plain = _in_srgb(_eight_bit(image, grey_bits))
    if plain is image and keep:
        plain = image.copy()
    plain.info = {}  # an inherited profile or text would be written again
    if turn in TURNS:
        plain = plain.transpose(TURNS[turn])
    return drop_opaque_alpha(plain)


def orientation(image: Image.Image) -> int:
    """Return the Exif orientation, 1 to 8, of a picture; 1 where there is none that can be read."""
    if not ("exif" in image.info or "Raw profile type exif" in image.info or "xmp" in image.info):
        return 1
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, struct.error):
        return 1
    return value if value in TURNS else 1


def drop_opaque_alpha(image: Image.Image) -> Image.Image:
    """Return RGB instead of RGBA where every pixel is opaque."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        return image.convert("RGB")
    return image


def on_background(image: Image.Image, background: str) -> Image.Image:
    """Return the picture composited on `background`, "#rrggbb"; opaque pictures stay as they are.

    Source over, in sRGB, as browsers do it (W3C Compositing 1, section 9.1.4).
    """
    if image.mode != "RGBA":
        return image
    canvas = Image.new("RGBA", image.size, background)
    return Image.alpha_composite(canvas, image).convert("RGB")


def _eight_bit(image: Image.Image, grey_bits: int) -> Image.Image:
    """Return the picture in a mode that a profile can be applied to, alpha in the open."""
    if image.mode.startswith("I"):
        return _from_16_bit(image)
    clear = image.info.get("transparency")
    if image.mode == "P" or clear is not None:
        return _with_clear_colour(image, clear, grey_bits)
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("LA", "La", "PA", "RGBa"):
        return image.convert("RGBA")
    return image


def _from_16_bit(image: Image.Image) -> Image.Image:
    values_HW = np.asarray(image).astype(np.uint32)
    grey = Image.fromarray(((np.minimum(values_HW, 65_535) + 128) // 257).astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        alpha_HW = np.where(values_HW == clear, 0, 255).astype(np.uint8)
        grey = Image.merge("LA", (grey, Image.fromarray(alpha_HW))).convert("RGBA")
    grey.info = {"icc_profile": image.info.get("icc_profile")}
    return grey


def _with_clear_colour(image: Image.Image, clear: object, grey_bits: int) -> Image.Image:
    if image.mode == "L" and isinstance(clear, int) and grey_bits < 8:
        image = image.copy()
        image.info["transparency"] = clear * 255 // (2**grey_bits - 1)
    elif image.mode == "RGB" and isinstance(clear, tuple) and max(clear) > 255:
        image = image.copy()
        image.info["transparency"] = tuple(value >> 8 for value in clear)  # as Pillow the pixels
    mode = "RGB" if clear is None and image.palette and image.palette.mode == "RGB" else "RGBA"
    shown = image.convert(mode)
    shown.info["icc_profile"] = image.info.get("icc_profile")
    return shown


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return RGB or RGBA in sRGB; a profile that is broken or of another space is ignored."""
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes) and 128 <= len(profile) <= MAX_PROFILE_BYTES:
        transform = _to_srgb(profile, image.mode)
        if transform is not None:
            converted = ImageCms.applyTransform(image, transform)
            return converted if converted is not None else image
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGB")


@functools.lru_cache(maxsize=8)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return what takes pixels of `mode` to sRGB, or None where they are, or nothing can."""
    if mode not in PROFILE_SPACES.get(profile[16:20].decode("latin-1"), ()):
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            inMode=mode,
            outMode="RGBA" if mode == "RGBA" else "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None

"""What media are, by their first bytes: names and declared types of NFT media are often wrong."""

from __future__ import annotations

from typing import Literal

Kind = Literal["png", "jpeg", "webp", "avif", "gif", "bmp", "svg", "svgz", "mp4", "webm", "data"]

MEDIA_TYPES: dict[Kind, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "svg": "image/svg+xml",
    "svgz": "image/svg+xml",
    "mp4": "video/mp4",
    "webm": "video/webm",
}

SIGNATURES: dict[bytes, Kind] = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"\x1a\x45\xdf\xa3": "webm",
    b"\x1f\x8b\x08": "svgz",
}

# ISO base media: the brand tells pictures from videos; HEIC has no decoder here.
STILL_BRANDS = (b"avif", b"avis")
FOREIGN_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"crx ", b"M4A ", b"M4B ")

# How far into a document its root element may hide behind comments and a DOCTYPE.
ROOT_WITHIN_BYTES = 64 * 1024


def kind_of(media: bytes) -> Kind | None:
    """Return what the bytes are, or None where it is nothing that can be decoded."""
    for signature, kind in SIGNATURES.items():
        if media.startswith(signature):
            return kind
    if media[:4] == b"RIFF" and media[8:12] == b"WEBP":
        return "webp"
    if media[4:8] == b"ftyp":
        return _of_brand(media)
    if media[:2] == b"BM" and media[6:10] == b"\0\0\0\0":
        return "bmp"
    return _of_text(media)


def _of_brand(media: bytes) -> Kind | None:
    brands = media[8 : min(int.from_bytes(media[:4], "big"), 256)]
    if any(brand in brands for brand in STILL_BRANDS):
        return "avif"
    return None if brands[:4] in FOREIGN_BRANDS else "mp4"


def _of_text(media: bytes) -> Kind | None:
    start = media[:ROOT_WITHIN_BYTES]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        start = start.decode("utf-16", "replace").encode()
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:5].lower() == b"data:":
        return "data"
    return "svg" if start[:1] == b"<" and (b"<svg" in start or b":svg" in start) else None

"""Walks through file containers that cost nothing, where the decoder's own would cost too much."""

from __future__ import annotations

from collections.abc import Iterator

PNG_SIGNATURE_BYTES = 8
PNG_TEXT = (b"tEXt", b"zTXt", b"iTXt")

GIF_EXTENSION, GIF_IMAGE = 0x21, 0x2C


def png_without_text(media: bytes) -> bytes:
    """Return a PNG without its text chunks, which may be bombs; without any, the bytes as given."""
    if not any(kind in media for kind in PNG_TEXT):
        return media
    kept = [media[:PNG_SIGNATURE_BYTES]]
    kept += [chunk for chunk in _png_chunks(media) if chunk[4:8] not in PNG_TEXT]
    return b"".join(kept)


def _png_chunks(media: bytes) -> Iterator[bytes]:
    """Yield chunk after chunk, with length and checksum; what is cut off comes as it is."""
    at = PNG_SIGNATURE_BYTES
    while at < len(media):
        end = at + 12 + int.from_bytes(media[at : at + 4], "big")
        yield media[at:end]
        at = end


def webp_size(media: bytes) -> tuple[int, int] | None:
    """Return width and height of a WebP canvas in px, or None where the header is broken.

    RFC 9649, sections 2.5 to 2.7.
    """
    kind, data = media[12:16], media[20:30]
    if kind == b"VP8X" and len(data) == 10:
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    if kind == b"VP8L" and data[:1] == b"\x2f":
        bits = int.from_bytes(data[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        return (
            int.from_bytes(data[6:8], "little") & 0x3FFF,
            int.from_bytes(data[8:10], "little") & 0x3FFF,
        )
    return None


def gif_frame_count(media: bytes, *, stop: int) -> int:
    """Return how many images a GIF has, counted up to `stop`; one that is cut off counts.

    GIF89a, sections 17 to 27.
    """
    at = 13 + _gif_table_bytes(media[10:11])
    count = 0
    while at < len(media) and count < stop:
        if media[at] == GIF_IMAGE:
            count += 1
            at += 10 + _gif_table_bytes(media[at + 9 : at + 10]) + 1
        elif media[at] == GIF_EXTENSION:
            at += 2
        else:
            break  # the trailer, or nothing that is known
        at = _after_gif_blocks(media, at)
    return max(count, 1)


def _gif_table_bytes(flags: bytes) -> int:
    """Return the size of the colour table that the flags announce."""
    return 3 * 2 ** (1 + (flags[0] & 7)) if flags and flags[0] & 0x80 else 0


def _after_gif_blocks(media: bytes, at: int) -> int:
    while at < len(media) and media[at]:
        at += 1 + media[at]
    return at + 1

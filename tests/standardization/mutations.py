"""Broken and hostile files, made of sound ones.

    media = mutated("gif", sound, others=[...], rng=np.random.default_rng([seed, number]))

Half of the mutations know nothing of the format. The other half keep its outer shape, with right
checksums and lengths, so that they reach the decoder behind the parser. Same generator, same bytes.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

from numpy.random import Generator

from tests.standardization.samples import png_chunk

Mutation = Callable[[bytes, Generator], bytes]
Thing = TypeVar("Thing")

MAX_BYTES = 2**20  # of what comes out
EXTREMES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)


def mutated(kind: str, sound: bytes, *, others: Sequence[bytes], rng: Generator) -> bytes:
    """Return a mutated copy of a file of a kind that `samples` knows; `others` are spliced in."""
    if sound[:2] == b"\x1f\x8b" and rng.random() < 0.5:  # what a gzip holds, and it anew
        inner = mutated(kind, gzip.decompress(sound), others=others, rng=rng)
        return gzip.compress(inner, mtime=0)
    media = sound
    known = STRUCTURED.get(kind)
    for _ in range(int(rng.geometric(0.6))):
        if known and rng.random() < 0.5:
            media = _one_of(known, rng)(media, rng)
        elif rng.random() < 0.1:
            media = _spliced(media, _one_of(others, rng), rng)
        else:
            media = _one_of(BLIND, rng)(media, rng)
        media = media[:MAX_BYTES]
    return media


def _one_of(things: Sequence[Thing], rng: Generator) -> Thing:
    return things[int(rng.integers(len(things)))]


def _span(media: bytes, rng: Generator, *, most: int = 64) -> slice:
    """Return a place in a file, up to `most` bytes long."""
    start = int(rng.integers(len(media) + 1))
    return slice(start, min(len(media), start + 1 + int(rng.integers(most))))


def _replaced(media: bytes, span: slice, data: bytes) -> bytes:
    return media[: span.start] + data + media[span.stop :]


def _spliced(media: bytes, other: bytes, rng: Generator) -> bytes:
    return media[: rng.integers(len(media) + 1)] + other[rng.integers(len(other) + 1) :]


def _times(data: bytes, count: int) -> bytes:
    """Return `data` so many times, but no more than `MAX_BYTES` of it."""
    return data * min(count, MAX_BYTES // max(1, len(data)))


def flip_bits(media: bytes, rng: Generator) -> bytes:
    flipped = bytearray(media)
    for place in rng.integers(8 * max(1, len(media)), size=int(rng.integers(1, 9))):
        if flipped:
            flipped[place // 8] ^= 1 << place % 8
    return bytes(flipped)


def overwrite(media: bytes, rng: Generator) -> bytes:
    span = _span(media, rng)
    return _replaced(media, span, rng.bytes(span.stop - span.start))


def zero(media: bytes, rng: Generator) -> bytes:
    span = _span(media, rng, most=max(1, len(media) // 4))
    return _replaced(media, span, bytes(span.stop - span.start))


def truncate(media: bytes, rng: Generator) -> bytes:
    return media[: rng.integers(len(media) + 1)]


def cut_out(media: bytes, rng: Generator) -> bytes:
    return _replaced(media, _span(media, rng), b"")


def repeat(media: bytes, rng: Generator) -> bytes:
    span = _span(media, rng, most=max(1, len(media) // 2))
    return _replaced(media, span, _times(media[span], int(rng.integers(2, 20))))


def append(media: bytes, rng: Generator) -> bytes:
    return media + rng.bytes(int(rng.integers(1, 5000)))


def set_number(media: bytes, rng: Generator) -> bytes:
    """Put an extreme number of 1, 2 or 4 bytes anywhere: it may hit a length, size or count."""
    width = int(rng.choice([1, 2, 4]))
    value = EXTREMES[rng.integers(len(EXTREMES))] % 256**width
    start = int(rng.integers(max(1, len(media) - width)))
    number = value.to_bytes(width, "big") if rng.random() < 0.5 else value.to_bytes(width, "little")
    return _replaced(media, slice(start, start + width), number)


BLIND = (flip_bits, overwrite, zero, truncate, cut_out, repeat, append, set_number)


def _png_chunks(media: bytes) -> list[tuple[bytes, bytes]]:
    chunks, start = [], 8
    while start + 12 <= len(media):
        length, name = struct.unpack_from(">I4s", media, start)
        chunks.append((name, media[start + 8 : start + 8 + length]))
        start += 12 + length
    return chunks


def _png_of(chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, data) for name, data in chunks)


def png_chunk_mutated(media: bytes, rng: Generator) -> bytes:
    """Mutate the data of a chunk, under a right checksum."""
    chunks = _png_chunks(media)
    if not chunks:
        return media
    number = int(rng.integers(len(chunks)))
    name, data = chunks[number]
    chunks[number] = (name, _one_of(BLIND, rng)(data, rng))
    return _png_of(chunks)


def png_chunks_moved(media: bytes, rng: Generator) -> bytes:
    """Double, drop and swap chunks."""
    chunks = _png_chunks(media)
    kept = [_one_of(chunks, rng) if rng.random() < 0.2 else chunk for chunk in chunks]
    return _png_of(kept)


def png_size_set(media: bytes, rng: Generator) -> bytes:
    """Claim another size, depth or colour type."""
    chunks = _png_chunks(media)
    if not chunks or len(chunks[0][1]) != 13:
        return media
    fields = list(struct.unpack(">IIBBBBB", chunks[0][1]))
    place = int(rng.integers(7))
    fields[place] = EXTREMES[rng.integers(len(EXTREMES))] % (2**32 if place < 2 else 2**8)
    return _png_of([(b"IHDR", struct.pack(">IIBBBBB", *fields)), *chunks[1:]])


def png_pixels_set(media: bytes, rng: Generator) -> bytes:
    """Compress other scanlines: too few, too many, of unknown filters."""
    rows = rng.bytes(int(rng.integers(1, 4000))) * int(rng.choice([1, 1, 500]))
    data = zlib.compress(rows)
    return _png_of([(name, data if name == b"IDAT" else own) for name, own in _png_chunks(media)])


def png_bomb_added(media: bytes, rng: Generator) -> bytes:
    """Add a chunk whose text, profile or count is much larger than it looks."""
    bomb = zlib.compress(bytes(int(rng.integers(1, 16)) * 2**20))
    added = [
        (b"zTXt", b"Comment\0\0" + bomb),
        (b"iTXt", b"Comment\0\1\0\0\0" + bomb),
        (b"iCCP", b"profile\0\0" + bomb),
        (b"eXIf", b"MM\0*\0\0\0\x08\xff\xff" + rng.bytes(60)),
        (b"acTL", struct.pack(">II", 2**31 - 1, 0)),
        (b"tRNS", rng.bytes(int(rng.integers(1, 300)))),
    ][rng.integers(6)]
    chunks = _png_chunks(media)
    return _png_of([*chunks[:1], added, *chunks[1:]])


def gif_screen_set(media: bytes, rng: Generator) -> bytes:
    """Claim another size of the screen."""
    return media[:6] + struct.pack("<HH", *rng.choice([0, 1, 24, 8000, 65535], size=2)) + media[10:]


def gif_frame_set(media: bytes, rng: Generator) -> bytes:
    """Claim another place, size, palette or code size of a frame."""
    starts = [n for n in range(13, len(media) - 12) if media[n : n + 1] == b","]
    if not starts:
        return media
    start = starts[rng.integers(len(starts))]
    box = struct.pack("<4H", *rng.choice([0, 1, 23, 24, 25, 9000, 65535], size=4))
    changed = _replaced(media, slice(start + 1, start + 9), box)
    if rng.random() < 0.7:
        return changed
    return _replaced(changed, slice(start + 10, start + 11), bytes([int(rng.integers(14))]))


def gif_frames_repeated(media: bytes, rng: Generator) -> bytes:
    """Repeat the frames, up to many thousand times."""
    start = media.find(b"\x21\xf9", 13)
    if start < 0:
        return media
    return media[:start] + _times(media[start:-1], int(rng.choice([3, 300, 30_000]))) + b";"


def boxes_mutated(media: bytes, rng: Generator) -> bytes:
    """Mutate, double, drop or resize one box of an MP4 or AVIF; the boxes around it keep theirs."""
    boxes = _boxes(media, 0, len(media))
    if not boxes:
        return media
    start, end = boxes[rng.integers(len(boxes))]
    box = media[start:end]
    change = rng.integers(5)
    if change == 0:
        return _replaced(media, slice(start, end), box + box)
    if change == 1:
        return _replaced(media, slice(start, end), b"")
    if change == 2:
        size = EXTREMES[rng.integers(len(EXTREMES))]
        return _replaced(media, slice(start, start + 4), struct.pack(">I", size))
    body = _one_of((flip_bits, overwrite, zero, set_number), rng)(box[8:], rng)
    return _replaced(media, slice(start, end), box[:8] + body)


_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"iprp", b"ipco", b"edts", b"dinf")


def _boxes(media: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Return where each box of ISO/IEC 14496-12 begins and ends, the inner ones too."""
    found = []
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", media, start)
        if not 8 <= size <= end - start:
            break
        found.append((start, start + size))
        if name in _PARENTS:
            found += _boxes(media, start + 8, start + size)
        if name == b"meta":
            found += _boxes(media, start + 12, start + size)
        start += size
    return found


def riff_mutated(media: bytes, rng: Generator) -> bytes:
    """Mutate one chunk of a WebP, and keep the lengths right."""
    start, chunks = 12, []
    while start + 8 <= len(media):
        name, size = struct.unpack_from("<4sI", media, start)
        chunks.append((name, media[start + 8 : start + 8 + size]))
        start += 8 + size + size % 2
    if not chunks:
        return media
    number = int(rng.integers(len(chunks)))
    name, data = chunks[number]
    chunks[number] = (name, _one_of(BLIND, rng)(data, rng))
    if rng.random() < 0.3:
        chunks += chunks[number:] * min(int(rng.choice([1, 10, 3000])), MAX_BYTES // len(media))
    body = b"".join(
        struct.pack("<4sI", name, len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def jpeg_segment_mutated(media: bytes, rng: Generator) -> bytes:
    """Mutate a segment before the scan (tables, size, components), under a right length."""
    start, segments = 2, []
    while start + 4 <= len(media) and media[start] == 0xFF:
        (size,) = struct.unpack_from(">H", media, start + 2)
        segments.append((start, start + 2 + size))
        start += 2 + size
        if media[segments[-1][0] + 1] == 0xDA:
            break
    if not segments:
        return media
    first, last = segments[rng.integers(len(segments))]
    body = _one_of((flip_bits, overwrite, zero, set_number, repeat), rng)(
        media[first + 4 : last], rng
    )
    return _replaced(
        media, slice(first + 2, last), struct.pack(">H", (len(body) + 2) % 2**16) + body
    )


SVG_PARTS = (
    '<image href="file:///etc/passwd" width="9" height="9"/>',
    '<image href="/etc/hostname" width="9" height="9"/>',
    '<image href="http://127.0.0.1:9/x.png" width="9" height="9"/>',
    '<image href="data:image/png;base64,AAAA" width="9" height="9"/>',
    '<style>@import url("http://127.0.0.1:9/x.css"); * {{ fill: url(#u{n}) }}</style>',
    "<script>while (true) {{}}</script>",
    '<rect width="1e{n}" height="1e{n}" x="-1e{n}"/>',
    '<rect width="9" height="9" transform="scale(1e{n}) rotate({n})"/>',
    '<circle r="{n}e9" stroke-width="1e{n}" stroke-dasharray="1e-{n}"/>',
    '<filter id="f"><feGaussianBlur stdDeviation="{n}{n}"/></filter>'
    '<rect width="100%" height="100%" filter="url(#f)"/>',
    '<filter id="t" width="{n}00" height="{n}00"><feTurbulence numOctaves="{n}{n}"'
    ' baseFrequency="9"/></filter><rect width="90%" height="90%" filter="url(#t)"/>',
    '<pattern id="p" width="1e-{n}" height="1e-{n}" patternUnits="userSpaceOnUse">'
    '<rect width="1" height="1"/></pattern><rect width="99" height="99" fill="url(#p)"/>',
    '<g id="u{n}"><use href="#u{n}"/></g>',
    '<mask id="m"><rect mask="url(#m)" width="9" height="9"/></mask><g mask="url(#m)"/>',
    "<text>{n}&#x0;&#xfffe;&unknown;</text>",
    '<path d="M0 0{path}"/>',
    "{deep}",
    "{bomb}",
)


def _use_bomb(levels: int) -> str:
    """Return groups each of which shows the one before ten times."""
    uses = [f'<use href="#b{level}"/>' * 10 for level in range(levels)]
    groups = [f'<g id="b{level + 1}">{inner}</g>' for level, inner in enumerate(uses)]
    return '<g id="b0"><rect width="1" height="1"/></g>' + "".join(groups)


def svg_part_added(media: bytes, rng: Generator) -> bytes:
    """Add an element that costs, loops or reads elsewhere."""
    n = int(rng.choice([1, 3, 9, 38, 300, 5000]))
    part = SVG_PARTS[rng.integers(len(SVG_PARTS))].format(
        n=n, path=" L9 9 1 2" * n, deep="<g>" * n + "</g>" * n, bomb=_use_bomb(min(n, 12))
    )
    close = media.rfind(b"</svg")
    return media if close < 0 else media[:close] + part.encode() + media[close:]


def svg_number_set(media: bytes, rng: Generator) -> bytes:
    """Put an odd number into an attribute."""
    starts = [n + 2 for n in range(len(media) - 2) if media[n : n + 2] == b'="']
    if not starts:
        return media
    start = int(starts[rng.integers(len(starts))])
    end = media.find(b'"', start)
    odd = (b"1e38", b"-1", b"0", b"NaN", b"1e-45", b"99999999999", b"", b"100%", b"0 0 1 200000")
    return media[:start] + odd[rng.integers(len(odd))] + media[end:]


def svg_entities_added(media: bytes, rng: Generator) -> bytes:
    """Declare entities that grow tenfold each, or that name a file."""
    count = int(rng.integers(2, 12))
    tenfold = [10 * f"&e{n};" for n in range(count - 1)]
    lines = [f'<!ENTITY e{n + 1} "{value}">' for n, value in enumerate(tenfold)]
    declared = '<!DOCTYPE svg [<!ENTITY e0 "ha">' + "".join(lines)
    declared += '<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    start = max(0, media.find(b"<svg"))
    used = f"<text>&e{count - 1};&file;</text></svg".encode()
    return media[:start] + declared.encode() + media[start:].replace(b"</svg", used, 1)


PNG = (png_chunk_mutated, png_chunks_moved, png_size_set, png_pixels_set, png_bomb_added)
STRUCTURED: dict[str, tuple[Mutation, ...]] = {
    "png": PNG,
    "gif": (gif_screen_set, gif_frame_set, gif_frames_repeated),
    "mp4": (boxes_mutated,),
    "avif": (boxes_mutated,),
    "webp": (riff_mutated,),
    "jpeg": (jpeg_segment_mutated,),
    "svg": (svg_part_added, svg_part_added, svg_number_set, svg_entities_added),
}

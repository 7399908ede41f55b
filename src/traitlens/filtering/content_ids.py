"""Content identifiers (CIDs) of IPFS: read from text, and computed from bytes.

    QmT78zSuBm...           base 58   the multihash alone (version 0)
    bafkreifjjcie6...       base 32   version, codec, multihash (version 1)

    multihash = number of the hash function, length, digest

Two CIDs mean one content when their multihashes are equal, whatever base, version and codec say.
A file has several CIDs, since each way of cutting it into blocks gives another one: computed are
those of the ways that nearly all files were added in.

Sources: the CID and multibase specifications (github.com/multiformats), DAG-PB
(ipld.io/specs/codecs/dag-pb/spec) and UnixFS (specs.ipfs.tech/unixfs).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

_BASE_58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_MAX_CHARS = 256  # one of SHA-512 in base 16 has 139
_VERSION_0_CHARS = 46

_SHA_256 = b"\x12\x20"
_DAG_PB, _RAW = b"\x01\x70", b"\x01\x55"  # version 1 and the codec

_LINKS_FIELD, _DATA_FIELD = b"\x12", b"\x0a"  # of a DAG-PB node
_UNIXFS_FILE = b"\x08\x02"


def multihash_of(text: str) -> bytes | None:
    """Return the multihash in a CID (base 58, 32, 36 or 16), or None when `text` is no CID."""
    if not 2 < len(text) <= _MAX_CHARS or not text.isascii():
        return None
    if len(text) == _VERSION_0_CHARS and text.startswith("Qm"):
        return _checked(_positional(text, _BASE_58))
    data = _multibase(text)
    if data is None or data[:1] != b"\x01":
        return None
    codec = _read_varint(data[1:])
    return None if codec is None else _checked(data[1 + codec[1] :])


def multihashes_in(text: str) -> set[bytes]:
    """Return the multihashes of all CIDs in a text, such as `ipfs://…/7.png` or a gateway's URL."""
    found = map(multihash_of, re.findall("[0-9A-Za-z]+", unquote(text)))
    return {multihash for multihash in found if multihash}


def _multibase(text: str) -> bytes | None:
    """Return the bytes of a text whose first letter names its base."""
    prefix, rest = text[0], text[1:]
    if prefix in "BFK" and rest != rest.upper():
        return None
    match prefix.lower() if prefix in "BFK" else prefix:
        case "b":
            return _base_32(rest)
        case "z":
            return _positional(rest, _BASE_58)
        case "k":
            return _positional(rest.lower(), _BASE_36)
        case "f":
            return bytes.fromhex(rest) if re.fullmatch("([0-9A-Fa-f]{2})+", rest) else None
    return None


def _base_32(text: str) -> bytes | None:
    try:
        return base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except binascii.Error:
        return None


def _positional(text: str, alphabet: str) -> bytes | None:
    """Return the bytes of a number; a CID never begins with a zero byte."""
    value = 0
    for letter in text:
        digit = alphabet.find(letter)
        if digit < 0:
            return None
        value = value * len(alphabet) + digit
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _checked(data: bytes | None) -> bytes | None:
    """Return `data` when it is a multihash, and nothing beside it."""
    function = _read_varint(data or b"")
    length = function and _read_varint((data or b"")[function[1] :])
    if not data or not function or not length:
        return None
    return data if len(data) == function[1] + length[1] + length[0] else None


def _read_varint(data: bytes) -> tuple[int, int] | None:
    """Return an unsigned LEB128 number and how many bytes it takes, at most 9."""
    value = 0
    for at, byte in enumerate(data[:9]):
        value |= (byte & 0x7F) << (7 * at)
        if byte < 0x80:
            return value, at + 1
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is cut into blocks, and the blocks into a tree whose leaves are equally deep."""

    chunk_bytes: int
    links: int  # of a node, at most
    raw_leaves: bool  # version 1 of the CID; else leaves are wrapped as nodes are, version 0


LAYOUTS = (
    Layout(chunk_bytes=2**18, links=174, raw_leaves=False),  # kubo
    Layout(chunk_bytes=2**18, links=174, raw_leaves=True),  # kubo --cid-version=1
    Layout(chunk_bytes=2**20, links=1024, raw_leaves=True),  # nft.storage, unixfs-v1-2025
)


@dataclass(frozen=True, slots=True)
class _Block:
    cid: bytes
    file_bytes: int  # of the file, below this block
    stored_bytes: int  # of this block and all below it


def content_multihashes(media: bytes) -> set[bytes]:
    """Return the multihashes of a file, as one block and in each of `LAYOUTS`.

    This is four passes of SHA-256 over the bytes.
    """
    return {_sha_256(media), *(multihash_in(media, layout) for layout in LAYOUTS)}


def multihash_in(media: bytes, layout: Layout) -> bytes:
    """Return the multihash of a file's root in one layout."""
    blocks = [_leaf(chunk, layout) for chunk in _chunks(media, layout.chunk_bytes)]
    while len(blocks) > 1:
        groups = range(0, len(blocks), layout.links)
        blocks = [_parent(blocks[at : at + layout.links], layout) for at in groups]
    return blocks[0].cid[-34:]


def _chunks(media: bytes, size: int) -> Iterator[memoryview]:
    view = memoryview(media)
    for start in range(0, max(1, len(media)), size):
        yield view[start : start + size]


def _leaf(chunk: memoryview, layout: Layout) -> _Block:
    if layout.raw_leaves:
        return _Block(_RAW + _sha_256(chunk), len(chunk), len(chunk))
    content = b"\x12" + _varint(len(chunk)) + chunk if len(chunk) else b""
    return _node([], _UNIXFS_FILE + content + b"\x18" + _varint(len(chunk)), len(chunk), layout)


def _parent(children: Sequence[_Block], layout: Layout) -> _Block:
    size = sum(child.file_bytes for child in children)
    sizes = b"".join(b"\x20" + _varint(child.file_bytes) for child in children)
    return _node(children, _UNIXFS_FILE + b"\x18" + _varint(size) + sizes, size, layout)


def _node(children: Sequence[_Block], unixfs: bytes, size: int, layout: Layout) -> _Block:
    """Return a DAG-PB node: first the links, each with an empty name, and then the data."""
    node = b"".join(
        _field(
            _LINKS_FIELD,
            _field(b"\x0a", child.cid) + b"\x12\x00\x18" + _varint(child.stored_bytes),
        )
        for child in children
    ) + _field(_DATA_FIELD, unixfs)
    prefix = _DAG_PB if layout.raw_leaves else b""
    stored = len(node) + sum(child.stored_bytes for child in children)
    return _Block(prefix + _sha_256(node), size, stored)


def _field(tag: bytes, value: bytes) -> bytes:
    return tag + _varint(len(value)) + value


def _sha_256(data: bytes | memoryview) -> bytes:
    return _SHA_256 + hashlib.sha256(data).digest()


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])

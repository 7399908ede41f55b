"""Content identifiers: what an IPFS address promises about the bytes behind it.

A CID is a version, a codec (what kind of block) and a multihash (which hash, and the hash). The
spellings are those of the CID specification (https://github.com/multiformats/cid) and of the
multibase table: v0 is base58btc without a prefix, v1 has a letter for its base.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from traitlens.collecting.records import FetchError

RAW, DAG_PB = 0x55, 0x70

IDENTITY, SHA2_256 = 0x00, 0x12
MAX_IDENTITY_BYTES = 128  # a "hash" that is the content itself; Kubo has the same limit
MAX_TEXT = 256  # characters; the longest useful spelling is below 200
MAX_VARINT_BYTES = 9  # of the multiformats' unsigned varint

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"

# Hashes that nobody can make collide, by their code in the multicodec table, with their length.
HASHES: Mapping[int, tuple[int, Callable[[bytes], bytes]]] = {
    SHA2_256: (32, lambda data: hashlib.sha256(data).digest()),
    0x13: (64, lambda data: hashlib.sha512(data).digest()),
    0x16: (32, lambda data: hashlib.sha3_256(data).digest()),
    0xB220: (32, lambda data: hashlib.blake2b(data, digest_size=32).digest()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cid:
    """A content identifier. Two are equal when they name the same block read in the same way.

    The version is not part of it: a v0 and a v1 of one hash are the same content.
    """

    codec: int
    hash_code: int
    digest: bytes

    def __str__(self) -> str:
        """Return the v1 spelling in base32, which is the canonical one."""
        binary = b"\x01" + _varint(self.codec) + _varint(self.hash_code)
        binary += _varint(len(self.digest)) + self.digest
        return "b" + base64.b32encode(binary).decode().rstrip("=").lower()

    @property
    def inline(self) -> bytes | None:
        """The content, where the CID holds it itself."""
        return self.digest if self.hash_code == IDENTITY else None

    def fits(self, block: bytes) -> bool:
        """Return whether a block is what the CID promises."""
        if self.hash_code == IDENTITY:
            return block == self.digest
        return HASHES[self.hash_code][1](block) == self.digest


@lru_cache(maxsize=4096)  # the tokens of a collection share one
def parse_cid(text: str) -> Cid:
    """Return the CID that is written in `text`; raise FetchError for what is none.

    Version 0 is base58btc, version 1 base32, base36, base58btc or base16. A hash must be sha2-256,
    sha2-512, sha3-256 or blake2b-256; content inside the CID has at most `MAX_IDENTITY_BYTES`.
    """
    if len(text) > MAX_TEXT or not (text.isascii() and text.isalnum()):
        raise _no_cid(text)
    if len(text) == 46 and text.startswith("Qm"):
        return _read_v0(_from_digits(text, BASE58, text), text)
    binary = _from_multibase(text)
    try:
        cid, end = read_cid(binary)
    except ValueError as error:
        raise _no_cid(text, str(error)) from None
    if end != len(binary) or binary[0] != 1:
        raise _no_cid(text)
    return cid


def is_cid(text: str) -> bool:
    """Return whether `text` is a CID that can be fetched and checked."""
    try:
        parse_cid(text)
    except FetchError:
        return False
    return True


def read_cid(binary: bytes, start: int = 0) -> tuple[Cid, int]:
    """Return the CID that begins at `start`, and where it ends.

    Raises ValueError where there is none, or one of a hash that is not known.
    """
    if binary[start : start + 2] == b"\x12\x20":  # version 0: a bare sha2-256 multihash
        codec, at = DAG_PB, start
    else:
        version, at = read_varint(binary, start)
        if version != 1:
            raise ValueError(f"version {version}")
        codec, at = read_varint(binary, at)
    code, at = read_varint(binary, at)
    length, at = read_varint(binary, at)
    digest = binary[at : at + length]
    if code == IDENTITY:
        wrong = length > MAX_IDENTITY_BYTES
    else:
        wrong = code not in HASHES or length != HASHES[code][0]
    if wrong or len(digest) != length:
        raise ValueError(f"hash {code:#x} of {length} bytes")
    return Cid(codec=codec, hash_code=code, digest=digest), at + length


def read_varint(binary: bytes, start: int) -> tuple[int, int]:
    """Return the unsigned varint at `start`, and where it ends; ValueError where it is broken."""
    if start < len(binary) and binary[start] < 0x80:  # nearly all of them
        return binary[start], start + 1
    value = 0
    for n, byte in enumerate(binary[start : start + MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * n
        if byte < 0x80:
            return value, start + n + 1
    raise ValueError("broken varint")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def _read_v0(binary: bytes, text: str) -> Cid:
    if len(binary) != 34 or binary[:2] != b"\x12\x20":
        raise _no_cid(text)
    return Cid(codec=DAG_PB, hash_code=SHA2_256, digest=binary[2:])


def _from_multibase(text: str) -> bytes:
    base, digits = text[0], text[1:]
    try:
        if base in "bB":
            padded = digits.upper() + "=" * (-len(digits) % 8)
            return base64.b32decode(padded)
        if base in "fF":
            return bytes.fromhex(digits)
    except (binascii.Error, ValueError):
        raise _no_cid(text) from None
    if base in "kK":
        return _from_digits(digits.lower(), BASE36, text)
    if base == "z":
        return _from_digits(digits, BASE58, text)
    raise _no_cid(text)


def _from_digits(digits: str, alphabet: str, text: str) -> bytes:
    """Return the bytes of a number of another base; each leading zero digit is a zero byte."""
    value = 0
    for digit in digits:
        place = alphabet.find(digit)
        if place < 0:
            raise _no_cid(text)
        value = value * len(alphabet) + place
    zeros = len(digits) - len(digits.lstrip(alphabet[0]))
    return bytes(zeros) + value.to_bytes((value.bit_length() + 7) // 8, "big")


def _no_cid(text: str, why: str = "") -> FetchError:
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return FetchError("unusable address", f"{shown!r} is no CID" + (f" ({why})" if why else ""))

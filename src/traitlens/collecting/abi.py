"""Just enough of the contract ABI for tokens and their metadata.

What a contract answers is anybody's bytes: offsets may point anywhere and lengths may be anything.
So readers return None where the bytes are not what was asked for, and copy at most what came.
(`eth-abi` would do the same: with the nine packages it needs, 26 MB and 0.9 s of every start. It is
the yardstick of the tests instead.)

Solidity contract ABI specification: https://docs.soliditylang.org/en/latest/abi-spec.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from traitlens.errors import CollectError
from traitlens.plain_text import one_line

WORD = 32
MAX_UINT = (1 << 256) - 1

# The first four bytes of keccak-256 of the signature.
SELECTORS = {
    "supportsInterface(bytes4)": "01ffc9a7",
    "name()": "06fdde03",
    "symbol()": "95d89b41",
    "totalSupply()": "18160ddd",
    "tokenByIndex(uint256)": "4f6ccce7",
    "ownerOf(uint256)": "6352211e",
    "tokenURI(uint256)": "c87b56dd",
    "uri(uint256)": "0e89341c",
    "totalSupply(uint256)": "bd85b039",
    "implementation()": "5c60da1b",
    "aggregate3((address,bool,bytes)[])": "82ad56cb",
}

# keccak-256 of the signature: the first topic of a log.
TOPICS = {
    "Transfer(address,address,uint256)": (
        "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    ),
    "ConsecutiveTransfer(uint256,uint256,address,address)": (
        "0xdeaa91b6123d068f5821d0fb0678463d1a8a6079fe8af5de3ce5e896dcf9133d"
    ),
    "TransferSingle(address,address,address,uint256,uint256)": (
        "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
    ),
    "TransferBatch(address,address,address,uint256[],uint256[])": (
        "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
    ),
    "URI(string,uint256)": "0x6bb7ff708619ba0610cba295a58592e0451dee2622938c8755667688daf3529b",
    "MetadataUpdate(uint256)": (
        "0xf8e1a15aba9398e019f0b49df1a4fde98ee17ae345cb5f6b5e2c27f5033e8ce7"
    ),
    "BatchMetadataUpdate(uint256,uint256)": (
        "0x6bd5c950a8d8df17f772f5af37cb3655737899cbf903264b9795592da439661c"
    ),
}

# What contracts revert with, by its selector.
REVERTS = {
    "08c379a0": "Error(string)",
    "4e487b71": "Panic(uint256)",
    "7e273289": "ERC721NonexistentToken(uint256)",
    "a14c4b50": "URIQueryForNonexistentToken()",
    "df2d9b42": "OwnerQueryForNonexistentToken()",
    "ceea21b6": "TokenDoesNotExist()",
}


def checked_address(text: str) -> str:
    """Return a contract's address in lower case; raise CollectError for what is none."""
    if not re.fullmatch(r"0[xX][0-9a-fA-F]{40}", text):
        raise CollectError(f"a contract's address is 0x and 40 hex digits; got {text!r}")
    return text.lower()


def word(value: int) -> bytes:
    """Return a uint256, 32 bytes."""
    return value.to_bytes(WORD, "big")


def call_data(signature: str, *values: int) -> bytes:
    """Return the input that calls a function of `SELECTORS` with these uint256 arguments."""
    return bytes.fromhex(SELECTORS[signature]) + b"".join(map(word, values))


def supports_data(interface: str) -> bytes:
    """Return the input that asks for an ERC-165 interface, named by its eight hex digits."""
    selector = bytes.fromhex(SELECTORS["supportsInterface(bytes4)"])
    return selector + bytes.fromhex(interface).ljust(WORD, b"\0")


def read_words(data: bytes) -> list[int]:
    """Return the whole 32-byte words of `data` as unsigned numbers."""
    ends = range(WORD, len(data) + 1, WORD)
    return [int.from_bytes(data[end - WORD : end], "big") for end in ends]


def read_uint(data: bytes) -> int | None:
    """Return the uint256 that an answer begins with."""
    return int.from_bytes(data[:WORD], "big") if len(data) >= WORD else None


def read_bool(data: bytes) -> bool | None:
    """Return the bool that an answer begins with; None for what is neither 0 nor 1."""
    value = read_uint(data)
    return bool(value) if value in (0, 1) else None


def read_address(data: bytes) -> str | None:
    """Return the address that an answer begins with, in lower-case hex; None for zero and none."""
    value = read_uint(data)
    return f"0x{value:040x}" if value is not None and 0 < value < 1 << 160 else None


def read_bytes(data: bytes, *, at: int = 0, base: int = 0) -> bytes | None:
    """Return the `bytes` or `string` whose offset, counted from `base`, is the word at byte `at`.

    Missing padding at the end is forgiven, as old contracts leave it out; missing bytes are not.
    """
    span = _span(data, at=at, base=base, unit=1)
    return None if span is None else data[span.start : span.stop]


def read_uints(data: bytes, *, at: int) -> list[int] | None:
    """Return the `uint256[]` whose offset is the word at byte `at`."""
    span = _span(data, at=at, base=0, unit=WORD)
    return None if span is None else read_words(data[span.start : span.stop])


def _span(data: bytes, *, at: int, base: int, unit: int) -> range | None:
    """Return where the content of a `bytes` or an array lies; None where it is not all there."""
    offset = read_uint(data[at : at + WORD])
    length = None if offset is None else read_uint(data[base + offset : base + offset + WORD])
    if offset is None or length is None:
        return None
    start = base + offset + WORD
    return range(start, start + length * unit) if length * unit <= len(data) - start else None


def aggregate_data(calls: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the input of Multicall3's `aggregate3` for (address, input) pairs; each may fail."""
    heads, tails, offset = [], [], WORD * len(calls)
    for address, data in calls:
        padded = data + bytes(-len(data) % WORD)
        tail = word(int(address, 16)) + word(1) + word(3 * WORD) + word(len(data)) + padded
        heads.append(word(offset))
        tails.append(tail)
        offset += len(tail)
    selector = bytes.fromhex(SELECTORS["aggregate3((address,bool,bytes)[])"])
    return b"".join((selector, word(WORD), word(len(calls)), *heads, *tails))


def read_aggregate(data: bytes, *, count: int) -> list[tuple[bool, bytes]] | None:
    """Return what each of `count` calls of `aggregate3` gave: whether it went well, and its bytes.

    None where the answer is no such list, also where its entries share bytes: then a short answer
    could unfold into any length.
    """
    list_at = read_uint(data)
    if list_at is None or read_uint(data[list_at : list_at + WORD]) != count:
        return None
    base, room = list_at + WORD, len(data)
    results: list[tuple[bool, bytes]] = []
    for offset in read_words(data[base : base + count * WORD]):
        entry = base + offset
        success = read_bool(data[entry : entry + WORD])
        content = read_bytes(data, at=entry + WORD, base=entry)
        if success is None or content is None or len(content) > room:
            return None
        room -= len(content)
        results.append((success, content))
    return results if len(results) == count else None


def read_revert(data: bytes) -> str | None:
    """Return in one short line what a call reverted with; None where nothing is said."""
    selector, arguments = data[:4].hex(), data[4:]
    known = REVERTS.get(selector)
    if known == "Error(string)":
        return one_line((read_bytes(arguments) or b"").decode(errors="replace")) or None
    if known == "Panic(uint256)":
        return f"panic {read_uint(arguments) or 0:#x}"
    if known:
        return known
    return f"custom error 0x{selector}" if len(data) >= 4 else None

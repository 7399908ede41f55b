"""CAR files, version 1: blocks in a row, each with its CID (https://ipld.io/specs/transport/car/carv1).

The header's roots are ignored, as the trustless gateway specification asks of clients.
"""

from __future__ import annotations

from traitlens.collecting.cids import Cid, read_cid, read_varint
from traitlens.collecting.records import FetchError

MAX_BLOCK_BYTES = 8 * 2**20  # four times what the specification of gateways asks clients to accept
MAX_BLOCKS = 50_000


def read_car(data: bytes) -> dict[Cid, bytes]:
    """Return the blocks of a CAR file by CID, every one of them checked against its hash.

    A last block that is cut off is left out: whether blocks are missing is seen when they are
    needed. Raises FetchError ("wrong content") for a block that is not what its CID promises, and
    for what is no CAR file.
    """
    try:
        return _blocks(data)
    except ValueError as error:
        raise FetchError("wrong content", f"a broken CAR file: {error}") from None


def _blocks(data: bytes) -> dict[Cid, bytes]:
    length, at = read_varint(data, 0)
    if not 0 < length <= 2**16 or b"gversion\x01" not in data[at : at + length]:
        raise ValueError("no header of version 1")
    at += length
    blocks: dict[Cid, bytes] = {}
    while at < len(data):
        length, start = read_varint(data, at)
        at = start + length
        if not 0 < length <= MAX_BLOCK_BYTES or len(blocks) >= MAX_BLOCKS:
            raise ValueError(f"a section of {length} bytes after {len(blocks)} blocks")
        if at > len(data):
            break
        cid, end = read_cid(data, start)
        if end > at:
            raise ValueError("a CID longer than its section")
        block = data[end:at]
        if not cid.fits(block):
            raise FetchError("wrong content", f"a block that is not {cid}")
        blocks[cid] = block
    return blocks

"""UnixFS: files and directories made of blocks (https://specs.ipfs.tech/unixfs/).

A block of the codec dag-pb is a protobuf with links and data; the data are a protobuf again, that
says what the node is. Blocks come from strangers, though their hashes were checked: whoever wrote
the collection may have written a file that contains itself a million times. So bytes, nodes and
depth are bounded, and each shard of a directory is read once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from traitlens.collecting.cids import DAG_PB, RAW, Cid, read_cid, read_varint
from traitlens.collecting.records import FetchError

Blocks = Mapping[Cid, bytes]

MAX_NODES = 20_000  # of one file: 64 MiB have some 260, in Kubo's chunks
MAX_DEPTH = 32  # real files have 3 or 4 levels

# UnixFS data types
_RAW, _DIRECTORY, _FILE, _SYMLINK, _SHARD = 0, 1, 2, 4, 5


class MissingBlockError(Exception):
    """A block that is needed was not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One block, decoded; its links are names and binary CIDs, read when they are followed."""

    kind: int
    data: bytes
    links: tuple[tuple[str, bytes], ...]
    fanout: int = 256

    @property
    def is_file(self) -> bool:
        """Whether it is a file, or a piece of one."""
        return self.kind in (_RAW, _FILE)

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory, or a shard of one."""
        return self.kind in (_DIRECTORY, _SHARD)

    @property
    def is_sharded(self) -> bool:
        """Whether it is a HAMT shard: its links are spread over many blocks."""
        return self.kind == _SHARD

    def entries(self) -> dict[str, bytes]:
        """Return all that a directory in one block holds; of two equal names the first counts."""
        return dict(reversed(self.links))


def read_file(cid: Cid, blocks: Blocks, *, max_bytes: int) -> bytes:
    """Return the bytes of a file.

    Raises FetchError where it is too large or no file, and MissingBlockError for a missing block.
    """
    pieces, size = [], 0
    for piece in _pieces(cid, blocks):
        size += len(piece)
        if size > max_bytes:
            raise FetchError("too large", f"a file of more than {max_bytes} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _pieces(root: Cid, blocks: Blocks) -> Iterator[bytes]:
    """Yield a file's data in order, depth first; iterative, since depth is the writer's choice."""
    waiting, nodes = [(root, 0)], 1
    while waiting:
        cid, depth = waiting.pop()
        node = read_node(cid, blocks)
        if not node.is_file or depth > MAX_DEPTH:
            raise FetchError("wrong content", "no file, or one of too many levels")
        yield node.data
        nodes += len(node.links)
        if nodes > MAX_NODES:
            raise FetchError("too large", f"a file of more than {MAX_NODES} blocks")
        waiting += [(follow(child), depth + 1) for _, child in reversed(node.links)]


def find_entry(directory: Cid, name: str, blocks: Blocks) -> Cid | None:
    """Return what a directory calls `name`, or None where it has no such entry.

    In a sharded directory the entry is looked for in the shards that were sent, which a gateway
    chooses by the name's hash. Every link that is followed was checked, so what is found is what
    the directory holds; that nothing is found, such a gateway can pretend.
    """
    waiting, met = [directory], {directory}
    while waiting:
        node = read_node(waiting.pop(), blocks)
        if not node.is_directory:
            raise FetchError("not found", "a path that leads through a file")
        if not node.is_sharded:
            binary = node.entries().get(name)
            return None if binary is None else follow(binary)
        # Each name begins with its place, in hex; where nothing follows, it is a shard.
        place = len(f"{node.fanout - 1:x}")
        for entry, binary in node.links:
            if entry[place:] == name:
                return follow(binary)
            if len(entry) == place and (shard := follow(binary)) in blocks and shard not in met:
                met.add(shard)
                waiting.append(shard)
    return None


def follow(link: bytes) -> Cid:
    """Return the CID of a link; raise FetchError where it is none."""
    try:
        return read_cid(link)[0]
    except ValueError as error:
        raise FetchError("wrong content", f"a link to no CID: {error}") from None


def read_node(cid: Cid, blocks: Blocks) -> Node:
    """Return a block, decoded; raise MissingBlockError where there is none.

    Raises FetchError for a broken one and for one of a codec that is neither raw nor dag-pb.
    """
    block = cid.inline if cid.inline is not None else blocks.get(cid)
    if block is None:
        raise MissingBlockError(str(cid))
    if cid.codec == RAW:
        return Node(kind=_RAW, data=block, links=())
    if cid.codec != DAG_PB:
        raise FetchError("unusable address", f"a block of codec {cid.codec:#x}, which is no file")
    try:
        return _decode(block)
    except (ValueError, IndexError) as error:
        raise FetchError("wrong content", f"a broken dag-pb block: {error}") from None


def _decode(block: bytes) -> Node:
    links, message = [], b""
    for field, value in _fields(block):
        if field == 2 and isinstance(value, bytes):
            links.append(_decode_link(value))
        elif field == 1 and isinstance(value, bytes):
            message = value
    kind, data, fanout = -1, b"", 256
    for field, value in _fields(message):
        if field == 1 and isinstance(value, int):
            kind = value
        elif field == 2 and isinstance(value, bytes):
            data = value
        elif field == 6 and isinstance(value, int):
            fanout = value
    return Node(kind=kind, data=data, links=tuple(links), fanout=fanout)


def _decode_link(message: bytes) -> tuple[str, bytes]:
    name, cid = "", b""
    for field, value in _fields(message):
        if field == 1 and isinstance(value, bytes):
            cid = value
        elif field == 2 and isinstance(value, bytes):
            name = value.decode("utf-8", "surrogateescape")
    return name, cid


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a protobuf: numbers, and bytes; other wire types are refused."""
    at = 0
    while at < len(message):
        key, at = read_varint(message, at)
        value, at = read_varint(message, at)
        if key & 7 == 0:
            yield key >> 3, value
        elif key & 7 == 2:
            if at + value > len(message):
                raise ValueError("a field that is cut off")
            yield key >> 3, message[at : at + value]
            at += value
        else:
            raise ValueError(f"wire type {key & 7}")

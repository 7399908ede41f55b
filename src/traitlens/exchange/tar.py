"""Tar files of plain members: POSIX ustar, the same bytes for the same members.

Reading takes nothing else: no links, no sparse files (which can claim to be any size), no long
headers (which are read into memory whole). A member's size is checked before it is read.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

_BLOCK = tarfile.BLOCKSIZE


class TarError(Exception):
    """A file is no tar, or has what is not read here."""


def add(sink: BinaryIO, name: str, content: bytes) -> None:
    """Append a member to an open tar file."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    sink.write(info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict"))
    sink.write(content)
    sink.write(bytes(-len(content) % _BLOCK))


def close(sink: BinaryIO) -> None:
    """Write the two empty blocks that end a tar file."""
    sink.write(bytes(2 * _BLOCK))


def members(source: BinaryIO, *, max_bytes: int) -> Iterator[tuple[str, bytes | None]]:
    """Yield the name and content of each member; None for one of more than `max_bytes`.

    Raises TarError where the file is not what `add` and `close` write.
    """
    while True:
        header = source.read(_BLOCK)
        if header == bytes(_BLOCK):
            return
        try:
            info = tarfile.TarInfo.frombuf(header, "ascii", "strict")
        except (tarfile.HeaderError, ValueError) as error:
            raise TarError(str(error)) from error
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.size < 0:
            raise TarError(f"{info.name!r} is no plain file")
        yield info.name, _content(source, info.size, max_bytes=max_bytes)


def _content(source: BinaryIO, size: int, *, max_bytes: int) -> bytes | None:
    padding = -size % _BLOCK
    if size > max_bytes:
        source.seek(size + padding, io.SEEK_CUR)
        return None
    content = source.read(size)
    if len(content) < size or len(source.read(padding)) < padding:
        raise TarError("it ends in the middle of a file")
    return content

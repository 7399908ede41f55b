"""What hosts answer, as it arrives: unpacked, within a limit for each and a bound for all."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from traitlens.collecting.records import FetchError

MAX_ERROR_BYTES = 64 * 2**10  # of an answer that is an error: enough to say what is wrong
STEP_BYTES = 64 * 2**10  # read or unpacked at once


async def read_body(
    response: aiohttp.ClientResponse, *, max_bytes: int, room: Room, timer: asyncio.Timeout
) -> bytes:
    """Return what an answer holds, unpacked; of one that is an error the beginning.

    While there is no room it waits, and `timer` stands still. Raises FetchError for an answer that
    is too large, cut off, or packed in a way that nobody asked for.
    """
    is_error = response.status >= 400
    body = Body(max_bytes=MAX_ERROR_BYTES if is_error else max_bytes)
    try:
        if not is_error and (response.content_length or 0) > max_bytes:
            body.refuse()
        body.packed_as(response.headers.get("Content-Encoding", ""))
        async for chunk in response.content.iter_chunked(STEP_BYTES):
            for piece in body.pieces(chunk):
                await room.take(body, len(piece), timer)
                body.data += piece
        body.end()
    except FetchError:
        if not is_error:
            raise
    finally:
        room.leave(body)
    return bytes(body.data)


class Body:
    """What has arrived of one answer, up to a limit that holds packed and unpacked."""

    def __init__(self, *, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.data = bytearray()
        self._arrived = 0
        self._unpack: zlib._Decompress | None = None

    def packed_as(self, encoding: str) -> None:
        """Unpack what follows; raise FetchError for a Content-Encoding that is not known."""
        encoding = encoding.strip().lower()
        if encoding in ("gzip", "x-gzip", "deflate"):
            self._unpack = _unpacker()
        elif encoding not in ("identity", ""):
            raise FetchError("server error", f"an encoding nobody asked for: {encoding[:40]!r}")

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk holds; raise FetchError where it is too much, or broken."""
        self._arrived += len(chunk)
        if self._arrived > 2 * self.max_bytes + 1024:  # nothing packs to twice its size
            self.refuse()
        for piece in self._unpacked(chunk):
            if len(self.data) + len(piece) > self.max_bytes:
                self.refuse()
            yield piece

    def _unpacked(self, chunk: bytes) -> Iterator[bytes]:
        if self._unpack is None:
            yield chunk
            return
        while chunk:
            if self._unpack.eof:  # a file may have several members (RFC 1952, 2.2)
                self._unpack = _unpacker()
            try:
                yield self._unpack.decompress(chunk, STEP_BYTES)
            except zlib.error as error:
                raise FetchError("cut off", f"broken packing: {error}") from None
            chunk = self._unpack.unused_data or self._unpack.unconsumed_tail

    def refuse(self) -> None:
        """Raise FetchError: it is too large."""
        raise FetchError("too large", f"more than the {self.max_bytes} bytes accepted")

    def end(self) -> None:
        """Raise FetchError where the packing is not complete."""
        if self._unpack is not None and not self._unpack.eof and self._arrived:
            raise FetchError("cut off", "the packing has no end")


def _unpacker() -> zlib._Decompress:
    return zlib.decompressobj(zlib.MAX_WBITS | 32)  # zlib or gzip, whichever it is


class Room:
    """The bytes that all answers on the way hold together, up to a bound.

    Where there is no room an answer waits, and its host with it, as nothing more is read. One of
    those that wait goes on beyond the bound until it is whole, so that parts of answers never wait
    for one another; the next one follows when it has left.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._beyond: Body | None = None
        self._left = asyncio.Event()
        self.held = 0

    async def take(self, body: Body, count: int, timer: asyncio.Timeout) -> None:
        """Return when an answer may hold so many bytes more."""
        while self._is_full(count) and self._beyond not in (None, body):
            self._left.clear()
            with _paused(timer):
                await self._left.wait()
        if self._is_full(count):
            self._beyond = body
        self.held += count

    def _is_full(self, count: int) -> bool:
        return self.held + count > self._max_bytes

    def leave(self, body: Body) -> None:
        """Give back all that an answer held."""
        self.held -= len(body.data)
        if self._beyond is body:
            self._beyond = None
        self._left.set()


@contextmanager
def _paused(timer: asyncio.Timeout) -> Iterator[None]:
    clock, end_s = asyncio.get_running_loop().time, timer.when()
    assert end_s is not None
    begun_s = clock()
    timer.reschedule(None)
    try:
        yield
    finally:
        timer.reschedule(end_s + clock() - begun_s)

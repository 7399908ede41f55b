"""What is held of answers on the way, and how they are packed."""

import asyncio
import gzip
import weakref
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from tests.collecting.fetched import config, fetch, reason_of, using
from tests.collecting.gateway_server import GatewayServer, Page
from traitlens.collecting import bodies, transport
from traitlens.collecting.bodies import Body, Room
from traitlens.collecting.fetching import FetchConfig, Fetcher
from traitlens.collecting.records import FetchError

FILE_BYTES, FILES = 2**20, 16
GZIP = {"Content-Encoding": "gzip"}


class Watched(Body):
    """A body that notes how much all living ones hold together."""

    living: ClassVar[weakref.WeakSet[Body]] = weakref.WeakSet()
    most = 0

    def __init__(self, *, max_bytes: int) -> None:
        super().__init__(max_bytes=max_bytes)
        Watched.living.add(self)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        for piece in super().pieces(chunk):
            yield piece
            Watched.most = max(Watched.most, sum(len(body.data) for body in Watched.living))


@asynccontextmanager
async def pressing() -> AsyncIterator[str]:
    """Run a server that sends half of each file, and the rest when all files are on the way."""
    asked, all_asked = 0, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % FILE_BYTES)
        writer.write(bytes(FILE_BYTES // 2))
        asked += 1
        if asked == FILES:
            await asyncio.sleep(0.05)
            all_asked.set()
        await all_asked.wait()
        writer.write(bytes(FILE_BYTES // 2))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def held_while_all_arrive(max_held_bytes: int) -> int:
    """Return the bytes of bodies that were held at once, at most."""

    async def run() -> list[int]:
        async with pressing() as authority:
            settings = FetchConfig(
                gateways=(),
                allow_private_hosts=(authority,),
                max_bytes=FILE_BYTES,
                max_held_bytes=max_held_bytes,
            )
            async with Fetcher(settings) as fetcher:
                uris = (f"http://{authority}/{n}" for n in range(FILES))
                return [len(one.data) for one in await asyncio.gather(*map(fetcher.fetch, uris))]

    Watched.most = 0
    assert asyncio.run(run()) == [FILE_BYTES] * FILES
    return Watched.most


def test_all_answers_on_the_way_hold_no_more_than_the_bound_and_one_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "Body", Watched)
    assert held_while_all_arrive(2**30) > 5 * FILE_BYTES
    assert 3 * FILE_BYTES < held_while_all_arrive(4 * FILE_BYTES) <= 5 * FILE_BYTES


def test_files_that_are_each_larger_than_the_bound_arrive_one_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "Body", Watched)
    assert held_while_all_arrive(1) == FILE_BYTES


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page(body=bytes(9000), declared_bytes=10_000), "cut off"),
        (
            Page(body=gzip.compress(bytes(99_999)), headers={"Content-Encoding": "gzip"}),
            "too large",
        ),
        (Page(status=500, body=bytes(9000)), "server error"),
    ],
)
def test_an_answer_that_fails_leaves_its_room(
    server: GatewayServer, monkeypatch: pytest.MonkeyPatch, page: Page, reason: str
) -> None:
    room = Room(1)
    monkeypatch.setattr(transport, "Room", lambda _: room)
    server.pages["/x"] = page
    assert reason_of(f"{server.url}/x", config(server, retries=1, max_bytes=90_000)) == reason
    assert room.held == 0


def test_an_answer_that_is_given_up_leaves_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(1)
    monkeypatch.setattr(transport, "Room", lambda _: room)

    async def run() -> None:
        async with pressing() as authority:
            settings = FetchConfig(gateways=(), allow_private_hosts=(authority,))
            async with Fetcher(settings) as fetcher:
                tasks = [asyncio.create_task(fetcher.fetch(f"http://{authority}/")) for _ in "ab"]
                while not room.held:
                    await asyncio.sleep(0.01)
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    asyncio.run(run())
    assert room.held == 0


def test_the_time_in_which_there_is_no_room_does_not_count() -> None:
    async def run() -> float:
        room, first = Room(10), Body(max_bytes=20)
        async with asyncio.timeout(0.05) as timer:
            await room.take(first, 20, timer)
            first.data = bytearray(20)
            before = timer.when() or 0.0
            asyncio.get_running_loop().call_later(0.1, room.leave, first)
            await room.take(Body(max_bytes=20), 20, timer)
            return (timer.when() or 0.0) - before

    assert asyncio.run(run()) >= 0.1


# --- packing


def packed(server: GatewayServer, body: bytes, encoding: str = "gzip", status: int = 200) -> str:
    """Return the URL of a page that says that it is packed."""
    server.pages["/x"] = Page(status=status, body=body, headers={"Content-Encoding": encoding})
    return f"{server.url}/x"


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_packed_content_is_unpacked(
    server: GatewayServer, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    content = bytes(n % 251 for n in range(300_000))
    assert fetch(packed(server, pack(content), encoding), config(server)).data == content


def test_content_that_is_packed_in_several_parts_is_unpacked_whole(server: GatewayServer) -> None:
    url = packed(server, gzip.compress(b"in two ") + gzip.compress(b"parts"))
    assert fetch(url, config(server)).data == b"in two parts"


def test_the_limit_holds_for_what_is_unpacked(server: GatewayServer) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    assert reason_of(packed(server, bomb), config(server), max_bytes=60_000) == "too large"


def test_the_limit_holds_for_what_unpacks_to_nothing(server: GatewayServer) -> None:
    url = packed(server, gzip.compress(b"") * 1000)
    assert reason_of(url, config(server), max_bytes=1000) == "too large"


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", b"not packed", "cut off"),
        ("gzip", gzip.compress(b"x" * 100, mtime=0)[:-9], "cut off"),
        ("gzip", gzip.compress(b"x" * 100, mtime=0)[:3], "cut off"),
        ("gzip", gzip.compress(b"x" * 100, mtime=0) + b"and more", "cut off"),
        ("br", b"x", "server error"),
    ],
)
def test_broken_packing_is_no_content(
    server: GatewayServer, encoding: str, body: bytes, reason: str
) -> None:
    assert reason_of(packed(server, body, encoding), config(server, retries=0)) == reason


def test_an_error_is_understood_however_it_is_packed(server: GatewayServer) -> None:
    assert reason_of(packed(server, b"x", "br", status=404), config(server)) == "not found"


def test_of_a_long_error_the_beginning_is_read(server: GatewayServer) -> None:
    server.pages["/x"] = Page(status=404, body=b"there is no such token " + bytes(99_999))

    async def run(fetcher: Fetcher) -> None:
        with pytest.raises(FetchError, match="no such token"):
            await fetcher.fetch(f"{server.url}/x")

    using(config(server), run)

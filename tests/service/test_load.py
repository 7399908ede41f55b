"""Many clients at once, slow searches, slow clients, and an index that is replaced under them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from tests.helpers import COLOURS, ColourEncoder, drawn_dataset, drawn_token
from tests.service.small_service import app_of, client_of, made_index
from traitlens.retrieval import Index, IndexConfig, index
from traitlens.service import ServeConfig
from traitlens.service.limits import Gate

SEARCH = "/search?q=red"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index in the embedded engine; tests only read it."""
    path = tmp_path_factory.mktemp("home") / "idx"
    data = drawn_dataset(path.with_name("data"), {"robots": 40, "owls": 20})
    index(data, path, encoder=ColourEncoder(), config=IndexConfig(engine="edge"))
    return path


def client_in(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://localhost", timeout=120
    )


def test_fifty_clients_at_once_each_get_their_own_answer(home: Path) -> None:
    words = [f"{colour} {part}" for colour in COLOURS for part in ("hat", "body", "background")]
    with Index.open(home, encoder=ColourEncoder()) as opened:
        expected = {
            said: [hit.token_uid for hit in opened.search(said, k=5, fold=True).hits]
            for said in words
        }
    pictures = [drawn_token("owls", number) for number in range(10)]

    async def one_client(client: httpx2.AsyncClient, number: int) -> None:
        for step in range(3):
            said = words[(number + step) % len(words)]
            answer = await client.get("/search", params={"q": said, "k": 5})
            assert [hit["token_uid"] for hit in answer.json()["hits"]] == expected[said]
            token = pictures[(number + step) % len(pictures)]
            files = {"picture": ("x.png", token.image or b"")}
            found = await client.post("/image-search", files=files, data={"k": "1"})
            near = found.json()["hits"][0]
            assert near["traits"] and near["score"] > 0.99
            seen = await client.get(near["thumbnail"])
            assert seen.content == drawn_token("owls", int(near["token_id"])).image

    async def all_clients() -> None:
        app = app_of(home)
        async with app.router.lifespan_context(app), client_in(app) as client:
            await asyncio.gather(*(one_client(client, number) for number in range(50)))

    asyncio.run(all_clients())


def test_a_search_out_of_time_is_told_so_at_once_and_starves_nobody(home: Path) -> None:
    let_go, begun = Event(), []

    def slow(*_: object) -> Any:
        begun.append(True)
        let_go.wait(60)

    with client_of(home, timeout_s=0.3, threads=1) as client:
        served = client.app.state.service.live._current  # type: ignore[attr-defined]
        served.index.answer = slow
        try:
            for _ in range(3):
                late = client.get(SEARCH)
                assert (late.status_code, late.json()["detail"]) == (
                    504,
                    "the answer was not found in time",
                )
            assert not let_go.is_set()
            assert len(begun) == 1, "what waits for a thread in vain never gets one"
            assert served.users == 2, "the thread's index stays open"
            assert client.get("/health").status_code == 200
            assert "traitlens_under_way 1.0" in client.get("/metrics").text
            assert client.get("/thumbnails/local:files/folder:owls/1").status_code == 200
        finally:
            let_go.set()
            del served.index.answer
        until(lambda: served.users == 1)
        assert client.get(SEARCH).status_code == 200


def test_an_index_is_closed_after_the_last_search_that_nobody_waits_for(home: Path) -> None:
    let_go = Event()
    client = client_of(home, timeout_s=0.2)
    with client:
        served = client.app.state.service.live._current  # type: ignore[attr-defined]
        served.index.answer = lambda *_: let_go.wait(60)
        assert client.get(SEARCH).status_code == 504
    assert served.users == 1, "the service has ended, the thread has not"
    assert len(served.index) == 60
    let_go.set()
    until(lambda: served.users == 0)


def test_a_client_that_sends_drop_by_drop_is_not_waited_for() -> None:
    async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    sent: list[Message] = []

    async def drops() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-length", b"1000")]
    scope = {"type": "http", "path": "/", "headers": headers, "client": ("127.0.0.1", 1)}
    gate = Gate(reads_all, config=ServeConfig(timeout_s=0.1))
    asyncio.run(gate(scope, drops, send))
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_eight_clients_do_not_notice_that_the_index_is_replaced(tmp_path: Path) -> None:
    folders = [made_index(tmp_path / f"i{n}", {"robots": n}) for n in (5, 7)]
    link = tmp_path / "idx"
    link.symlink_to(folders[0])
    app = app_of(link, reload_s=0.02)
    seen: set[int] = set()

    async def one_client(client: httpx2.AsyncClient, done: asyncio.Event) -> None:
        while not done.is_set():
            answer = await client.get(SEARCH)
            assert answer.status_code == 200, answer.text
            seen.add(answer.json()["matching"])

    async def replace_it(client: httpx2.AsyncClient, done: asyncio.Event) -> None:
        try:
            for turn in range(1, 7):
                other = tmp_path / "other"
                other.symlink_to(folders[turn % 2])
                other.replace(link)
                tokens = (5, 7)[turn % 2]
                async with asyncio.timeout(60):
                    while (await client.get("/health")).json()["tokens"] != tokens:
                        await asyncio.sleep(0.01)
        finally:
            done.set()

    async def everybody() -> None:
        done = asyncio.Event()
        async with app.router.lifespan_context(app), client_in(app) as client:
            asking = (one_client(client, done) for _ in range(8))
            await asyncio.gather(replace_it(client, done), *asking)

    asyncio.run(everybody())
    assert seen == {5, 7}


def test_an_index_that_cannot_be_served_is_said_once_and_not_taken(tmp_path: Path) -> None:
    link = tmp_path / "idx"
    link.symlink_to(made_index(tmp_path / "good", {"robots": 5}))
    with client_of(link, reload_s=3_600) as client:
        live = client.app.state.service.live  # type: ignore[attr-defined]
        link.unlink()
        with pytest.raises(Exception, match="index"):
            live.refresh()
        assert not live.refresh()
        assert client.get("/health").json()["tokens"] == 5


def test_more_requests_than_may_wait_are_told_to_come_back(home: Path) -> None:
    app = app_of(home, max_waiting=1, timeout_s=5)
    let_go = Event()

    async def both() -> list[httpx2.Response]:
        async with app.router.lifespan_context(app), client_in(app) as client:
            index = app.state.service.live._current.index
            answer = index.answer
            index.answer = lambda *asked: let_go.wait(60) and answer(*asked)
            first = asyncio.create_task(client.get(SEARCH))
            while "traitlens_under_way 1.0" not in app.state.service.metrics.text().decode():
                await asyncio.sleep(0.01)
            second = await client.get(SEARCH)
            let_go.set()
            return [await first, second]

    first, second = asyncio.run(both())
    assert (first.status_code, second.status_code) == (200, 503)
    assert second.headers["retry-after"] == "1"


def until(holds: Any, *, at_most_s: float = 60.0) -> None:
    end = time.monotonic() + at_most_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)

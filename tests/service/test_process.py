"""`traitlens serve` as a process: its address, its end, several of them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.helpers import drawn_dataset
from tests.service.test_load import until
from traitlens.models import load_encoder
from traitlens.retrieval import IndexConfig, index

SERVE = "from traitlens.cli.main import main; main()"
# Each search takes a while: one that ends, and one that does not.
SLOW = """
import time
from traitlens.retrieval import Index
from traitlens.service import running
answer = Index.answer
Index.answer = lambda *asked: time.sleep({seconds}) or answer(*asked)
running.GRACE_S, running.LEAVE_S = {grace_s}, 0.5
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index made with the shipped encoder; tests only read it."""
    path = tmp_path_factory.mktemp("home") / "idx"
    data = drawn_dataset(path.with_name("data"), {"robots": 20})
    index(data, path, encoder=load_encoder("shipped"), config=IndexConfig())
    return path


@contextlib.contextmanager
def serving(
    home: Path, *options: str, before: str = ""
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a process that serves, and its address."""
    command = [sys.executable, "-c", f"{before}\n{SERVE}", "serve", str(home), "--port", "0"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        assert found
        yield process, found.group()
    finally:
        process.kill()
        process.communicate()


def begun_search(address: str, waiting: ThreadPoolExecutor) -> Future[httpx2.Response]:
    """Ask in a thread, and return what it will have once the search is under way."""
    asked = waiting.submit(httpx2.get, f"{address}/search?q=red", timeout=120)
    with httpx2.Client(base_url=address, timeout=120) as client:
        until(lambda: "traitlens_under_way 1.0" in client.get("/metrics").text)
    return asked


def test_a_service_that_is_told_to_end_answers_what_is_under_way_and_takes_no_more(
    home: Path,
) -> None:
    slow = SLOW.format(seconds=2, grace_s=60)
    with serving(home, before=slow) as (process, address), ThreadPoolExecutor(1) as waiting:
        asked = begun_search(address, waiting)
        process.send_signal(signal.SIGTERM)
        until(lambda: not is_open(address))
        assert asked.result().status_code == 200
        assert process.wait(60) == 0


def test_a_service_ends_though_a_search_does_not(home: Path) -> None:
    endless = SLOW.format(seconds=3_600, grace_s=1)
    with serving(home, before=endless) as (process, address), ThreadPoolExecutor(1) as waiting:
        asked = begun_search(address, waiting)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert asked.result().json() == {"detail": "the service ends"}


def test_several_workers_answer_and_count_together_and_end_together(home: Path) -> None:
    with serving(home, "--workers", "2") as (process, address):
        for _ in range(20):  # each on a connection of its own, which either may take
            hits = httpx2.get(f"{address}/search?q=red&k=3", timeout=120).json()["hits"]
            assert len(hits) == 3
        said = httpx2.get(f"{address}/metrics", timeout=60).text
        assert 'traitlens_requests_total{path="/search",status="200"} 20.0' in said
        assert "traitlens_tokens 20.0" in said
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not is_open(address)


def test_headers_that_do_not_end_are_not_read_on(home: Path) -> None:
    with serving(home) as (_, address):
        host, _, port = address.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=60) as client:
            client.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"x" * 200_000)
            assert client.recv(20).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_cannot_be_served_is_said_in_a_sentence(
    home: Path, tmp_path: Path, workers: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        folder, said = {"1": (home, f"port {port}"), "2": (tmp_path, "no index")}[workers]
        options = ["serve", str(folder), "--port", port, "--workers", workers]
        done = subprocess.run(
            [sys.executable, "-c", SERVE, *options],
            capture_output=True,
            text=True,
            timeout=120,
            env=os.environ | {"COLUMNS": "1000"},
            check=False,
        )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def is_open(address: str) -> bool:
    """Return whether a new connection is taken."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError:
        return False
    return True

"""`traitlens serve` under a load of many clients, and what it adds to encoder and engine.

    python benchmarks/service_load.py idx/ --clients 50 --seconds 30

Starts the service as users do. Each client keeps its connection and asks one request after another:
words, words with a filter, a token's likes, a picture, thumbnails, facets, drawn with a seed from
the index's own values. Before, one client asks searches one by one: what a request takes beyond
the `timings` of its answer (understanding, encoder, engine, fetching) is the service's own, beside
a bare FastAPI endpoint on uvicorn that returns the same JSON. Client and service share the machine
(Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from traitlens.retrieval import Index

SERVE = "from traitlens.cli.main import main; main()"
SHARES = {"words": 40, "filter": 15, "like": 10, "picture": 5, "thumbnail": 25, "facets": 5}
WARM_UP = 20  # requests
SEARCH_KEYS = ("understand_ms", "encode_ms", "search_ms", "fetch_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What is asked for: values of traits, tokens, and pictures of some."""

    values: list[tuple[str, str]]
    tokens: list[str]
    pictures: list[bytes]


@dataclass(slots=True)
class Seen:
    """What the clients saw, and what the process took while they asked."""

    ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0
    seconds: float = 0.0
    rss_mb: list[float] = field(default_factory=list)


@contextmanager
def serving(index: Path, workers: int) -> Iterator[tuple[int, str]]:
    """Yield the process and the address of `traitlens serve`."""
    options = ["serve", str(index), "--port", "0", "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        assert found, "the service does not start"
        yield process.pid, found.group()
    finally:
        process.terminate()
        process.wait()


async def material(client: aiohttp.ClientSession, rng: random.Random) -> Material:
    async with client.get("/facets") as answer:
        facets = (await answer.json())["facets"]
    values = [(kind, value) for kind, counts in facets.items() for value in counts]
    tokens: list[str] = []
    for kind, value in rng.sample(values, min(20, len(values))):
        async with client.get("/search", params={"q": f"{value} {kind}"}) as answer:
            tokens += [hit["token_uid"] for hit in (await answer.json())["hits"]]
    pictures = []
    for token in rng.sample(tokens, 20):
        async with client.get("/thumbnails/" + token) as answer:
            pictures.append(await answer.read())
    return Material(values=values, tokens=tokens, pictures=pictures)


def request(kind: str, known: Material, rng: random.Random) -> tuple[str, str, dict[str, Any]]:
    """Return a drawn request: method, path, and what `ClientSession.request` takes."""
    (type_, value), (other, worn) = rng.sample(known.values, 2)
    token = rng.choice(known.tokens)
    match kind:
        case "words":
            return "GET", "/search", {"params": {"q": f"{value} {type_} with {worn}"}}
        case "filter":
            where = f'NOT "{other}"="{worn}"'
            return "GET", "/search", {"params": {"q": value, "where": where}}
        case "like":
            return "GET", "/search", {"params": {"like": token}}
        case "picture":
            form = aiohttp.FormData()
            form.add_field("picture", rng.choice(known.pictures), filename="picture")
            return "POST", "/image-search", {"data": form}
        case "thumbnail":
            return "GET", "/thumbnails/" + token, {}
        case _:
            return "GET", "/facets", {"params": {"where": f'"{type_}"="{value}"'}}


async def one_client(
    client: aiohttp.ClientSession, known: Material, seen: Seen, *, seed: int, end: float
) -> None:
    rng = random.Random(seed)
    while time.perf_counter() < end:
        (kind,) = rng.choices(list(SHARES), weights=list(SHARES.values()))
        method, path, options = request(kind, known, rng)
        started = time.perf_counter()
        try:
            async with client.request(method, path, **options) as answer:
                await answer.read()
                status = str(answer.status)
        except aiohttp.ClientError as error:
            status = type(error).__name__
        seen.ms[kind].append(1e3 * (time.perf_counter() - started))
        if status != "200":
            seen.wrong[f"{kind}: {status}"] += 1


async def load(address: str, pid: int, *, clients: int, seconds: float) -> Seen:
    seen = Seen()
    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(address, connector=connector) as client:
        known = await material(client, random.Random(0))
        cpu_s, started = cpu_seconds(pid), time.perf_counter()
        end = started + seconds
        watching = asyncio.create_task(watch_memory(pid, seen))
        asking = (one_client(client, known, seen, seed=n, end=end) for n in range(clients))
        await asyncio.gather(*asking)
        watching.cancel()
        seen.cpu_s = cpu_seconds(pid) - cpu_s
        seen.seconds = time.perf_counter() - started
    return seen


async def watch_memory(pid: int, seen: Seen) -> None:
    while True:
        seen.rss_mb.append(sum(map(rss_mb, family(pid))))
        await asyncio.sleep(1)


def family(pid: int) -> list[int]:
    """Return a process and those that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_seconds(pid: int) -> float:
    fields = (
        Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in family(pid)
    )
    return sum(int(of[11]) + int(of[12]) for of in fields) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Medians in milliseconds."""

    request: float
    parts: dict[str, float]
    own: float
    floor: float
    cpu: float  # means, of all threads
    index_cpu: float


async def overhead(index: Path, address: str, pid: int, *, requests: int) -> Overhead:
    async with aiohttp.ClientSession(address) as client:
        known = await material(client, random.Random(0))
        cpu_s = cpu_seconds(pid)
        took, bodies = await timed_searches(client, known, requests=requests)
        cpu_s = cpu_seconds(pid) - cpu_s
    answers = [body["timings"] for body in bodies]
    within = [sum(timings[key] for key in SEARCH_KEYS) for timings in answers]
    own = [ms - inner for ms, inner in zip(took, within, strict=True)]
    with bare_endpoint(bodies[len(bodies) // 2]) as bare:
        async with aiohttp.ClientSession(bare) as client:
            floor, _ = await timed_searches(client, known, requests=requests)
    return Overhead(
        request=statistics.median(took),
        parts={key: statistics.median(one[key] for one in answers) for key in SEARCH_KEYS},
        own=statistics.median(own),
        floor=statistics.median(floor),
        cpu=1e3 * cpu_s / (requests + WARM_UP),
        index_cpu=index_cpu_ms(index, known, requests=requests),
    )


def index_cpu_ms(path: Path, known: Material, *, requests: int) -> float:
    """Return what the same searches take without a service."""
    with Index.open(path) as opened:
        opened.warm_up()
        rng, started = random.Random(1), time.process_time()
        for _ in range(requests):
            options = request("words", known, rng)[2]
            opened.search(options["params"]["q"], k=24, fold=True)
    return 1e3 * (time.process_time() - started) / requests


async def timed_searches(
    client: aiohttp.ClientSession, known: Material, *, requests: int
) -> tuple[list[float], list[dict[str, Any]]]:
    rng = random.Random(1)
    took, bodies = [], []
    for _ in range(WARM_UP + requests):
        method, path, options = request("words", known, rng)
        started = time.perf_counter()
        async with client.request(method, path, **options) as answer:
            body = await answer.read()
        took.append(1e3 * (time.perf_counter() - started))
        bodies.append(await answer.json() if body else {})
    return took[WARM_UP:], bodies[WARM_UP:]


@contextmanager
def bare_endpoint(body: dict[str, Any]) -> Iterator[str]:
    """Yield the address of a service that says one answer, by FastAPI and uvicorn alone."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(target=serve_bare, args=(body, port))
    process.start()
    until_open(port)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.join()


def until_open(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def serve_bare(body: dict[str, Any], port: int) -> None:
    import uvicorn
    from fastapi import FastAPI

    from traitlens.service.schemas import AnswerOut

    app = FastAPI()

    async def search(q: str, k: int = 24) -> Any:
        return body

    search.__annotations__["return"] = AnswerOut  # local names are none to FastAPI
    app.get("/search")(search)
    config = uvicorn.Config(app, log_level="warning", port=port)
    uvicorn.Server(config).run()


def print_load(seen: Seen, *, clients: int) -> None:
    requests = sum(map(len, seen.ms.values()))
    table = Table("asked", "requests", "p50 ms", "p95 ms", "p99 ms")
    for kind, took in [*seen.ms.items(), ("all", [ms for some in seen.ms.values() for ms in some])]:
        cuts = statistics.quantiles(took, n=100)
        table.add_row(kind, str(len(took)), *(f"{cuts[at - 1]:.0f}" for at in (50, 95, 99)))
    console = Console()
    console.print(table)
    console.print(
        f"{clients} clients, {seen.seconds:.0f} s: {sum(seen.wrong.values())} errors "
        f"{dict(seen.wrong) or ''}, {requests / seen.seconds:.0f} requests/s, "
        f"{1e3 * seen.cpu_s / requests:.1f} CPU ms a request, "
        f"RSS {seen.rss_mb[0]:.0f} MB at first, {max(seen.rss_mb):.0f} at most, "
        f"{seen.rss_mb[-1]:.0f} at last; "
        f"load of the machine {os.getloadavg()[0]:.0f}"
    )


def print_overhead(found: Overhead) -> None:
    parts = ", ".join(f"{key.removesuffix('_ms')} {ms:.1f}" for key, ms in found.parts.items())
    Console().print(
        f"one client, medians: {found.request:.1f} ms a search ({parts}), the service's own "
        f"{found.own:.1f} ms; a bare endpoint with the same JSON {found.floor:.1f} ms; "
        f"CPU {found.cpu:.1f} ms a search, of the index alone {found.index_cpu:.1f}; "
        f"load of the machine {os.getloadavg()[0]:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("index", type=Path)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30, help="0 for the overhead alone")
    parser.add_argument("--overhead", type=int, default=500, help="searches of one client")
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    with serving(asked.index, asked.workers) as (pid, address):
        searches = overhead(asked.index, address, pid, requests=asked.overhead)
        print_overhead(asyncio.run(searches))
        if not asked.seconds:
            return
        seen = asyncio.run(load(address, pid, clients=asked.clients, seconds=asked.seconds))
        print_load(seen, clients=asked.clients)
    if seen.wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()

"""Fetches a second and peak memory of `traitlens.collecting`, beside one-at-a-time `httpx`.

    python benchmarks/collecting_speed.py --tokens 10000 --latency-ms 50

A gateway on loopback, in a process of its own, answers after the latency. Each token has a JSON
document and a picture, each in a directory of its own, as most collections have. The same files are
fetched one after another with httpx2 (httpx's successor), as plain files, which is less work than
ours: we check every byte against its CID. That side runs on `--sample` tokens and is scaled to all,
as it has no state that could make later tokens slower. Requests are counted by the gateway. Memory
is the peak resident set of a fresh process that does nothing else (Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))  # for tests.collecting

from tests.collecting.gateway_server import Behaviour, GatewayServer, Store

METADATA_BYTES, IMAGE_BYTES = 600, 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Where the collection stands."""

    authority: str
    metadata: str  # CIDs of the two directories
    images: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one side took for how many tokens."""

    name: str
    tokens: int
    seconds: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Serve a collection, fetch it in two ways, print."""
    options = _parse()
    if options.side:
        print(json.dumps(asdict(_run_side(options))))
        return
    with _gateway(options.tokens, options.latency_ms / 1000) as (served, count):
        one = _measure("httpx", served, options.sample, options)
        before = count.value
        ours = _measure("traitlens", served, options.tokens, options)
        requests = count.value - before
    _print(one, ours, requests / options.tokens)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=10_000)
    parser.add_argument("--sample", type=int, default=200, help="tokens fetched one at a time")
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--concurrency", type=int, default=128)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--served", type=json.loads, help=argparse.SUPPRESS)
    return parser.parse_args()


@contextmanager
def _gateway(tokens: int, latency_s: float) -> Iterator[tuple[Served, Any]]:
    """Run the gateway in another process; yield where it is, and its count of requests."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    count, stop = context.Value("L", 0, lock=False), context.Event()
    process = context.Process(target=_serve, args=(tokens, latency_s, theirs, count, stop))
    process.start()
    try:
        yield Served(**ours.recv()), count
    finally:
        stop.set()
        process.join(20)


class _Counted(GatewayServer):
    """A gateway whose requests are counted where another process can see it."""

    count: Any

    def answer(self, request: Any) -> Any:
        self.count.value += 1
        return super().answer(request)


def _serve(tokens: int, latency_s: float, pipe: Any, count: Any, stop: Event) -> None:
    rng, store = random.Random(0), Store()
    documents = {
        f"{n}.json": store.add_file(b'{"name": "%d", "x": "%s"}' % (n, b"x" * METADATA_BYTES))
        for n in range(tokens)
    }
    images = {
        f"{n}.png": store.add_file(rng.randbytes(IMAGE_BYTES), raw=False) for n in range(tokens)
    }
    metadata, pictures = store.add_directory(documents), store.add_directory(images)
    server = _Counted(store, behaviour=Behaviour(latency_s=latency_s), keep_requests=False)
    server.count = count
    with server:
        pipe.send({"authority": server.authority, "metadata": metadata, "images": pictures})
        stop.wait()


def _measure(side: str, served: Served, tokens: int, options: argparse.Namespace) -> Run:
    """Run one side in a fresh process."""
    command = [sys.executable, __file__, "--side", side, "--served", json.dumps(asdict(served))]
    command += ["--tokens", str(tokens), "--concurrency", str(options.concurrency)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Run(**json.loads(done.stdout))


def _run_side(options: argparse.Namespace) -> Run:
    served = Served(**options.served)
    start, start_cpu = time.perf_counter(), time.process_time()
    if options.side == "httpx":
        _one_at_a_time(served, options.tokens)
    else:
        asyncio.run(_ours(served, options.tokens, options.concurrency))
    return Run(
        name=options.side,
        tokens=options.tokens,
        seconds=time.perf_counter() - start,
        cpu_s=time.process_time() - start_cpu,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _one_at_a_time(served: Served, tokens: int) -> None:
    import httpx2

    with httpx2.Client(trust_env=False) as client:
        for n in range(tokens):
            for path in (f"{served.metadata}/{n}.json", f"{served.images}/{n}.png"):
                answer = client.get(f"http://{served.authority}/ipfs/{path}")
                assert answer.status_code == 200
                assert answer.content


async def _ours(served: Served, tokens: int, concurrency: int) -> None:
    from traitlens.collecting.fetching import FetchConfig, Fetcher

    config = FetchConfig(
        gateways=(f"http://{served.authority}",),
        allow_private_hosts=(served.authority,),
        concurrency=concurrency,
    )
    left = iter(range(tokens))

    async def work(fetcher: Fetcher) -> None:
        for n in left:
            for uri in (f"ipfs://{served.metadata}/{n}.json", f"ipfs://{served.images}/{n}.png"):
                fetched = await fetcher.fetch(uri)
                assert fetched.proof == "verified"

    async with Fetcher(config) as fetcher:
        await asyncio.gather(*(work(fetcher) for _ in range(concurrency)))


def _print(one: Run, ours: Run, requests_per_token: float) -> None:
    table = Table(title="Fetching metadata and image of each token")
    for column in ("", "tokens", "seconds", "tokens/s", "CPU s", "peak MB"):
        table.add_column(column, justify="left" if not column else "right")
    for run in (one, ours):
        rate = f"{run.tokens / run.seconds:.1f}"
        table.add_row(
            run.name, f"{run.tokens:,}", f"{run.seconds:.1f}", rate, f"{run.cpu_s:.1f}",
            f"{run.peak_mb:.0f}",
        )  # fmt: skip
    console = Console()
    console.print(table)
    scaled_s = one.seconds * ours.tokens / one.tokens
    console.print(f"httpx one at a time, scaled to {ours.tokens:,} tokens: {scaled_s:.0f} s")
    console.print(f"traitlens is {scaled_s / ours.seconds:.1f} times as fast")
    console.print(f"requests a token really sent: {requests_per_token:.4f}")


if __name__ == "__main__":
    main()

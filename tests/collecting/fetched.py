"""Fetching from servers of the tests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from tests.collecting.gateway_server import GatewayServer
from traitlens.collecting.fetching import FetchConfig, Fetcher
from traitlens.collecting.records import Fetched, FetchError

T = TypeVar("T")


def config(*servers: GatewayServer, **options: Any) -> FetchConfig:
    given = {
        "gateways": tuple(server.url for server in servers),
        "arweave": tuple(server.url for server in servers),
        "allow_private_hosts": tuple(server.authority for server in servers),
        "backoff_s": 0.01,
        **options,
    }
    return FetchConfig(**given)


def using(settings: FetchConfig, work: Callable[[Fetcher], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Fetcher(settings, rng=random.Random(0)) as fetcher:
            return await work(fetcher)

    return asyncio.run(run())


def fetch(uri: str, settings: FetchConfig, **options: Any) -> Fetched:
    return using(settings, lambda fetcher: fetcher.fetch(uri, **options))


def reason_of(uri: str, settings: FetchConfig, **options: Any) -> str:
    with pytest.raises(FetchError) as caught:
        fetch(uri, settings, **options)
    return caught.value.reason


def targets(server: GatewayServer) -> list[str]:
    return [request.target for request in server.requests]

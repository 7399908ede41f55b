"""Short ways to ask a chain as a run does, through the fetcher."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from traitlens.collecting.contract import open_contract
from traitlens.collecting.enumeration import enumerate_tokens
from traitlens.collecting.fetching import FetchConfig, Fetcher
from traitlens.collecting.records import Contract, ListedToken
from traitlens.collecting.rpc import Rpc
from traitlens.collecting.token_uris import token_uris

T = TypeVar("T")


def ask(url: str, work: Callable[[Rpc], Awaitable[T]], *, waits: list[float] | None = None) -> T:
    """Return what `work` makes of a node; nobody waits, `waits` hears for how long it would be."""
    noted = [] if waits is None else waits

    async def sleep(seconds: float) -> None:
        noted.append(seconds)

    async def run() -> T:
        config = FetchConfig(allow_private_hosts=("127.0.0.1",), retries=2, backoff_s=0)
        async with Fetcher(config) as fetcher:
            return await work(Rpc(fetcher, url, sleep=sleep))

    return asyncio.run(run())


def opened(url: str, address: str, *, block: int | None = None) -> Contract:
    """Return the contract at an address."""
    return ask(url, lambda rpc: open_contract(rpc, address, block=block))


def listed(
    url: str,
    address: str,
    *,
    block: int | None = None,
    ids: str | None = None,
    from_block: int | None = None,
) -> list[ListedToken]:
    """Return the tokens of the contract at an address, with their URIs."""

    async def work(rpc: Rpc) -> list[ListedToken]:
        contract = await open_contract(rpc, address, block=block)
        found = enumerate_tokens(rpc, contract, ids=ids, from_block=from_block)
        return await token_uris(rpc, contract, [token_id async for token_id in found])

    return ask(url, work)


def ids_of(
    url: str, address: str, *, block: int | None = None, from_block: int | None = None
) -> list[int]:
    """Return the ids of the tokens of the contract at an address."""

    async def work(rpc: Rpc) -> list[int]:
        contract = await open_contract(rpc, address, block=block)
        return [i async for i in enumerate_tokens(rpc, contract, from_block=from_block)]

    return ask(url, work)

"""Many calls to contracts at one block: through Multicall3, else in JSON-RPC batches.

Multicall3: https://www.multicall3.com, at one address on nearly every chain.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from traitlens.collecting.abi import (
    aggregate_data,
    call_data,
    read_aggregate,
    read_revert,
    read_uint,
)
from traitlens.collecting.rpc import OF_THE_NODE, Call, Rpc, RpcError, blob
from traitlens.errors import CollectError
from traitlens.plain_text import one_line

MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11"

_SIDE_BY_SIDE = 4
_START, _MOST = 100, 500  # calls in one portion
_MANY_BYTES = 2 << 20  # of answers in one portion, where pictures lie on the chain
# A `data:` URI holds the whole document, its SVG included; the largest seen have some 100 kB.
MAX_URI_BYTES = 4 << 20
_MAX_UINT_BYTES = 1024  # a contract may say more than the number that it is asked for

# What nodes write before a contract's own words, or instead of them.
_PREFIX = re.compile(
    r"^((vm exception while processing transaction|execution reverted|reverted?|vm execution error)"
    r"[:.\s]*)+",
    re.IGNORECASE,
)

ContractCall = tuple[str, bytes]  # address and input


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A call that a contract did not answer, and why."""

    reason: str


Outcome = bytes | Failed


async def call_many(
    rpc: Rpc, calls: Sequence[ContractCall], block: Any, *, max_bytes: int
) -> list[Outcome]:
    """Return what each call gave at a block, in order; raises `CollectError` when the node fails.

    An answer of more than `max_bytes` is a failed call.
    Multicall3 makes hundreds of them in one request, by portions that adapt to the node's limits on
    gas and on bytes. A call that fails there without a word is asked once more by itself: another
    one in the same portion may have burnt all the gas.
    """
    outcomes: list[Outcome | None] = [None] * len(calls)
    if len(calls) > 1 and await _has_multicall(rpc, block):
        await _call_together(rpc, calls, block, outcomes, max_bytes)
    alone = [index for index, outcome in enumerate(outcomes) if outcome is None]
    requests = [_request(*calls[index], block) for index in alone]
    for index, answer in zip(alone, await rpc.batch(requests), strict=True):
        outcomes[index] = _bounded(_outcome(answer), max_bytes)
    found = [outcome for outcome in outcomes if outcome is not None]
    assert len(found) == len(calls)
    return found


async def call_uints(
    rpc: Rpc, address: str, signature: str, arguments: Sequence[int], block: Any
) -> list[int | None]:
    """Return the number that a function gives for each argument, or None where it gives none."""
    calls = [(address, call_data(signature, argument)) for argument in arguments]
    outcomes = await call_many(rpc, calls, block, max_bytes=_MAX_UINT_BYTES)
    return [None if isinstance(outcome, Failed) else read_uint(outcome) for outcome in outcomes]


async def _has_multicall(rpc: Rpc, block: Any) -> bool:
    """Return whether Multicall3 is there at a block, and makes of no calls no results."""

    async def ask() -> bool:
        try:
            answer = await rpc.call(*_request(MULTICALL3, aggregate_data([]), block))
            return read_aggregate(blob(answer), count=0) == []
        except RpcError as error:
            if error.kind in OF_THE_NODE:
                raise
            return False

    return await rpc.once(("multicall", str(block)), ask)


async def _call_together(
    rpc: Rpc,
    calls: Sequence[ContractCall],
    block: Any,
    outcomes: list[Outcome | None],
    max_bytes: int,
) -> None:
    """Fill in what Multicall3 finds out; None is left where a call must be asked by itself."""
    portion = rpc.adaptive("calls in a portion", _START, most=_MOST)
    left = deque([range(len(calls))])

    async def work() -> None:
        while left:
            whole = left.popleft()
            some, rest = whole[: portion.size], whole[portion.size :]
            if rest:
                left.appendleft(rest)
            found = await _aggregate(rpc, [calls[index] for index in some], block)
            if found is None and len(some) > 1:
                left.appendleft(some)
            elif found is not None:
                outcomes[some.start : some.stop] = [
                    None if outcome is None else _bounded(outcome, max_bytes) for outcome in found
                ]
            if found is None or _bytes(found) > _MANY_BYTES:
                portion.shrink(len(some))
            else:
                portion.grow()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(_SIDE_BY_SIDE):
                group.create_task(work())
    except* CollectError as failed:
        raise failed.exceptions[0] from None


async def _aggregate(
    rpc: Rpc, calls: Sequence[ContractCall], block: Any
) -> Sequence[Outcome | None] | None:
    """Return the outcomes of one portion; None where it was too much for the node."""
    request = _request(MULTICALL3, aggregate_data(calls), block)
    try:
        data = blob(await rpc.call(*request, alternative=True))
    except RpcError as error:
        if error.kind in OF_THE_NODE:
            raise
        return None
    results = read_aggregate(data, count=len(calls))
    return None if results is None else [_result(*result) for result in results]


def _bytes(found: Sequence[Outcome | None]) -> int:
    return sum(len(outcome) for outcome in found if isinstance(outcome, bytes))


def _result(success: bool, data: bytes) -> Outcome | None:
    if success:
        return data
    reason = read_revert(data)
    return None if reason is None else Failed(reason=reason)


def _bounded(outcome: Outcome, max_bytes: int) -> Outcome:
    if isinstance(outcome, Failed) or len(outcome) <= max_bytes:
        return outcome
    return Failed(reason=f"an answer of {len(outcome):,} bytes; at most {max_bytes:,} are taken")


def _request(address: str, data: bytes, block: Any) -> Call:
    return "eth_call", [{"to": address, "data": "0x" + data.hex()}, block]


def _outcome(answer: object) -> Outcome:
    if not isinstance(answer, RpcError):
        return blob(answer)
    if answer.kind not in ("reverted", "too much"):
        raise answer
    return Failed(reason=_reason(answer))


def _reason(error: RpcError) -> str:
    """Return what a contract said, from the error's data or else from the node's words."""
    data = error.data if isinstance(error.data, str) else ""
    try:
        said = read_revert(bytes.fromhex(data.removeprefix("0x")))
    except ValueError:
        said = None
    return said or one_line(_PREFIX.sub("", error.said)) or "no reason given"

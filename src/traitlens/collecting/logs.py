"""A contract's logs, in ranges of blocks that adapt to what the node takes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from traitlens.collecting.rpc import OF_THE_NODE, Adaptive, Rpc, RpcError, blob, quantity
from traitlens.collecting.rpc_errors import suggestion
from traitlens.errors import CollectError

# Nodes of one's own take any range; where providers cap it, their error mostly says at what. Wider
# ones run into time-outs, or, as has been seen, are cut short without a word.
_START, _MOST = 20_000, 1_000_000
_SIDE_BY_SIDE = 4
_TOPIC = re.compile("0x[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One event of a contract."""

    block: int
    index: int  # in its block
    topics: tuple[str, ...]
    data: bytes


async def read_logs(
    rpc: Rpc,
    address: str,
    topics: Sequence[str],
    *,
    first: int,
    last: int,
    told: Callable[[int], None] = lambda block: None,
) -> AsyncIterator[Log]:
    """Yield the logs of a contract with one of these first topics, in the order of the chain.

    Blocks `first` to `last` are read, both included; `told` hears up to which. A refused range is
    halved, or cut to what the node says that it takes, and grows again. Raises `CollectError` where
    the node gives no logs at all, or not those of a single block.
    """
    span = rpc.adaptive("blocks of logs", _START, most=_MOST)
    width, at = 1, first
    while at <= last:
        size = span.size
        starts = range(at, last + 1, size)[:width]
        ranges = [(start, min(start + size - 1, last)) for start in starts]
        answers = await asyncio.gather(*(_ask(rpc, address, topics, *ends) for ends in ranges))
        width = _SIDE_BY_SIDE
        for (start, end), answer in zip(ranges, answers, strict=True):
            if isinstance(answer, RpcError):
                _narrow(span, answer, blocks=end - start + 1)
                width = 1
                break
            for log in answer:
                yield log
            at = end + 1
            told(end)
            span.grow()


def _narrow(span: Adaptive, error: RpcError, *, blocks: int) -> None:
    if error.kind in OF_THE_NODE or blocks == 1:
        raise CollectError(
            f"the logs of the contract cannot be read: {error}; name the tokens with --ids, "
            "as in 0-9999, or use another node"
        ) from None
    if named := suggestion(error.said):
        span.shrink(blocks, to=named.blocks, lasting=named.anywhere)
    else:
        span.shrink(blocks)


async def _ask(
    rpc: Rpc, address: str, topics: Sequence[str], first: int, last: int
) -> list[Log] | RpcError:
    """Return the logs of a range, each once and in order, or the error where there are none."""
    asked = {
        "address": address,
        "topics": [list(topics)],
        "fromBlock": hex(first),
        "toBlock": hex(last),
    }
    try:
        found = await rpc.call("eth_getLogs", [asked], alternative=first < last, due=True)
        if not isinstance(found, list):
            raise RpcError("the node sent no list of logs", kind="malformed")
        read = (_log(item, address) for item in found)
        logs = {(log.block, log.index): log for log in read if log is not None}
    except RpcError as error:
        return error
    kept = [logs[place] for place in sorted(logs) if logs[place].topics[0] in topics]
    return [log for log in kept if first <= log.block <= last]


def _log(item: Any, address: str) -> Log | None:
    """Return a log as the node sent it; None for another contract's, or one that was taken back."""
    if not isinstance(item, dict) or not isinstance(item.get("topics"), list):
        raise RpcError("the node sent something else than a log", kind="malformed")
    if not all(isinstance(topic, str) and _TOPIC.fullmatch(topic) for topic in item["topics"]):
        raise RpcError("the node sent a log whose topics are no hashes", kind="malformed")
    elsewhere = str(item.get("address", address)).lower() != address
    if elsewhere or item.get("removed") is True or not item["topics"]:
        return None
    return Log(
        block=quantity(item.get("blockNumber")),
        index=quantity(item.get("logIndex")),
        topics=tuple(topic.lower() for topic in item["topics"]),
        data=blob(item.get("data", "0x")),
    )


async def created_at(rpc: Rpc, address: str, *, last: int) -> int:
    """Return the block in which a contract appeared, found by halving; 0 where that is unknown.

    A node without the old states cannot tell: then the logs are read from the beginning.
    """
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        try:
            code = blob(await rpc.call("eth_getCode", [address, hex(middle)]))
        except RpcError as error:
            if error.kind in ("rate limited", "refused"):
                raise
            return 0
        low, high = (low, middle) if code else (middle + 1, high)
    return low

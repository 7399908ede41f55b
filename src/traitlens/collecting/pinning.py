"""One block for a whole run, so that two runs agree, and noticed when it is no longer there."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from traitlens.collecting.abi import supports_data
from traitlens.collecting.records import Contract
from traitlens.collecting.rpc import Rpc, RpcError, blob, quantity
from traitlens.errors import CollectError

T = TypeVar("T")

_NO_REFUSAL = frozenset({"reverted", "rate limited", "malformed", "down"})
_NO_BLOCK = "0x" + hashlib.sha256(b"the hash of no block").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A block, by number and by hash."""

    number: int
    hash: str


def pin_of(contract: Contract) -> Pin:
    """Return the block that a contract was opened at."""
    assert contract.block is not None and contract.block_hash is not None
    return Pin(number=contract.block, hash=contract.block_hash)


async def pin(rpc: Rpc, number: int | None) -> Pin:
    """Return the block of this number, or the newest one; raises `CollectError`."""
    if number is not None and number < 0:
        raise CollectError(f"--block must be 0 or more; got {number}")
    name = "latest" if number is None else hex(number)
    block = await rpc.call("eth_getBlockByNumber", [name, False])
    if not isinstance(block, dict):
        newest = quantity(await rpc.call("eth_blockNumber", []))
        asked = "a newest block" if number is None else f"block {number}"
        raise CollectError(f"the node does not have {asked}; its newest is {newest}")
    found = Pin(number=quantity(block.get("number")), hash=f"0x{blob(block.get('hash')).hex()}")
    if number is not None and found.number != number:
        raise CollectError(f"the node gives block {found.number} for block {number}")
    return found


async def check_pin(rpc: Rpc, pinned: Pin) -> None:
    """Raise `CollectError` where a reorganisation of the chain has replaced the pinned block."""
    block = await rpc.call("eth_getBlockByNumber", [hex(pinned.number), False], due=True)
    found = block.get("hash") if isinstance(block, dict) else None
    if not isinstance(found, str) or found.lower() != pinned.hash:
        raise CollectError(
            f"block {pinned.number} was replaced by a reorganisation of the chain (it was "
            f"{pinned.hash}, now {found}); start again, with an older --block if it happens often"
        )


async def at_pin(rpc: Rpc, pinned: Pin, found: Awaitable[T]) -> T:
    """Return what was found at the pinned block, once it is clear that the block is still there.

    A node that is asked by a block's hash says in its own words that it has no such block.
    """
    try:
        value = await found
    except RpcError as error:
        if error.kind in ("no block", "no state"):
            await check_pin(rpc, pinned)
        raise
    await check_pin(rpc, pinned)
    return value


async def block_parameter(rpc: Rpc, address: str, pinned: Pin) -> Any:
    """Return how calls name the pinned block: by its hash where the node knows EIP-1898.

    Some nodes take no notice of a hash and answer for their newest block, so a node is believed
    only when it answers the same by hash as by number, and refuses the hash of no block.
    """
    return await rpc.once(("block", pinned.hash), lambda: _find_parameter(rpc, address, pinned))


async def _find_parameter(rpc: Rpc, address: str, pinned: Pin) -> Any:
    number = hex(pinned.number)
    by_number = await _answer(rpc, address, number)
    by_hash = await _answer(rpc, address, _by_hash(pinned.hash))
    by_none = await _answer(rpc, address, _by_hash(_NO_BLOCK), tries=1)
    refuses = isinstance(by_none, RpcError) and by_none.kind not in _NO_REFUSAL
    return _by_hash(pinned.hash) if refuses and _same(by_number, by_hash) else number


def _by_hash(block_hash: str) -> dict[str, Any]:
    return {"blockHash": block_hash, "requireCanonical": True}


async def _answer(rpc: Rpc, address: str, block: Any, *, tries: int | None = None) -> object:
    call = {"to": address, "data": "0x" + supports_data("01ffc9a7").hex()}
    try:
        return await rpc.call("eth_call", [call, block], tries=tries, alternative=True)
    except RpcError as error:
        return error


def _same(one: object, other: object) -> bool:
    if isinstance(one, RpcError) and isinstance(other, RpcError):
        return one.kind == other.kind == "reverted"
    return one == other

"""Contracts that keep their code elsewhere."""

from __future__ import annotations

import re
from typing import Any

from traitlens.collecting.abi import call_data, read_address, word
from traitlens.collecting.rpc import Rpc, RpcError, blob, quantity

# EIP-1967: keccak-256 of "eip1967.proxy.implementation" and of "eip1967.proxy.beacon", each - 1.
IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
BEACON_SLOT = "0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50"
# Before it: OpenZeppelin's "org.zeppelinos.proxy.implementation", and ERC-1822's "PROXIABLE".
ZEPPELIN_SLOT = "0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3"
PROXIABLE_SLOT = "0xc5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7"

# EIP-1167 in hex, also with a short address (PUSH1 to PUSH19), and two shorter forms of it.
_MINIMAL = re.compile(
    "363d3d373d3d3d363d(?P<push>6[0-9a-f]|7[0-3])(?P<address>(?:..){1,20}?)5af43d82803e903d91"
)
_SHORTER = re.compile("(?:3d3d3d3d363d3d37363d73|363d3d373d3d3d3d363d73)(?P<address>.{40})5af4")


def minimal_implementation(code: bytes) -> str | None:
    """Return the address that a minimal proxy's code names; None where it is no such proxy."""
    if found := _SHORTER.match(code.hex()):
        return "0x" + found["address"]
    found = _MINIMAL.match(code.hex())
    if found is None or (int(found["push"], 16) - 0x5F) * 2 != len(found["address"]):
        return None
    return "0x" + found["address"].rjust(40, "0")


async def find_implementation(rpc: Rpc, address: str, code: bytes, block: Any) -> str | None:
    """Return where a proxy's code lies, at one block; None for a contract that is no known proxy.

    Looked at are the code itself (EIP-1167), EIP-1967's slots, and the two slots before it.
    """
    if minimal := minimal_implementation(code):
        return minimal
    slots = [IMPLEMENTATION_SLOT, ZEPPELIN_SLOT, PROXIABLE_SLOT, BEACON_SLOT]
    try:
        answers = await rpc.batch([("eth_getStorageAt", [address, slot, block]) for slot in slots])
    except RpcError as error:
        if error.kind != "refused":  # some nodes keep storage to themselves
            raise
        return None
    *direct, beacon = map(_address_in, answers)
    found = next(filter(None, direct), None)
    if found is None and beacon is not None:
        return await _ask_beacon(rpc, beacon, block)
    return found


def _address_in(answer: object) -> str | None:
    """Return the address in a slot; some nodes leave out its leading zeros, or all of it."""
    try:
        return read_address(word(quantity(answer)))
    except RpcError:
        return None


async def _ask_beacon(rpc: Rpc, beacon: str, block: Any) -> str | None:
    call = {"to": beacon, "data": "0x" + call_data("implementation()").hex()}
    try:
        return read_address(blob(await rpc.call("eth_call", [call, block])))
    except RpcError as error:
        if error.kind != "reverted":
            raise
        return None

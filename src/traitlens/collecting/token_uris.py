"""Where a contract says that its tokens' metadata lie."""

from __future__ import annotations

import re
from collections.abc import Sequence

from traitlens.collecting.abi import call_data, read_bytes
from traitlens.collecting.calls import MAX_URI_BYTES, Failed, Outcome, call_many
from traitlens.collecting.pinning import at_pin, block_parameter, pin_of
from traitlens.collecting.records import Contract, ListedToken
from traitlens.collecting.rpc import Rpc

_FUNCTION = {"erc721": "tokenURI(uint256)", "erc1155": "uri(uint256)"}
_NOT_UTF8 = re.compile(r"[\udc80-\udcff]")


async def token_uris(rpc: Rpc, contract: Contract, ids: Sequence[int]) -> list[ListedToken]:
    """Return the tokens with the URIs of their metadata, in the order of `ids`.

    They are those of the contract's block. A token whose URI cannot be had is one with a `problem`.
    Hand in some thousand ids at a time: all their URIs are in memory, and each may be as long as a
    picture. Raises `CollectError` when the node fails, or when the chain was reorganised meanwhile.
    """
    pinned = pin_of(contract)
    block = await block_parameter(rpc, contract.address, pinned)
    function = _FUNCTION[contract.standard]
    calls = [(contract.address, call_data(function, token_id)) for token_id in ids]
    found = call_many(rpc, calls, block, max_bytes=MAX_URI_BYTES)
    outcomes = await at_pin(rpc, pinned, found)
    several = contract.standard == "erc1155"
    return [
        _listed(token_id, outcome, function=function.partition("(")[0], several=several)
        for token_id, outcome in zip(ids, outcomes, strict=True)
    ]


def fill_in_id(uri: str, token_id: int) -> str:
    """Return an ERC-1155 URI with `{id}` replaced by 64 lower-case hex digits, as EIP-1155 asks."""
    return uri.replace("{id}", f"{token_id:064x}")


def _listed(token_id: int, outcome: Outcome, *, function: str, several: bool) -> ListedToken:
    uri, problem = _read_uri(outcome, function)
    if uri is not None and several:
        # Each {id} gets 60 characters longer, and there may be a million of them.
        if len(uri) + 60 * uri.count("{id}") > MAX_URI_BYTES:
            uri, problem = None, f"{function} names {{id}} too often"
        else:
            uri = fill_in_id(uri, token_id)
    return ListedToken(token_id=str(token_id), uri=uri, problem=problem)


def _read_uri(outcome: Outcome, function: str) -> tuple[str | None, str | None]:
    """Return the URI that a contract answered, or None and why there is none."""
    if isinstance(outcome, Failed):
        return None, f"{function} failed: {outcome.reason}"
    said = read_bytes(outcome)
    if said is None:
        return None, f"{function} answered no string: {len(outcome)} bytes"
    if not said.strip(b"\0 \t\r\n"):
        return None, f"{function} answered an empty string"
    return _text(said), None


def _text(said: bytes) -> str:
    """Return bytes as text; those that are no UTF-8 as a URI writes them, %XX."""
    text = said.decode("utf-8", "surrogateescape")
    return _NOT_UTF8.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", text)

"""The ids of a contract's tokens, each once and ascending."""

from __future__ import annotations

from collections.abc import AsyncIterator

from traitlens.collecting.calls import call_uints
from traitlens.collecting.logs import created_at, read_logs
from traitlens.collecting.pinning import at_pin, block_parameter, pin_of
from traitlens.collecting.records import MAX_TOKENS, Contract
from traitlens.collecting.rpc import Rpc
from traitlens.collecting.token_ids import ids_in, parse_ids
from traitlens.collecting.transfers import (
    TRANSFERS,
    Holdings,
    read_transfer,
    too_many,
)
from traitlens.errors import CollectError
from traitlens.progress import Progress, silent

_PORTION = 2_000  # indices asked for between two reports


async def enumerate_tokens(
    rpc: Rpc,
    contract: Contract,
    *,
    ids: str | None = None,
    from_block: int | None = None,
    progress: Progress = silent,
) -> AsyncIterator[int]:
    """Yield the ids of the tokens that exist at the contract's block, each once and ascending.

    They are those that the user names (`ids`, as in "0-9999" or "1,5,7-9"; whether they exist is
    not asked), else those of ERC-721's Enumerable, else those of the transfer events since
    `from_block`, or since the contract appeared; what was burnt is left out. Raises `CollectError`
    where a node gives neither, or where the chain was reorganised meanwhile.
    """
    if ids is not None:
        for token_id in ids_in(parse_ids(ids)):
            yield token_id
        return
    looked = _look(rpc, contract, from_block, progress)
    for token_id in await at_pin(rpc, pin_of(contract), looked):
        yield token_id


async def _look(
    rpc: Rpc, contract: Contract, from_block: int | None, progress: Progress
) -> list[int]:
    found = await _by_index(rpc, contract, progress) if contract.enumerable else None
    return found if found is not None else await _by_events(rpc, contract, from_block, progress)


async def _by_index(rpc: Rpc, contract: Contract, progress: Progress) -> list[int] | None:
    """Return the ids that `tokenByIndex` gives; None where it does not keep its promise."""
    count = contract.total_supply or 0
    if count > MAX_TOKENS:
        raise too_many(count)
    block = await block_parameter(rpc, contract.address, pin_of(contract))
    found: set[int] = set()
    for start in range(0, count, _PORTION):
        indices = range(start, min(start + _PORTION, count))
        signature = "tokenByIndex(uint256)"
        for token_id in await call_uints(rpc, contract.address, signature, indices, block):
            if token_id is None or token_id in found:
                return None
            found.add(token_id)
        progress("enumerate", indices.stop, count, "tokenByIndex")
    return sorted(found)


async def _by_events(
    rpc: Rpc, contract: Contract, from_block: int | None, progress: Progress
) -> list[int]:
    last = pin_of(contract).number
    first = from_block
    if first is None:
        first = await created_at(rpc, contract.address, last=last)
    if not 0 <= first <= last:
        raise CollectError(f"--from-block must be 0 to {last}, the pinned block; got {first}")
    holdings = Holdings(several=contract.standard == "erc1155")

    def told(block: int) -> None:
        note = f"{len(holdings.seen):,} tokens in the logs"
        progress("enumerate", block - first + 1, last - first + 1, note)

    topics = TRANSFERS[contract.standard]
    async for log in read_logs(rpc, contract.address, topics, first=first, last=last, told=told):
        if (transfer := read_transfer(log)) is not None:
            holdings.follow(transfer)
    if not holdings.seen and contract.total_supply:
        raise CollectError(
            f"{contract.address} says that it has {contract.total_supply:,} tokens, but there are "
            f"no transfers of them since block {first}; name them with --ids, as in 0-9999"
        )
    # Since a later block only some of an ERC-1155 id's mints are known, so nothing about its end.
    unknown = holdings.several and from_block is not None
    return sorted(holdings.seen if unknown else holdings.seen - holdings.burnt)

"""What happened to a contract's tokens after a block, for a run that takes only what is new.

ERC-4906 (metadata update extension), and the URI event of ERC-1155.
"""

from __future__ import annotations

from traitlens.collecting.abi import TOPICS
from traitlens.collecting.calls import call_uints
from traitlens.collecting.logs import Log, read_logs
from traitlens.collecting.pinning import at_pin, block_parameter, pin_of
from traitlens.collecting.records import Changes, Contract
from traitlens.collecting.rpc import Rpc
from traitlens.collecting.transfers import TRANSFERS, Holdings, read_transfer, words_of

_ONE = TOPICS["MetadataUpdate(uint256)"]
_MANY = TOPICS["BatchMetadataUpdate(uint256,uint256)"]
_URI = TOPICS["URI(string,uint256)"]

# More ids than this, in one announcement or in all of them, mean the whole collection.
_MAX_REFRESHED = 100_000


async def changed_since(rpc: Rpc, contract: Contract, block: int) -> Changes:
    """Return what changed after `block`, up to the contract's block.

    An id that came and went is burnt only, one that went and came back minted only. Of ERC-1155,
    where many are of one id, an id is burnt when the contract's `totalSupply(id)` says 0, and kept
    where it does not say. Raises `CollectError` as `read_logs` does.
    """
    last = pin_of(contract).number
    holdings = Holdings(several=contract.standard == "erc1155")
    refreshed: set[int] = set()
    announced = 0
    topics = (*TRANSFERS[contract.standard], _ONE, _MANY, _URI)
    async for log in read_logs(rpc, contract.address, topics, first=block + 1, last=last):
        if log.topics[0] in (_ONE, _MANY, _URI):
            first, end = _named(log)
            announced += end - first
            if announced <= _MAX_REFRESHED:
                refreshed.update(range(first, end))
        elif (transfer := read_transfer(log)) is not None:
            holdings.follow(transfer)
    burnt = await at_pin(rpc, pin_of(contract), _gone(rpc, contract, holdings))
    return Changes(
        block=max(last, block),
        minted=frozenset(holdings.minted - burnt),
        burnt=frozenset(burnt),
        refreshed=frozenset(refreshed - burnt),
        everything=announced > _MAX_REFRESHED,
    )


def _named(log: Log) -> tuple[int, int]:
    """Return the first id that an event announces and the one after the last; equal for none."""
    if log.topics[0] == _URI:  # the id is indexed, the URI is in the data
        return (
            (int(log.topics[1], 16), int(log.topics[1], 16) + 1) if len(log.topics) == 2 else (0, 0)
        )
    words = words_of(log)
    if len(words) != (1 if log.topics[0] == _ONE else 2):
        return (0, 0)
    return words[0], max(words[-1] + 1, words[0])


async def _gone(rpc: Rpc, contract: Contract, holdings: Holdings) -> set[int]:
    if not holdings.several:
        return holdings.burnt
    block = await block_parameter(rpc, contract.address, pin_of(contract))
    ids = sorted(holdings.ever_burnt)
    left = await call_uints(rpc, contract.address, "totalSupply(uint256)", ids, block)
    return {token_id for token_id, count in zip(ids, left, strict=True) if count == 0}

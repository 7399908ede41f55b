"""Which tokens came and went, read from a contract's events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from traitlens.collecting.abi import TOPICS, read_uints, read_words
from traitlens.collecting.logs import Log
from traitlens.collecting.records import MAX_TOKENS
from traitlens.errors import CollectError

TRANSFER = TOPICS["Transfer(address,address,uint256)"]
CONSECUTIVE = TOPICS["ConsecutiveTransfer(uint256,uint256,address,address)"]
SINGLE = TOPICS["TransferSingle(address,address,address,uint256,uint256)"]
BATCH = TOPICS["TransferBatch(address,address,address,uint256[],uint256[])"]
TRANSFERS = {"erc721": (TRANSFER, CONSECUTIVE), "erc1155": (SINGLE, BATCH)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Some tokens going from one owner to another; 0 for the owner is where tokens come from."""

    pairs: Iterable[tuple[int, int]]  # id and amount; can be gone through once
    sender: int
    receiver: int
    claimed: int = 0  # how many ids a few bytes stand for


def words_of(log: Log) -> list[int]:
    """Return the arguments of an event without arrays, whether they are indexed or not.

    Contracts differ: CryptoKitties indexes none, the standard all, some have the id in the data.
    """
    return [int(topic, 16) for topic in log.topics[1:]] + read_words(log.data)


def read_transfer(log: Log) -> Transfer | None:
    """Return what a log of `TRANSFERS` says; None where it has not the arguments of its event."""
    reader = {TRANSFER: _single_721, CONSECUTIVE: _consecutive, SINGLE: _single, BATCH: _batch}
    return reader[log.topics[0]](log)


def _single_721(log: Log) -> Transfer | None:
    words = words_of(log)
    if len(words) != 3:
        return None
    return Transfer(pairs=((words[2], 1),), sender=words[0], receiver=words[1])


def _consecutive(log: Log) -> Transfer | None:
    """ERC-2309: (fromTokenId indexed, toTokenId, fromAddress indexed, toAddress indexed)."""
    if len(log.topics) != 4 or len(log.data) != 32:
        return None
    first, sender, receiver, last = words_of(log)
    pairs = ((token_id, 1) for token_id in range(first, last + 1))
    claimed = max(last + 1 - first, 0)
    return Transfer(pairs=pairs, sender=sender, receiver=receiver, claimed=claimed)


def _single(log: Log) -> Transfer | None:
    words = words_of(log)
    if len(words) != 5:
        return None
    return Transfer(pairs=((words[3], words[4]),), sender=words[1], receiver=words[2])


def _batch(log: Log) -> Transfer | None:
    """ERC-1155: (operator indexed, from indexed, to indexed, ids, values)."""
    ids, amounts = read_uints(log.data, at=0), read_uints(log.data, at=32)
    if len(log.topics) != 4 or ids is None or amounts is None or len(ids) != len(amounts):
        return None
    sender, receiver = (int(topic, 16) for topic in log.topics[2:])
    return Transfer(pairs=zip(ids, amounts, strict=True), sender=sender, receiver=receiver)


def too_many(count: int) -> CollectError:
    """Return the error for more tokens than any collection has."""
    said = f"{count:,}" if count < 10**15 else "more than 10^15"
    return CollectError(
        f"the contract names {said} tokens, and at most {MAX_TOKENS:,} are taken at once; name "
        "some with --ids, as in 0-9999"
    )


@dataclass(slots=True, kw_only=True)
class Holdings:
    """Which tokens there are, followed through the transfers in the order of the chain.

    Of ERC-721 the last transfer decides. Of ERC-1155 there may be many of one id: it is gone when
    as many were burnt as were minted.
    """

    several: bool  # ERC-1155: many of one id
    seen: set[int] = field(default_factory=set)
    minted: set[int] = field(default_factory=set)
    burnt: set[int] = field(default_factory=set)  # and not minted again
    ever_burnt: set[int] = field(default_factory=set)
    _supply: Counter[int] = field(default_factory=Counter)
    _claimed: int = 0

    def follow(self, transfer: Transfer) -> None:
        """Take note of a transfer; one of 0 pieces moved nothing, so it shows no token.

        Raises `CollectError` for more tokens than any collection has, also where the same ones are
        claimed again and again.
        """
        self._claimed += transfer.claimed
        if self._claimed > MAX_TOKENS:
            raise too_many(self._claimed)
        for token_id, amount in transfer.pairs:
            if amount == 0:
                continue
            self.seen.add(token_id)
            if transfer.sender == 0:
                self.minted.add(token_id)
                self._change(token_id, amount)
            if transfer.receiver == 0:
                self.ever_burnt.add(token_id)
                self._change(token_id, -amount)
        if len(self.seen) > MAX_TOKENS:
            raise too_many(len(self.seen))

    def _change(self, token_id: int, amount: int) -> None:
        gone = amount < 0
        if self.several:
            self._supply[token_id] += amount
            gone = self._supply[token_id] == 0
        (self.burnt.add if gone else self.burnt.discard)(token_id)

"""Which tokens there are: asked of a node or of a provider, and kept in a file."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from traitlens.collecting.changes import changed_since
from traitlens.collecting.config import CollectConfig
from traitlens.collecting.contract import open_contract
from traitlens.collecting.enumeration import enumerate_tokens
from traitlens.collecting.fetching import Fetcher
from traitlens.collecting.ledger import is_token_id
from traitlens.collecting.providers import Provider, make_provider
from traitlens.collecting.records import Changes, Contract, ListedToken
from traitlens.collecting.rpc import Rpc, quantity
from traitlens.collecting.token_uris import token_uris
from traitlens.errors import CollectError
from traitlens.files import writing
from traitlens.progress import Progress

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_TOLD_EVERY = 100  # tokens


class Listing(Protocol):
    """Whoever knows a contract and its tokens."""

    async def contract(self, *, block: int | None) -> Contract:
        """Return the contract as it is at a block, the latest by default."""
        ...

    async def check(self, contract: Contract) -> None:
        """Raise CollectError where this speaks of another chain than a run began with."""
        ...

    def tokens(self, contract: Contract, progress: Progress) -> AsyncIterator[ListedToken]:
        """Yield the tokens, ascending where it can be, perhaps without their addresses yet."""
        ...

    def some(self, contract: Contract, ids: Set[int]) -> AsyncIterator[ListedToken]:
        """Yield those tokens alone."""
        ...

    async def resolved(
        self, contract: Contract, tokens: Sequence[ListedToken]
    ) -> Sequence[ListedToken]:
        """Return some of the tokens with the addresses of their metadata."""
        ...

    async def changes(self, contract: Contract, *, since: int) -> Changes | None:
        """Return what happened between a block and the contract's, or None where none knows."""
        ...


@dataclass(frozen=True, slots=True)
class NodeListing:
    """What a node says."""

    rpc: Rpc
    address: str
    config: CollectConfig

    async def contract(self, *, block: int | None) -> Contract:
        return await open_contract(self.rpc, self.address, block=block)

    async def check(self, contract: Contract) -> None:
        chain_id = f"eip155:{quantity(await self.rpc.call('eth_chainId', []))}"
        if chain_id != contract.chain_id:
            raise CollectError(
                f"the node is of chain {chain_id}, and the run began on {contract.chain_id}"
            )

    async def tokens(self, contract: Contract, progress: Progress) -> AsyncIterator[ListedToken]:
        found = enumerate_tokens(
            self.rpc,
            contract,
            ids=self.config.ids,
            from_block=self.config.from_block,
            progress=progress,
        )
        async for token_id in found:
            yield ListedToken(token_id=str(token_id), uri=None)

    async def some(self, contract: Contract, ids: Set[int]) -> AsyncIterator[ListedToken]:
        for token_id in sorted(ids):
            yield ListedToken(token_id=str(token_id), uri=None)

    async def resolved(
        self, contract: Contract, tokens: Sequence[ListedToken]
    ) -> Sequence[ListedToken]:
        return await token_uris(self.rpc, contract, [int(token.token_id) for token in tokens])

    async def changes(self, contract: Contract, *, since: int) -> Changes | None:
        return await changed_since(self.rpc, contract, since)


@dataclass(frozen=True, slots=True)
class ProviderListing:
    """What a provider says, which is of its latest block, and has no history."""

    provider: Provider
    address: str

    async def contract(self, *, block: int | None) -> Contract:
        if block is not None:
            raise CollectError(
                f"{self.provider.name} knows the latest state only; --block needs a node (--rpc)"
            )
        return await self.provider.info(self.address)

    async def check(self, contract: Contract) -> None:
        """A provider was told its chain."""

    async def tokens(self, contract: Contract, progress: Progress) -> AsyncIterator[ListedToken]:
        async for token in self.provider.tokens(self.address):
            yield token

    async def some(self, contract: Contract, ids: Set[int]) -> AsyncIterator[ListedToken]:
        async for token in self.provider.tokens(self.address):
            if is_token_id(token.token_id) and int(token.token_id) in ids:
                yield token

    async def resolved(
        self, contract: Contract, tokens: Sequence[ListedToken]
    ) -> Sequence[ListedToken]:
        return tokens

    async def changes(self, contract: Contract, *, since: int) -> Changes | None:
        return None


def open_listing(address: str, config: CollectConfig, fetcher: Fetcher) -> Listing:
    """Return who lists the tokens of a contract; raise CollectError where nobody was named."""
    if not _ADDRESS.fullmatch(address):
        raise CollectError(
            "a source is a contract (0x and 40 hex digits) or nft1000:NAME, as `traitlens "
            f"collections` lists them; got {address!r}"
        )
    if config.provider is not None:
        provider = make_provider(config.provider, fetcher, chain=config.chain)
        return ProviderListing(provider, address.lower())
    if config.rpc is None:
        raise CollectError(
            "who knows the contract? Name a node (--rpc URL) or a provider (--provider alchemy "
            "or nftscan, with its key in the environment)"
        )
    return NodeListing(Rpc(fetcher, config.rpc), address.lower(), config)


async def write_listing(
    path: Path, tokens: AsyncIterator[ListedToken], *, limit: int | None, progress: Progress
) -> None:
    """Write the tokens to a file that is there whole or not at all, each once."""
    seen: set[int] = set()
    with writing(path) as temporary, temporary.open("wb") as sink:
        async for token in tokens:
            if not is_token_id(token.token_id):
                raise CollectError(f"a token id is a uint256 in decimal; got {token.token_id!r}")
            if int(token.token_id) in seen:
                continue
            seen.add(int(token.token_id))
            sink.write(_line(token))
            if len(seen) % _TOLD_EVERY == 0:
                progress("list", len(seen), len(seen) + 1)
            if len(seen) == limit:
                break
    progress("list", len(seen), len(seen))


def _line(token: ListedToken) -> bytes:
    value = {k: v for k, v in asdict(token).items() if v is not None and v != {}}
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def read_listing(path: Path) -> Iterator[ListedToken]:
    """Yield the tokens of a file that `write_listing` wrote."""
    with path.open("rb") as file:
        for line in file:
            yield ListedToken(**{"uri": None, **json.loads(line)})


def count_listing(path: Path) -> int:
    """Return how many tokens a file names."""
    with path.open("rb") as file:
        return sum(1 for _ in file)

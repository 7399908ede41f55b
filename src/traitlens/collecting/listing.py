"""Which tokens there are: asked of a node or of a provider, and kept in a file."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
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
from traitlens.collecting.token_ids import parse_ids
from traitlens.collecting.token_uris import token_uris
from traitlens.errors import CollectError
from traitlens.files import writing
from traitlens.progress import Progress

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_TOLD_EVERY = 100  # tokens
MAINNET = "eip155:1"


class Listing(Protocol):
    """Whoever knows a contract and its tokens."""

    async def contract(self) -> Contract:
        """Return the contract as it is at the block that was asked for, by default the latest."""
        ...

    async def check(self, contract: Contract) -> None:
        """Raise CollectError where this cannot speak of the state that a run began with."""
        ...

    def tokens(self, contract: Contract, progress: Progress) -> AsyncIterator[ListedToken]:
        """Yield the tokens, ascending where it can be, perhaps without their addresses yet."""
        ...

    def some(
        self, contract: Contract, uris: Mapping[int, str | None]
    ) -> AsyncIterator[ListedToken]:
        """Yield those tokens alone, with the addresses that are known from an earlier run."""
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

    async def contract(self) -> Contract:
        found = await open_contract(self.rpc, self.address, block=self.config.block)
        if self.config.chain not in (None, found.chain_id):
            raise CollectError(f"the node is of chain {found.chain_id}, not {self.config.chain}")
        return found

    async def check(self, contract: Contract) -> None:
        if contract.block is None:
            raise CollectError(
                f"{contract.recognised_by} listed the collection, at no block that a node could be "
                f"asked about; use --provider {contract.recognised_by}, or leave --retry out"
            )
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

    async def some(
        self, contract: Contract, uris: Mapping[int, str | None]
    ) -> AsyncIterator[ListedToken]:
        for token_id in sorted(uris):
            yield ListedToken(token_id=str(token_id), uri=uris[token_id])

    async def resolved(
        self, contract: Contract, tokens: Sequence[ListedToken]
    ) -> Sequence[ListedToken]:
        unknown = [int(token.token_id) for token in tokens if token.uri is None]
        asked = await token_uris(self.rpc, contract, unknown) if unknown else []
        found = {token.token_id: token for token in asked}
        return [found.get(token.token_id, token) for token in tokens]

    async def changes(self, contract: Contract, *, since: int) -> Changes | None:
        try:
            return await changed_since(self.rpc, contract, since)
        except CollectError:
            if self.config.ids is None:
                raise
            return None  # a node without logs: what the user named is looked at, one by one


@dataclass(frozen=True, slots=True)
class ProviderListing:
    """What a provider says, which is of its latest block, and has no history."""

    provider: Provider
    address: str
    config: CollectConfig

    async def contract(self) -> Contract:
        return await self.provider.info(self.address)

    async def check(self, contract: Contract) -> None:
        if contract.block is not None:
            raise CollectError(
                f"the collection is of block {contract.block:,}, and {self.provider.name} knows "
                "the latest only; use a node (--rpc), or leave --retry out"
            )

    async def tokens(self, contract: Contract, progress: Progress) -> AsyncIterator[ListedToken]:
        wanted = None if self.config.ids is None else parse_ids(self.config.ids)
        async for token in self.provider.tokens(self.address):
            if wanted is None or any(_id_of(token) in part for part in wanted):
                yield token

    async def some(
        self, contract: Contract, uris: Mapping[int, str | None]
    ) -> AsyncIterator[ListedToken]:
        async for token in self.provider.tokens(self.address):
            if _id_of(token) in uris:
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
        provider = make_provider(config.provider, fetcher, chain=config.chain or MAINNET)
        return ProviderListing(provider, address.lower(), config)
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
            token_id = _id_of(token)
            if token_id in seen:
                continue
            seen.add(token_id)
            sink.write(_line(token))
            if len(seen) % _TOLD_EVERY == 0:
                progress("list", len(seen), len(seen) + 1)
            if len(seen) == limit:
                break
    progress("list", len(seen), len(seen))


def _id_of(token: ListedToken) -> int:
    if not is_token_id(token.token_id):
        raise CollectError(f"a token id is a uint256 in decimal; got {token.token_id!r}")
    return int(token.token_id)


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

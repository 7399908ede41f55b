"""Providers that list a contract's tokens, as alternatives to one's own node.

alchemy     Alchemy's NFT API v3
nftscan     NFTScan's API v2
asking      what both share: the key, patience, and what becomes of an answer that is none
paging      pages to the end, however they are given
fields      values of an answer, each of the type that it must have

A key comes from the environment and travels in a header only, never in a URL, so that no log, no
record and no error message can show it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from traitlens.collecting.providers.alchemy import Alchemy
from traitlens.collecting.providers.asking import JsonGetter, key_from
from traitlens.collecting.providers.nftscan import Nftscan
from traitlens.collecting.records import Contract, ListedToken
from traitlens.config import check_choice

PROVIDERS = {provider.name: provider for provider in (Alchemy, Nftscan)}


class Provider(Protocol):
    """Whoever knows a contract and lists its tokens."""

    @property
    def name(self) -> str:
        """What it is called by `--provider`."""
        ...

    async def info(self, address: str) -> Contract:
        """Return what the provider knows of the contract; raises CollectError."""
        ...

    def tokens(self, address: str) -> AsyncIterator[ListedToken]:
        """Yield the contract's tokens, each once, in the provider's order; raises CollectError."""
        ...


def make_provider(
    name: str,
    fetcher: JsonGetter,
    *,
    environ: Mapping[str, str] = os.environ,
    chain: str = "eip155:1",
    base_url: str | None = None,
) -> Provider:
    """Return the provider of a name, for a chain by its CAIP-2 name.

    `base_url` stands in for the provider's own address of that chain. Raises ConfigError for
    another name or a chain that it does not serve, CollectError where its key is missing.
    """
    check_choice("provider", name, PROVIDERS)
    kind = PROVIDERS[name]
    key = key_from(environ, kind.variable, kind.name)
    return kind(fetcher, key=key, chain=chain, base_url=base_url)


__all__ = ["PROVIDERS", "Alchemy", "JsonGetter", "Nftscan", "Provider", "make_provider"]

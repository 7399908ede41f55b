"""Alchemy's NFT API v3, as documented in its OpenAPI file and its guides.

    getNFTsForContract    a page of up to 100 tokens; `pageKey` of the answer is `startToken` of the
                          next request and is absent at the end
    getContractMetadata   name, symbol, supply and standard

https://www.alchemy.com/docs/reference/nft-api-endpoints (src/openapi/nft/nft.yaml in
github.com/alchemyplatform/docs). The key goes into the header `Authorization: Bearer`
(https://www.alchemy.com/docs/how-to-use-api-keys-in-http-headers). Errors are HTTP's: 401 and 403
for a key, 429 for too many compute units a second, by choice with `Retry-After`
(https://www.alchemy.com/docs/reference/error-reference and .../throughput); the fetcher waits and
tries again. Pages are asked for one after another, so the limit of even the free plan is far.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from traitlens.collecting.abi import checked_address
from traitlens.collecting.providers import fields
from traitlens.collecting.providers.asking import (
    NO_URI,
    PAGE_SIZE,
    KeyedProvider,
    error_in,
    token_id,
)
from traitlens.collecting.providers.paging import Page, all_tokens
from traitlens.collecting.records import Contract, ListedToken

# What the API calls the chains: the networks of its OpenAPI file that have an EVM.
NETWORKS = {
    "eip155:1": "eth-mainnet",
    "eip155:10": "opt-mainnet",
    "eip155:30": "rootstock-mainnet",
    "eip155:137": "polygon-mainnet",
    "eip155:250": "fantom-mainnet",
    "eip155:324": "zksync-mainnet",
    "eip155:360": "shape-mainnet",
    "eip155:1868": "soneium-mainnet",
    "eip155:2741": "abstract-mainnet",
    "eip155:8453": "base-mainnet",
    "eip155:33139": "apechain-mainnet",
    "eip155:42161": "arb-mainnet",
    "eip155:43114": "avax-mainnet",
    "eip155:59144": "linea-mainnet",
    "eip155:81457": "blast-mainnet",
    "eip155:534352": "scroll-mainnet",
    "eip155:43113": "avax-fuji",
    "eip155:80002": "polygon-amoy",
    "eip155:84532": "base-sepolia",
    "eip155:421614": "arb-sepolia",
    "eip155:11155111": "eth-sepolia",
}
HOSTS = {chain: f"{network}.g.alchemy.com" for chain, network in NETWORKS.items()}


class Alchemy(KeyedProvider):
    """Alchemy as a provider."""

    name = "alchemy"
    variable = "ALCHEMY_API_KEY"
    hosts = HOSTS

    async def info(self, address: str) -> Contract:
        """Return what Alchemy knows of the contract; raise CollectError where it is no NFT's."""
        address = checked_address(address)
        asked = {"contractAddress": address}
        answer = await self._get("nft/v3/getContractMetadata", asked, about=address)
        kind, supply = answer.get("tokenType"), answer.get("totalSupply")
        return self._contract(address, answer, standard=kind, supply=supply)

    def tokens(self, address: str) -> AsyncIterator[ListedToken]:
        """Yield the contract's tokens, each once; raise CollectError for a listing without end.

        `known` has, where Alchemy says it: `floor_price` of the collection and its
        `opensea_status`, such as "verified"; `is_spam` and `spam_reasons` (on paid plans);
        `metadata_error`, why Alchemy could not read the document.
        """
        address = checked_address(address)

        async def page_of(key: str | None) -> Page:
            asked = {"contractAddress": address, "withMetadata": "true", "limit": str(PAGE_SIZE)}
            # Only what Alchemy has at hand: what it lacks is fetched here.
            asked["tokenUriTimeoutInMs"] = "0"
            if key is not None:
                asked["startToken"] = key
            answer = await self._get("nft/v3/getNFTsForContract", asked, about=address)
            return self._page(address, answer.get("nfts"), answer.get("pageKey"), _token)

        return all_tokens(page_of, of=self._of(address))

    def _headers(self, key: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {key}"}

    def _opened(self, answer: object) -> object:
        """Return an answer; raise FetchError for one that is an error in JSON-RPC's form."""
        if not isinstance(answer, dict) or "error" not in answer:
            return answer
        error = fields.mapping(answer["error"])
        raise error_in(error.get("code"), error.get("message", answer["error"]))


def _token(nft: Mapping[str, Any], of: str) -> ListedToken:
    raw = fields.mapping(nft.get("raw"))
    uri = fields.address(raw.get("tokenUri")) or fields.address(nft.get("tokenUri"))
    document = fields.mapping(raw.get("metadata")) or None
    error = fields.text(raw.get("error"))
    return ListedToken(
        token_id=token_id(nft.get("tokenId"), of=of),
        uri=uri,
        problem=None if uri or document else error or NO_URI,
        document=document,
        known=_known(nft, error),
    )


def _known(nft: Mapping[str, Any], error: str | None) -> dict[str, object]:
    contract = fields.mapping(nft.get("contract"))
    # The schema spells it one way, the examples and the answers the other.
    market = contract.get("openSeaMetadata") or contract.get("openseaMetadata")
    return fields.present(
        floor_price=fields.number(fields.mapping(market).get("floorPrice")),
        opensea_status=fields.text(fields.mapping(market).get("safelistRequestStatus")),
        is_spam=fields.flag(contract.get("isSpam")),
        spam_reasons=fields.words(contract.get("spamClassifications")),
        metadata_error=error,
    )

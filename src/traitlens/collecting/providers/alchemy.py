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

from traitlens.collecting.providers import fields
from traitlens.collecting.providers.asking import (
    JsonGetter,
    checked_address,
    failure,
    served,
)
from traitlens.collecting.providers.paging import Page, all_tokens, key_of_next
from traitlens.collecting.records import Contract, FetchError, FetchReason, ListedToken
from traitlens.errors import CollectError
from traitlens.plain_text import one_line

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
PAGE_SIZE = 100  # the most that a page has

_NO_URI = "no token URI"
# Codes of errors in JSON-RPC's form, of which the first is also that of a key that is no good.
_REASONS: Mapping[object, FetchReason] = {
    -32600: "refused",
    -32601: "unusable address",
    -32602: "unusable address",
    401: "refused",
    403: "refused",
    429: "rate limited",
}


class Alchemy:
    """A provider; see `providers.Provider`."""

    name: str = "alchemy"
    variable: str = "ALCHEMY_API_KEY"

    def __init__(
        self,
        fetcher: JsonGetter,
        *,
        key: str,
        chain: str = "eip155:1",
        base_url: str | None = None,
    ) -> None:
        """Keep a key and the address of a chain; raise ConfigError for one that is not served."""
        network = served(chain, NETWORKS, self.name)
        self._fetcher = fetcher
        self._key = key
        self._chain = chain
        self._base_url = (base_url or f"https://{network}.g.alchemy.com").rstrip("/")

    async def info(self, address: str) -> Contract:
        """Return what Alchemy knows of the contract; raise CollectError where it is no NFT's."""
        address = checked_address(address)
        answer = await self._get("getContractMetadata", {"contractAddress": address}, address)
        standard = fields.standard(answer.get("tokenType"))
        if standard is None:
            said = one_line(str(answer.get("tokenType")))
            raise CollectError(
                f"{address} on {self._chain} is no contract of NFTs; alchemy calls it {said!r}"
            )
        return Contract(
            chain_id=self._chain,
            address=address,
            standard=standard,
            name=fields.text(answer.get("name")),
            symbol=fields.text(answer.get("symbol")),
            total_supply=fields.whole(answer.get("totalSupply")),
            recognised_by=self.name,
        )

    def tokens(self, address: str) -> AsyncIterator[ListedToken]:
        """Yield the contract's tokens, each once; raise CollectError for a listing without end.

        `known` has, where Alchemy says it: `floor_price` of the collection and its
        `opensea_status`, such as "verified"; `is_spam` and `spam_reasons` (on paid plans);
        `metadata_error`, why Alchemy could not read the document.
        """
        address = checked_address(address)

        async def page_of(key: str | None) -> Page:
            return await self._page(address, key)

        return all_tokens(page_of, of=self._of(address))

    async def _page(self, address: str, key: str | None) -> Page:
        asked = {"contractAddress": address, "withMetadata": "true", "limit": str(PAGE_SIZE)}
        # Only what Alchemy has at hand: what it lacks is fetched here, past no cache of a stranger.
        asked["tokenUriTimeoutInMs"] = "0"
        if key is not None:
            asked["startToken"] = key
        answer = await self._get("getNFTsForContract", asked, address)
        listed = answer.get("nfts")
        if not isinstance(listed, list):
            raise CollectError(f"{self._of(address)}: the answer has no list of tokens")
        return Page(
            tokens=[_token(item, self._of(address)) for item in listed],
            next_key=key_of_next(answer.get("pageKey"), of=self._of(address)),
        )

    async def _get(self, method: str, params: Mapping[str, str], about: str) -> Mapping[str, Any]:
        url = f"{self._base_url}/nft/v3/{method}"
        headers = {"Authorization": f"Bearer {self._key}"}
        try:
            answer = await self._fetcher.get_json(url, params=params, headers=headers)
            return _without_error(fields.mapping(answer))
        except FetchError as error:
            raise failure(
                error, provider=self.name, variable=self.variable, key=self._key, about=about
            ) from None

    def _of(self, address: str) -> str:
        return f"alchemy, {address} on {self._chain}"


def _without_error(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer; raise FetchError for one that is an error in JSON-RPC's form."""
    if "error" not in answer:
        return answer
    error = fields.mapping(answer["error"])
    said = one_line(str(error.get("message", answer["error"])))
    raise FetchError(_REASONS.get(error.get("code"), "server error"), said)


def _token(item: object, of: str) -> ListedToken:
    nft = fields.mapping(item)
    token_id = fields.whole(nft.get("tokenId"))
    if token_id is None:
        raise CollectError(f"{of}: a token has the id {one_line(str(nft.get('tokenId')))!r}")
    raw = fields.mapping(nft.get("raw"))
    uri = fields.address(raw.get("tokenUri")) or fields.address(nft.get("tokenUri"))
    document = fields.mapping(raw.get("metadata")) or None
    error = fields.text(raw.get("error"))
    return ListedToken(
        token_id=str(token_id),
        uri=uri,
        problem=None if uri or document else error or _NO_URI,
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

"""NFTScan's API v2 for EVM chains, as documented and as its own SDK has it.

    /api/v2/assets/{contract}        a page of up to 100 assets by ascending token id; `next` of the
                                     answer is `cursor` of the next request
    /api/v2/collections/{contract}   name, symbol, standard, number of items, floor price, spam

https://docs.nftscan.com/reference/evm/get-nfts-by-contract, .../get-an-nft-collection,
https://docs.nftscan.com/nftscan/Asset%20Model and Collection%20Model; hosts, models and limits as
in github.com/nftscan-official/nftscan-api-js-sdk. The key goes into the header `X-API-KEY`.

Each answer is an envelope, {"code": 200, "msg": null, "data": ...}: a `code` of 4XX or 5XX is an
error, whatever HTTP's status says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from traitlens.collecting.abi import checked_address
from traitlens.collecting.documents import Document, read_document
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

# The hosts of the chains, as in the SDK of 2025; it dropped others before.
HOSTS = {
    "eip155:1": "restapi.nftscan.com",
    "eip155:10": "optimismapi.nftscan.com",
    "eip155:56": "bnbapi.nftscan.com",
    "eip155:88": "victionapi.nftscan.com",
    "eip155:137": "polygonapi.nftscan.com",
    "eip155:185": "mintapi.nftscan.com",
    "eip155:1329": "seiapi.nftscan.com",
    "eip155:1625": "gravityapi.nftscan.com",
    "eip155:5000": "mantleapi.nftscan.com",
    "eip155:8453": "baseapi.nftscan.com",
    "eip155:80094": "beraapi.nftscan.com",
}

_OK = 200


class Nftscan(KeyedProvider):
    """NFTScan as a provider."""

    name = "nftscan"
    variable = "NFTSCAN_API_KEY"
    hosts = HOSTS

    async def info(self, address: str) -> Contract:
        """Return what NFTScan knows of the contract; raise CollectError where it knows nothing."""
        address = checked_address(address)
        data = await self._collection(address)
        kind, supply = data.get("erc_type"), data.get("items_total")
        return self._contract(address, data, standard=kind, supply=supply)

    async def tokens(self, address: str) -> AsyncIterator[ListedToken]:
        """Yield the contract's tokens, each once; raise CollectError for a listing without end.

        `known` has, where NFTScan says it: `last_price`, `last_currency` and `last_sold_ms` (since
        1970) of the latest trade; `mint_price`; `rarity_rank` and `rarity_score`; and of the
        collection `floor_price`, `floor_currency`, `is_spam`, `verified` and `opensea_verified`.
        """
        address = checked_address(address)
        shared = _known_of_all(await self._collection(address))

        def token(asset: Mapping[str, Any], of: str) -> ListedToken:
            return _token(asset, of, shared)

        async def page_of(cursor: str | None) -> Page:
            asked = {"limit": str(PAGE_SIZE)} | ({} if cursor is None else {"cursor": cursor})
            data = await self._get(f"api/v2/assets/{address}", asked, about=address)
            return self._page(address, data.get("content"), data.get("next"), token)

        async for found in all_tokens(page_of, of=self._of(address)):
            yield found

    async def _collection(self, address: str) -> Mapping[str, Any]:
        asked = {"show_attribute": "false"}
        return await self._get(f"api/v2/collections/{address}", asked, about=address)

    def _headers(self, key: str) -> Mapping[str, str]:
        return {"X-API-KEY": key}

    def _opened(self, answer: object) -> object:
        """Return the data in an envelope; raise FetchError for the error that it tells."""
        envelope = fields.mapping(answer)
        code = envelope.get("code")
        if fields.whole(code) == _OK:
            return envelope.get("data")
        raise error_in(code, envelope.get("msg"))


def _token(asset: Mapping[str, Any], of: str, shared: Mapping[str, object]) -> ListedToken:
    uri = fields.address(asset.get("token_uri"))
    document = _document(asset.get("metadata_json"))
    return ListedToken(
        token_id=token_id(asset.get("token_id"), asset.get("contract_token_id"), of=of),
        uri=uri,
        problem=None if uri or document else NO_URI,
        document=document,
        known={**shared, **_known(asset)},
    )


def _document(value: object) -> object:
    """Return the metadata as they come, JSON in a text; None where they are no document."""
    if isinstance(value, dict):
        return value or None
    if not isinstance(value, str):
        return None
    read = read_document(value.encode(errors="surrogatepass"))
    return value if isinstance(read, Document) else None


def _known(asset: Mapping[str, Any]) -> dict[str, object]:
    return fields.present(
        last_price=fields.number(asset.get("latest_trade_price")),
        last_currency=fields.text(asset.get("latest_trade_symbol")),
        last_sold_ms=fields.whole(asset.get("latest_trade_timestamp")),
        mint_price=fields.number(asset.get("mint_price")),
        rarity_rank=fields.whole(asset.get("rarity_rank")),
        rarity_score=fields.number(asset.get("rarity_score")),
    )


def _known_of_all(collection: Mapping[str, Any]) -> dict[str, object]:
    return fields.present(
        floor_price=fields.number(collection.get("floor_price")),
        floor_currency=fields.text(collection.get("price_symbol")),
        is_spam=fields.flag(collection.get("is_spam")),
        verified=fields.flag(collection.get("verified")),
        opensea_verified=fields.flag(collection.get("opensea_verified")),
    )

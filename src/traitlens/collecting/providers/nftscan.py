"""NFTScan's API v2 for EVM chains, as documented and as its own SDK has it.

    /api/v2/assets/{contract}        a page of up to 100 assets by ascending token id; `next` of the
                                     answer is `cursor` of the next request
    /api/v2/collections/{contract}   name, symbol, standard, number of items, floor price, spam

https://docs.nftscan.com/reference/evm/get-nfts-by-contract, .../get-an-nft-collection,
https://docs.nftscan.com/nftscan/Asset%20Model and Collection%20Model; hosts, models and limits as
in github.com/nftscan-official/nftscan-api-js-sdk. The key goes into the header `X-API-KEY`.

Each answer is an envelope, {"code": 200, "msg": null, "data": ...}: a `code` of 4XX or 5XX is an
error, whatever HTTP's status says. HTTP's own are the fetcher's matter; an envelope that says 429
or 5XX is waited out here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from traitlens.collecting.documents import Document, read_document
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
PAGE_SIZE = 100  # the most that a page has
WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0)  # after each envelope that says 429 or 5XX

_OK = 200
_REASONS: Mapping[int, FetchReason] = {
    401: "refused",
    403: "refused",
    404: "not found",
    429: "rate limited",
}


class Nftscan:
    """A provider; see `providers.Provider`."""

    name: str = "nftscan"
    variable: str = "NFTSCAN_API_KEY"

    def __init__(
        self,
        fetcher: JsonGetter,
        *,
        key: str,
        chain: str = "eip155:1",
        base_url: str | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep a key and the address of a chain; raise ConfigError for one that is not served."""
        host = served(chain, HOSTS, self.name)
        self._fetcher = fetcher
        self._key = key
        self._chain = chain
        self._base_url = (base_url or f"https://{host}").rstrip("/")
        self._sleep = sleep

    async def info(self, address: str) -> Contract:
        """Return what NFTScan knows of the contract; raise CollectError where it knows nothing."""
        address = checked_address(address)
        data = await self._collection(address)
        standard = fields.standard(data.get("erc_type"))
        if standard is None:
            said = one_line(str(data.get("erc_type")))
            raise CollectError(
                f"{address} on {self._chain} is no collection that nftscan knows; "
                f"it has the standard {said!r}"
            )
        return Contract(
            chain_id=self._chain,
            address=address,
            standard=standard,
            name=fields.text(data.get("name")),
            symbol=fields.text(data.get("symbol")),
            total_supply=fields.whole(data.get("items_total")),
            recognised_by=self.name,
        )

    async def tokens(self, address: str) -> AsyncIterator[ListedToken]:
        """Yield the contract's tokens, each once; raise CollectError for a listing without end.

        `known` has, where NFTScan says it: `last_price`, `last_currency` and `last_sold_ms` (since
        1970) of the latest trade; `mint_price`; `rarity_rank` and `rarity_score`; and of the
        collection `floor_price`, `floor_currency`, `is_spam`, `verified` and `opensea_verified`.
        """
        address = checked_address(address)
        shared = _known_of_all(await self._collection(address))

        async def page_of(cursor: str | None) -> Page:
            return await self._page(address, cursor, shared)

        async for token in all_tokens(page_of, of=self._of(address)):
            yield token

    async def _page(self, address: str, cursor: str | None, shared: Mapping[str, object]) -> Page:
        asked = {"limit": str(PAGE_SIZE)} | ({} if cursor is None else {"cursor": cursor})
        data = fields.mapping(await self._get(f"assets/{address}", asked, address))
        listed = data.get("content")
        if not isinstance(listed, list):
            raise CollectError(f"{self._of(address)}: the answer has no list of tokens")
        return Page(
            tokens=[_token(item, self._of(address), shared) for item in listed],
            next_key=key_of_next(data.get("next"), of=self._of(address)),
        )

    async def _collection(self, address: str) -> Mapping[str, Any]:
        asked = {"show_attribute": "false"}
        return fields.mapping(await self._get(f"collections/{address}", asked, address))

    async def _get(self, path: str, params: Mapping[str, str], about: str) -> object:
        try:
            return await self._patiently(f"{self._base_url}/api/v2/{path}", params)
        except FetchError as error:
            raise failure(
                error, provider=self.name, variable=self.variable, key=self._key, about=about
            ) from None

    async def _patiently(self, url: str, params: Mapping[str, str]) -> object:
        """Return the data of an envelope, after waiting for one that says 429 or 5XX to pass."""
        headers = {"X-API-KEY": self._key}
        for wait_s in WAITS_S:
            answer = await self._fetcher.get_json(url, params=params, headers=headers)
            try:
                return _opened(answer)
            except FetchError as error:
                if error.for_good:
                    raise
            await self._sleep(wait_s)
        return _opened(await self._fetcher.get_json(url, params=params, headers=headers))

    def _of(self, address: str) -> str:
        return f"nftscan, {address} on {self._chain}"


def _opened(answer: object) -> object:
    """Return the data in an envelope; raise FetchError for the error that it tells."""
    envelope = fields.mapping(answer)
    code = fields.whole(envelope.get("code"))
    if code == _OK:
        return envelope.get("data")
    if code is None:
        raise FetchError("server error", "the answer is no envelope with a code")
    reason = _REASONS.get(code, "unusable address" if 400 <= code < 500 else "server error")
    raise FetchError(reason, f"code {code}, {one_line(str(envelope.get('msg')))}")


def _token(item: object, of: str, shared: Mapping[str, object]) -> ListedToken:
    asset = fields.mapping(item)
    token_id = fields.whole(asset.get("token_id"))
    if token_id is None:
        token_id = fields.whole(asset.get("contract_token_id"))
    if token_id is None:
        raise CollectError(f"{of}: a token has the id {one_line(str(asset.get('token_id')))!r}")
    uri = fields.address(asset.get("token_uri"))
    document = _document(asset.get("metadata_json"))
    return ListedToken(
        token_id=str(token_id),
        uri=uri,
        problem=None if uri or document else "no token URI",
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

"""Alchemy's NFT API v3, against a server on loopback with the shapes of its OpenAPI file."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.collecting.loopback import Asked, Loopback, Reply, as_json, serving
from traitlens.collecting.fetching import FetchConfig, Fetcher
from traitlens.collecting.providers import Provider, make_provider
from traitlens.collecting.providers.alchemy import NETWORKS, Alchemy
from traitlens.collecting.records import Contract, ListedToken
from traitlens.errors import CollectError, ConfigError

KEY = "k3y-that-nobody-may-see"
ADDRESS = "0x" + "Ab" * 20

# As in the examples of src/openapi/nft/nft.yaml in github.com/alchemyplatform/docs, shortened.
CONTRACT: dict[str, Any] = {
    "address": ADDRESS,
    "name": "DuskBreakers",
    "symbol": "DUSK",
    "totalSupply": "10000",
    "tokenType": "ERC721",
    "contractDeployer": "0x9c78DDec1F16685ee6E58637a640514A1eD87BC4",
    "deployedBlockNumber": 13736379,
    "openSeaMetadata": {
        "floorPrice": 0.0582,
        "collectionName": "DuskBreakers",
        "safelistRequestStatus": "verified",
        "lastIngestedAt": "2023-04-19T17:25:59.000Z",
    },
    "isSpam": None,
    "spamClassifications": [],
}


def nft(token_id: object, **more: Any) -> dict[str, Any]:
    document = {"name": f"#{token_id}", "attributes": [{"trait_type": "Eyes", "value": "Red"}]}
    return {
        "contract": CONTRACT,
        "tokenId": token_id,
        "tokenType": "ERC721",
        "name": f"#{token_id}",
        "image": {"originalUrl": f"https://duskbreakers.gg/{token_id}.png"},
        "raw": {"tokenUri": f"https://duskbreakers.gg/{token_id}", "metadata": document},
        "timeLastUpdated": "2023-04-19T17:25:59.000Z",
        **more,
    }


async def listed(provider: Provider) -> list[ListedToken]:
    return [token async for token in provider.tokens(ADDRESS)]


def with_alchemy(
    answer: Callable[[Asked], Reply],
    use: Callable[[Provider], Any],
    *,
    waits: list[float] | None = None,
) -> tuple[Any, Loopback]:
    """Return what comes of using the provider on a server, and the server."""

    async def sleep(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)

    async def run(server: Loopback) -> Any:
        config = FetchConfig(allow_private_hosts=(server.authority,), retries=2, backoff_s=0)
        async with Fetcher(config) as fetcher:
            return await use(Alchemy(fetcher, key=KEY, base_url=server.url, sleep=sleep))

    with serving(answer) as server:
        return asyncio.run(run(server)), server


def tokens_of(answer: Callable[[Asked], Reply]) -> list[ListedToken]:
    found: list[ListedToken] = with_alchemy(answer, listed)[0]
    return found


def one(item: dict[str, Any]) -> ListedToken:
    (token,) = tokens_of(lambda _: as_json({"nfts": [item]}))
    return token


def info_of(answer: Callable[[Asked], Reply]) -> Contract:
    found: Contract = with_alchemy(answer, lambda provider: provider.info(ADDRESS))[0]
    return found


def test_pages_are_followed_to_the_end() -> None:
    pages = {
        None: {"nfts": [nft("0"), nft("1")], "pageKey": "0x02"},
        "0x02": {"nfts": [nft("2")], "pageKey": "0x03"},
        "0x03": {"nfts": [nft("3")]},
    }
    tokens, server = with_alchemy(lambda a: as_json(pages[a.query.get("startToken")]), listed)
    assert [token.token_id for token in tokens] == ["0", "1", "2", "3"]
    assert [asked.path for asked in server.asked] == ["/nft/v3/getNFTsForContract"] * 3
    first = {
        "contractAddress": ADDRESS.lower(),
        "withMetadata": "true",
        "limit": "100",
        "tokenUriTimeoutInMs": "0",
    }
    assert server.asked[0].query == first
    assert server.asked[2].query == {**first, "startToken": "0x03"}


def test_a_token_has_its_uri_its_document_and_what_is_known_of_price_and_spam() -> None:
    spam = {"isSpam": "true", "spamClassifications": ["OwnedByMostHoneyPots"]}
    assert one(nft("28", contract=CONTRACT | spam)) == ListedToken(
        token_id="28",
        uri="https://duskbreakers.gg/28",
        document={"name": "#28", "attributes": [{"trait_type": "Eyes", "value": "Red"}]},
        known={
            "floor_price": 0.0582,
            "opensea_status": "verified",
            "is_spam": True,
            "spam_reasons": ["OwnedByMostHoneyPots"],
        },
    )


def test_the_spelling_of_the_schema_is_read_as_that_of_the_examples() -> None:
    contract = {"openseaMetadata": {"floorPrice": 2, "safelistRequestStatus": "approved"}}
    assert one(nft("1", contract=contract)).known == {
        "floor_price": 2,
        "opensea_status": "approved",
    }


def test_what_alchemy_could_not_read_still_has_its_uri() -> None:
    raw = {"tokenUri": "ipfs://Qm/1", "metadata": {}, "error": "Request timed out"}
    token = one(nft("1", raw=raw))
    assert (token.uri, token.document, token.problem) == ("ipfs://Qm/1", None, None)
    assert token.known["metadata_error"] == "Request timed out"


def test_a_token_without_uri_and_document_says_why() -> None:
    raw: dict[str, Any] = {
        "tokenUri": None,
        "metadata": {},
        "error": "Contract returned a broken token uri",
    }
    assert one(nft("1", raw=raw)).problem == "Contract returned a broken token uri"
    assert one({"tokenId": "1"}).problem == "no token URI"


@pytest.mark.parametrize(
    ("written", "token_id"), [("7", "7"), ("0x1f", "31"), (12, "12"), (str(2**256 - 1),) * 2]
)
def test_an_id_is_decimal_however_it_is_written(written: object, token_id: str) -> None:
    assert one(nft(written)).token_id == token_id


@pytest.mark.parametrize(
    "bad", [None, "", "-1", "1.5", "../1", True, [], {}, str(2**256), "9" * 5000, "\u0661"]
)
def test_an_id_that_is_none_is_an_error_not_a_lost_row(bad: object) -> None:
    with pytest.raises(CollectError, match="a token has the id"):
        one(nft(bad))


@pytest.mark.parametrize("other", [None, 7, "text", ["list"], {"an": "object"}, True, 1e400])
def test_a_field_of_another_type_is_left_out(other: Any) -> None:
    names = [name for name in nft("1") if name != "tokenId"]
    for name in names:
        assert one({**nft("1"), name: other}).token_id == "1"
    contract = dict.fromkeys(CONTRACT, other)
    market = CONTRACT | {"openSeaMetadata": dict.fromkeys(CONTRACT["openSeaMetadata"], other)}
    for token in (one(nft("1", contract=contract)), one(nft("1", contract=market))):
        for value in token.known.values():
            assert isinstance(value, int | float | str | bool | list)
    raw = one(nft("1", raw=dict.fromkeys(("tokenUri", "metadata", "error"), other), tokenUri=other))
    assert raw.uri in (None, "text")
    assert raw.document in (None, {"an": "object"})


@pytest.mark.parametrize("answer", [[], "text", 3, {}, {"nfts": None}, {"nfts": {"1": 2}}])
def test_an_answer_of_another_shape_is_one_sentence(answer: Any) -> None:
    with pytest.raises(CollectError, match="the answer has no list of tokens"):
        tokens_of(lambda _: as_json(answer))


def test_tokens_that_come_again_come_once() -> None:
    pages = {
        None: {"nfts": [nft("1"), nft("1"), nft("0x1")], "pageKey": "a"},
        "a": {"nfts": [nft("1"), nft("2")]},
    }
    found = tokens_of(lambda a: as_json(pages[a.query.get("startToken")]))
    assert [token.token_id for token in found] == ["1", "2"]


def test_a_page_key_that_comes_again_ends_the_listing_with_an_error() -> None:
    with pytest.raises(CollectError, match="the same page comes again after 1 tokens"):
        tokens_of(lambda _: as_json({"nfts": [nft("1")], "pageKey": "a"}))


def test_pages_without_end_and_without_tokens_end_with_an_error() -> None:
    count = iter(range(1000))
    with pytest.raises(CollectError, match="the pages do not end after 1 tokens"):
        tokens_of(lambda _: as_json({"nfts": [nft("1")], "pageKey": str(next(count))}))


@pytest.mark.parametrize("key", [[], {}, True, 1.5, "k" * 5000])
def test_a_page_key_that_can_be_none_loses_no_tokens_in_silence(key: Any) -> None:
    with pytest.raises(CollectError, match="the key of the next page"):
        tokens_of(lambda _: as_json({"nfts": [nft("1")], "pageKey": key}))


@pytest.mark.parametrize("last", [None, ""])
def test_a_page_key_may_also_be_empty_at_the_end(last: Any) -> None:
    found = tokens_of(lambda _: as_json({"nfts": [nft("1")], "pageKey": last}))
    assert len(found) == 1


def test_the_contract_is_described() -> None:
    assert info_of(lambda _: as_json(CONTRACT)) == Contract(
        chain_id="eip155:1",
        address=ADDRESS.lower(),
        standard="erc721",
        name="DuskBreakers",
        symbol="DUSK",
        total_supply=10_000,
        recognised_by="alchemy",
    )


@pytest.mark.parametrize("supply", [None, "many", -1, 1.5, [], True])
def test_a_supply_of_another_type_is_unknown(supply: Any) -> None:
    assert info_of(lambda _: as_json(CONTRACT | {"totalSupply": supply})).total_supply is None


@pytest.mark.parametrize("kind", ["NOT_A_CONTRACT", "NO_SUPPORTED_NFT_STANDARD", None, 7])
def test_what_is_no_contract_of_nfts_is_refused_in_alchemys_word(kind: Any) -> None:
    with pytest.raises(CollectError, match=f"alchemy knows; it calls the standard '{kind}'"):
        info_of(lambda _: as_json(CONTRACT | {"tokenType": kind}))


def test_a_rate_limit_that_passes_is_waited_out() -> None:
    replies = [
        as_json({"error": {"code": 429, "message": "Too many"}}, status=429, Retry_After="0"),
        as_json({"nfts": [nft("1")]}),
    ]
    assert len(tokens_of(lambda _: replies.pop(0))) == 1


def test_an_error_inside_a_good_answer_is_waited_out_if_it_may_pass() -> None:
    waits: list[float] = []
    replies = [as_json({"error": {"code": 429, "message": "slow down"}})] * 2 + [as_json(CONTRACT)]
    with_alchemy(lambda _: replies.pop(0), lambda p: p.info(ADDRESS), waits=waits)
    assert waits == [1.0, 2.0]


# The messages are those of https://www.alchemy.com/docs/reference/error-reference.
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (429, {"error": {"code": 429, "message": "capacity"}}, "rate limited.*higher limit"),
        (401, {"error": {"code": -32600, "message": "Must be authenticated!"}}, "refused.*KEY may"),
        (
            403,
            {"jsonrpc": "2.0", "error": {"code": -32600, "message": "App is inactive."}},
            "App is inactive.*the key in ALCHEMY_API_KEY may be wrong, used up",
        ),
        (
            200,
            {"jsonrpc": "2.0", "error": {"code": 429, "message": "compute units"}},
            "rate limited: code 429, compute units",
        ),
        (400, {"error": "Invalid 1st argument"}, "Invalid 1st argument"),
        (500, {"error": {"code": -32603, "message": "internal server error"}}, "server error"),
        (503, {}, "server error"),
        (200, {"error": None}, "server error: no code, None"),
        (200, {"error": "out of order"}, "server error: no code, out of order"),
        (200, {"error": {"code": [429], "message": ""}}, "server error"),
        (200, {"error": {"code": {}, "message": ""}}, "server error"),
    ],
)
def test_an_error_is_one_sentence_without_the_key(status: int, body: Any, said: str) -> None:
    if isinstance(body.get("error"), dict):
        body["error"]["message"] += f" (asked with {KEY},\nBearer {KEY})"
    with pytest.raises(CollectError, match=said) as caught:
        tokens_of(lambda _: as_json(body, status=status))
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_key_travels_in_a_header_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        _, server = with_alchemy(lambda _: as_json({"nfts": []}), listed)
    (asked,) = server.asked
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in asked.path
    assert KEY not in str(asked.query)
    assert KEY not in caplog.text


def test_the_key_is_not_in_the_providers_words_for_itself() -> None:
    made = make_provider("alchemy", NoFetcher(), environ={"ALCHEMY_API_KEY": KEY})
    assert KEY not in repr(made)
    assert KEY not in str(made)


def test_a_redirect_does_not_take_the_key_elsewhere() -> None:
    with serving(lambda _: as_json({"nfts": []})) as elsewhere:
        there = {"Location": f"{elsewhere.url}/nft/v3/getNFTsForContract"}
        with pytest.raises(CollectError, match="refused"):
            tokens_of(lambda _: Reply(status=302, headers=there))
    assert elsewhere.asked == []


class NoFetcher:
    async def get_json(self, url: str, **_: object) -> object:
        raise AssertionError(f"{url} was asked for")


@pytest.mark.parametrize("environ", [{}, {"ALCHEMY_API_KEY": ""}, {"ALCHEMY_API_KEY": "  "}])
def test_a_missing_key_names_its_variable(environ: dict[str, str]) -> None:
    with pytest.raises(CollectError, match="alchemy needs a key: set ALCHEMY_API_KEY"):
        make_provider("alchemy", NoFetcher(), environ=environ)


def test_a_key_that_would_break_a_header_is_refused_unseen() -> None:
    with pytest.raises(CollectError, match="the key in ALCHEMY_API_KEY") as caught:
        make_provider("alchemy", NoFetcher(), environ={"ALCHEMY_API_KEY": "abc\ndef"})
    assert "def" not in str(caught.value)


def test_another_provider_or_chain_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="provider must be one of alchemy, nftscan"):
        make_provider("moralis", NoFetcher(), environ={})
    environ = {"ALCHEMY_API_KEY": KEY}
    with pytest.raises(ConfigError, match=r"alchemy serves the chains eip155:1, .*'eip155:9999'"):
        make_provider("alchemy", NoFetcher(), environ=environ, chain="eip155:9999")


@pytest.mark.parametrize("address", ["", "0x12", "azuki", "0x" + "g" * 40, f"{ADDRESS}/.."])
def test_what_is_no_address_is_refused_unasked(address: str) -> None:
    provider = Alchemy(NoFetcher(), key=KEY)
    with pytest.raises(CollectError, match="40 hex digits; got"):
        asyncio.run(listed_of(provider, address))


async def listed_of(provider: Provider, address: str) -> list[ListedToken]:
    return [token async for token in provider.tokens(address)]


def test_each_chain_has_its_host() -> None:
    urls: dict[str, str] = {}

    class Noting:
        async def get_json(self, url: str, **_: object) -> object:
            urls[url] = chain
            return CONTRACT

    for chain in NETWORKS:
        info = asyncio.run(Alchemy(Noting(), key=KEY, chain=chain).info(ADDRESS))
        assert info.chain_id == chain
    assert len(urls) == len(NETWORKS)
    base = "https://base-mainnet.g.alchemy.com/nft/v3/getContractMetadata"
    assert urls[base] == "eip155:8453"

"""NFTScan's API v2, against a server on loopback with the models and envelopes of its SDK."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.collecting.loopback import Asked, Loopback, Reply, as_json, serving
from traitlens.collecting.fetching import FetchConfig, Fetcher
from traitlens.collecting.providers import make_provider
from traitlens.collecting.providers.asking import WAITS_S
from traitlens.collecting.providers.nftscan import HOSTS, Nftscan
from traitlens.collecting.records import Contract, ListedToken
from traitlens.errors import CollectError, ConfigError

KEY = "k3y-that-nobody-may-see"
ADDRESS = "0x" + "Ab" * 20
ASSETS = f"/api/v2/assets/{ADDRESS.lower()}"
COLLECTIONS = f"/api/v2/collections/{ADDRESS.lower()}"

# The Collection Model and the Asset Model (src/types/evm in nftscan-official/nftscan-api-js-sdk).
COLLECTION: dict[str, Any] = {
    "contract_address": ADDRESS,
    "name": "Azuki",
    "symbol": "AZUKI",
    "erc_type": "erc721",
    "items_total": 10000,
    "amounts_total": 10000,
    "deploy_block_number": 13975838,
    "floor_price": 4.21,
    "price_symbol": "ETH",
    "is_spam": False,
    "verified": True,
    "opensea_verified": True,
}
SHARED = {
    "floor_price": 4.21,
    "floor_currency": "ETH",
    "is_spam": False,
    "verified": True,
    "opensea_verified": True,
}


def asset(token_id: object, **more: Any) -> dict[str, Any]:
    return {
        "contract_address": ADDRESS,
        "contract_token_id": "0x00",
        "token_id": token_id,
        "erc_type": "erc721",
        "amount": "1",
        "token_uri": f"ipfs://Qm/{token_id}",
        "metadata_json": json.dumps({"name": f"Azuki #{token_id}"}),
        "latest_trade_price": 5.5,
        "latest_trade_symbol": "ETH",
        "latest_trade_timestamp": 1700000000000,
        "mint_price": 1,
        "rarity_score": 120.25,
        "rarity_rank": 77,
        **more,
    }


def good(data: Any) -> Reply:
    return as_json({"code": 200, "msg": None, "data": data})


def pages(*contents: list[Any]) -> Callable[[Asked], Reply]:
    """Answer with a page for each list; the cursor is the page's number."""

    def answer(asked: Asked) -> Reply:
        if asked.path == COLLECTIONS:
            return good(COLLECTION)
        at = int(asked.query.get("cursor", "0"))
        following = str(at + 1) if at + 1 < len(contents) else None
        return good({"total": 9, "next": following, "content": contents[at]})

    return answer


async def listed(provider: Nftscan) -> list[ListedToken]:
    return [token async for token in provider.tokens(ADDRESS)]


def with_nftscan(
    answer: Callable[[Asked], Reply],
    use: Callable[[Nftscan], Any],
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
            return await use(Nftscan(fetcher, key=KEY, base_url=server.url, sleep=sleep))

    with serving(answer) as server:
        return asyncio.run(run(server)), server


def tokens_of(answer: Callable[[Asked], Reply]) -> list[ListedToken]:
    found: list[ListedToken] = with_nftscan(answer, listed)[0]
    return found


def info_of(answer: Callable[[Asked], Reply]) -> Contract:
    found: Contract = with_nftscan(answer, lambda provider: provider.info(ADDRESS))[0]
    return found


def one(item: Any) -> ListedToken:
    (token,) = tokens_of(pages([item]))
    return token


def test_cursors_are_followed_to_the_end() -> None:
    tokens, server = with_nftscan(pages([asset("0"), asset("1")], [asset("2")], []), listed)
    assert [token.token_id for token in tokens] == ["0", "1", "2"]
    assert [asked.path for asked in server.asked] == [COLLECTIONS, ASSETS, ASSETS, ASSETS]
    assert [asked.query for asked in server.asked[1:]] == [
        {"limit": "100"},
        {"limit": "100", "cursor": "1"},
        {"limit": "100", "cursor": "2"},
    ]


def test_a_token_has_its_uri_its_document_and_what_is_known_of_price_rarity_and_spam() -> None:
    assert one(asset("7")) == ListedToken(
        token_id="7",
        uri="ipfs://Qm/7",
        document='{"name": "Azuki #7"}',
        known={
            **SHARED,
            "last_price": 5.5,
            "last_currency": "ETH",
            "last_sold_ms": 1700000000000,
            "mint_price": 1,
            "rarity_rank": 77,
            "rarity_score": 120.25,
        },
    )


def test_what_was_never_sold_has_no_price() -> None:
    never = {"latest_trade_price": None, "latest_trade_symbol": None, "mint_price": None}
    known = one(asset("7", **never, latest_trade_timestamp=None)).known
    assert "last_price" not in known
    assert set(known) == {*SHARED, "rarity_rank", "rarity_score"}


@pytest.mark.parametrize(
    "document",
    [None, "", "null", "not JSON", "<html>", '{"a": NaN}', "[1]", "[" * 100_000, 7, {}, "\ud800"],
)
def test_metadata_that_are_none_are_left_to_the_uri(document: Any) -> None:
    token = one(asset("7", metadata_json=document))
    assert (token.document, token.uri, token.problem) == (None, "ipfs://Qm/7", None)


def test_metadata_may_come_as_an_object() -> None:
    assert one(asset("7", metadata_json={"name": "x"})).document == {"name": "x"}


def test_a_token_without_uri_and_document_says_so() -> None:
    assert one({"token_id": "7"}).problem == "no token URI"


def test_the_id_in_hex_stands_in_for_a_missing_one() -> None:
    assert one(asset(None, contract_token_id="0x0000001f")).token_id == "31"


@pytest.mark.parametrize("bad", [None, "", "x", -1, 1.5, True, []])
def test_an_id_that_is_none_is_an_error_not_a_lost_row(bad: object) -> None:
    with pytest.raises(CollectError, match="a token has the id"):
        one(asset(bad, contract_token_id=bad))


@pytest.mark.parametrize("other", [None, 7, "text", ["list"], {"an": "object"}, True, 1e400])
def test_a_field_of_another_type_is_left_out(other: Any) -> None:
    for name in asset("1").keys() - {"token_id"}:
        token = one({**asset("1"), name: other})
        assert token.token_id == "1"
        for value in token.known.values():
            assert isinstance(value, int | float | str)
    odd = dict.fromkeys(COLLECTION, other)
    shared = {COLLECTIONS: good(odd), ASSETS: good({"content": [asset("1")]})}
    (token,) = tokens_of(lambda asked: shared[asked.path])
    assert token.known["last_price"] == 5.5


@pytest.mark.parametrize("data", [None, [], "text", 3, {}, {"content": None}, {"content": {}}])
def test_an_answer_of_another_shape_is_one_sentence(data: Any) -> None:
    replies = {COLLECTIONS: good(COLLECTION), ASSETS: good(data)}
    with pytest.raises(CollectError, match="the answer has no list of tokens"):
        tokens_of(lambda asked: replies[asked.path])


def test_tokens_that_come_again_come_once() -> None:
    found = tokens_of(pages([asset("1"), asset("1")], [asset("1"), asset("2")]))
    assert [token.token_id for token in found] == ["1", "2"]


def test_a_cursor_that_comes_again_ends_the_listing_with_an_error() -> None:
    replies = {COLLECTIONS: good(COLLECTION), ASSETS: good({"next": "a", "content": [asset("1")]})}
    with pytest.raises(CollectError, match="the same page comes again after 1 tokens"):
        tokens_of(lambda asked: replies[asked.path])


def test_the_contract_is_described() -> None:
    assert info_of(lambda _: good(COLLECTION)) == Contract(
        chain_id="eip155:1",
        address=ADDRESS.lower(),
        standard="erc721",
        name="Azuki",
        symbol="AZUKI",
        total_supply=10_000,
        recognised_by="nftscan",
    )


@pytest.mark.parametrize("data", [None, {}, [], {"erc_type": "erc20"}, {"erc_type": 721}])
def test_a_contract_that_nftscan_does_not_know_is_refused(data: Any) -> None:
    with pytest.raises(CollectError, match="is no collection that nftscan knows"):
        info_of(lambda _: good(data))


@pytest.mark.parametrize("code", [429, 500, 503])
def test_an_envelope_that_asks_for_patience_gets_it(code: int) -> None:
    waits: list[float] = []
    replies = [as_json({"code": code, "msg": "slow down"})] * 2 + [good(COLLECTION)]
    with_nftscan(lambda _: replies.pop(0), lambda p: p.info(ADDRESS), waits=waits)
    assert waits == [1.0, 2.0]


def test_patience_has_an_end() -> None:
    waits: list[float] = []
    busy = as_json({"code": 429, "msg": "API rate limit exceeded"})
    with pytest.raises(CollectError, match="rate limited: code 429, API rate limit exceeded"):
        with_nftscan(lambda _: busy, lambda p: p.info(ADDRESS), waits=waits)
    assert waits == list(WAITS_S)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (as_json({"code": 403, "msg": "bad key"}), "refused: code 403, bad key; the key in NFT"),
        (as_json({"code": 401, "msg": None}), "refused: code 401"),
        (as_json({"code": 404, "msg": "no such"}), "not found: code 404, no such"),
        (as_json({"code": "400", "msg": "limit capped at 100"}), "code 400, limit capped at 100"),
        (as_json({"msg": "?"}), "server error: no code, [?]"),
        (as_json(["?"]), "server error: no code"),
        (as_json({"code": 403, "msg": "bad key"}, status=403), "refused: 403 .*NFTSCAN_API_KEY"),
        (as_json({}, status=429, Retry_After="0"), "rate limited.*higher limit"),
        (Reply(body=b"<html>"), "server error"),
        (Reply(status=502, body=b"bad gateway"), "server error"),
    ],
)
def test_an_error_is_one_sentence(reply: Reply, said: str) -> None:
    with pytest.raises(CollectError, match=said) as caught:
        info_of(lambda _: reply)
    assert "\n" not in str(caught.value)


def test_no_error_shows_the_key() -> None:
    for status in (200, 403):
        told = as_json({"code": 403, "msg": f"{KEY} is\nno key"}, status=status)
        with pytest.raises(CollectError) as caught:
            info_of(lambda _, told=told: told)  # type: ignore[misc]
        assert KEY not in str(caught.value)


def test_the_key_travels_in_a_header_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        _, server = with_nftscan(pages([]), listed)
    for asked in server.asked:
        assert asked.headers["x-api-key"] == KEY
        assert KEY not in f"{asked.path} {asked.query}"
    assert KEY not in caplog.text


class NoFetcher:
    async def get_json(self, url: str, **_: object) -> object:
        raise AssertionError(f"{url} was asked for")


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(CollectError, match="nftscan needs a key: set NFTSCAN_API_KEY"):
        make_provider("nftscan", NoFetcher(), environ={"ALCHEMY_API_KEY": KEY})


def test_a_chain_that_is_not_served_is_refused_with_those_that_are() -> None:
    environ = {"NFTSCAN_API_KEY": KEY}
    with pytest.raises(ConfigError, match=r"nftscan serves the chains eip155:1, .*'eip155:42161'"):
        make_provider("nftscan", NoFetcher(), environ=environ, chain="eip155:42161")


def test_each_chain_has_its_host() -> None:
    urls: dict[str, str] = {}

    class Noting:
        async def get_json(self, url: str, **_: object) -> object:
            urls[url] = chain
            return {"code": 200, "data": COLLECTION}

    for chain in HOSTS:
        info = asyncio.run(Nftscan(Noting(), key=KEY, chain=chain).info(ADDRESS))
        assert info.chain_id == chain
    assert len(urls) == len(HOSTS)
    assert urls[f"https://baseapi.nftscan.com{COLLECTIONS}"] == "eip155:8453"

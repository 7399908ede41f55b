"""`collect` with a provider instead of a node, and collections of the published data set."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.collecting.drawn_collection import (
    asked_for,
    changes,
    config_for,
    contents,
    document,
    publish_on_a_host,
    records,
)
from tests.collecting.gateway_server import GatewayServer, Page
from traitlens.collecting import listing, pipeline
from traitlens.collecting.config import CollectConfig
from traitlens.collecting.pipeline import collect
from traitlens.collecting.records import Contract, ListedToken
from traitlens.errors import CollectError, ConfigError

ADDRESS = "0x" + "ab" * 20


class Stopped(BaseException):
    """As a kill: nothing that code may catch and go on."""


@dataclass
class Provider:
    """A provider that knows the tokens that a test gives it, in that order."""

    listed: Sequence[ListedToken]
    name: str = "alchemy"
    times: int = 0

    async def info(self, address: str) -> Contract:
        return Contract(
            chain_id="eip155:1", address=address, standard="erc721", recognised_by=self.name
        )

    async def tokens(self, address: str) -> AsyncIterator[ListedToken]:
        self.times += 1
        for token in self.listed:
            yield token


@pytest.fixture
def provider(server: GatewayServer, monkeypatch: pytest.MonkeyPatch) -> Provider:
    base = publish_on_a_host(server, range(1, 6))
    listed = [ListedToken(token_id=str(n), uri=f"{base}{n}") for n in (5, 3, 1, 2, 4)]
    made = Provider(listed)
    monkeypatch.setattr(listing, "make_provider", lambda *_, **__: made)
    return made


def config(server: GatewayServer, **options: Any) -> CollectConfig:
    return replace(config_for(server, server.url), rpc=None, provider="alchemy", **options)


def test_what_a_provider_lists_is_fetched_and_comes_sorted(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    report = collect(ADDRESS.upper().replace("X", "x"), tmp_path / "raw", config=config(server))
    assert report.statuses == {"collected": 5, "rejected": 0, "failed": 0}
    assert list(records(tmp_path / "raw")) == ["1", "2", "3", "4", "5"]
    assert "block" not in records(tmp_path / "raw")["1"]


def test_a_document_that_came_with_the_list_is_not_asked_for(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    (first, *rest) = provider.listed
    sent = document(5, f"{server.url}/images/5.png")
    provider.listed = [replace(first, document=sent), *rest]
    collect(ADDRESS, tmp_path / "raw", config=config(server))
    record = records(tmp_path / "raw")["5"]
    assert record["status"] == "collected"
    assert record["document"]["proof"] == "unverified"
    assert "/tokens/5" not in asked_for(server)


def test_what_a_provider_knows_beside_is_kept_and_renewed(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    for price in (1.5, 2.5):
        (first, *rest) = provider.listed
        provider.listed = [replace(first, known={"floor_price": price, "spam": False}), *rest]
        collect(ADDRESS, tmp_path / "raw", config=config(server))
        known = records(tmp_path / "raw")["5"]["known"]
        assert known == {"floor_price": price, "spam": False}
    assert changes(tmp_path / "raw") == [], "a price is no change of the token"


def test_a_token_listed_twice_is_one(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    provider.listed = [*provider.listed, *provider.listed]
    assert collect(ADDRESS, tmp_path / "raw", config=config(server)).tokens == 5


def test_a_provider_is_asked_once_though_the_run_stops(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    def stop(stage: str, done: int, *_: Any) -> None:
        if (stage, done) == ("collect", 2):
            raise Stopped

    with pytest.raises(Stopped):
        collect(ADDRESS, tmp_path / "raw", config=config(server), progress=stop)
    collect(ADDRESS, tmp_path / "raw", config=config(server))
    assert provider.times == 1
    calm = collect(ADDRESS, tmp_path / "calm", config=config(server))
    assert contents(tmp_path / "raw") == contents(calm.path)


def test_what_a_provider_no_longer_lists_is_not_taken_away(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    collect(ADDRESS, tmp_path / "raw", config=config(server))
    provider.listed = provider.listed[:2]
    assert collect(ADDRESS, tmp_path / "raw", config=config(server)).tokens == 5


def test_retry_finds_the_addresses_again(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    page = server.pages["/images/3.png"]
    server.pages["/images/3.png"] = Page(status=503)
    collect(ADDRESS, tmp_path / "raw", config=config(server))
    server.pages["/images/3.png"] = page
    server.requests.clear()
    report = collect(ADDRESS, tmp_path / "raw", config=config(server, retry="failed"))
    assert report.statuses["collected"] == 5
    assert asked_for(server) == ["/images/3.png"]


@pytest.mark.parametrize("token_id", ["../1", "0x5", "", "-1"])
def test_an_id_that_is_none_ends_the_run(
    token_id: str, provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    provider.listed = [ListedToken(token_id=token_id, uri="x")]
    with pytest.raises(CollectError, match="uint256 in decimal"):
        collect(ADDRESS, tmp_path / "raw", config=config(server))


@pytest.mark.parametrize("name", ["block", "from_block"])
def test_a_block_needs_a_node(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} needs a node"):
        CollectConfig(provider="alchemy", **{name: 5})  # type: ignore[arg-type]


def test_a_published_collection_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Path]] = []

    def download(name: str, out: Path, **_: Any) -> Path:
        asked.append((name, out))
        return out / f"{name}.zip"

    monkeypatch.setattr(pipeline, "download_collection", download)
    report = collect("NFT1000:Azuki", tmp_path / "raw")
    assert asked == [("Azuki", tmp_path / "raw")]
    assert (report.path, report.tokens) == (tmp_path / "raw/Azuki.zip", 0)


def test_named_tokens_alone_are_taken_from_a_providers_list(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    collect(ADDRESS, tmp_path / "raw", config=config(server, ids="2,4-9"))
    assert list(records(tmp_path / "raw")) == ["2", "4", "5"]


def test_a_document_without_an_address_that_did_not_change_is_left_alone(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    sent = document(1, f"{server.url}/images/1.png")
    provider.listed = [ListedToken(token_id="1", uri=None, document=sent)]
    collect(ADDRESS, tmp_path / "raw", config=config(server))
    server.requests.clear()
    assert collect(ADDRESS, tmp_path / "raw", config=config(server)).statuses["collected"] == 1
    assert server.requests == []


def test_a_retry_asks_who_was_asked_before(
    provider: Provider, server: GatewayServer, tmp_path: Path
) -> None:
    collect(ADDRESS, tmp_path / "raw", config=config(server))
    by_node = replace(config(server, retry="failed"), provider=None, rpc=server.url)
    with pytest.raises(CollectError, match=r"alchemy listed the collection.*--provider alchemy"):
        collect(ADDRESS, tmp_path / "raw", config=by_node)
    info = json.loads((tmp_path / "raw/collection.json").read_text())
    pinned = {**info, "block": 7, "block_hash": "0x" + "0" * 64}
    (tmp_path / "raw/collection.json").write_text(json.dumps(pinned))
    with pytest.raises(CollectError, match="of block 7, and alchemy knows the latest only"):
        collect(ADDRESS, tmp_path / "raw", config=config(server, retry="failed"))

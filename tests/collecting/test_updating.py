"""A later run takes what is new or changed, and says what changed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.collecting.chain.faulty_node import FaultyNode, Json, Reply, error, faulty
from tests.collecting.chain.node import Chain
from tests.collecting.drawn_collection import (
    TOKENS,
    as_page,
    asked_for,
    changes,
    config_for,
    contents,
    document,
    minted,
    picture,
    publish_on_a_host,
    publish_on_ipfs,
    records,
)
from tests.collecting.gateway_server import GatewayServer, Page
from traitlens.collecting.config import CollectConfig
from traitlens.collecting.pipeline import collect
from traitlens.errors import CollectError


def test_retry_takes_up_only_what_failed(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/images/4.png"] = Page(status=503)
    server.pages["/images/5.png"] = Page(status=404)
    config = config_for(server, chain.url)
    assert collect(address, tmp_path / "raw", config=config).statuses["failed"] == 1
    for n in (4, 5):
        server.pages[f"/images/{n}.png"] = Page(body=picture(n))
    server.requests.clear()
    report = collect(address, tmp_path / "raw", config=replace(config, retry="failed"))
    assert report.statuses == {"collected": 7, "rejected": 1, "failed": 0}
    assert asked_for(server) == ["/images/4.png"], "its document is there"
    report = collect(address, tmp_path / "raw", config=replace(config, retry="all"))
    assert report.statuses == {"collected": 8, "rejected": 0, "failed": 0}
    assert changes(tmp_path / "raw") == [("4", "changed"), ("5", "changed")]
    fresh = collect(address, tmp_path / "fresh", config=config)
    without_history = dict(contents(tmp_path / "raw"))
    del without_history["history.jsonl"]
    assert without_history == contents(fresh.path), "as if nothing had failed"


def test_a_retry_asks_again_for_a_document_that_somebody_changed(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/images/4.png"] = server.pages["/images/5.png"] = Page(status=503)
    config = config_for(server, chain.url)
    collect(address, tmp_path / "raw", config=config)
    (tmp_path / "raw/metadata/4.json").write_text("{}")
    (tmp_path / "raw/metadata/5.json").unlink()
    for n in (4, 5):
        server.pages[f"/images/{n}.png"] = Page(body=picture(n))
    report = collect(address, tmp_path / "raw", config=replace(config, retry="failed"))
    assert report.statuses["collected"] == 8
    assert json.loads((tmp_path / "raw/metadata/4.json").read_bytes())["name"] == "Robot #4"


def test_a_second_run_takes_only_what_is_new_or_changed(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    base = publish_on_ipfs(server.store, range(1, 12))
    address, config = minted(chain, base), config_for(server, chain.url)
    collect(address, raw, config=config)
    before = contents(raw)
    server.requests.clear()
    chain.send(address, "mint(uint256,uint256)", 9, 2)
    chain.send(address, "burn(uint256)", 2)
    report = collect(address, raw, config=config)
    assert report.taken == 2
    assert changes(raw) == [("2", "burnt"), ("9", "new"), ("10", "new")]
    assert not (raw / "images/2.png").exists()
    assert not (raw / "metadata/2.json").exists()
    kept = {name for name in before if name.startswith("images")} - {"images/2.png"}
    assert all(contents(raw)[name] == before[name] for name in kept)
    asked = {target.split("/")[-1].split("?")[0] for target in asked_for(server)}
    assert not asked & {"1", "2", "3", "1.png"}, "nothing that is there is asked for"


def test_nothing_new_changes_nothing_but_the_block(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_ipfs(server.store, TOKENS))
    config = config_for(server, chain.url)
    collect(address, tmp_path / "raw", config=config)
    before = dict(contents(tmp_path / "raw"))
    server.requests.clear()
    chain.mine(2)
    assert collect(address, tmp_path / "raw", config=config).taken == 0
    after = dict(contents(tmp_path / "raw"))
    blocks = [json.loads(files.pop("collection.json"))["block"] for files in (before, after)]
    assert blocks[1] == blocks[0] + 2
    assert before == after
    assert server.requests == []


def test_a_document_that_its_host_changed_is_taken_with_its_picture(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = config_for(server, chain.url)
    collect(address, raw, config=config)
    server.pages["/tokens/3"] = as_page(document(3, "/images/4.png"))
    server.pages["/tokens/5"] = Page(status=503)
    server.requests.clear()
    collect(address, raw, config=config)
    assert changes(raw) == [("3", "changed")], "silence is no change"
    assert (raw / "images/3.png").read_bytes() == picture(4)
    pictures = [path for path in asked_for(server) if path.startswith("/images")]
    assert pictures == ["/images/4.png"]


def test_recheck_says_what_is_asked_for_again(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = config_for(server, chain.url)
    collect(address, raw, config=config)
    server.pages["/images/3.png"] = Page(body=picture(4))
    server.requests.clear()
    collect(address, raw, config=replace(config, recheck="chain"))
    assert server.requests == []
    collect(address, raw, config=replace(config, recheck="media"))
    assert changes(raw) == [("3", "changed")]
    assert (raw / "images/3.png").read_bytes() == picture(4)


def test_a_refresh_on_the_chain_takes_the_token_again(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = config_for(server, chain.url, recheck="chain")
    collect(address, raw, config=config)
    for n in (3, 4, 5):
        server.pages[f"/images/{n}.png"] = Page(body=picture(n + 1))
    chain.send(address, "refresh(uint256)", 3)
    chain.send(address, "refresh(uint256)", 6)
    collect(address, raw, config=config)
    assert changes(raw) == [("3", "changed")], "6 is as it was, 4 and 5 nobody named"
    line = json.loads((raw / "history.jsonl").read_text())
    assert line["block"] == json.loads((raw / "collection.json").read_text())["block"]
    assert set(line["before"]) == set(line["after"]) == {"media sha256"}


def test_another_base_uri_moves_all_tokens(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = config_for(server, chain.url)
    collect(address, raw, config=config)
    chain.send(address, "setBaseURI(string)", publish_on_ipfs(server.store, TOKENS))
    assert collect(address, raw, config=config).taken == 8
    assert [change for _, change in changes(raw)] == ["changed"] * 8
    assert {record["media"]["place"] for record in records(raw).values()} == {"ipfs"}


def test_what_is_here_is_not_given_up_for_what_cannot_be_had(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = config_for(server, chain.url)
    collect(address, raw, config=config)
    before = contents(raw)
    chain.send(address, "setBaseURI(string)", "ipfs://nowhere/")
    report = collect(address, raw, config=config)
    assert report.statuses["collected"] == 8
    assert changes(raw) == [(str(n), "missed") for n in TOKENS]
    assert {record["stale"] for record in records(raw).values()} == {"unusable address"}
    assert {n: b for n, b in contents(raw).items() if "/" in n} == {
        n: b for n, b in before.items() if "/" in n
    }


def test_picture_files_follow_a_change_of_their_kind(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = config_for(server, chain.url, recheck="media")
    collect(address, raw, config=config)
    server.pages["/images/3.png"] = Page(body=b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")
    collect(address, raw, config=config)
    assert sorted(path.name for path in (raw / "images").glob("3.*")) == ["3.gif"]


def test_a_smaller_selection_takes_nothing_away(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = config_for(server, chain.url)
    assert collect(address, raw, config=replace(config, limit=3)).tokens == 3
    assert collect(address, raw, config=config).tokens == 8
    assert collect(address, raw, config=replace(config, ids="4-5")).tokens == 8


def through(node: FaultyNode, server: GatewayServer, chain: Chain, **options: Any) -> CollectConfig:
    """Return a config with a node that has bad days."""
    config = config_for(server, chain.url, **options)
    hosts = (*config.fetch.allow_private_hosts, node.url.split("/")[2])
    fetch = replace(config.fetch, allow_private_hosts=hosts)
    return replace(config, rpc=node.url, fetch=fetch)


def refusing(*methods: str, because: str) -> Callable[[Json], Reply | None]:
    def before(asked: Json) -> Reply | None:
        named = {one["method"] for one in (asked if isinstance(asked, list) else [asked])}
        return error(asked, -32000, because) if named & {*methods} else None

    return before


def test_a_retry_needs_no_node_that_remembers_the_old_state(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/tokens/3"] = server.pages["/images/4.png"] = Page(status=503)
    collect(address, tmp_path / "raw", config=config_for(server, chain.url))
    publish_on_a_host(server, TOKENS)
    forgetful = refusing("eth_call", because="missing trie node 5f6d (path )")
    with faulty(chain.url, before=forgetful) as node:
        config = through(node, server, chain, retry="failed")
        report = collect(address, tmp_path / "raw", config=config)
    assert report.statuses["collected"] == 8


def test_named_tokens_are_brought_up_to_date_by_a_node_without_logs(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    with faulty(chain.url, before=refusing("eth_getLogs", because="method not allowed")) as node:
        config = through(node, server, chain, ids="1-3")
        collect(address, tmp_path / "raw", config=config)
        server.pages["/tokens/2"] = as_page(document(2, "/images/5.png"))
        chain.mine(1)
        collect(address, tmp_path / "raw", config=config)
        assert changes(tmp_path / "raw") == [("2", "changed")]
        with pytest.raises(CollectError, match="name the tokens with --ids"):
            collect(address, tmp_path / "raw", config=replace(config, ids=None))


def test_a_document_is_not_given_up_though_its_picture_is_gone(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/images/3.png"] = Page(status=404)
    config = config_for(server, chain.url)
    collect(address, raw, config=config)
    server.pages["/tokens/3"] = Page(status=404)
    chain.send(address, "refresh(uint256)", 3)
    collect(address, raw, config=config)
    assert (raw / "metadata/3.json").is_file()
    record = records(raw)["3"]
    assert (record["half"], record["reason"], record["stale"]) == ("media", *["not found"] * 2)
    assert changes(raw) == [("3", "missed")]
    publish_on_a_host(server, TOKENS)
    assert collect(address, raw, config=config).statuses["collected"] == 8


def test_a_node_of_another_chain_than_the_user_named_is_refused(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    with pytest.raises(CollectError, match="is of chain eip155:31337, not eip155:137"):
        collect(address, tmp_path / "raw", config=config_for(server, chain.url, chain="eip155:137"))
    assert not any(tmp_path.iterdir())


def test_what_was_fetched_is_counted_once_though_it_was_tried_thrice(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/images/3.png"] = Page(status=503)
    assert collect(address, tmp_path / "raw", config=config_for(server, chain.url)).taken == 8


def test_what_failed_before_is_rechecked_once_and_not_tried_again_unasked(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/images/3.png"] = Page(status=503)
    config = config_for(server, chain.url)
    collect(address, tmp_path / "raw", config=config)
    server.requests.clear()
    collect(address, tmp_path / "raw", config=config)
    assert sorted(asked_for(server)) == [f"/tokens/{n}" for n in TOKENS]

"""`collect`: from a contract on a real chain and a gateway on loopback to a folder, and again."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.collecting.chain.node import Chain
from tests.collecting.drawn_collection import (
    TOKENS,
    as_page,
    asked_for,
    config_for,
    contents,
    document,
    failing_first,
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
from traitlens.sources import open_sources, read_traits


def test_a_collection_comes_whole_and_a_build_takes_it(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_ipfs(server.store, TOKENS))
    report = collect(address, tmp_path / "raw", config=config_for(server, chain.url))
    assert report.statuses == {"collected": 8, "rejected": 0, "failed": 0}
    (found,) = open_sources([tmp_path / "raw"])
    assert (found.info.name, found.info.contract) == ("Logged", address)
    tokens = [found.read(token) for token in found.found]
    assert [token.media for token in tokens] == [picture(n) for n in TOKENS]
    assert [token.problem for token in tokens] == [None] * 8
    assert all(isinstance(read_traits(token.metadata), tuple) for token in tokens)


def test_a_record_says_where_each_half_came_from_and_what_proves_it(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    base = publish_on_ipfs(server.store, TOKENS)
    collect(minted(chain, base), tmp_path / "raw", config=config_for(server, chain.url))
    record = records(tmp_path / "raw")["3"]
    assert list(record) == ["token_id", "status", "block", "document", "media"]
    assert record["document"]["uri"] == f"{base}3"
    media = record["media"]
    assert media["url"] == media["uri"], "without the gateway, which was chosen by luck"
    assert (media["place"], media["proof"], media["key"]) == ("ipfs", "verified", "image")
    assert (media["media_type"], media["bytes"]) == ("image/png", len(picture(3)))
    assert (tmp_path / "raw" / media["file"]).read_bytes() == picture(3)
    log = [json.loads(line) for line in (tmp_path / "raw/run.jsonl").read_text().splitlines()]
    urls = next(line["urls"] for line in log if line.get("token_id") == "3")
    assert urls["media"].startswith(server.url), "the gateway is in the log"
    assert log[-1]["requests"]["127.0.0.1"] >= len(server.requests)


def test_a_record_has_no_signature_of_a_redirect(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    two = TOKENS[:2]
    address = minted(chain, publish_on_a_host(server, two), tokens=two)
    seen = []
    for signature in ("sig=1", "sig=2"):
        to = f"{server.url}/images/2.png?{signature}"
        server.pages["/images/1.png"] = Page(status=302, headers={"Location": to})
        folder = tmp_path / signature
        collect(address, folder, config=config_for(server, chain.url))
        seen.append((folder / "tokens.jsonl").read_bytes())
        assert records(folder)["1"]["media"]["url"] == f"{server.url}/images/2.png"
    assert seen[0] == seen[1]


def test_tokens_on_the_chain_itself_ask_nobody_else(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, "", kind="OnChain721")
    report = collect(address, tmp_path / "raw", config=config_for(server, chain.url))
    assert report.statuses["collected"] == 8
    assert server.requests == []
    record = records(tmp_path / "raw")["5"]
    assert (record["media"]["place"], record["media"]["file"]) == ("on chain", "images/5.svg")
    assert len(record["document"]["uri"]) < 200, "content is not written twice"


def test_each_token_that_cannot_be_had_has_a_reason(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/tokens/1"] = Page(status=404)
    server.pages["/tokens/2"] = as_page(b"<html>soon</html>")
    server.pages["/tokens/3"] = as_page(b'{"image": "x",}')
    server.pages["/tokens/4"] = as_page(document(4, "ipfs://NewUriToReplace/4.png"))
    server.pages["/images/5.png"] = as_page(b"<html>lost</html>")
    server.pages["/tokens/6"] = as_page({"name": "six"})
    server.pages["/images/7.png"] = Page(status=503)
    server.pages["/tokens/8"] = as_page(document(8, "http://10.0.0.1/8.png"))
    report = collect(address, tmp_path / "raw", config=config_for(server, chain.url))
    said = {
        token_id: (record["status"], record.get("half"), record.get("reason"))
        for token_id, record in records(tmp_path / "raw").items()
    }
    assert said == {
        "1": ("rejected", "document", "not found"),
        "2": ("rejected", "document", "a page, no document"),
        "3": ("rejected", "document", "broken JSON"),
        "4": ("rejected", "media", "unusable address"),
        "5": ("rejected", "media", "media of no known kind"),
        "6": ("rejected", "media", "names no media"),
        "7": ("failed", "media", "server error"),
        "8": ("rejected", "media", "forbidden address"),
    }
    assert report.statuses == {"collected": 0, "rejected": 7, "failed": 1}
    assert report.tokens == sum(report.reasons.values()) == 8, "counts close"
    (found,) = open_sources([tmp_path / "raw"])
    problems = {token.token_id: found.read(token).problem for token in found.found}
    assert problems["1"] == "no metadata: not found"
    assert problems["5"] == "no picture: media of no known kind"
    assert len(problems) == 8, "a build counts them all"


def test_a_token_without_a_uri_is_a_record(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = config_for(server, chain.url, ids="7-9")
    report = collect(address, tmp_path / "raw", config=config)
    assert report.statuses == {"collected": 2, "rejected": 1, "failed": 0}
    record = records(tmp_path / "raw")["9"]
    assert (record["half"], record["reason"]) == ("uri", "tokenURI failed")


def test_media_are_called_as_their_content_is(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    gif = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
    server.pages["/tokens/1"] = as_page(document(1, "../../../../images/../1.png"))
    server.pages["/1.png"] = Page(body=gif, headers={"Content-Type": "text/html"})
    collect(address, tmp_path / "raw", config=config_for(server, chain.url))
    assert (tmp_path / "raw/images/1.gif").read_bytes() == gif
    assert not (tmp_path / "raw/images/1.png").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"raw"}, "names lead nowhere"


def test_another_address_is_tried_where_the_first_is_dead_for_good(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/tokens/1"] = as_page(
        document(1, "/dead.png", image_url="/images/2.png", animation_url="/images/3.png")
    )
    server.pages["/tokens/2"] = as_page(document(2, "/late.png", image_url="/images/3.png"))
    server.pages["/late.png"] = Page(status=503)
    collect(address, tmp_path / "raw", config=config_for(server, chain.url, rounds=0))
    found = records(tmp_path / "raw")
    assert found["1"]["media"]["key"] == "image_url"
    assert found["2"]["status"] == "failed", "another picture would be taken by luck"


def test_what_fails_comes_again_at_the_end_of_the_run(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/images/4.png"] = failing_first(Page(body=picture(4)), times=4)
    config = config_for(server, chain.url, fetch={"retries": 2})
    report = collect(address, tmp_path / "raw", config=config)
    assert report.statuses["collected"] == 8
    assert asked_for(server).count("/tokens/4") == 1, "the document was there already"


def test_a_host_that_never_answered_is_not_asked_again(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, f"{server.url}/tokens/", tokens=range(1, 3))
    server.pages["/tokens/1"] = server.pages["/tokens/2"] = Page(status=503)
    config = config_for(server, chain.url, rounds=5, fetch={"retries": 1})
    assert collect(address, tmp_path / "raw", config=config).statuses["failed"] == 2
    assert len(server.requests) == 4


def test_two_runs_at_one_block_are_equal(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_ipfs(server.store, range(1, 12)))
    pinned = config_for(server, chain.url, block=chain.block)
    first = collect(address, tmp_path / "a", config=pinned)
    chain.send(address, "mint(uint256,uint256)", 9, 2)
    second = collect(address, tmp_path / "b", config=pinned)
    assert contents(first.path) == contents(second.path)


def test_a_contract_without_tokens_is_an_empty_collection(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    report = collect(
        chain.deploy("Logged721"), tmp_path / "raw", config=config_for(server, chain.url)
    )
    assert report.tokens == 0
    assert set(contents(tmp_path / "raw")) == {"collection.json", "tokens.jsonl"}


def test_a_nodes_address_is_written_nowhere(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = replace(config_for(server, chain.url), rpc=f"{chain.url}/?key=s3cret")
    collect(address, tmp_path / "raw", config=config)
    written = (path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not any(b"s3cret" in data for data in written)


def test_it_runs_inside_a_running_loop(chain: Chain, server: GatewayServer, tmp_path: Path) -> None:
    address = minted(chain, "", kind="OnChain721", tokens=range(1, 3))

    async def notebook() -> int:
        return collect(address, tmp_path / "raw", config=config_for(server, chain.url)).tokens

    assert asyncio.run(notebook()) == 2


def test_progress_closes_with_counts(chain: Chain, server: GatewayServer, tmp_path: Path) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    server.pages["/images/7.png"] = Page(status=404)
    told: list[tuple[Any, ...]] = []
    collect(
        address,
        tmp_path / "raw",
        config=config_for(server, chain.url),
        progress=lambda *said: told.append(said),
    )
    assert ("collect", 0, 8, "") in told
    assert told[-1] == ("collect", 8, 8, "7 collected, 1 rejected")


def test_another_contract_does_not_go_into_the_same_folder(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    config = config_for(server, chain.url)
    base = publish_on_a_host(server, TOKENS)
    one, other = minted(chain, base), minted(chain, base)
    collect(one, tmp_path / "raw", config=config)
    with pytest.raises(CollectError, match=f"holds {one}, not {other}"):
        collect(other, tmp_path / "raw", config=config)


def test_a_folder_does_not_go_back_in_time(
    chain: Chain, server: GatewayServer, tmp_path: Path
) -> None:
    address = minted(chain, publish_on_a_host(server, TOKENS))
    config = config_for(server, chain.url)
    collect(address, tmp_path / "raw", config=config)
    with pytest.raises(CollectError, match="cannot go back"):
        collect(address, tmp_path / "raw", config=replace(config, block=chain.block - 1))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/thesis.tex").write_text("")
    with pytest.raises(CollectError, match="not collected"):
        collect("0x" + "1" * 40, tmp_path / "raw")
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


@pytest.mark.parametrize(
    ("source", "config", "said"),
    [
        ("apes", CollectConfig(rpc="http://localhost"), "40 hex digits"),
        ("0x" + "1" * 40, CollectConfig(), "--rpc URL"),
        ("0x" + "1" * 40, CollectConfig(rpc="http://x.invalid", retry="all"), "nothing yet"),
    ],
)
def test_a_mistake_is_said_in_one_sentence_and_leaves_nothing(
    source: str, config: CollectConfig, said: str, tmp_path: Path
) -> None:
    with pytest.raises(CollectError, match=said):
        collect(source, tmp_path / "raw", config=config)
    assert not any(tmp_path.iterdir())

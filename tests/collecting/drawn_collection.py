"""A drawn collection, published: its pictures and documents on a gateway, its tokens on a chain."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.collecting.chain.node import Chain
from tests.collecting.gateway_server import GatewayServer, Page, Request, Store
from tests.helpers import drawn_token
from traitlens.collecting.config import CollectConfig
from traitlens.collecting.fetch_config import FetchConfig

TOKENS = range(1, 9)


def picture(number: int) -> bytes:
    return drawn_token("robots", number).image or b""


def document(number: int, image: str, **more: Any) -> dict[str, Any]:
    traits = drawn_token("robots", number).traits
    attributes = [{"trait_type": trait.trait_type, "value": trait.value} for trait in traits]
    return {"name": f"Robot #{number}", "image": image, "attributes": attributes, **more}


def publish_on_ipfs(store: Store, numbers: range) -> str:
    """Return the base URI of a collection whose documents and pictures are directories on IPFS."""
    images = store.add_directory({f"{n}.png": store.add_file(picture(n)) for n in numbers})
    documents = {
        str(n): store.add_file(json.dumps(document(n, f"ipfs://{images}/{n}.png")).encode())
        for n in numbers
    }
    return f"ipfs://{store.add_directory(documents)}/"


def publish_on_a_host(server: GatewayServer, numbers: range) -> str:
    """Return the base URI of a collection at a web server, whose pages a test may change."""
    for n in numbers:
        server.pages[f"/tokens/{n}"] = as_page(document(n, f"/images/{n}.png"))
        server.pages[f"/images/{n}.png"] = Page(body=picture(n))
    return f"{server.url}/tokens/"


def minted(chain: Chain, base: str, *, kind: str = "Logged721", tokens: range = TOKENS) -> str:
    """Return the address of a collection whose documents are below `base`."""
    address = chain.deploy(kind)
    chain.send(address, "mint(uint256,uint256)", tokens[0], len(tokens))
    chain.send(address, "setBaseURI(string)", base)
    return address


def as_page(value: Any) -> Page:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Page(body=body, headers={"Content-Type": "application/json"})


def failing_first(page: Page, *, times: int, status: int = 503) -> Callable[[Request], Page]:
    """Return a page that is not there the first times that it is asked for."""
    asked = 0

    def answer(_: Request) -> Page:
        nonlocal asked
        asked += 1
        return Page(status=status) if asked <= times else page

    return answer


def config_for(server: GatewayServer, node: str, **options: Any) -> CollectConfig:
    """Return a config that knows our own gateway and node and no others, and is impatient."""
    fetch = {
        "gateways": (server.url,),
        "arweave": (server.url,),
        "allow_private_hosts": (server.authority, node.removeprefix("http://")),
        "concurrency": 16,
        "retries": 2,
        "backoff_s": 0.001,
        "read_s": 5.0,
        "hedge_after_s": None,
        **options.pop("fetch", {}),
    }
    given = {"rpc": node, "pause_s": 0.0, **options}
    return CollectConfig(fetch=FetchConfig(**fetch), **given)


def contents(folder: Path) -> Mapping[str, bytes]:
    """Return the files of a collection by name, without the one that may differ between runs."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if path.name != "run.jsonl"
    }


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the records of a collected folder by token id."""
    lines = map(json.loads, (folder / "tokens.jsonl").read_text().splitlines())
    return {line["token_id"]: line for line in lines}


def changes(folder: Path) -> list[tuple[str, str]]:
    """Return the id and the change of each line of a folder's history."""
    path = folder / "history.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    return [(line["token_id"], line["change"]) for line in map(json.loads, lines)]


def asked_for(server: GatewayServer) -> list[str]:
    """Return the paths that were asked for, in order."""
    return [request.target for request in server.requests]

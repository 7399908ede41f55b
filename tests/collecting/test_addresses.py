"""No connection to what is not public: some 500 attempts, counted where sockets connect."""

import asyncio
import itertools
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import aiohttp
import pytest

from tests.collecting.fetched import config as config_of
from tests.collecting.fetched import fetch, using
from tests.collecting.gateway_server import GatewayServer, Page, Request
from tests.collecting.hostile import (
    ANSWERS,
    CONFUSING,
    NAMES,
    REDIRECTS,
    SCHEMES,
    SPELLINGS,
    V4,
    V6,
)
from traitlens.collecting import transport
from traitlens.collecting.addresses import check_host, why_forbidden
from traitlens.collecting.fetching import FetchConfig, Fetcher
from traitlens.collecting.records import FetchError
from traitlens.collecting.transport import LookUp, public_socket
from traitlens.errors import ConfigError

NO_WAIT = FetchConfig(gateways=(), backoff_s=0, retries=2, per_host_rate=None)

_seen: list[tuple[Any, ...]] | None = None
_stopped = True


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Note each connection of a socket; stop it, before a packet is sent, but to allowed ports."""
    if event == "socket.connect" and _seen is not None:
        _seen.append(arguments[1])
        if _stopped:
            raise ConnectionRefusedError("stopped by the test")


sys.addaudithook(_hook)  # cannot be removed; it sleeps while nobody counts


@contextmanager
def connections(*, stopped: bool = True) -> Iterator[list[tuple[Any, ...]]]:
    """Collect the addresses of all sockets that this process connects."""
    global _seen, _stopped  # noqa: PLW0603
    found: list[tuple[Any, ...]] = []
    _seen, _stopped = found, stopped
    try:
        yield found
    finally:
        _seen = None


def answering(*addresses: str) -> LookUp:
    async def look_up(host: str, port: int) -> list[str]:
        return list(addresses)

    return look_up


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def reason_of(uri: str, *, config: FetchConfig = NO_WAIT, look_up: LookUp) -> str:
    """Return why a fetch fails."""

    async def fetch() -> str:
        async with Fetcher(config, look_up=look_up) as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.fetch(uri)
            return caught.value.reason

    return str(run(fetch()))


def test_the_counter_counts() -> None:
    with connections() as found:
        assert reason_of("http://1.1.1.1/", look_up=answering("1.1.1.1")) == "no connection"
    assert found == [("1.1.1.1", 80)] * 3


@pytest.mark.parametrize("uri", [*SPELLINGS, *NAMES, *CONFUSING])
def test_no_spelling_of_an_inner_address_is_connected_to(uri: str) -> None:
    with connections() as found:
        reason = reason_of(uri, look_up=answering("127.0.0.1"))
    assert found == []
    assert reason in ("forbidden address", "unusable address")


@pytest.mark.parametrize("uri", SCHEMES)
def test_no_other_scheme_is_fetched(uri: str) -> None:
    with connections() as found:
        reason = reason_of(uri, look_up=answering("127.0.0.1"))
    assert (found, reason) == ([], "unusable address")


@pytest.mark.parametrize("address", ANSWERS)
def test_a_name_may_not_stand_for_an_inner_address(address: str) -> None:
    with connections() as found:
        reason = reason_of("http://public.example/x", look_up=answering(address))
    assert (found, reason) == ([], "forbidden address")


@pytest.mark.parametrize("order", [1, -1])
def test_one_inner_address_among_public_ones_spoils_a_name(order: int) -> None:
    addresses = ("93.184.216.34", "10.0.0.1")[::order]
    with connections() as found:
        reason = reason_of("http://public.example/x", look_up=answering(*addresses))
    assert (found, reason) == ([], "forbidden address")


def test_a_name_that_changes_its_address_is_connected_to_where_it_was_checked() -> None:
    answers = itertools.chain(["93.184.216.34"], itertools.repeat("127.0.0.1"))
    asked = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return [next(answers)]

    with connections() as found:
        reason_of("http://rebinding.example/x", look_up=rebinding)
    assert asked
    assert set(found) == {("93.184.216.34", 80)}


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254"])
def test_the_last_guard_stands_where_the_socket_is_made(host: str) -> None:
    """Here nothing before it looks at the address."""

    async def connect() -> None:
        connector = aiohttp.TCPConnector(socket_factory=public_socket)
        async with aiohttp.ClientSession(connector=connector) as session:
            await session.get(f"http://{host}/x")

    with connections() as found, pytest.raises(FetchError, match="forbidden address"):
        run(connect())
    assert found == []


def test_an_answer_that_is_no_address_is_not_connected_to() -> None:
    with connections() as found:
        assert reason_of("http://public.example/", look_up=answering("localhost"))
    assert found == []


@pytest.fixture(scope="module")
def server() -> Iterator[GatewayServer]:
    with GatewayServer() as running:
        running.pages["/x"] = Page(body=b"inner secret")
        yield running


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", REDIRECTS)
def test_no_redirect_leads_inwards(server: GatewayServer, target: str, status: int) -> None:
    target = target.format(port=server.port)
    server.pages["/start"] = Page(status=status, headers={"Location": target})
    # Named by another name than the redirects use, so that only the first hop is allowed.
    config = FetchConfig(
        gateways=(), allow_private_hosts=(f"own.example:{server.port}",), retries=1, backoff_s=0
    )
    before = len(server.requests)
    with connections(stopped=False) as found:
        reason = reason_of(
            f"http://own.example:{server.port}/start",
            config=config,
            look_up=answering("127.0.0.1"),
        )
    assert found == [("127.0.0.1", server.port)]
    assert [request.target for request in server.requests[before:]] == ["/start"]
    assert reason in ("forbidden address", "unusable address")


def test_a_named_host_is_reached_and_only_on_its_port(server: GatewayServer) -> None:
    config = FetchConfig(allow_private_hosts=(server.authority,), gateways=())

    async def fetch(uri: str) -> bytes:
        async with Fetcher(config) as fetcher:
            return (await fetcher.fetch(uri)).data

    assert run(fetch(f"{server.url}/x")) == b"inner secret"
    with connections() as found, pytest.raises(FetchError, match="forbidden address"):
        run(fetch(f"http://127.0.0.1:{server.port % 60000 + 1024}/x"))
    assert found == []


def test_another_name_for_a_named_host_is_refused(server: GatewayServer) -> None:
    config = FetchConfig(allow_private_hosts=(server.authority,), gateways=())
    with connections() as found:
        for host in ("localhost", "2130706433", "[::ffff:127.0.0.1]", "other.example"):
            uri = f"http://{host}:{server.port}/x"
            reason = reason_of(uri, config=config, look_up=answering("127.0.0.1"))
            assert reason == "forbidden address"
    assert found == []


def test_a_host_named_without_a_port_is_reached_on_all(server: GatewayServer) -> None:
    config = FetchConfig(allow_private_hosts=("127.0.0.1",), gateways=())

    async def fetch() -> bytes:
        async with Fetcher(config) as fetcher:
            return (await fetcher.fetch(f"{server.url}/x")).data

    assert run(fetch()) == b"inner secret"


def test_no_public_host_redirects_to_a_named_one(
    server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the server is taken for public, too, under another name."""
    monkeypatch.setattr(transport, "check_address", lambda _: None)
    server.pages["/start"] = Page(status=302, headers={"Location": f"{server.url}/x"})
    config = FetchConfig(gateways=(), allow_private_hosts=(server.authority,))
    before = len(server.requests)
    start = f"http://public.example:{server.port}/start"
    reason = reason_of(start, config=config, look_up=answering("127.0.0.1"))
    assert reason == "forbidden address"
    assert [request.target for request in server.requests[before:]] == ["/start"]


def test_a_named_host_redirects_to_itself(server: GatewayServer) -> None:
    server.pages["/start"] = Page(status=302, headers={"Location": f"{server.url}/x"})
    assert fetch(f"{server.url}/start", config_of(server)).data == b"inner secret"


def test_an_address_does_not_lead_to_the_users_own_node(server: GatewayServer) -> None:
    server.pages["/rpc"] = Page(body=b'{"jsonrpc": "2.0", "id": 1, "result": "0x1"}')

    async def ask(fetcher: Fetcher) -> None:
        node = server.url.replace("127.0.0.1", "localhost")
        await fetcher.post_json(f"{node}/rpc", {})
        for uri in (f"{node}/rpc", f"{node}/x"):
            with pytest.raises(FetchError, match="forbidden address"):
                await fetcher.fetch(uri)
        await fetcher.fetch(f"{server.url}/x")

    before = len(server.requests)
    settings = config_of(server, allow_private_hosts=("localhost", "127.0.0.1"))
    using(settings, ask)
    assert [request.target for request in server.requests[before:]] == ["/rpc", "/x"]


@pytest.mark.parametrize("uri", ["http://127.0.0.1:8545/", "http://[::1]/", "http://node.example/"])
def test_nodes_and_providers_are_asked_with_the_same_care(uri: str) -> None:
    async def ask() -> None:
        async with Fetcher(NO_WAIT, look_up=answering("10.0.0.1")) as fetcher:
            with pytest.raises(FetchError, match=r"forbidden address.*--allow-private-hosts .*:\d"):
                await fetcher.post_json(uri, {})
            with pytest.raises(FetchError, match="forbidden address"):
                await fetcher.get_json(uri)

    with connections() as found:
        run(ask())
    assert found == []


def test_a_gateway_that_is_not_public_must_be_named() -> None:
    config = FetchConfig(gateways=("http://gateway.example:8080",), backoff_s=0)
    with connections() as found:
        reason = reason_of(
            "ipfs://QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o",
            config=config,
            look_up=answering("127.0.0.1"),
        )
    assert (found, reason) == ([], "forbidden address")


def test_a_proxy_of_the_environment_is_not_used(
    server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def proxied(request: Request) -> Page:
        return Page(body=b"from the proxy")

    with GatewayServer(pages={"http://own.example/x": proxied}) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        config = FetchConfig(allow_private_hosts=(server.authority,), gateways=())

        async def fetch() -> bytes:
            async with Fetcher(config) as fetcher:
                return (await fetcher.fetch(f"{server.url}/x")).data

        assert run(fetch()) == b"inner secret"
        assert proxy.connections == 0


@pytest.mark.parametrize("host", ["", "*", "10.0.0.0/8", "http://localhost", "a b", "*.lan"])
def test_private_hosts_are_named_one_by_one(host: str) -> None:
    with pytest.raises(ConfigError, match="one by one"):
        FetchConfig(allow_private_hosts=(host,))


@pytest.mark.parametrize("text", [*V4, *V6])
def test_what_is_not_public_is_forbidden(text: str) -> None:
    assert why_forbidden(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2001:4860:4860::8888",
        "64:ff9b::1.1.1.1",  # how a network without IPv4 reaches 1.1.1.1
        "::ffff:1.1.1.1",
    ],
)
def test_public_addresses_up_to_the_edges_are_allowed(text: str) -> None:
    assert why_forbidden(ip_address(text)) is None


@pytest.mark.parametrize(
    "host", ["ipfs.io", "a-b.example", "1.1.1.1", "[2606:4700::1111]", "1e100.net"]
)
def test_names_and_public_addresses_may_be_asked(host: str) -> None:
    check_host(host)

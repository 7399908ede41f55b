"""Limits on what is fetched, hosts that do not speak HTTP, and JSON from nodes and providers."""

import asyncio
import json

import pytest

from tests.collecting.fetched import config, fetch, reason_of, targets, using
from tests.collecting.gateway_server import GatewayServer, Page, Request
from traitlens.collecting.fetching import FetchConfig, Fetcher
from traitlens.collecting.records import FetchError


@pytest.mark.parametrize("declared", [True, False])
def test_a_file_may_not_be_larger_than_the_limit(server: GatewayServer, declared: bool) -> None:
    body = bytes(1000)
    if declared:
        server.pages["/x"] = Page(body=body)
    else:
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        server.pages["/x"] = Page(body=chunked, headers={"Transfer-Encoding": "chunked"})
    assert reason_of(f"{server.url}/x", config(server), max_bytes=999) == "too large"
    assert len(server.requests) == 1


def test_a_file_of_blocks_may_not_be_larger_than_the_limit(server: GatewayServer) -> None:
    cid = server.store.add_file(bytes(1000), chunk_bytes=100)
    assert len(fetch(f"ipfs://{cid}", config(server), max_bytes=1000).data) == 1000
    assert reason_of(f"ipfs://{cid}", config(server), max_bytes=999) == "too large"


def test_redirects_are_followed_up_to_a_limit(server: GatewayServer) -> None:
    for n in range(6):
        server.pages[f"/{n}"] = Page(status=302, headers={"Location": f"/{n + 1}"})
    server.pages["/6"] = Page(body=b"there")
    fetched = fetch(f"{server.url}/1", config(server))
    assert (fetched.data, fetched.url) == (b"there", f"{server.url}/6")
    assert reason_of(f"{server.url}/0", config(server)) == "too many redirects"


def test_a_redirect_with_a_password_is_not_followed(server: GatewayServer) -> None:
    target = f"http://user:password@{server.authority}/there"
    server.pages["/x"] = Page(status=302, headers={"Location": target})
    assert reason_of(f"{server.url}/x", config(server)) == "unusable address"
    assert targets(server) == ["/x"]


@pytest.mark.parametrize(
    "answer",
    [
        b"this is no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: minus one\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50_000 + b"\r\n",
        b"\x16\x03\x01\x00\x00",
        b"",
    ],
)
def test_a_host_that_does_not_speak_http_is_a_failure_that_says_so_without_the_url(
    answer: bytes,
) -> None:
    async def run() -> FetchError:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        authority = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        settings = FetchConfig(gateways=(), allow_private_hosts=(authority,), retries=0)
        async with listening, Fetcher(settings) as fetcher:
            with pytest.raises(FetchError) as caught:
                await fetcher.fetch(f"http://{authority}/v2/SECRET")
        return caught.value

    error = asyncio.run(run())
    assert error.reason in ("server error", "cut off", "unusable address", "timed out")
    assert "SECRET" not in str(error)


# --- JSON


def echo(request: Request) -> Page:
    said = {
        "method": request.method,
        "target": request.target,
        "key": request.headers.get("x-key"),
        "body": request.body.decode(),
    }
    return Page(body=json.dumps(said).encode())


def test_json_is_posted_and_read(server: GatewayServer) -> None:
    server.pages["/rpc"] = echo
    said = using(
        config(server),
        lambda fetcher: fetcher.post_json(f"{server.url}/rpc", [1], headers={"X-Key": "k"}),
    )
    assert said == {"method": "POST", "target": "/rpc", "key": "k", "body": "[1]"}


def test_json_is_asked_for_with_parameters(server: GatewayServer) -> None:
    server.pages["/nft"] = echo
    said = using(
        config(server),
        lambda fetcher: fetcher.get_json(f"{server.url}/nft?a=1", params={"b": "x y&z"}),
    )
    assert isinstance(said, dict)
    assert said["target"] == "/nft?a=1&b=x+y%26z"


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_what_a_node_says_is_wrong_is_an_answer(server: GatewayServer, status: int) -> None:
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "too many logs"}}
    server.pages["/rpc"] = Page(status=status, body=json.dumps(error).encode())
    asked = using(config(server), lambda fetcher: fetcher.post_json(f"{server.url}/rpc", {}))
    assert asked == error
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page(body=b"<html>"), "server error"),
        (Page(body=b"[" * 100_000), "server error"),
        (Page(status=401, body=b'{"message": "Must be authenticated!"}'), "refused"),
        (Page(status=302, headers={"Location": "/other"}), "refused"),
        (Page(status=429, body=b'{"jsonrpc": "2.0", "error": {"code": 429}}'), "rate limited"),
    ],
)
def test_what_is_no_answer_of_a_node_is_a_failure(
    server: GatewayServer, page: Page, reason: str
) -> None:
    server.pages["/rpc"] = page
    with pytest.raises(FetchError) as caught:
        using(
            config(server, json_retries=1),
            lambda fetcher: fetcher.post_json(f"{server.url}/rpc", {}),
        )
    assert caught.value.reason == reason
    assert "/other" not in targets(server)


def test_what_a_provider_said_stands_in_the_failure(server: GatewayServer) -> None:
    server.pages["/nft"] = Page(status=401, body=b'{"message": "Must be authenticated!"}')
    with pytest.raises(FetchError, match=r"401 from .*Must be authenticated"):
        using(config(server), lambda fetcher: fetcher.get_json(f"{server.url}/nft"))


def test_what_a_host_says_does_not_steer_the_terminal(server: GatewayServer) -> None:
    server.pages["/x"] = Page(status=404, body=b"\x1b]0;owned\x07gone\r\n")
    with pytest.raises(FetchError, match=r"0;owned gone$"):
        fetch(f"{server.url}/x", config(server))


def test_the_key_in_a_url_stands_in_no_failure(server: GatewayServer) -> None:
    with pytest.raises(FetchError) as caught:
        using(config(server), lambda fetcher: fetcher.get_json(f"{server.url}/v3/SECRET/x"))
    assert "SECRET" not in str(caught.value)


def test_blanks_around_the_url_of_a_node_do_not_matter(server: GatewayServer) -> None:
    server.pages["/rpc"] = echo
    using(config(server), lambda fetcher: fetcher.post_json(f" {server.url}/rpc\n", {}))
    assert targets(server) == ["/rpc"]


def test_no_cookie_is_kept(server: GatewayServer) -> None:
    server.pages["/x"] = Page(body=b"x", headers={"Set-Cookie": "a=b; Path=/"})

    async def twice(fetcher: Fetcher) -> None:
        await fetcher.fetch(f"{server.url}/x")
        await fetcher.fetch(f"{server.url}/x")

    using(config(server), twice)
    assert all("cookie" not in request.headers for request in server.requests)

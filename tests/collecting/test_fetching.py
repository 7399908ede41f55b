"""Fetching from a real server on loopback: what a CID promises, and patience with faults."""

import asyncio

import pytest

from tests.collecting.fetched import config, fetch, reason_of, targets, using
from tests.collecting.gateway_server import (
    DAG_PB,
    RAW,
    Behaviour,
    GatewayServer,
    Page,
    Store,
    as_v0,
    base32,
    cid_v1,
    dag_pb,
    unixfs_data,
    varint,
)
from tests.collecting.test_uris import TX
from traitlens.collecting.fetching import Fetcher
from traitlens.collecting.records import Fetched, FetchError


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("size", [0, 10, 1000])
def test_a_file_is_verified(server: GatewayServer, raw: bool, size: int) -> None:
    data = bytes(n % 251 for n in range(size))
    cid = server.store.add_file(data, raw=raw, chunk_bytes=100)
    fetched = fetch(f"ipfs://{cid}", config(server))
    assert (fetched.data, fetched.proof) == (data, "verified")
    assert fetched.url == f"{server.url}/ipfs/{cid}"
    assert len(server.requests) == 1


@pytest.mark.parametrize("sharded", [False, True])
def test_a_path_is_verified_through_its_directories(server: GatewayServer, sharded: bool) -> None:
    store = server.store
    add = store.add_sharded_directory if sharded else store.add_directory
    inner = add({f"{n}.json": store.add_file(b"%d" % n) for n in range(600)})
    root = store.add_directory({"metadata": inner, "other": store.add_file(b"x")})
    fetched = fetch(f"ipfs://{as_v0(root)}/metadata/77.json", config(server))
    assert (fetched.data, fetched.proof) == (b"77", "verified")
    assert fetched.url == f"{server.url}/ipfs/{as_v0(root)}/metadata/77.json"


def test_a_directory_costs_no_request_of_its_own(server: GatewayServer) -> None:
    store = server.store
    root = store.add_directory({f"{n}": store.add_file(b"%d" % n) for n in range(50)})

    async def all_of_them(fetcher: Fetcher) -> list[Fetched]:
        uris = (f"ipfs://{root}/{n}" for n in range(50))
        return await asyncio.gather(*(fetcher.fetch(uri) for uri in uris))

    fetched = using(config(server), all_of_them)
    assert [one.data for one in fetched] == [b"%d" % n for n in range(50)]
    assert len(server.requests) == 50
    assert sum(root in target for target in targets(server)) == 1


def test_a_name_that_a_verified_directory_lacks_is_not_asked_for(server: GatewayServer) -> None:
    root = server.store.add_directory({"1": server.store.add_file(b"x")})

    async def both(fetcher: Fetcher) -> None:
        await fetcher.fetch(f"ipfs://{root}/1")
        with pytest.raises(FetchError, match="not found"):
            await fetcher.fetch(f"ipfs://{root}/2")

    using(config(server), both)
    assert len(server.requests) == 1


def test_a_directory_is_its_index(server: GatewayServer) -> None:
    root = server.store.add_directory({"index.html": server.store.add_file(b"<html>")})
    assert fetch(f"ipfs://{root}/", config(server)).data == b"<html>"


def test_a_directory_without_an_index_is_not_found(server: GatewayServer) -> None:
    root = server.store.add_directory({"1": server.store.add_file(b"x")})
    assert reason_of(f"ipfs://{root}", config(server)) == "not found"


def test_an_index_that_is_a_directory_again_is_not_found(server: GatewayServer) -> None:
    root = server.store.add_directory({"index.html": server.store.add_file(b"<html>")})
    for _ in range(5):
        root = server.store.add_directory({"index.html": root})
    assert reason_of(f"ipfs://{root}", config(server)) == "not found"
    assert len(server.requests) == 2


def test_content_inside_a_cid_is_not_asked_for(server: GatewayServer) -> None:
    cid = base32(b"\x01" + varint(RAW) + b"\x00\x02hi")
    fetched = fetch(f"ipfs://{cid}", config(server))
    assert (fetched.data, fetched.proof, server.requests) == (b"hi", "verified", [])


def test_a_cid_that_holds_links_is_an_unusable_address(server: GatewayServer) -> None:
    node = dag_pb([("", cid_v1(RAW, b"hi"), 2)], unixfs_data(2, sizes=(2,)))
    cid = base32(b"\x01" + varint(DAG_PB) + b"\x00" + varint(len(node)) + node)
    assert reason_of(f"ipfs://{cid}", config(server)) == "unusable address"


@pytest.mark.parametrize("raw", [True, False])
def test_wrong_bytes_are_never_taken(server: GatewayServer, raw: bool) -> None:
    server.behaviour = Behaviour(fault_share=1, faults=("wrong bytes",))
    cid = server.store.add_file(b"what was promised", raw=raw)
    assert reason_of(f"ipfs://{cid}", config(server, retries=3)) == "wrong content"
    assert len(server.requests) == 4


def test_after_wrong_bytes_another_gateway_is_asked(server: GatewayServer) -> None:
    server.behaviour = Behaviour(fault_share=1, faults=("wrong bytes",))
    cid = server.store.add_file(b"what was promised")
    with GatewayServer(server.store) as honest:
        fetched = fetch(f"ipfs://{cid}", config(server, honest))
    assert fetched.data == b"what was promised"
    assert fetched.url.startswith(honest.url)


def test_a_file_of_a_gateway_without_blocks_is_unverified(server: GatewayServer) -> None:
    server.behaviour = Behaviour(proofs=())
    root = server.store.add_directory({"1.json": server.store.add_file(b"{}")})
    fetched = fetch(f"ipfs://{root}/1.json", config(server))
    assert (fetched.data, fetched.proof) == (b"{}", "unverified")
    assert fetched.media_type == "application/octet-stream"


def test_a_raw_file_of_a_gateway_without_blocks_is_verified_by_itself(
    server: GatewayServer,
) -> None:
    server.behaviour = Behaviour(proofs=())
    cid = server.store.add_file(b"{}")
    assert fetch(f"ipfs://{cid}", config(server)).proof == "verified"


def test_a_gateway_that_proved_once_is_not_believed_without_proof(server: GatewayServer) -> None:
    first = server.store.add_file(b"first", raw=False)
    second = server.store.add_file(b"second", raw=False)

    async def both(fetcher: Fetcher) -> str:
        await fetcher.fetch(f"ipfs://{first}")
        server.behaviour = Behaviour(proofs=())
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(f"ipfs://{second}")
        return caught.value.reason

    assert using(config(server, retries=2), both) == "wrong content"


def test_a_car_file_that_lacks_blocks_is_not_taken(server: GatewayServer) -> None:
    cid = server.store.add_file(bytes(1000), chunk_bytes=100)
    kept = server.store.entities[cid].blocks
    server.store.entities[cid].blocks = [kept[0]]
    assert reason_of(f"ipfs://{cid}", config(server, retries=1)) == "cut off"


def test_a_gateways_address_is_fetched_from_our_own(server: GatewayServer) -> None:
    cid = server.store.add_file(b"x")
    fetched = fetch(f"https://gone.example/ipfs/{cid}", config(server))
    assert fetched.url == f"{server.url}/ipfs/{cid}"


@pytest.mark.parametrize(
    ("uri", "path"),
    [("ipns://docs.ipfs.tech/a", "/ipns/docs.ipfs.tech/a"), (f"ar://{TX}/1", f"/{TX}/1")],
)
def test_names_and_arweave_are_unverified(server: GatewayServer, uri: str, path: str) -> None:
    server.pages[path] = Page(body=b"x", headers={"Content-Type": "Text/HTML; charset=x"})
    fetched = fetch(uri, config(server))
    assert (fetched.data, fetched.proof) == (b"x", "unverified")
    assert fetched.media_type == "text/html"


def test_inline_content_is_inline(server: GatewayServer) -> None:
    fetched = fetch("data:image/svg+xml,%3Csvg/%3E", config(server))
    assert (fetched.data, fetched.proof, fetched.url) == (b"<svg/>", "inline", "data:")
    assert server.connections == 0


# --- patience


def test_all_files_arrive_when_a_fifth_of_the_answers_fail(server: GatewayServer) -> None:
    server.behaviour = Behaviour(fault_share=0.2, slow_s=0.05, retry_after="0", seed=7)
    store = server.store
    root = store.add_directory(
        {f"{n}": store.add_file(b"%d" % n, raw=bool(n % 2)) for n in range(200)}
    )

    async def all_of_them(fetcher: Fetcher) -> list[Fetched]:
        uris = (f"ipfs://{root}/{n}" for n in range(200))
        return await asyncio.gather(*(fetcher.fetch(uri) for uri in uris))

    fetched = using(config(server), all_of_them)
    assert [one.data for one in fetched] == [b"%d" % n for n in range(200)]
    assert {one.proof for one in fetched} == {"verified"}
    assert server.faults_made > 20


@pytest.mark.parametrize(
    ("status", "reason", "tries"),
    [
        (400, "refused", 1),
        (401, "refused", 1),
        (403, "refused", 1),
        (404, "not found", 1),
        (410, "not found", 1),
        (451, "refused", 1),
        (408, "timed out", 3),
        (429, "rate limited", 3),
        (500, "server error", 3),
        (503, "server error", 3),
        (504, "timed out", 3),
        (204, "refused", 1),
    ],
)
def test_a_status_has_a_reason_and_passing_ones_are_tried_again(
    server: GatewayServer, status: int, reason: str, tries: int
) -> None:
    server.pages["/x"] = Page(status=status, body=b"" if status == 204 else b"so sorry")
    assert reason_of(f"{server.url}/x", config(server, retries=2)) == reason
    assert len(server.requests) == tries


def test_a_host_that_asks_for_a_pause_gets_it(server: GatewayServer) -> None:
    server.pages["/x"] = Page(status=429, headers={"Retry-After": "3600"})
    server.pages["/y"] = Page(body=b"y")

    async def both(fetcher: Fetcher) -> None:
        for path in ("/x", "/y"):
            with pytest.raises(FetchError, match="rate limited"):
                await fetcher.fetch(server.url + path)

    using(config(server, max_wait_s=5), both)
    assert targets(server) == ["/x"]


def test_a_pause_until_a_date_is_a_pause(server: GatewayServer) -> None:
    server.pages["/x"] = Page(status=503, headers={"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"})
    assert reason_of(f"{server.url}/x", config(server, max_wait_s=5)) == "server error"
    assert len(server.requests) == 1


def test_what_is_cut_off_is_tried_again(server: GatewayServer) -> None:
    pages = iter([Page(body=b"ab", declared_bytes=4), Page(body=b"abcd")])
    server.pages["/x"] = lambda _: next(pages)
    assert fetch(f"{server.url}/x", config(server)).data == b"abcd"


@pytest.mark.parametrize("limit", ["read_s", "total_s"])
def test_a_silent_host_is_left(server: GatewayServer, limit: str) -> None:
    server.pages["/x"] = Page(wait_s=30)
    assert reason_of(f"{server.url}/x", config(server, retries=0, **{limit: 0.1})) == "timed out"


def test_a_closed_port_is_no_connection_and_no_request() -> None:
    with GatewayServer() as gone:
        url, settings = gone.url, config(gone, retries=1)

    async def ask(fetcher: Fetcher) -> dict[str, int]:
        with pytest.raises(FetchError, match="no connection"):
            await fetcher.fetch(f"{url}/x")
        return dict(fetcher.requests)

    assert using(settings, ask) == {}


def test_a_slow_gateway_is_overtaken(server: GatewayServer) -> None:
    cid = server.store.add_file(b"x")
    server.behaviour = Behaviour(latency_s=20)
    with GatewayServer(server.store) as quick:
        fetched = fetch(f"ipfs://{cid}", config(server, quick, hedge_after_s=0.05))
    assert fetched.url.startswith(quick.url)


def test_requests_are_counted_by_host_with_each_repetition(server: GatewayServer) -> None:
    server.pages["/x"] = Page(status=500)
    server.pages["/y"] = Page(status=302, headers={"Location": "/z"})
    server.pages["/z"] = Page(body=b"z")

    async def both(fetcher: Fetcher) -> dict[str, int]:
        with pytest.raises(FetchError):
            await fetcher.fetch(f"{server.url}/x")
        await fetcher.fetch(f"{server.url}/y")
        return dict(fetcher.requests)

    assert using(config(server, retries=2), both) == {"127.0.0.1": 5}
    assert len(server.requests) == 5


def test_a_store_of_the_tests_is_as_kubo_makes_it() -> None:
    cid = Store().add_file(b"hello world\n", raw=False)
    assert as_v0(cid) == "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"

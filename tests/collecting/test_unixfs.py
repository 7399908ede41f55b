"""Files and directories out of blocks, and blocks that lie."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collecting.gateway_server import (
    DAG_PB,
    RAW,
    Store,
    base32,
    car,
    cid_v1,
    dag_pb,
    unixfs_data,
)
from traitlens.collecting.car import read_car
from traitlens.collecting.cids import Cid, parse_cid
from traitlens.collecting.records import FetchError
from traitlens.collecting.unixfs import (
    MAX_NODES,
    MissingBlockError,
    find_entry,
    read_file,
    read_node,
)


def blocks_of(store: Store, cid: str) -> dict[Cid, bytes]:
    return {parse_cid(base32(binary)): block for binary, block in store.entities[cid].blocks}


class Counted(dict[Cid, bytes]):
    """Blocks that count how often one is read."""

    count = 0

    def get(self, cid: Cid, default: Any = None) -> Any:
        self.count += 1
        return super().get(cid, default)


def as_blocks(*blocks: bytes) -> dict[Cid, bytes]:
    return {parse_cid(base32(cid_v1(DAG_PB, block))): block for block in blocks}


@given(st.binary(max_size=400), st.integers(1, 50), st.booleans())
def test_a_file_of_many_blocks_is_put_together_in_order(data: bytes, size: int, raw: bool) -> None:
    store = Store()
    cid = store.add_file(data, raw=raw, chunk_bytes=size)
    assert read_file(parse_cid(cid), blocks_of(store, cid), max_bytes=400) == data


def test_a_file_of_two_levels_is_read_depth_first() -> None:
    leaves = [dag_pb([], unixfs_data(2, text)) for text in (b"one ", b"two ", b"three")]
    middle = dag_pb([("", cid_v1(DAG_PB, leaf), 1) for leaf in leaves[:2]], unixfs_data(2))
    links = [("", cid_v1(DAG_PB, block), 1) for block in (middle, leaves[2])]
    root = dag_pb(links, unixfs_data(2))
    blocks = as_blocks(root, middle, *leaves)
    assert read_file(next(iter(blocks)), blocks, max_bytes=99) == b"one two three"


def test_a_file_with_a_missing_block_is_not_read() -> None:
    store = Store()
    cid = store.add_file(b"abcdef", chunk_bytes=2)
    blocks = blocks_of(store, cid)
    blocks.pop(parse_cid(base32(cid_v1(RAW, b"cd"))))
    with pytest.raises(MissingBlockError):
        read_file(parse_cid(cid), blocks, max_bytes=99)


def test_a_file_one_byte_too_large_is_refused() -> None:
    store = Store()
    cid = store.add_file(b"abcdef", chunk_bytes=2)
    assert read_file(parse_cid(cid), blocks_of(store, cid), max_bytes=6) == b"abcdef"
    with pytest.raises(FetchError, match="too large"):
        read_file(parse_cid(cid), blocks_of(store, cid), max_bytes=5)


def repeated(
    levels: int, leaf: bytes, *, times: int = 2, kind: int = 2, name: str = ""
) -> tuple[Cid, dict[Cid, bytes]]:
    """Return a node whose every level has the one below it some times: times ** levels leaves."""
    chain = [leaf]
    for _ in range(levels):
        below = cid_v1(DAG_PB, chain[-1])
        chain.append(dag_pb([(name, below, 1)] * times, unixfs_data(kind)))
    blocks = as_blocks(*chain)
    return list(blocks)[-1], blocks


def test_a_bomb_of_repeated_blocks_stops_at_the_limit_of_bytes() -> None:
    root, blocks = repeated(30, dag_pb([], unixfs_data(2, b"x" * 1000)))
    with pytest.raises(FetchError, match="too large"):
        read_file(root, blocks, max_bytes=100_000)


def test_a_bomb_of_empty_blocks_stops_at_the_limit_of_nodes() -> None:
    root, blocks = repeated(30, dag_pb([], unixfs_data(2, b"")))
    with pytest.raises(FetchError, match="too large"):
        read_file(root, blocks, max_bytes=100_000)


def test_a_file_of_more_links_than_nodes_are_read_is_refused_before_they_are_followed() -> None:
    """Else ten blocks of 8 MB, one in another, were two million links in memory."""
    root, blocks = repeated(1, dag_pb([], unixfs_data(2, b"x")), times=MAX_NODES)
    read = Counted(blocks)
    with pytest.raises(FetchError, match="too large"):
        read_file(root, read, max_bytes=100_000)
    assert read.count == 1


def test_a_shard_is_read_once_however_often_it_is_named() -> None:
    """Else these 42 KB take minutes."""
    leaf = dag_pb([("00x", cid_v1(RAW, b""), 1)] * 300, unixfs_data(5))
    root, blocks = repeated(2, leaf, times=300, kind=5, name="00")
    read = Counted(blocks)
    assert find_entry(root, "y", read) is None
    assert read.count == 3


def test_a_chain_without_end_in_sight_is_refused() -> None:
    chain = [dag_pb([], unixfs_data(2, b"x"))]
    for _ in range(100):
        chain.append(dag_pb([("", cid_v1(DAG_PB, chain[-1]), 1)], unixfs_data(2)))
    blocks = as_blocks(*chain)
    with pytest.raises(FetchError, match="levels"):
        read_file(list(blocks)[-1], blocks, max_bytes=99)


@pytest.mark.parametrize("sharded", [False, True])
def test_a_directory_knows_all_its_names(sharded: bool) -> None:
    store = Store()
    entries = {f"{n}.json": store.add_file(b"%d" % n) for n in range(300)}
    entries["Ünïcode #1.png"] = store.add_file(b"u")
    add = store.add_sharded_directory if sharded else store.add_directory
    cid = parse_cid(root := add(entries))
    blocks = blocks_of(store, root)
    assert all(find_entry(cid, name, blocks) == parse_cid(entries[name]) for name in entries)
    assert find_entry(cid, "nope", blocks) is None


def test_a_name_is_found_in_the_shards_that_were_sent() -> None:
    store = Store()
    entries = {f"{n}": store.add_file(b"%d" % n) for n in range(600)}
    root = store.add_sharded_directory(entries)
    shards = store.entities[root].shards
    assert shards
    name, way = next(iter(shards.items()))
    sent = [store.entities[root].blocks[0], *way]
    blocks = {parse_cid(base32(binary)): block for binary, block in sent}
    assert find_entry(parse_cid(root), name, blocks) == parse_cid(entries[name])
    assert any(find_entry(parse_cid(root), other, blocks) is None for other in shards)


def test_a_directory_that_was_not_sent_is_a_missing_block() -> None:
    with pytest.raises(MissingBlockError):
        find_entry(parse_cid(Store().add_directory({})), "x", {})


def test_of_two_entries_of_one_name_the_first_counts() -> None:
    links = [("x", cid_v1(RAW, b"first"), 1), ("x", cid_v1(RAW, b"second"), 1)]
    blocks = as_blocks(dag_pb(links, unixfs_data(1)))
    assert find_entry(next(iter(blocks)), "x", blocks) == parse_cid(base32(cid_v1(RAW, b"first")))


def test_a_path_through_a_file_leads_nowhere() -> None:
    store = Store()
    cid = store.add_file(b"x", raw=False)
    with pytest.raises(FetchError, match="not found"):
        find_entry(parse_cid(cid), "a", blocks_of(store, cid))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_node_or_wrong_content(block: bytes) -> None:
    cid = parse_cid(base32(cid_v1(DAG_PB, block)))
    try:
        read_node(cid, {cid: block})
    except FetchError as error:
        assert error.reason == "wrong content"


def test_a_car_file_gives_its_blocks() -> None:
    blocks = [(cid_v1(RAW, data), data) for data in (b"one", b"two", b"")]
    read = read_car(car(blocks))
    assert read == {parse_cid(base32(cid)): data for cid, data in blocks}


def test_a_car_file_with_one_wrong_block_is_wrong() -> None:
    with pytest.raises(FetchError, match="wrong content"):
        read_car(car([(cid_v1(RAW, b"one"), b"one"), (cid_v1(RAW, b"two"), b"TWO")]))


def test_a_car_file_that_is_cut_off_gives_the_whole_blocks() -> None:
    whole = car([(cid_v1(RAW, b"one"), b"one"), (cid_v1(RAW, b"two"), b"two")])
    assert list(read_car(whole[:-1]).values()) == [b"one"]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_car_file_or_wrong_content(data: bytes) -> None:
    with pytest.raises(FetchError, match="wrong content"):
        read_car(data)

"""Where the metadata lie, as contracts of all manners say it."""

import base64
import json
from dataclasses import replace

import pytest
from eth_abi.abi import encode

from tests.collecting.chain.asking import ask, listed
from tests.collecting.chain.faulty_node import Json, Reply, error, faulty
from tests.collecting.chain.node import Chain
from traitlens.collecting import calls, token_uris
from traitlens.collecting.abi import word
from traitlens.collecting.contract import open_contract
from traitlens.collecting.records import ListedToken
from traitlens.collecting.rpc import Rpc
from traitlens.errors import CollectError


@pytest.fixture(scope="module")
def collection(chain: Chain) -> str:
    """Return a contract with 300 tokens, found by index."""
    address = chain.deploy("Enumerable721")
    for first in (0, 100, 200):
        chain.send(address, "mint(uint256,uint256)", first, 100)
    chain.send(address, "setBaseURI(string)", "ipfs://folder/")
    return address


EXPECTED = [f"ipfs://folder/{i}" for i in range(300)]


def as_code(returned: bytes) -> bytes:
    """Return code that returns these bytes; done twice, it puts on the chain what returns them."""
    # PUSH1 size, DUP1, PUSH1 11, PUSH1 0, CODECOPY, PUSH1 0, RETURN
    return bytes([0x60, len(returned), 0x80, 0x60, 11, 0x60, 0, 0x39, 0x60, 0, 0xF3]) + returned


def uris(tokens: list[ListedToken]) -> list[str | None]:
    return [token.uri for token in tokens]


def told(tokens: list[ListedToken]) -> dict[int, str | None]:
    return {int(token.token_id): token.problem for token in tokens}


def calls_of(asked: Json) -> int:
    """Return how many calls an `aggregate3` bundles; 0 for anything else."""
    if not isinstance(asked, dict) or asked["method"] != "eth_call":
        return 0
    data = bytes.fromhex(asked["params"][0]["data"][2:])
    return int.from_bytes(data[36:68], "big") if data[:4].hex() == "82ad56cb" else 0


def test_hundreds_of_uris_come_in_a_few_requests(chain: Chain, collection: str) -> None:
    with faulty(chain.url) as node:
        assert uris(listed(node.url, collection, ids="0-299")) == EXPECTED
        assert sum(map(bool, map(calls_of, node.asked))) <= 5
        assert len(node.asked) < 25


def test_tokens_keep_the_order_in_which_they_were_asked_for(chain: Chain, collection: str) -> None:
    async def work(rpc: Rpc) -> list[ListedToken]:
        contract = await open_contract(rpc, collection, block=None)
        return await token_uris.token_uris(rpc, contract, [7, 200, 3])

    assert [token.token_id for token in ask(chain.url, work)] == ["7", "200", "3"]


def test_no_tokens_have_no_uris(chain: Chain, collection: str) -> None:
    async def work(rpc: Rpc) -> list[ListedToken]:
        contract = await open_contract(rpc, collection, block=None)
        return await token_uris.token_uris(rpc, contract, [])

    assert ask(chain.url, work) == []


def test_without_multicall3_calls_go_in_json_rpc_batches(
    chain: Chain, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MULTICALL3", "0x" + "ee" * 20)
    with faulty(chain.url) as node:
        assert uris(listed(node.url, collection, ids="0-299")) == EXPECTED
        assert len(node.asked) < 25


def test_without_multicall3_and_batches_calls_go_one_by_one(
    chain: Chain, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MULTICALL3", "0x" + "ee" * 20)

    def refuse(asked: Json) -> Reply | None:
        return error(asked, -32600, "batch not supported") if isinstance(asked, list) else None

    with faulty(chain.url, before=refuse) as node:
        assert uris(listed(node.url, collection, ids="0-30")) == EXPECTED[:31]


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        (-32000, "out of gas", 200),
        (-32000, "gas required exceeds allowance (50000000)", 200),
        (3, "execution reverted", 200),
        (-32000, "execution aborted (timeout = 5s)", 200),
        (-32008, "Response is too big", 200),
        (-32600, "request entity too large", 413),
    ],
)
def test_portions_that_are_too_much_for_the_node_are_halved(
    chain: Chain, collection: str, code: int, message: str, status: int
) -> None:
    def refuse(asked: Json) -> Reply | None:
        return error(asked, code, message, status=status) if calls_of(asked) > 30 else None

    with faulty(chain.url, before=refuse) as node:
        assert uris(listed(node.url, collection, ids="0-299")) == EXPECTED
        taken = [count for asked in node.asked if 0 < (count := calls_of(asked)) <= 30]
        assert max(taken) == 25


@pytest.mark.parametrize("said", ["0x", "0x" + word(32).hex(), "0x" + (word(32) + word(7)).hex()])
def test_what_is_no_multicall_at_its_address_is_seen_at_once(
    chain: Chain, collection: str, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    returns = bytes.fromhex(said[2:])
    monkeypatch.setattr(calls, "MULTICALL3", chain.deploy_code(as_code(as_code(returns))))
    with faulty(chain.url) as node:
        assert uris(listed(node.url, collection, ids="0-99")) == EXPECTED[:100]
        assert sum(map(bool, map(calls_of, node.asked))) == 0
        assert len(node.asked) < 20


def test_a_multicall_that_answers_nonsense_later_is_gone_without(
    chain: Chain, collection: str
) -> None:
    def nonsense(asked: Json) -> Reply | None:
        if not calls_of(asked):
            return None
        return Reply({"jsonrpc": "2.0", "id": asked["id"], "result": "0x" + word(32).hex()})

    with faulty(chain.url, before=nonsense) as node:
        assert uris(listed(node.url, collection, ids="0-20")) == EXPECTED[:21]


def test_a_multicall_that_came_after_the_block_is_gone_without(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = chain.deploy("Logged721")
    block = chain.send(address, "mint(uint256,uint256)", 0, 9)
    monkeypatch.setattr(calls, "MULTICALL3", chain.deploy("Multicall"))
    with faulty(chain.url) as node:
        assert uris(listed(node.url, address, block=block)) == [str(i) for i in range(9)]
        assert sum(map(bool, map(calls_of, node.asked))) == 0
        assert uris(listed(node.url, address)) == [str(i) for i in range(9)]
        assert sum(map(bool, map(calls_of, node.asked))) > 0


def test_long_uris_are_asked_for_in_smaller_portions(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_MANY_BYTES", 1000)
    address = chain.deploy("Long721")
    chain.send(address, "setLength(uint256)", 40)
    with faulty(chain.url) as node:
        listed(node.url, address, ids="0-299")
        portions = [count for asked in node.asked if (count := calls_of(asked))]
        assert min(portions) <= 25


def test_a_token_that_had_too_little_gas_behind_another_is_asked_by_itself(chain: Chain) -> None:
    # The first leaves 1/64 of a thousand million, and the second wants a little more than that.
    tokens = listed(chain.url, chain.deploy("Hostile721"), ids="5,13")
    assert uris(tokens) == [None, "ipfs://good/13"]


def test_tokens_that_burn_all_the_gas_take_no_other_along(chain: Chain) -> None:
    # Each leaves 1/64 of it to those behind it.
    tokens = listed(chain.url, chain.deploy("Hostile721"), ids="5,105,205,305,310-350")
    assert uris(tokens[:4]) == [None] * 4
    assert uris(tokens[4:]) == [f"ipfs://good/{i}" for i in range(310, 351)]


@pytest.mark.parametrize("together", [True, False])
def test_what_a_contract_says_instead_of_a_uri_is_told(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    if not together:
        monkeypatch.setattr(calls, "MULTICALL3", "0x" + "ee" * 20)
    problems = told(listed(chain.url, chain.deploy("Hostile721"), ids="0-12"))
    reason = problems.pop(5)
    assert reason is not None
    assert reason.startswith("tokenURI failed: ")
    assert problems == {
        0: None,
        1: "tokenURI failed: not revealed yet",
        2: "tokenURI failed: panic 0x1",
        3: "tokenURI failed: custom error 0x7e1f5a77",
        4: "tokenURI failed: no reason given",
        6: None,
        7: "tokenURI answered an empty string",
        8: "tokenURI answered an empty string",
        9: "tokenURI answered no string: 32 bytes",
        10: "tokenURI answered no string: 64 bytes",
        11: "tokenURI failed: " + "x" * 199 + "…",
        12: "tokenURI answered no string: 0 bytes",
    }


def test_a_token_that_is_not_there_is_told_with_the_standards_error(chain: Chain) -> None:
    tokens = listed(chain.url, chain.deploy("Logged721"), ids="5")
    assert tokens[0].problem == "tokenURI failed: ERC721NonexistentToken(uint256)"


def test_bytes_that_are_no_utf8_are_written_as_a_uri_writes_them(chain: Chain) -> None:
    tokens = listed(chain.url, chain.deploy("Hostile721"), ids="6")
    assert tokens[0].uri == "ipfs://%FF/%C3("


def test_a_uri_longer_than_any_picture_is_told_by_its_length(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_uris, "MAX_URI_BYTES", 1100)
    address = chain.deploy("Long721")
    chain.send(address, "setLength(uint256)", 1016)
    tokens = listed(chain.url, address, ids="1,10")
    assert (len(tokens[0].uri or ""), tokens[0].problem) == (1024, None)
    assert tokens[1].uri is None
    said = "tokenURI failed: an answer of 1,120 bytes; at most 1,100 are taken"
    assert tokens[1].problem == said


def test_metadata_and_picture_on_the_chain_come_whole(chain: Chain) -> None:
    address = chain.deploy("OnChain721")
    chain.send(address, "mint(uint256,uint256)", 0, 3)
    uri = listed(chain.url, address)[2].uri or ""
    document = json.loads(base64.b64decode(uri.removeprefix("data:application/json;base64,")))
    assert document["attributes"] == [{"trait_type": "Parity", "value": "even"}]
    svg = base64.b64decode(document["image"].removeprefix("data:image/svg+xml;base64,"))
    assert b"rgb(2,80,160)" in svg


def test_the_id_in_an_erc_1155_uri_is_64_lower_case_hex_digits(chain: Chain) -> None:
    address = chain.deploy("Multi1155")
    chain.send(address, "mint(uint256,uint256)", 0xABC, 1)
    digits = "0" * 61 + "abc"
    expected = f"https://tokens.example/{digits}.json?again={digits}"
    assert uris(listed(chain.url, address)) == [expected]


@pytest.mark.parametrize(("count", "problem"), [(3, None), (4, "uri names {id} too often")])
def test_an_erc_1155_uri_does_not_grow_without_end(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, count: int, problem: str | None
) -> None:
    monkeypatch.setattr(token_uris, "MAX_URI_BYTES", 200)
    said = encode(["string"], ["{id}" * count])
    contract = chain.deploy_code(as_code(as_code(said)))

    async def work(rpc: Rpc) -> list[ListedToken]:
        found = await open_contract(rpc, chain.deploy("Multi1155"), block=None)
        return await token_uris.token_uris(rpc, replace(found, address=contract), [7])

    (token,) = ask(chain.url, work)
    assert token.problem == problem
    assert (token.uri == f"{7:064x}" * 3) == (problem is None)


def test_an_erc_721_uri_with_braces_is_left_as_it_is(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    chain.send(address, "setBaseURI(string)", "ipfs://{id}/")
    chain.send(address, "mint(uint256,uint256)", 4, 1)
    assert uris(listed(chain.url, address)) == ["ipfs://{id}/4"]


def test_two_runs_at_one_block_agree_whatever_happens_after_it(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    chain.send(address, "setBaseURI(string)", "ipfs://before/")
    block = chain.send(address, "mint(uint256,uint256)", 0, 3)
    first = listed(chain.url, address, block=block)
    chain.send(address, "setBaseURI(string)", "ipfs://after/")
    chain.send(address, "burn(uint256)", 1)
    assert listed(chain.url, address, block=block) == first
    assert uris(first) == [f"ipfs://before/{i}" for i in range(3)]


def test_a_block_that_is_replaced_on_the_way_is_noticed(chain: Chain) -> None:
    address = chain.deploy("Logged721")

    async def work(rpc: Rpc) -> list[ListedToken]:
        with chain.forked_off():
            chain.send(address, "mint(uint256,uint256)", 0, 3)
            contract = await open_contract(rpc, address, block=None)
            await token_uris.token_uris(rpc, contract, [0, 1])
        chain.send(address, "mint(uint256,uint256)", 0, 4)
        return await token_uris.token_uris(rpc, contract, [0, 1])

    with pytest.raises(CollectError, match="replaced by a reorganisation"):
        ask(chain.url, work)


def test_a_node_that_forgot_the_state_meanwhile_is_asked_no_further(
    chain: Chain, collection: str
) -> None:
    ready: list[int] = []

    def forget(asked: Json) -> Reply | None:
        return error(asked, -32000, "missing trie node b03d68") if ready else None

    async def work(rpc: Rpc) -> list[ListedToken]:
        contract = await open_contract(rpc, collection, block=None)
        ready.append(len(node.asked))
        return await token_uris.token_uris(rpc, contract, list(range(50)))

    with faulty(chain.url, before=forget) as node:
        with pytest.raises(CollectError, match="archive"):
            ask(node.url, work)
        assert len(node.asked) - ready[0] == 2  # the portion, and whether the block is still there


def test_a_node_that_breaks_down_is_never_taken_for_tokens_without_uris(
    chain: Chain, collection: str
) -> None:
    ready: list[bool] = []

    async def work(rpc: Rpc) -> list[ListedToken]:
        contract = await open_contract(rpc, collection, block=None)
        ready.append(True)
        return await token_uris.token_uris(rpc, contract, [0, 1, 2])

    with (
        faulty(chain.url, before=lambda _: Reply(b"bad gateway", 502) if ready else None) as node,
        pytest.raises(CollectError, match="502"),
    ):
        ask(node.url, work)


def test_what_is_no_answer_is_never_taken_for_what_a_token_lacks(
    chain: Chain, collection: str
) -> None:
    def empty(asked: Json) -> Reply | None:
        return Reply({"jsonrpc": "2.0", "id": 1}) if node.sick else None

    async def work(rpc: Rpc) -> list[ListedToken]:
        contract = await open_contract(rpc, collection, block=None)
        node.sick = True
        return await token_uris.token_uris(rpc, contract, [0, 1, 2])

    with (
        faulty(chain.url, before=empty) as node,
        pytest.raises(CollectError, match="an answer to something else"),
    ):
        ask(node.url, work)


@pytest.mark.parametrize(
    ("code", "message", "match"),
    [
        (-32000, "missing trie node b03d68 (path )", "archive"),
        (-32005, "daily request count exceeded, request rate limited", "another node"),
        (-32000, "Unauthorized: You must authenticate your request", "Unauthorized"),
        (-32603, "Internal error", "Internal error"),
        (-32011, "no backend is currently healthy to serve traffic", "no backend"),
        (-32000, "query timed out", "query timed out"),
    ],
)
def test_what_the_node_lacks_is_never_taken_for_what_a_token_lacks(
    chain: Chain, collection: str, code: int, message: str, match: str
) -> None:
    ready: list[bool] = []

    def fail(asked: Json) -> Reply | None:
        first = asked[0] if isinstance(asked, list) else asked
        return error(asked, code, message) if ready and first["method"] == "eth_call" else None

    async def work(rpc: Rpc) -> list[ListedToken]:
        contract = await open_contract(rpc, collection, block=None)
        ready.append(True)
        return await token_uris.token_uris(rpc, contract, [0, 1, 2])

    with faulty(chain.url, before=fail) as node, pytest.raises(CollectError, match=match):
        ask(node.url, work)

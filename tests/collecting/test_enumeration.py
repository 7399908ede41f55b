"""The ids of a contract's tokens, from a real chain behind nodes that cap their logs."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collecting.chain.asking import ask, ids_of, listed, opened
from tests.collecting.chain.faulty_node import CAPS, Json, Reply, error, faulty
from tests.collecting.chain.node import Chain
from traitlens.collecting import enumeration, transfers
from traitlens.collecting.contract import open_contract
from traitlens.collecting.enumeration import enumerate_tokens
from traitlens.collecting.logs import created_at
from traitlens.collecting.records import MAX_TOKENS
from traitlens.collecting.rpc import Rpc
from traitlens.collecting.token_ids import ids_in, parse_ids
from traitlens.errors import CollectError


@pytest.fixture(scope="module")
def scattered(chain: Chain) -> tuple[str, list[int]]:
    """Return a contract whose tokens came one by one, with empty blocks between, and their ids."""
    chain.mine(10)
    address = chain.deploy("Logged721")
    for first in (40, 3, 20, 30, 11):
        chain.send(address, "mint(uint256,uint256)", first, 2)
        chain.mine(7)
    chain.send(address, "burn(uint256)", 20)
    chain.send(address, "send(address,uint256)", "0x" + "cd" * 20, 3)
    chain.mine(7)
    return address, [3, 4, 11, 12, 21, 30, 31, 40, 41]


def test_tokens_are_counted_by_index_and_sorted(chain: Chain) -> None:
    address = chain.deploy("Enumerable721")
    chain.send(address, "mint(uint256,uint256)", 500, 2)
    chain.send(address, "mint(uint256,uint256)", 0, 150)
    with faulty(chain.url) as node:
        assert ids_of(node.url, address) == [*range(150), 500, 501]
        assert "eth_getLogs" not in node.methods()


def test_by_index_burnt_tokens_are_left_out(chain: Chain) -> None:
    address = chain.deploy("Enumerable721")
    chain.send(address, "mint(uint256,uint256)", 0, 5)
    chain.send(address, "burn(uint256)", 1)
    assert ids_of(chain.url, address) == [0, 2, 3, 4]


def test_an_index_that_gives_a_token_twice_is_not_believed(chain: Chain) -> None:
    address = chain.deploy("Liar721")
    chain.send(address, "mint(uint256,uint256)", 0, 4)
    assert ids_of(chain.url, address) == [0, 1, 2, 3]


def test_an_index_that_gives_one_token_for_ever_is_left_at_once(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enumeration, "_PORTION", 20)
    address = chain.deploy("Liar721")
    chain.send(address, "mint(uint256,uint256)", 0, 4)

    async def work(rpc: Rpc) -> list[int]:
        contract = replace(await open_contract(rpc, address, block=None), total_supply=MAX_TOKENS)
        return [token_id async for token_id in enumerate_tokens(rpc, contract)]

    with faulty(chain.url) as node:
        assert ask(node.url, work) == [0, 1, 2, 3]
        assert len(node.asked) < 70


def test_logs_give_each_token_once_without_the_burnt(
    chain: Chain, scattered: tuple[str, list[int]]
) -> None:
    address, expected = scattered
    assert ids_of(chain.url, address) == expected


def test_a_token_that_was_burnt_and_minted_again_is_there(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    chain.send(address, "mint(uint256,uint256)", 0, 2)
    chain.send(address, "burn(uint256)", 1)
    chain.send(address, "mint(uint256,uint256)", 1, 1)
    assert ids_of(chain.url, address) == [0, 1]


def test_tokens_that_were_minted_at_once_are_found(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    chain.send(address, "mintAtOnce(uint256,uint256)", 10, 40)
    chain.send(address, "burn(uint256)", 12)
    assert ids_of(chain.url, address) == [10, 11, *range(13, 41)]


def test_a_claim_of_more_tokens_than_any_collection_has_is_refused(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    chain.send(address, "claimAtOnce(uint256,uint256)", 0, 2**256 - 1)
    with pytest.raises(CollectError, match=r"at most 10,000,000.*--ids"):
        ids_of(chain.url, address)


def test_a_claim_that_is_made_again_and_again_is_refused(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "MAX_TOKENS", 1000)
    address = chain.deploy("Logged721")
    for _ in range(2):
        chain.send(address, "claimAtOnce(uint256,uint256)", 0, 599)
    with pytest.raises(CollectError, match=r"names 1,200 tokens.*--ids"):
        ids_of(chain.url, address)


@pytest.mark.parametrize("name", ["Old721", "Yes721"])
def test_events_whose_id_is_not_indexed_are_read(chain: Chain, name: str) -> None:
    address = chain.deploy(name)
    for token_id in (9, 4, 2**255):
        chain.send(address, "mint(uint256)", token_id)
    assert ids_of(chain.url, address) == [4, 9, 2**255]


def test_an_erc_1155_gives_its_ids_singly_and_in_batches_until_all_are_burnt(chain: Chain) -> None:
    address = chain.deploy("Multi1155")
    chain.send(address, "mint(uint256,uint256)", 7, 10)
    chain.send(address, "mintBatch(uint256[],uint256[])", [1, 2, 3], [5, 5, 5])
    chain.send(address, "mint(uint256,uint256)", 9, 0)  # nothing came
    chain.send(address, "burn(uint256,uint256)", 7, 4)
    chain.send(address, "burn(uint256,uint256)", 2, 5)
    assert ids_of(chain.url, address) == [1, 3, 7]


def test_since_a_later_block_no_erc_1155_id_is_thought_gone(chain: Chain) -> None:
    address = chain.deploy("Multi1155")
    block = chain.send(address, "mint(uint256,uint256)", 7, 10)
    chain.send(address, "mint(uint256,uint256)", 7, 3)
    chain.send(address, "burn(uint256,uint256)", 7, 3)
    assert ids_of(chain.url, address, from_block=block + 1) == [7]


@pytest.mark.parametrize("provider", CAPS)
def test_a_provider_that_caps_its_logs_gives_the_same_tokens(
    chain: Chain, scattered: tuple[str, list[int]], provider: str
) -> None:
    address, expected = scattered
    with faulty(chain.url, before=CAPS[provider].before, after=CAPS[provider].after) as node:
        assert ids_of(node.url, address) == expected
        assert node.methods().count("eth_getLogs") < chain.block


def test_a_cap_that_the_provider_names_is_met_at_once(
    chain: Chain, scattered: tuple[str, list[int]]
) -> None:
    address, _ = scattered
    with faulty(chain.url, before=CAPS["QuickNode"].before) as node:
        contract = opened(node.url, address)
        first = ask(node.url, lambda rpc: created_at(rpc, address, last=contract.block or 0))
        node.asked.clear()
        ids_of(node.url, address)
        blocks = (contract.block or 0) - first + 1
        assert node.methods().count("eth_getLogs") == 1 + -(-blocks // 11)


def test_logs_out_of_order_twice_taken_back_or_of_others_do_no_harm(
    chain: Chain, scattered: tuple[str, list[int]]
) -> None:
    address, expected = scattered

    def shuffle(asked: Json, answer: Json) -> Json:
        if isinstance(asked, list) or asked["method"] != "eth_getLogs":
            return answer
        logs = answer["result"]
        gone = [
            log | {"removed": True, "topics": [*log["topics"][:3], f"{77:#066x}"]}
            for log in logs[:1]
        ]
        others = [log | {"address": "0x" + "ee" * 20, "logIndex": "0xff"} for log in logs]
        return answer | {"result": logs[::-1] + others + logs + gone}

    with faulty(chain.url, after=shuffle) as node:
        assert ids_of(node.url, address) == expected


@pytest.mark.parametrize("result", [None, {}, [None], [{"topics": ["0x12"]}], [{"topics": 5}]])
def test_what_is_no_list_of_logs_is_told_and_not_taken_for_none(
    chain: Chain, scattered: tuple[str, list[int]], result: Json
) -> None:
    def spoil(asked: Json, answer: Json) -> Json:
        logs = isinstance(asked, dict) and asked["method"] == "eth_getLogs"
        return answer | {"result": result} if logs else answer

    with (
        faulty(chain.url, after=spoil) as node,
        pytest.raises(CollectError, match=r"logs of the contract cannot be read.*--ids"),
    ):
        ids_of(node.url, scattered[0])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-32601, "the method eth_getLogs does not exist/is not available"),
        (4444, "pruned history unavailable"),
    ],
)
def test_a_node_without_logs_is_told_at_once(
    chain: Chain, scattered: tuple[str, list[int]], code: int, message: str
) -> None:
    def refuse(asked: Json) -> Reply | None:
        logs = isinstance(asked, dict) and asked["method"] == "eth_getLogs"
        return error(asked, code, message) if logs else None

    with faulty(chain.url, before=refuse) as node:
        with pytest.raises(CollectError, match=f"{message}.*--ids"):
            ids_of(node.url, scattered[0])
        assert node.methods().count("eth_getLogs") == 1


def test_a_supply_without_any_transfer_is_told(chain: Chain) -> None:
    address = chain.deploy("Liar721")
    with pytest.raises(CollectError, match=r"says that it has 3 tokens.*--ids"):
        ids_of(chain.url, address)


def test_a_contract_without_tokens_has_none(chain: Chain) -> None:
    assert ids_of(chain.url, chain.deploy("Logged721")) == []


def test_what_came_after_the_pinned_block_is_not_there(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    block = chain.send(address, "mint(uint256,uint256)", 0, 3)
    chain.send(address, "mint(uint256,uint256)", 3, 3)
    chain.send(address, "burn(uint256)", 0)
    assert ids_of(chain.url, address, block=block) == [0, 1, 2]


def test_what_came_before_the_first_block_is_not_looked_at(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    block = chain.send(address, "mint(uint256,uint256)", 0, 3)
    chain.send(address, "mint(uint256,uint256)", 3, 3)
    assert ids_of(chain.url, address, from_block=block + 1) == [3, 4, 5]


@pytest.mark.parametrize("block", [-1, 1_000_000])
def test_a_first_block_outside_the_chain_is_refused(chain: Chain, block: int) -> None:
    address = chain.deploy("Logged721")
    with pytest.raises(CollectError, match=f"--from-block must be 0 to .*; got {block}"):
        ids_of(chain.url, address, from_block=block)


def test_the_block_in_which_a_contract_appeared_is_found(chain: Chain) -> None:
    chain.mine(3)
    address = chain.deploy("Logged721")
    created = chain.block
    last = chain.mine(9)
    assert ask(chain.url, lambda rpc: created_at(rpc, address, last=last)) == created


def test_where_the_old_states_are_gone_the_logs_are_read_from_the_beginning(
    chain: Chain, scattered: tuple[str, list[int]]
) -> None:
    newest = hex(chain.block)

    def forget(asked: Json) -> Reply | None:
        if isinstance(asked, list) or asked["method"] != "eth_getCode":
            return None
        old = isinstance(asked["params"][1], str) and asked["params"][1] != newest
        return error(asked, -32000, "missing trie node") if old else None

    address, expected = scattered
    with faulty(chain.url, before=forget) as node:
        assert ids_of(node.url, address) == expected
        calls = [asked for asked in node.asked if isinstance(asked, dict)]
        first = next(asked for asked in calls if asked["method"] == "eth_getLogs")
        assert first["params"][0]["fromBlock"] == "0x0"


def test_a_block_that_is_replaced_on_the_way_is_noticed(chain: Chain) -> None:
    address = chain.deploy("Logged721")

    async def work(rpc: Rpc) -> list[int]:
        with chain.forked_off():
            chain.send(address, "mint(uint256,uint256)", 0, 3)
            contract = await open_contract(rpc, address, block=None)
        chain.send(address, "mint(uint256,uint256)", 0, 4)
        return [token_id async for token_id in enumerate_tokens(rpc, contract)]

    with pytest.raises(CollectError, match="replaced by a reorganisation"):
        ask(chain.url, work)


def test_progress_ends_with_all_blocks(chain: Chain, scattered: tuple[str, list[int]]) -> None:
    told: list[tuple[str, int, int, str]] = []

    async def work(rpc: Rpc) -> list[int]:
        contract = await open_contract(rpc, scattered[0], block=None)
        found = enumerate_tokens(rpc, contract, progress=lambda *said: told.append(said))
        return [token_id async for token_id in found]

    ask(chain.url, work)
    stage, done, total, note = told[-1]
    assert (stage, done == total, note) == ("enumerate", True, "10 tokens in the logs")


def test_named_ids_are_taken_without_asking_for_logs(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    chain.send(address, "mint(uint256,uint256)", 0, 9)
    with faulty(chain.url) as node:
        tokens = listed(node.url, address, ids="7-9, 1,2")
        assert "eth_getLogs" not in node.methods()
    assert [(token.token_id, token.uri) for token in tokens] == [
        *((str(i), str(i)) for i in (1, 2, 7, 8)),
        ("9", None),
    ]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("0-3", [0, 1, 2, 3]),
        ("1,5,7-9", [1, 5, 7, 8, 9]),
        (" 9 , 7 - 8 ", [7, 8, 9]),
        ("3,1-4,4,2-5", [1, 2, 3, 4, 5]),
        ("5", [5]),
        (str(2**256 - 1), [2**256 - 1]),
    ],
)
def test_ids_are_named_as_numbers_and_ranges(text: str, ids: list[int]) -> None:
    assert list(ids_in(parse_ids(text))) == ids


@pytest.mark.parametrize(
    "text", ["", "-", "a", "3-1", "1,,2", "-5", "1-2-3", "0x10", "²", str(2**256), "9" * 5000]
)
def test_what_names_no_ids_is_refused(text: str) -> None:
    with pytest.raises(CollectError, match="0-9999"):
        parse_ids(text)


def test_more_ids_than_any_collection_has_are_refused() -> None:
    with pytest.raises(CollectError, match="10,000,000"):
        parse_ids("0-10000000")


@given(st.sets(st.integers(0, 60), min_size=1))
def test_ids_in_any_order_come_back_ascending_and_once(ids: set[int]) -> None:
    text = ",".join(map(str, [*ids, *ids]))
    assert list(ids_in(parse_ids(text))) == sorted(ids)


def test_named_ids_need_no_node(chain: Chain) -> None:
    contract = opened(chain.url, chain.deploy("Logged721"))

    async def work() -> list[int]:
        return [i async for i in enumerate_tokens(None, contract, ids="1-2")]  # type: ignore[arg-type]

    assert asyncio.run(work()) == [1, 2]


def test_a_range_that_is_named_for_a_crowded_place_does_not_hold_everywhere(chain: Chain) -> None:
    # The last one here: each empty block makes the others slower, where the chain is eth-tester's.
    address = chain.deploy("Logged721")
    for token_id in range(10):
        chain.send(address, "mint(uint256,uint256)", token_id, 1)
    chain.mine(90)
    with faulty(chain.url, after=CAPS["Infura, by results"].after) as node:
        assert ids_of(node.url, address) == list(range(10))
        assert node.methods().count("eth_getLogs") < 25  # and 34 of three blocks each

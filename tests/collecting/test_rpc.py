"""JSON-RPC with nodes that cap, refuse, forget and shuffle: real HTTP before a real chain."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.collecting.chain.asking import ask
from tests.collecting.chain.faulty_node import Json, Reply, error, faulty
from tests.collecting.chain.node import Chain
from traitlens.collecting.records import FetchError, FetchReason
from traitlens.collecting.rpc import Adaptive, Call, Rpc, RpcError, blob, quantity
from traitlens.errors import CollectError

CHAIN_ID: Call = ("eth_chainId", [])


def blocks(count: int) -> list[Call]:
    return [("eth_getBlockByNumber", [hex(number), False]) for number in range(count)]


def numbers(answers: list[object]) -> list[int]:
    return [quantity(answer["number"]) for answer in answers if isinstance(answer, dict)]


def test_a_call_brings_its_result(chain: Chain) -> None:
    assert ask(chain.url, lambda rpc: rpc.call(*CHAIN_ID)) == chain.rpc("eth_chainId")


def test_null_is_a_result_too(chain: Chain) -> None:
    asked = ("eth_getBlockByNumber", [hex(10**9), False])
    assert ask(chain.url, lambda rpc: rpc.call(*asked)) is None


def test_answers_out_of_order_find_their_calls(chain: Chain) -> None:
    last = chain.mine(20)
    with faulty(chain.url, after=lambda asked, answer: answer[::-1]) as node:
        answers = ask(node.url, lambda rpc: rpc.batch(blocks(last)))
    assert numbers(answers) == list(range(last))
    assert len(node.asked) == -(-last // 40)


def test_one_answer_with_a_wrong_id_is_asked_for_again(chain: Chain) -> None:
    chain.mine(5)
    spoilt: list[Json] = []

    def swap(asked: Json, answer: Json) -> Json:
        if not spoilt:
            spoilt.append(answer)
            answer[2]["id"] = 10**6
            answer[3] = None
        return answer

    with faulty(chain.url, after=swap) as node:
        answers = ask(node.url, lambda rpc: rpc.batch(blocks(5)))
    assert numbers(answers) == [0, 1, 2, 3, 4]
    assert [len(asked) for asked in node.asked] == [5, 2]


def test_two_answers_to_one_call_are_none(chain: Chain) -> None:
    def double(asked: Json, answer: Json) -> Json:
        return [answer[0] | {"result": "0x0"}, *answer] if len(node.asked) == 1 else answer

    with faulty(chain.url, after=double) as node:
        answers = ask(node.url, lambda rpc: rpc.batch([CHAIN_ID, CHAIN_ID]))
    assert answers == [chain.rpc("eth_chainId")] * 2


@pytest.mark.parametrize("status", [200, 400, 413])
def test_a_batch_that_is_refused_is_halved(chain: Chain, status: int) -> None:
    last = chain.mine(30)

    def refuse(asked: Json) -> Reply | None:
        if isinstance(asked, list) and len(asked) > 7:
            return error(asked, -32600, "batch too large", status=status)
        return None

    with faulty(chain.url, before=refuse) as node:
        answers = ask(node.url, lambda rpc: rpc.batch(blocks(last)))
    assert numbers(answers) == list(range(last))


def test_a_node_without_batches_is_asked_one_by_one(chain: Chain) -> None:
    chain.mine(12)

    def refuse(asked: Json) -> Reply | None:
        return Reply({"error": "no batches here"}, 403) if isinstance(asked, list) else None

    with faulty(chain.url, before=refuse) as node:
        answers = ask(node.url, lambda rpc: rpc.batch(blocks(12)))
    assert numbers(answers) == list(range(12))
    assert sum(isinstance(asked, list) for asked in node.asked) <= 3


def test_a_batch_of_nothing_but_wrong_ids_is_asked_one_by_one_in_the_end(chain: Chain) -> None:
    chain.mine(8)

    def mislabel(asked: Json, answer: Json) -> Json:
        return [one | {"id": 0} for one in answer] if isinstance(answer, list) else answer

    with faulty(chain.url, after=mislabel) as node:
        answers = ask(node.url, lambda rpc: rpc.batch(blocks(8)))
    assert numbers(answers) == list(range(8))


def test_the_wish_to_wait_inside_an_answer_is_granted(chain: Chain) -> None:
    waits: list[float] = []

    def limit(asked: Json) -> Reply | None:
        if len(node.asked) < 4:
            return error(asked, -32005, "daily request count exceeded, request rate limited")
        return None

    with faulty(chain.url, before=limit) as node:
        assert ask(node.url, lambda rpc: rpc.call(*CHAIN_ID), waits=waits)
    assert waits == [0.5, 1.0, 2.0]


def test_calls_of_a_batch_that_must_wait_are_asked_again_together(chain: Chain) -> None:
    waits: list[float] = []

    def limit(asked: Json, answer: Json) -> Json:
        busy = {"code": 429, "message": "Your app has exceeded its compute units per second"}
        if len(node.asked) > 2:
            return answer
        return [{"jsonrpc": "2.0", "id": one["id"], "error": busy} for one in asked]

    with faulty(chain.url, after=limit) as node:
        answers = ask(node.url, lambda rpc: rpc.batch([CHAIN_ID] * 5), waits=waits)
    assert answers == [chain.rpc("eth_chainId")] * 5
    assert (waits, len(node.asked)) == ([0.5, 1.0], 3)


def test_a_limit_that_never_ends_is_told_after_some_tries(chain: Chain) -> None:
    waits: list[float] = []
    with faulty(chain.url, before=lambda asked: error(asked, -32016, "over rate limit")) as node:
        with pytest.raises(RpcError, match=r"over rate limit.*another node"):
            ask(node.url, lambda rpc: rpc.batch([CHAIN_ID] * 100), waits=waits)
        assert len(node.asked) == 5
    assert len(waits) == 4


def test_a_machine_that_is_a_block_behind_is_waited_for(chain: Chain) -> None:
    waits: list[float] = []

    def lag(asked: Json) -> Reply | None:
        return error(asked, -32000, "header not found") if len(node.asked) < 3 else None

    with faulty(chain.url, before=lag) as node:
        assert ask(node.url, lambda rpc: rpc.batch([CHAIN_ID] * 3), waits=waits)
    assert waits == [0.5, 1.0]


def test_a_node_that_stumbles_over_a_single_call_is_asked_again(chain: Chain) -> None:
    waits: list[float] = []

    def stumble(asked: Json) -> Reply | None:
        return error(asked, -32603, "Internal error") if len(node.asked) < 3 else None

    with faulty(chain.url, before=stumble) as node:
        assert ask(node.url, lambda rpc: rpc.call(*CHAIN_ID), waits=waits)
    assert waits == [0.5, 1.0]


def test_a_call_to_which_there_is_an_alternative_is_not_made_again(chain: Chain) -> None:
    with (
        faulty(chain.url, before=lambda asked: error(asked, -32603, "Internal error")) as node,
        pytest.raises(RpcError, match="Internal error"),
    ):
        ask(node.url, lambda rpc: rpc.call(*CHAIN_ID, alternative=True))
    assert len(node.asked) == 1


def test_a_null_where_something_is_due_is_asked_for_again(chain: Chain) -> None:
    def forget(asked: Json) -> Reply | None:
        null = {"jsonrpc": "2.0", "id": asked["id"], "result": None}
        return Reply(null) if len(node.asked) < 3 else None

    with faulty(chain.url, before=forget) as node:
        assert ask(node.url, lambda rpc: rpc.call(*CHAIN_ID, due=True)) == chain.rpc("eth_chainId")


def test_batches_grow_again_after_a_node_had_only_single_calls_for_a_while(chain: Chain) -> None:
    last = chain.mine(60)

    def break_down(asked: Json) -> Reply | None:
        return Reply(b"bad gateway", 502) if isinstance(asked, list) and node.sick else None

    async def work(rpc: Rpc) -> list[object]:
        await rpc.batch(blocks(8))
        node.sick = False
        node.asked.clear()
        return await rpc.batch(blocks(last))

    with faulty(chain.url, before=break_down) as node:
        node.sick = True
        assert numbers(ask(node.url, work)) == list(range(last))
    assert max(len(asked) for asked in node.asked if isinstance(asked, list)) >= 4


@pytest.mark.parametrize(
    "url", ["", "ws://eth.example/SECRETKEY", "http://[", "eth.example", "file:///a"]
)
def test_what_is_no_address_of_a_node_is_refused(url: str) -> None:
    with pytest.raises(CollectError, match="http or https") as caught:
        Rpc(Unreachable(FetchError("refused", "")), url)
    assert "SECRETKEY" not in str(caught.value)


def test_a_429_is_tried_again(chain: Chain) -> None:
    def limit(asked: Json) -> Reply | None:
        return Reply(b"slow down", 429) if len(node.asked) < 3 else None

    with faulty(chain.url, before=limit) as node:
        assert ask(node.url, lambda rpc: rpc.call(*CHAIN_ID)) == chain.rpc("eth_chainId")


def test_truncated_json_is_tried_again(chain: Chain) -> None:
    def cut(asked: Json) -> Reply | None:
        return Reply(b'{"jsonrpc": "2.0", "id": 1, "resu') if len(node.asked) < 3 else None

    with faulty(chain.url, before=cut) as node:
        assert ask(node.url, lambda rpc: rpc.call(*CHAIN_ID)) == chain.rpc("eth_chainId")


@pytest.mark.parametrize(
    "body",
    [None, [], {}, 7, {"jsonrpc": "2.0", "id": 1}, {"id": 10**6, "result": "0x1"}, {"error": 3}],
)
def test_what_is_no_answer_is_an_error_after_some_tries(chain: Chain, body: Json) -> None:
    with (
        faulty(chain.url, before=lambda asked: Reply(json.dumps(body).encode())) as node,
        pytest.raises(RpcError) as caught,
    ):
        ask(node.url, lambda rpc: rpc.call(*CHAIN_ID))
    assert caught.value.kind in ("malformed", "down")


def test_an_error_says_the_host_and_never_the_key() -> None:
    url = "https://eth.example/v2/SECRETKEY"
    caught = failing(FetchError("refused", f"401 from {url}: no such key SECRETKEY"), url)
    assert "eth.example" in str(caught)
    assert "SECRETKEY" not in str(caught)


def test_an_error_that_repeats_the_key_is_shown_without_it(chain: Chain) -> None:
    def repeat(asked: Json) -> Reply:
        return error(asked, -32000, "Must be authenticated! v2/SECRETKEY is unknown")

    with faulty(chain.url, before=repeat) as node, pytest.raises(RpcError) as caught:
        ask(node.url, lambda rpc: rpc.call(*CHAIN_ID))
    assert "SECRETKEY" not in str(caught.value)


def test_a_text_without_end_is_cut(chain: Chain) -> None:
    with (
        faulty(chain.url, before=lambda asked: error(asked, -1, "no\n" * 10**5)) as node,
        pytest.raises(RpcError) as caught,
    ):
        ask(node.url, lambda rpc: rpc.call(*CHAIN_ID))
    assert len(str(caught.value)) < 500


def test_a_host_called_archive_does_not_mean_that_state_is_missing() -> None:
    url = "https://archive.example/"
    caught = failing(FetchError("server error", "500 from archive.example"), url, times=5)
    assert caught.kind == "down"


@pytest.mark.parametrize("reason", ["no connection", "forbidden address", "refused", "not found"])
def test_a_node_that_cannot_be_reached_is_asked_once(reason: FetchReason) -> None:
    assert failing(FetchError(reason, "sorry"), "https://eth.example").kind == "refused"


@pytest.mark.parametrize("reason", ["rate limited", "timed out", "cut off", "server error"])
def test_what_may_pass_is_waited_out_though_the_fetcher_gave_up(reason: FetchReason) -> None:
    assert failing(FetchError(reason, "sorry"), "https://eth.example", times=5).kind in (
        "rate limited",
        "down",
    )


class Unreachable:
    """A fetcher that never brings anything."""

    def __init__(self, why: FetchError) -> None:
        self.why, self.sent = why, 0

    async def post_json(
        self, url: str, payload: object, *, headers: Mapping[str, str] = {}
    ) -> object:
        self.sent += 1
        raise self.why


def failing(why: FetchError, url: str, *, times: int = 1) -> RpcError:
    fetcher = Unreachable(why)

    async def sleep(seconds: float) -> None:
        """Nobody waits."""

    with pytest.raises(RpcError) as caught:
        asyncio.run(Rpc(fetcher, url, sleep=sleep).call("eth_chainId", []))
    assert fetcher.sent == times
    return caught.value


@pytest.mark.parametrize("value", [None, 5, "", "0x", "5", "0xzz", "-0x1", "0x" + "f" * 65, True])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(RpcError, match="hex"):
        quantity(value)


@pytest.mark.parametrize("value", [None, 5, "", "ab", "0xa", "0xzz"])
def test_what_is_no_bytes_is_refused(value: Any) -> None:
    with pytest.raises(RpcError, match="hex"):
        blob(value)


def test_a_size_that_was_refused_is_halved_and_grows_again() -> None:
    size = Adaptive(100, most=400)
    size.shrink(100)
    seen = [size.size]
    for _ in range(12):
        size.grow()
        seen.append(size.size)
    assert (seen[0], seen[4], seen[8], seen[12]) == (50, 100, 200, 400)


def test_a_size_that_the_node_named_is_never_passed() -> None:
    size = Adaptive(100, most=400)
    size.shrink(100, to=30)
    for _ in range(50):
        size.grow()
    assert size.size == 30


def test_a_size_that_was_named_for_this_once_grows_again() -> None:
    size = Adaptive(100, most=400)
    size.shrink(100, to=30, lasting=False)
    seen = [size.size]
    for _ in range(12):
        size.grow()
        seen.append(size.size)
    assert (seen[0], seen[4], seen[8]) == (30, 60, 120)


@pytest.mark.parametrize("named", [0, 100, 250])
def test_a_size_that_the_node_names_but_just_refused_is_halved(named: int) -> None:
    size = Adaptive(100, most=400)
    size.shrink(100, to=named)
    assert size.size == 50


def test_a_size_ends_at_one() -> None:
    size = Adaptive(3, most=4)
    for _ in range(5):
        size.shrink(size.size)
    assert size.size == 1

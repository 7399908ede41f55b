"""Who is asked, when, and how often."""

import asyncio
import gc
import random
from collections.abc import Awaitable, Callable

import pytest

from traitlens.collecting.fetch_config import FetchConfig
from traitlens.collecting.gateways import DECLINES, Gateway, Gateways, worst
from traitlens.collecting.hosts import DOWN_AFTER, GIVEN_UP_S, RECOVERY_S, Host
from traitlens.collecting.records import FetchError, FetchReason


class Clock:
    """Time that stands still unless a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def host(name: str = "a:443", *, rate_per_s: float | None = None, clock: Clock) -> Host:
    return Host(name, rate_per_s=rate_per_s, max_wait_s=60, clock=clock)


def gateways(
    count: int = 3,
    *,
    clock: Clock | None = None,
    hedge_after_s: float | None = None,
    retries: int = 4,
) -> tuple[list[Gateway], Gateways]:
    clock = clock or Clock()
    listed = [Gateway(url=f"https://g{n}", host=host(f"g{n}", clock=clock)) for n in range(count)]
    config = FetchConfig(backoff_s=0.001, hedge_after_s=hedge_after_s, retries=retries)
    return listed, Gateways(listed, config, random.Random(0))


def failing(
    reasons: dict[str, FetchReason], asked: list[str]
) -> Callable[[Gateway], Awaitable[str]]:
    """Return a question to which the gateways of `reasons` fail, and the others say their URL."""

    async def ask(gateway: Gateway) -> str:
        asked.append(gateway.url[-2:])
        if gateway.url[-2:] in reasons:
            raise FetchError(reasons[gateway.url[-2:]], gateway.url)
        return gateway.url[-2:]

    return ask


def first_good(listed: Gateways, ask: Callable[[Gateway], Awaitable[str]]) -> str:
    return asyncio.run(listed.first_good(ask))


def test_the_first_gateway_is_asked_first() -> None:
    asked: list[str] = []
    assert first_good(gateways()[1], failing({}, asked)) == "g0"
    assert asked == ["g0"]


@pytest.mark.parametrize("reason", ["server error", "not found", "wrong content", "refused"])
def test_after_a_failure_the_next_gateway_is_asked(reason: FetchReason) -> None:
    asked: list[str] = []
    assert first_good(gateways()[1], failing({"g0": reason}, asked)) == "g1"
    assert asked == ["g0", "g1"]


def test_what_may_pass_is_tried_again_in_rounds() -> None:
    asked: list[str] = []
    every: dict[str, FetchReason] = {"g0": "cut off", "g1": "cut off"}
    with pytest.raises(FetchError, match="cut off"):
        first_good(gateways(2, retries=4)[1], failing(every, asked))
    assert asked == ["g0", "g1", "g0", "g1", "g0"]


def test_who_says_that_there_is_nothing_is_not_asked_again() -> None:
    asked: list[str] = []
    reasons: dict[str, FetchReason] = {"g0": "not found", "g1": "server error"}
    with pytest.raises(FetchError, match="server error"):
        first_good(gateways(2, retries=3)[1], failing(reasons, asked))
    assert asked == ["g0", "g1", "g1", "g1"]


def test_when_all_say_that_there_is_nothing_nobody_is_asked_again() -> None:
    asked: list[str] = []
    with pytest.raises(FetchError, match="not found"):
        first_good(gateways(3)[1], failing(dict.fromkeys(("g0", "g1", "g2"), "not found"), asked))
    assert asked == ["g0", "g1", "g2"]


def test_a_final_reason_is_raised_at_once() -> None:
    asked: list[str] = []
    listed = gateways()[1]
    ask = failing({"g0": "timed out"}, asked)
    with pytest.raises(FetchError, match="timed out"):
        asyncio.run(listed.first_good(ask, final={"timed out"}))
    assert asked == ["g0"]


def test_without_gateways_there_is_nobody_to_ask() -> None:
    with pytest.raises(FetchError, match="nobody"):
        first_good(gateways(0)[1], failing({}, []))


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        (["not found", "not found"], "not found"),
        (["not found", "timed out"], "timed out"),
        (["timed out", "not found"], "timed out"),
        (["not found", "wrong content"], "wrong content"),
        (["wrong content", "server error"], "server error"),
        (["refused", "not found"], "refused"),
    ],
)
def test_the_failure_that_says_most_is_told(reasons: list[FetchReason], told: str) -> None:
    assert worst([FetchError(reason, "") for reason in reasons]).reason == told


def test_an_ill_gateway_goes_behind_the_others_and_comes_back_with_time() -> None:
    clock = Clock()
    listed, ordered = gateways(clock=clock)
    for _ in range(10):
        listed[0].host.went_badly(FetchError("server error", ""))
    assert listed[0].host.score == pytest.approx(0.9**10)
    assert ordered.choose() is listed[1]
    clock.now_s += RECOVERY_S
    assert listed[0].host.score == pytest.approx(1 - (1 - 0.9**10) / 2)
    assert ordered.choose() is listed[0]


def test_a_gateway_that_asks_for_patience_goes_behind_the_others() -> None:
    listed, ordered = gateways()
    listed[0].host.hold(5)
    assert ordered.choose() is listed[1]


def test_a_host_that_never_works_is_tried_once() -> None:
    listed, ordered = gateways(1)
    for _ in range(DOWN_AFTER):
        listed[0].host.went_badly(FetchError("no connection", ""))
    asked: list[str] = []
    with pytest.raises(FetchError, match="no connection"):
        first_good(ordered, failing({"g0": "no connection"}, asked))
    assert asked == ["g0"]


def test_one_answer_brings_a_host_back() -> None:
    clock = Clock()
    one = host(clock=clock)
    for _ in range(DOWN_AFTER):
        one.went_badly(FetchError("no connection", ""))
    assert one.is_down
    one.went_well()
    assert not one.is_down


def test_a_slow_gateway_is_overtaken_by_the_next() -> None:
    cancelled = []

    async def ask(gateway: Gateway) -> str:
        try:
            await asyncio.sleep(30 if gateway.url == "https://g0" else 0)
        except asyncio.CancelledError:
            cancelled.append(gateway.url)
            raise
        return gateway.url

    assert first_good(gateways(hedge_after_s=0.01)[1], ask) == "https://g1"
    assert cancelled == ["https://g0"]


def test_a_fast_gateway_is_asked_alone() -> None:
    asked: list[str] = []
    first_good(gateways(hedge_after_s=5)[1], failing({}, asked))
    assert asked == ["g0"]


def test_the_second_request_may_fail_without_harm() -> None:
    async def ask(gateway: Gateway) -> str:
        if gateway.url == "https://g1":
            raise FetchError("server error", "")
        await asyncio.sleep(0.05)
        return gateway.url

    assert first_good(gateways(hedge_after_s=0.01)[1], ask) == "https://g0"


def test_nobody_is_asked_twice_at_once() -> None:
    """A node's slow answer is no reason to let it work twice."""
    asked: list[str] = []

    async def ask(gateway: Gateway) -> str:
        asked.append(gateway.url)
        await asyncio.sleep(0.02)
        return gateway.url

    first_good(gateways(1, hedge_after_s=0)[1], ask)
    assert asked == ["https://g0"]


def test_a_failure_beside_an_answer_is_not_printed() -> None:
    printed = []

    async def run() -> str:
        loop, both = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(lambda _, context: printed.append(context))

        async def ask(gateway: Gateway) -> str:
            if gateway.url == "https://g1":
                both.set()
            await both.wait()
            if gateway.url == "https://g1":
                raise FetchError("server error", "")
            return gateway.url

        return await gateways(2, hedge_after_s=0)[1].first_good(ask)

    for _ in range(10):  # which of the two is looked at first, hangs on chance
        assert asyncio.run(run()) == "https://g0"
    gc.collect()
    assert printed == []


def test_second_requests_stay_within_their_share() -> None:
    asked: list[str] = []

    async def ask(gateway: Gateway) -> str:
        asked.append(gateway.url)
        await asyncio.sleep(0.01)
        return gateway.url

    async def many(listed: Gateways) -> None:
        for _ in range(40):
            await listed.first_good(ask)

    asyncio.run(many(gateways(2, hedge_after_s=0)[1]))
    assert len(asked) - 40 == 4  # a tenth


def test_a_gateway_counts_as_one_without_proof_after_several_answers_only() -> None:
    gateway = gateways(1)[0][0]
    for _ in range(DECLINES - 1):
        gateway.declined()
    assert gateway.proves is None
    gateway.declined()
    assert gateway.proves is False


def test_a_gateway_that_proved_once_is_never_believed_without_proof() -> None:
    gateway = gateways(1)[0][0]
    gateway.proved()
    for _ in range(10):
        gateway.declined()
    assert gateway.proves is True


def test_requests_to_a_host_keep_their_distance() -> None:
    clock = Clock()
    one = host(rate_per_s=4, clock=clock)

    async def turns() -> None:
        await one.turn()

    asyncio.run(turns())
    assert one.wait_s == pytest.approx(0.25)
    clock.now_s += 0.25
    assert one.wait_s == 0


def test_who_asks_for_patience_again_and_again_is_not_waited_for_forever() -> None:
    clock = Clock()
    one = host(clock=clock)
    one.went_badly(FetchError("rate limited", ""))
    clock.now_s += GIVEN_UP_S + 1
    assert one.is_down
    one.hold(1)
    with pytest.raises(FetchError, match="rate limited"):
        asyncio.run(one.turn())
    one.went_well()
    assert not one.is_down


def test_who_asks_for_too_much_patience_is_given_up() -> None:
    one = host(clock=Clock())
    one.hold(61)
    with pytest.raises(FetchError, match="rate limited"):
        asyncio.run(one.turn())

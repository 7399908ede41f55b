"""An endpoint is asked no faster than it should be."""

import pytest

from traitlens.captions.pace import Pace, parse_rate
from traitlens.errors import ConfigError


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds


@pytest.mark.parametrize(
    ("text", "per_s"), [("5/s", 5), ("300/min", 5), ("1800 / hour", 0.5), ("0.5/s", 0.5)]
)
def test_a_rate_is_a_number_and_a_time(text: str, per_s: float) -> None:
    assert parse_rate(text) == pytest.approx(per_s)


@pytest.mark.parametrize("text", ["", "5", "5/week", "0/s", "-1/s", "x/s", "1e3/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="rate must be like 5/s"):
        parse_rate(text)


def test_turns_are_as_far_apart_as_the_rate_says() -> None:
    clock = Clock()
    pace = Pace(4, clock=clock, sleep=clock.sleep)
    for _ in range(5):
        pace.wait()
    assert clock.now_s == pytest.approx(1.0)


def test_without_a_rate_nobody_waits() -> None:
    clock = Clock()
    pace = Pace(None, clock=clock, sleep=clock.sleep)
    for _ in range(100):
        pace.wait()
    assert clock.slept == []


def test_a_pause_holds_everyone_and_then_the_rate_goes_on() -> None:
    clock = Clock()
    pace = Pace(1, clock=clock, sleep=clock.sleep)
    pace.hold(10)
    pace.wait()
    pace.wait()
    assert clock.slept == pytest.approx([10, 1])

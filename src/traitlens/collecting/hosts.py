"""How each host has behaved, and when it may be asked again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable

from traitlens.collecting.records import FetchError

SCORE_STEP = 0.1  # how much one answer moves the score
RECOVERY_S = 30.0  # in which a bad score loses half of what it lacks
DOWN_AFTER = 24  # failures in a row
GIVEN_UP_S = 600.0  # after so long without a good answer nobody waits for a host any more


class Host:
    """One host: its pace, its health, and whether it works at all.

    The score lies in [0, 1], 1 for a host that answers; it recovers with time, so that a host that
    was ill is tried again.
    """

    def __init__(
        self,
        name: str,
        *,
        rate_per_s: float | None,
        max_wait_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._gap_s = 1 / rate_per_s if rate_per_s else 0.0
        self._max_wait_s = max_wait_s
        self._clock = clock
        self._next_s = self._held_until_s = self._judged_s = clock()
        self._lack = 0.0  # 1 - score, when it was last judged
        self._failed = 0
        self._ill_since_s: float | None = None

    async def turn(self) -> None:
        """Return when a request may be sent.

        Raises FetchError ("rate limited") where the host asked for more patience than there is, or
        asks for it again and again.
        """
        while True:
            if self._held_s > (0 if self._is_given_up else self._max_wait_s):
                raise FetchError("rate limited", f"{self.name} asks for {self._held_s:.0f} s")
            now = self._clock()
            turn_s = max(now, self._next_s, self._held_until_s)
            self._next_s = turn_s + self._gap_s
            if turn_s > now:
                await asyncio.sleep(turn_s - now)
            if self._held_s <= 0:
                return

    def hold(self, seconds: float) -> None:
        """Send nothing for so long: the host asked for it (Retry-After)."""
        self._held_until_s = max(self._held_until_s, self._clock() + seconds)

    @property
    def wait_s(self) -> float:
        """The seconds until a request could be sent."""
        return max(0.0, max(self._next_s, self._held_until_s) - self._clock())

    @property
    def score(self) -> float:
        """The health, in [0, 1]."""
        half_lives = (self._clock() - self._judged_s) / RECOVERY_S
        return 1 - self._lack * math.exp2(-half_lives)

    @property
    def is_down(self) -> bool:
        """Whether it failed again and again, and never worked meanwhile."""
        return self._failed >= DOWN_AFTER or self._is_given_up

    @property
    def _is_given_up(self) -> bool:
        ill_since_s = self._ill_since_s
        return ill_since_s is not None and self._clock() - ill_since_s > GIVEN_UP_S

    @property
    def is_hopeless(self) -> bool:
        """Whether one try is enough: it is down, or asks for more patience than there is."""
        return self.is_down or self._held_s > self._max_wait_s

    @property
    def _held_s(self) -> float:
        return self._held_until_s - self._clock()

    def went_well(self) -> None:
        """Count an answer as it should be, also one that says that there is nothing."""
        self._judge(1.0)
        self._failed, self._ill_since_s = 0, None

    def went_badly(self, error: FetchError) -> None:
        """Count a failure that is the host's."""
        self._judge(0.0)
        if self._ill_since_s is None:
            self._ill_since_s = self._clock()
        self._failed += error.reason != "rate limited"

    def _judge(self, outcome: float) -> None:
        score = self.score + SCORE_STEP * (outcome - self.score)
        self._lack, self._judged_s = 1 - score, self._clock()


class Hosts:
    """All hosts of a run, each made when it is first met."""

    def __init__(
        self, *, rate_per_s: float | None, max_wait_s: float, unhurried: Callable[[str], bool]
    ) -> None:
        self._rate_per_s, self._max_wait_s, self._unhurried = rate_per_s, max_wait_s, unhurried
        self._hosts: dict[str, Host] = {}

    def of(self, authority: str) -> Host:
        """Return the host of a URL's authority, such as ipfs.io:443."""
        if authority not in self._hosts:
            rate_per_s = None if self._unhurried(authority) else self._rate_per_s
            self._hosts[authority] = Host(
                authority, rate_per_s=rate_per_s, max_wait_s=self._max_wait_s
            )
        return self._hosts[authority]

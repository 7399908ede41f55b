"""Several hosts that can serve the same content: who is asked, when, and how often.

They stand in the user's order. One that is ill, down or made to wait goes behind the others; its
score recovers with time. A failure that may pass is tried again, elsewhere first; one that is for
good takes a gateway out for this content. When the first gateway is slow, the next one is asked as
well, and the first good answer counts (The Tail at Scale, Dean and Barroso, 2013).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from traitlens.collecting.fetch_config import FetchConfig
from traitlens.collecting.hosts import Host
from traitlens.collecting.records import FetchError, FetchReason

T = TypeVar("T")

HEALTHY = 0.5
PATIENCE_S = 0.25  # who makes us wait longer goes behind the others
DECLINES = 3  # answers without proof, before a gateway counts as one that has none

# Which of several failures is told: what may pass before what is for good, "not found" last.
_LOUD: tuple[FetchReason, ...] = ("wrong content", "too large", "forbidden address", "refused")


@dataclass(eq=False, slots=True, kw_only=True)
class Gateway:
    """A gateway, and whether it serves blocks and CAR files, as far as is known."""

    url: str
    host: Host
    proves: bool | None = field(default=None)
    _declined: int = field(default=0)

    @property
    def is_plain(self) -> bool:
        """Whether it is known to serve plain files only."""
        return self.proves is False

    def proved(self) -> None:
        """Count an answer that could be checked: from now on nothing less is taken."""
        self.proves = True

    def declined(self) -> None:
        """Count an answer that could not be checked, though that was asked for.

        One such answer may be a fault, or a forgery.
        """
        self._declined += 1
        if self.proves is None and self._declined >= DECLINES:
            self.proves = False


class Gateways:
    """An ordered list of gateways, asked with patience."""

    def __init__(
        self, gateways: Sequence[Gateway], config: FetchConfig, rng: random.Random
    ) -> None:
        self._gateways = tuple(gateways)
        self._config = config
        self._rng = rng
        self._asked = self._hedged = 0

    def choose(self, *, without: Collection[Gateway] = ()) -> Gateway | None:
        """Return who should be asked next, or None where nobody is left."""
        left = [gateway for gateway in self._gateways if gateway not in without]
        return min(left, key=_rank, default=None)

    async def first_good(
        self,
        ask: Callable[[Gateway], Awaitable[T]],
        *,
        retries: int | None = None,
        final: Collection[FetchReason] = (),
    ) -> T:
        """Return the first good answer; raise the FetchError that says most where there is none.

        `retries` are those of the config where there is no number; a failure for one of the `final`
        reasons is raised at once.
        """
        tries = 1 + (self._config.retries if retries is None else retries)
        failures: list[FetchError] = []
        out: set[Gateway] = set()
        tried: set[Gateway] = set()
        for attempt in range(tries):
            gateway = self.choose(without=out | tried)
            if gateway is None:  # everybody had a turn
                tried.clear()
                gateway = self.choose(without=out)
                if gateway is None or (gateway.host.is_hopeless and attempt):
                    break
                await asyncio.sleep(self._backoff_s(attempt))
            try:
                return await self._ask(gateway, ask, without=out | tried)
            except FetchError as error:
                if error.reason in final:
                    raise
                failures.append(error)
                tried.add(gateway)
                # Wrong bytes may be a fault on the way; everything else of that kind stays.
                if error.for_good and error.reason != "wrong content":
                    out.add(gateway)
        raise worst(failures)

    def _backoff_s(self, attempt: int) -> float:
        """Return a pause before another try: up to twice as long each time, drawn evenly."""
        limit_s = self._config.backoff_s * 2 ** min(attempt - 1, 30)
        return self._rng.uniform(0, min(limit_s, self._config.max_wait_s))

    async def _ask(
        self,
        gateway: Gateway,
        ask: Callable[[Gateway], Awaitable[T]],
        *,
        without: Collection[Gateway],
    ) -> T:
        """Return the answer of a gateway, or of another one where it is slow."""
        self._asked += 1
        after_s = self._config.hedge_after_s
        if after_s is None or self.choose(without={*without, gateway}) is None:
            return await _judged(gateway, ask)
        tasks = [asyncio.ensure_future(_judged(gateway, ask))]
        try:
            await asyncio.wait(tasks, timeout=after_s)
            second = self.choose(without={*without, gateway})
            if not tasks[0].done() and second is not None and self._may_hedge():
                self._hedged += 1
                tasks.append(asyncio.ensure_future(_judged(second, ask)))
            return await _first_success(tasks)
        finally:
            for task in tasks:
                task.cancel()
            # Failures that nobody waits for any more are fetched, or asyncio prints them.
            await asyncio.gather(*tasks, return_exceptions=True)

    def _may_hedge(self) -> bool:
        """Return whether a second request is within the share; the first one of all always is."""
        return self._hedged < self._config.hedge_share * max(self._asked, 10)


def _rank(gateway: Gateway) -> tuple[bool, bool, bool]:
    """Return what puts a gateway behind the others; among equals the first in the list is taken."""
    host = gateway.host
    return host.is_down, host.wait_s > PATIENCE_S, host.score < HEALTHY


async def _judged(gateway: Gateway, ask: Callable[[Gateway], Awaitable[T]]) -> T:
    try:
        answer = await ask(gateway)
    except FetchError as error:
        if error.for_good and error.reason != "wrong content":
            gateway.host.went_well()
        else:
            gateway.host.went_badly(error)
        raise
    gateway.host.went_well()
    return answer


async def _first_success(tasks: Sequence[asyncio.Future[T]]) -> T:
    """Return the first result; where all fail, raise the first one's failure."""
    waiting = set(tasks)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception() is None:
                return task.result()
    return tasks[0].result()


def worst(failures: Sequence[FetchError]) -> FetchError:
    """Return the failure that says most of several about one content.

    One that may pass comes first, as the content may be there; "not found" only where all say so.
    """
    passing = [error for error in failures if not error.for_good]
    if passing:
        return passing[-1]
    for reason in _LOUD:
        for error in failures:
            if error.reason == reason:
                return error
    return failures[-1] if failures else FetchError("no connection", "there is nobody to ask")

"""How fast an endpoint is asked: a rate, and pauses that it asks for itself."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from threading import Lock

from traitlens.errors import ConfigError

_SECONDS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "min": 60,
    "m": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
}


def parse_rate(text: str) -> float:
    """Return the requests a second that "5/s", "300/min" or "1000/h" mean."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*/\s*([a-z]+)", text.strip().lower())
    if found is None or found[2] not in _SECONDS or float(found[1]) <= 0:
        raise ConfigError(f"rate must be like 5/s, 300/min or 1000/h; got {text!r}")
    return float(found[1]) / _SECONDS[found[2]]


class Pace:
    """Lets callers of many threads through one by one, at most `rate_per_s` of them a second."""

    def __init__(
        self,
        rate_per_s: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._gap_s = 1 / rate_per_s if rate_per_s else 0.0
        self._clock, self._sleep = clock, sleep
        self._lock = Lock()
        self._next_s = clock()

    def wait(self) -> None:
        """Return when it is the caller's turn."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next_s)
            self._next_s = turn + self._gap_s
        if turn > now:
            self._sleep(turn - now)

    def hold(self, seconds: float) -> None:
        """Let nobody begin to wait for a turn that comes sooner than in `seconds`."""
        with self._lock:
            self._next_s = max(self._next_s, self._clock() + seconds)

"""Where the service listens, and what it bears."""

from __future__ import annotations

from dataclasses import dataclass

from traitlens.config import check_range
from traitlens.errors import ConfigError

API_KEY = "TRAITLENS_API_KEY"  # the environment variable
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SHORTEST_KEY = 16  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """How an index is served.

    Anywhere but on loopback an API key is needed, which comes from the environment. `hosts` are the
    names that requests may be addressed to, beside the one it listens on: a page of a stranger must
    not reach a service on loopback by a name of its own (DNS rebinding).
    """

    host: str = "127.0.0.1"
    port: int = 8080
    api_key: str | None = None
    hosts: tuple[str, ...] = ()
    max_k: int = 200  # hits of one answer
    max_skip: int = 10_000  # hits before a page: later ones cost all that come before them
    max_body_bytes: int = 16 * 2**20  # of a request
    max_waiting: int = 256  # requests at work at once; more are told to come back
    timeout_s: float = 30.0  # of one request, from its first line to the last of its answer
    workers: int = 1  # processes; each has its encoder, and counts rates and requests by itself
    threads: int = 8  # questions put to the index at once, by each worker
    rate: float = 20.0  # requests a second of one client, not on loopback
    burst: int = 100  # requests that a client may have saved up
    reload_s: float = 2.0  # how often it looks for a newer index

    def __post_init__(self) -> None:
        check_range("port", self.port, low=0, high=65_535)
        check_range("max_k", self.max_k, low=1, high=10_000)
        check_range("max_skip", self.max_skip, low=0, high=10_000)
        check_range("max_body_bytes", self.max_body_bytes, low=1_024)
        check_range("max_waiting", self.max_waiting, low=1)
        check_range("timeout_s", self.timeout_s, low=0.01)
        check_range("workers", self.workers, low=1, high=256)
        check_range("threads", self.threads, low=1, high=1_000)
        check_range("rate", self.rate, low=0.01)
        check_range("burst", self.burst, low=1)
        check_range("reload_s", self.reload_s, low=0.01)
        if self.api_key is not None and len(self.api_key) < _SHORTEST_KEY:
            raise ConfigError(
                f"{API_KEY} must have at least {_SHORTEST_KEY} characters; got {len(self.api_key)}"
            )
        if not self.is_local and self.api_key is None:
            raise ConfigError(
                f"{self.host} can be reached by others, so {API_KEY} must be set: "
                f"at least {_SHORTEST_KEY} characters that clients send"
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in LOOPBACK

"""What `collect` takes, and from where."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from traitlens.collecting.fetch_config import FetchConfig
from traitlens.config import check_choice, check_range
from traitlens.errors import ConfigError

Retry = Literal["failed", "all"]
RETRIES: tuple[Retry, ...] = ("failed", "all")
Recheck = Literal["chain", "documents", "media"]
RECHECKS: tuple[Recheck, ...] = ("chain", "documents", "media")
_CHAIN = re.compile(r"eip155:[1-9][0-9]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectConfig:
    """Which tokens are collected, from where, and how much is tried for each.

    `retry` takes up what a finished collection lacks: "failed" what may pass (a host that did not
    answer), "all" also what was gone or unusable. `recheck` says what a later run asks for again
    where the chain tells of no change: "chain" nothing, "documents" the metadata at addresses
    whose content may change, "media" the pictures there, too.
    """

    rpc: str | None = None  # the URL of a node; it may hold a key, and is written nowhere
    provider: str | None = None  # instead of a node
    chain: str | None = None  # CAIP-2; a provider's is eip155:1 by default, a node knows its own
    block: int | None = None  # the state that is collected; the latest by default
    from_block: int | None = None  # where the contract's logs begin
    ids: str | None = None  # "0-9999" or "1,5,7": asked for instead of listed
    limit: int | None = None  # only so many tokens, the first that are listed
    rounds: int = 2  # how often a run comes back to what failed and may pass
    pause_s: float = 2.0  # before the first such round; each waits twice as long
    retry: Retry | None = None
    recheck: Recheck = "documents"
    fetch: FetchConfig = field(default_factory=FetchConfig)

    def __post_init__(self) -> None:
        if self.rpc is not None and self.provider is not None:
            raise ConfigError(f"give a node (rpc) or a provider ({self.provider}), not both")
        if self.chain is not None and not _CHAIN.fullmatch(self.chain):
            raise ConfigError(f"chain must be a CAIP-2 name such as eip155:1; got {self.chain!r}")
        for name, low in (("block", 0), ("from_block", 0), ("limit", 1)):
            if (value := getattr(self, name)) is not None:
                check_range(name, value, low=low)
                if self.provider is not None and name != "limit":
                    raise ConfigError(f"{name} needs a node (rpc); got provider {self.provider!r}")
        check_range("rounds", self.rounds, low=0, high=10)
        check_range("pause_s", self.pause_s, low=0)
        if self.retry is not None:
            check_choice("retry", self.retry, RETRIES)
            self._check_retry()
        check_choice("recheck", self.recheck, RECHECKS)

    def _check_retry(self) -> None:
        """Refuse options that another round of what is listed already cannot follow."""
        for name in ("block", "ids", "limit"):
            if getattr(self, name) is not None:
                raise ConfigError(
                    f"retry takes up what was collected, at its block; {name} does not go with it"
                )

    def choice(self) -> dict[str, str | int | None]:
        """Return what decides which tokens there are; the rest only decides how they are fetched.

        A run can be taken up with other gateways or another node, but not for other tokens.
        """
        names = ("provider", "chain", "block", "from_block", "ids", "limit", "retry", "recheck")
        return {name: getattr(self, name) for name in names}

    def of_a_contract(self) -> str | None:
        """Return the name of an option that says something of a contract, None where none does."""
        default = CollectConfig()
        names = ("rpc", *self.choice())
        return next((n for n in names if getattr(self, n) != getattr(default, n)), None)

    def selection(self) -> dict[str, str | int | None]:
        """Return which of a contract's tokens are asked for."""
        return {name: getattr(self, name) for name in ("ids", "limit")}

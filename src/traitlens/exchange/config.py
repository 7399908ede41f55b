"""How an export is cut into files."""

from __future__ import annotations

from dataclasses import dataclass

from traitlens.config import check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportConfig:
    """How large the files of an export grow; NFT1000 has one zip a collection, whatever its size.

    A file holds one collection, as what is searched for is told from its own kind.
    """

    max_shard_tokens: int = 10_000
    max_shard_bytes: int = 500 * 10**6  # of pictures and text, what the hub's viewer likes

    def __post_init__(self) -> None:
        check_range("shard.max_tokens", self.max_shard_tokens, low=1)
        check_range("shard.max_bytes", self.max_shard_bytes, low=1)

    def is_full(self, tokens: int, bytes_with_next: int) -> bool:
        """Return whether a file of so many tokens has no room for the next; one always has it."""
        return tokens > 0 and (
            tokens >= self.max_shard_tokens or bytes_with_next > self.max_shard_bytes
        )

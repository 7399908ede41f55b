"""What the parts of collecting hand on to one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

MAX_TOKENS = 10_000_000  # of one contract; more than any collection has

Standard = Literal["erc721", "erc1155"]

# What is known of content: its hash is the one that its address promises (verified), nothing was
# promised or the gateway could not prove it (unverified), or it came inside the address (inline).
Proof = Literal["verified", "unverified", "inline"]

# Why something could not be fetched. The first group is for good, the second may pass.
FetchReason = Literal[
    "unusable address",  # no URI, a scheme that is never fetched, a CID that is none
    "forbidden address",  # loopback, private, link-local, ...: see `addresses`
    "not found",  # every gateway or host said so
    "too large",
    "too many redirects",
    "wrong content",  # its hash is not what its CID promises, on every gateway
    "refused",  # 401, 403, 451
    "rate limited",
    "server error",
    "timed out",
    "no connection",
    "cut off",
]
FOR_GOOD: frozenset[str] = frozenset(
    {"unusable address", "forbidden address", "not found", "too large", "too many redirects"}
    | {"wrong content", "refused"}
)


class FetchError(Exception):
    """Something could not be fetched: a reason of `FetchReason`, and a sentence about it."""

    def __init__(self, reason: FetchReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: FetchReason = reason
        self.detail = detail

    @property
    def for_good(self) -> bool:
        """Whether trying again later is of no use."""
        return self.reason in FOR_GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What an address led to."""

    uri: str  # as written
    url: str  # as fetched: the gateway's, after redirects; "data:" for what came inside the URI
    data: bytes
    media_type: str | None  # as the server said, without parameters; it may be wrong
    proof: Proof
    sha256: str  # of `data`, hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A collection's contract, as it was at one block."""

    chain_id: str  # CAIP-2, "eip155:1"
    address: str  # lower-case hex with 0x
    standard: Standard
    block: int | None = None  # None where a provider does not say
    block_hash: str | None = None
    name: str | None = None
    symbol: str | None = None
    total_supply: int | None = None
    implementation: str | None = None  # of a proxy
    enumerable: bool = False
    recognised_by: str = "ERC-165"  # or "trying", or the provider's name


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedToken:
    """A token that a contract or a provider lists, with the address of its metadata.

    `token_id` is decimal, since it may be a uint256. `problem` says why there is no URI: the call
    reverted, the token is burnt. `document` is the metadata where the provider sends them along,
    `known` what else it knows: price, listing, spam.
    """

    token_id: str
    uri: str | None
    problem: str | None = None
    document: Any = None
    known: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What happened to a contract's tokens after a block."""

    block: int  # up to which was looked
    minted: frozenset[int]
    burnt: frozenset[int]
    refreshed: frozenset[int]  # ERC-4906 MetadataUpdate, and the ids of BatchMetadataUpdate
    everything: bool = False  # BatchMetadataUpdate(0, max): look at all again

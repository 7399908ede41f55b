"""What nodes mean by their errors.

There is no agreed list: each client and each provider words its limits in its own way, often under
one code for several things (-32005 is both "wait" and "too many results" at Infura; -32000 is
anything). The texts below are told apart by what a caller should do about them; the tests hold
those of the well-known providers, each with where it was seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

ErrorKind = Literal[
    "reverted",  # the contract said no: an answer about the token, not about the node
    "rate limited",  # wait and ask again
    "too much",  # ask for less at once
    "no block",  # this machine of the node does not have the block, or not yet
    "no state",  # the node has forgotten the block's state or logs
    "refused",  # the node never answers this, or not to us, or is not there
    "down",  # whoever stands before the node says so, or nobody answers in time
    "malformed",  # no JSON-RPC answer at all
    "other",
]

# Read in this order: a contract chooses the words of its revert, so those must not be read as the
# node's, and limits on a range speak of "limit exceeded" as limits on a rate do.
_KINDS: tuple[tuple[ErrorKind, str], ...] = (
    (
        "reverted",
        r"revert|invalid opcode|invalid jump|bad (instruction|jump)|stack (under|over)flow"
        r"|vm exception|vm execution error|evm error|out of gas|outofgas|gas required exceeds"
        r"|execution aborted|invalidfeopcode|opcode 0x",
    ),
    (
        "no state",
        r"missing trie node|historical state|state (is )?not available|state unavailable"
        r"|no state available|pruned|pruning|archive",
    ),
    (
        "no block",
        r"header (for hash )?not found|unknown block|block not found|resource not found"
        r"|not currently canonical|block ?out ?of ?range|beyond head",
    ),
    (
        "too much",
        r"block range|max(imum)? range|range (is )?(too|exceed)|ranges over|range allowed"
        r"|to a [\d,.]+k? (blocks )?range|\brange \d+ (exceeds|is bigger)|requested blocks"
        r"|too many (blocks|results|logs)"
        r"|max(imum)? (block|results|response)|more than [\d,.]+k? (results|logs|blocks)"
        r"|response (size|is too large|too large)|results? (limit|too)|exceeds limit of"
        r"|(at most|limited to) [\d,.]+k? (blocks|logs|results)|blocks distance|smaller than size"
        r"|batch|entity too large|content length|payload too large",
    ),
    (
        "rate limited",
        r"rate.?limit|too many requests|request limit|compute units|credits limited|call rate"
        r"|daily request count|requests? (per|rate)|\bquota\b|capacity|throttl|try again later",
    ),
    (
        "refused",
        r"method not (found|supported|allowed|available)|(is|does) not (exist|available|supported)"
        r"|unsupported method|not whitelisted|disabled|unauthori[sz]ed|forbidden|api key"
        r"|authenticat",
    ),
)
_KIND_OF_CODE: dict[int, ErrorKind] = {
    3: "reverted",
    -32015: "reverted",
    429: "rate limited",
    -32601: "refused",
    4444: "no state",
}
_WORDS = tuple((kind, re.compile(words, re.IGNORECASE)) for kind, words in _KINDS)

_BLOCKS = re.compile(r"\[\s*0x([0-9a-f]{1,16})\s*,\s*0x([0-9a-f]{1,16})\s*\]", re.IGNORECASE)
_DECIMAL_BLOCKS = re.compile(r"with the range (\d{1,16})-(\d{1,16})", re.IGNORECASE)
_CAP = re.compile(
    r"(?:max range: |maximum is set to |requested blocks is |limited to (?:an? |0 - )?|up to an? "
    r"|block range:? |block range is |block range = |block range exceeds |greater than |distance: "
    r"|at most |ranges over |range limit |range \d{1,12} exceeds limit of |max is |\(maximum "
    r"|smaller than size |\(\d{1,12} > )([\d,.]{1,12})(k?)\b(?! bytes)",
    re.IGNORECASE,
)


def kind_of(message: str, *, code: int | None = None) -> ErrorKind:
    """Return what a node means by an error."""
    if code in _KIND_OF_CODE:
        return _KIND_OF_CODE[code]
    for kind, words in _WORDS:
        if words.search(message):
            return kind
    return "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """How many blocks a node says that it would take: anywhere, or else at this place."""

    blocks: int
    anywhere: bool = True


def suggestion(message: str) -> Suggestion | None:
    """Return how many blocks a node says that it would take; None where it names no number.

    Taken are the range that it says would work, and the last cap that it names: "block range =
    5120, max block range = 5000" says first what was asked for. It may still be wrong. A range is
    as wide as the logs of its blocks allow, unless it is as wide as the cap that is named beside.
    """
    caps = [_number(digits, thousand) for digits, thousand in _CAP.findall(message)]
    cap = next((cap for cap in reversed(caps) if cap), None)
    if found := _BLOCKS.search(message):
        width = int(found[2], 16) - int(found[1], 16) + 1
    elif found := _DECIMAL_BLOCKS.search(message):
        width = int(found[2]) - int(found[1]) + 1
    else:
        return Suggestion(blocks=cap) if cap else None
    return Suggestion(blocks=width, anywhere=width == cap) if width > 0 else None


def _number(digits: str, thousand: str) -> int:
    whole = re.sub(r"\D", "", digits)
    return int(whole or 0) * (1000 if thousand else 1)

"""What does not belong into a data set: collections of no use to a search, and blocked content."""

from traitlens.filtering.blocking import BLOCKED_FILE, BlockList, emptied
from traitlens.filtering.judging import (
    RULES,
    UNREVEALED,
    FilterConfig,
    Finding,
    Judgement,
    judge,
)

__all__ = [
    "BLOCKED_FILE",
    "RULES",
    "UNREVEALED",
    "BlockList",
    "FilterConfig",
    "Finding",
    "Judgement",
    "emptied",
    "judge",
]

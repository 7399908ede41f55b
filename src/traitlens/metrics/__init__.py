"""Scores as pure functions on arrays, with one rule for ties."""

from traitlens.metrics.counts import BLOCK, Counts, count, count_matches, group_equal
from traitlens.metrics.scores import ceiling, chance, hits, lift, reciprocal_ranks

__all__ = [
    "BLOCK",
    "Counts",
    "ceiling",
    "chance",
    "count",
    "count_matches",
    "group_equal",
    "hits",
    "lift",
    "reciprocal_ranks",
]

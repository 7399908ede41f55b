"""What one score hides: near-duplicates, short queries, swapped traits, traits nobody can see."""

from traitlens.diagnosis.association import Association, association
from traitlens.diagnosis.identifiability import identifiability
from traitlens.diagnosis.identifiability_records import (
    CollectionFinding,
    Guess,
    Identifiability,
    TypeFinding,
    ValueFinding,
)
from traitlens.diagnosis.overlap import GradedOverlap, OverlapRow, graded_overlap
from traitlens.diagnosis.pool_records import Pools
from traitlens.diagnosis.pools import pools
from traitlens.diagnosis.same_words import Alike
from traitlens.diagnosis.short_queries import short_queries
from traitlens.diagnosis.short_query_records import ShortQueries, ShortQueriesRow, ShownQuery
from traitlens.diagnosis.swap_records import Swaps
from traitlens.diagnosis.swaps import swaps

__all__ = [
    "Alike",
    "Association",
    "CollectionFinding",
    "GradedOverlap",
    "Guess",
    "Identifiability",
    "OverlapRow",
    "Pools",
    "ShortQueries",
    "ShortQueriesRow",
    "ShownQuery",
    "Swaps",
    "TypeFinding",
    "ValueFinding",
    "association",
    "graded_overlap",
    "identifiability",
    "pools",
    "short_queries",
    "swaps",
]

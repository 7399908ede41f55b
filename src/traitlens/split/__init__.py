"""Who is trained on and who is tested on: seeded, and never with the same thing on both sides.

rows                 within a collection: by token, or by combination of traits
whole_collections    the paper's rule: whole collections, families of them undivided
official             the authors' own partition of NFT1000
families, sketches   which collections share art
leaks                what is on two sides nevertheless
"""

from traitlens.split.config import BY_COLLECTION, OFFICIAL, RULES, SplitConfig
from traitlens.split.families import ALONE, Families, FamilyLink, find_families
from traitlens.split.leaks import (
    LEAKS,
    Leak,
    LeakConfig,
    LeakGroup,
    LeakReport,
    find_leaks,
    write_leaks,
)
from traitlens.split.official import (
    OfficialCollection,
    OfficialCount,
    official_collections,
    official_counts,
    official_split,
    official_splits,
)
from traitlens.split.rows import Division, HeldOutPair, split_rows
from traitlens.split.sketches import FamilySketch, sketch
from traitlens.split.whole_collections import split_collections

__all__ = [
    "ALONE",
    "BY_COLLECTION",
    "OFFICIAL",
    "LEAKS",
    "RULES",
    "Division",
    "Families",
    "FamilyLink",
    "FamilySketch",
    "HeldOutPair",
    "Leak",
    "LeakConfig",
    "LeakGroup",
    "LeakReport",
    "OfficialCollection",
    "OfficialCount",
    "SplitConfig",
    "find_families",
    "find_leaks",
    "official_collections",
    "official_counts",
    "official_split",
    "official_splits",
    "sketch",
    "split_collections",
    "split_rows",
    "write_leaks",
]

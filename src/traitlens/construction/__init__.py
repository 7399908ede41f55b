"""Data set construction, the paper's chapter 4: collections in, a data set out.

    plan           list the sources                                     building
    standardize    shards of raw tokens become rows with pictures       standardizing
    judge          a collection as a whole: filters, splits, families   judging
    finish         the verdicts, captions and splits go into the rows   finishing
    describe       card, statistics, leaks                              building

Each stage runs over its items in several processes or on Ray, and writes a file an item in a hidden
folder beside the target: a killed run goes on where it was, and ends with the same bytes.
"""

from traitlens.construction.building import build
from traitlens.construction.config import PRESETS, BuildConfig, read_families
from traitlens.construction.standardizing import rows

__all__ = ["PRESETS", "BuildConfig", "build", "read_families", "rows"]

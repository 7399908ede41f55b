"""The art of the study: real collections and drawn styles, split by token, thinned for training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from traitlens.construction import BuildConfig, build
from traitlens.progress import Progress, silent
from traitlens.sources.samples import SampleConfig, draw_samples
from traitlens.split import SplitConfig
from traitlens.store import Dataset
from traitlens.subsets import subset

from .protocol import GROUPS, STYLES

MOST_TOKENS = 1000  # of a collection
STYLE_TOKENS = 800
SEED = 7  # of palettes, odds, splits and draws: no trial's

# More to validate on than the house's 5%: what is chosen is chosen there.
SPLIT = SplitConfig(shares=(70, 15, 15), seed=SEED)


def style_collection(style: str) -> str:
    """Return the name of the collection that is drawn in a style."""
    return SampleConfig(styles=(style,), seed=SEED).collection(style)


def group_collections(group: int) -> tuple[str, ...]:
    """Return the collections of a group, as the data sets name them."""
    return tuple(style_collection(n) if n in STYLES else n for n in GROUPS[group])


def make_art(pfp: Path, work: Path, *, progress: Progress = silent) -> Dataset:
    """Return all collections of the study as one data set, at most `MOST_TOKENS` of each."""
    samples = SampleConfig(styles=STYLES, tokens=STYLE_TOKENS, size=64, seed=SEED)
    drawn = draw_samples(work / "drawn", samples, progress=progress)
    real = [pfp / f"{name}.zip" for names in GROUPS for name in names if name not in STYLES]
    config = dataclasses.replace(BuildConfig(), split=SPLIT)
    whole = build([*real, *drawn], work / "whole", config=config, progress=progress)
    return subset(whole, work / "art", per_collection=MOST_TOKENS, seed=SEED, progress=progress)


def group_data(work: Path, group: int, *, percent: int, progress: Progress = silent) -> Dataset:
    """Return a group's collections with so many percent of their train tokens.

    Validation and test tokens are the same for every share, and a smaller share's tokens are among
    a larger one's.
    """
    return subset(
        Dataset.open(work / "art"),
        work / "groups" / f"{group}-{percent}",
        per_collection=None,
        train_share=percent / 100,
        collections=group_collections(group),
        seed=SEED,
        progress=progress,
    )

"""Which trials there are: a wide grid to choose from, then fresh seeds, then longer training.

Choices are made by top-1 on validation tokens, the mean over the clusters of the selection groups;
see `protocol`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from .arms import (
    FILLS,
    IDEAS,
    IN_COLLECTION,
    OVERLAP,
    PHRASES,
    PLAIN,
    PS,
    RECOMPOSED,
    SUB_CAPTIONS,
    SWAPS,
    Arm,
    Settings,
    masked,
    tags_only,
    together,
)
from .outcomes import CHOSEN_BY, Outcome, by_cluster
from .protocol import PERCENTS, SEEDS, SELECTION_GROUPS, SELECTION_SEED
from .trial import Trial

HEADLINE = 13  # percent of the data: NFT1000mini's share of NFT1000
LONGER = 3  # times the steps
FEW_FILLS = ("zero", "beneath")  # the paper's, and what really lies there

RATES = (5e-4, 2e-3)  # learning rates to try beside the common one

# What is tried as the recipe, and some of it with masking too: fewer configs than masking alone.
COMBINATIONS: Mapping[str, Settings] = {
    "swaps+15": together(SWAPS, SUB_CAPTIONS),
    "recomposed+15": together(RECOMPOSED, SUB_CAPTIONS),
    "all recomposed+15": together(RECOMPOSED, {"swaps.share": 1.0}, SUB_CAPTIONS),
    "recomposed+I3+15": together(RECOMPOSED, PHRASES, SUB_CAPTIONS),
    "recomposed+I4+15": together(RECOMPOSED, OVERLAP, SUB_CAPTIONS),
    "recomposed+I3+I4+15": together(RECOMPOSED, PHRASES, OVERLAP, SUB_CAPTIONS),
}
CONFIRMED_SHARES = ("I1 0", "I1 0.75")  # random batches, and the share that was predicted best
WITH_MASKING = ("recomposed+15", "recomposed+I3+I4+15")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A trial and its outcome."""

    trial: Trial
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the selection trials chose."""

    masks: Mapping[int, Arm]  # plain masking at its best, by percent of the data
    recipe: Arm
    plain: Arm


def masks_tried(percent: int) -> list[Arm]:
    """Return every masking that is tried at a share of the data: all fills at the headline's."""
    fills = FILLS if percent == HEADLINE else FEW_FILLS
    return [masked(p, fill) for p in PS for fill in fills]


def grid(steps: int) -> list[Trial]:
    """Return the first stage: every masking and its controls at every share of the data."""
    trials = []
    for percent in sorted(PERCENTS, key=lambda percent: percent != HEADLINE):
        controls = [tags_only(p) for p in PS if percent == HEADLINE or p == 0.5]
        trials += _selection([PLAIN, *controls, *masks_tried(percent)], (percent,), steps)
    return trials


def ideas(masks: Mapping[int, Arm], steps: int) -> list[Trial]:
    """Return the second stage: each idea alone and together, with masking and without."""
    mask = masks[HEADLINE]
    both = {**IDEAS, **{name: COMBINATIONS[name] for name in WITH_MASKING}}
    arms = [PLAIN.plus(f"plain + {n}", s) for n, s in {**IDEAS, **COMBINATIONS}.items()]
    arms += [mask.plus(f"{mask.name} + {n}", s) for n, s in both.items()]
    arms += [in_collection(mask, name) for name in IN_COLLECTION]
    return _selection(arms, (HEADLINE,), steps)


def in_collection(mask: Arm, name: str) -> Arm:
    """Return a masking with another share of batches from one collection."""
    return mask.plus(f"{mask.name} + {name}", IN_COLLECTION[name])


def rates(arms: Iterable[Arm], steps: int) -> list[Trial]:
    """Return the third stage: other learning rates for what will be compared."""
    tried = [tried for arm in arms for tried in with_rates(arm)]
    return _selection(tried, (HEADLINE,), steps)


def with_rates(arm: Arm) -> list[Arm]:
    """Return the arm with each of the other learning rates."""
    return [arm.plus(f"{arm.name} @ {rate:g}", {"learning_rate": rate}) for rate in RATES]


def _selection(arms: Iterable[Arm], percents: Iterable[int], steps: int) -> list[Trial]:
    arms = list(arms)
    return [
        Trial(arm=arm, group=group, percent=percent, seed=SELECTION_SEED, steps=steps)
        for percent in percents
        for group in SELECTION_GROUPS
        for arm in arms
    ]


def confirmation(choice: Choice, steps: int) -> list[Trial]:
    """Return the fourth stage: what was chosen, at fresh seeds, a group each."""
    mask = choice.masks[HEADLINE]
    everywhere = [PLAIN, choice.plain, choice.recipe]
    arms = {percent: [*everywhere, choice.masks[percent]] for percent in PERCENTS}
    arms[HEADLINE].append(tags_only(0.5))
    arms[HEADLINE] += [PLAIN.plus(name, settings) for name, settings in IDEAS.items()]
    arms[HEADLINE] += [in_collection(mask, name) for name in CONFIRMED_SHARES]
    return [
        Trial(arm=arm, group=seed, percent=percent, seed=seed, steps=steps)
        for percent in sorted(PERCENTS, key=lambda percent: percent != HEADLINE)
        for arm in dict.fromkeys(arms[percent])
        for seed in SEEDS
    ]


def longer(choice: Choice, steps: int) -> list[Trial]:
    """Return the last stage: the headline's arms with `LONGER` times the steps, and all data."""
    arms = {HEADLINE: (choice.plain, choice.masks[HEADLINE], choice.recipe), 100: (choice.plain,)}
    return [
        Trial(arm=arm, group=seed, percent=percent, seed=seed, steps=LONGER * steps)
        for percent in arms
        for arm in arms[percent]
        for seed in SEEDS
    ]


def best(done: Iterable[Done], arms: Iterable[Arm], *, percent: int) -> Arm:
    """Return the arm that scores best at a share of the data, the first of equals."""
    done = list(done)
    return max(arms, key=lambda arm: score(done, arm, percent=percent))


def score(done: Iterable[Done], arm: Arm, *, percent: int) -> float:
    """Return an arm's mean validation top-1 over clusters."""
    outcomes = [d.outcome for d in done if d.trial.arm == arm and d.trial.percent == percent]
    return fmean(by_cluster(outcomes, CHOSEN_BY).values())

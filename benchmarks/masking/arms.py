"""The arms of the study: what each changes in one common config, and what it is expected to do.

Settings are fields of `TrainConfig` by their dotted paths, as `traitlens train --set` takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traitlens.config import from_dict, put
from traitlens.training import TrainConfig

Settings = Mapping[str, Any]

# What all arms share. Equal captions are positives throughout; batches come from one collection,
# but for a tenth; captions are whole and there is no loss over phrases unless an arm says so.
COMMON: Settings = {
    "model": "nano",
    "batch_size": 128,
    "learning_rate": 1e-3,
    "captions.partial": 0.0,
    "objective.phrases": 0.0,
    "validation.every": 0,
    "validation.keep": "last",
}

PS = (0.3, 0.5, 0.7)
FILLS = ("zero", "mean", "image", "other", "blur", "beneath")


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train: a name and what it changes in `COMMON`."""

    name: str
    changes: tuple[tuple[str, Any], ...] = ()

    def plus(self, name: str, settings: Settings) -> Arm:
        """Return an arm of another name with more settings, which count before the old ones."""
        return arm(name, {**self.settings, **settings})

    @property
    def settings(self) -> dict[str, Any]:
        """What it changes, by the field's path."""
        return dict(self.changes)


def arm(name: str, settings: Settings) -> Arm:
    """Return the arm that changes these fields."""
    return Arm(name, tuple(sorted(settings.items())))


def train_config(arm: Arm, *, steps: int, seed: int) -> TrainConfig:
    """Return the whole config of a trial."""
    values: dict[str, Any] = {}
    for path, value in {**COMMON, **arm.settings, "steps": steps, "seed": seed}.items():
        put(values, path, value)
    return from_dict(TrainConfig, values)


PLAIN = Arm("plain")


def masked(p: float, fill: str) -> Arm:
    """Return plain dynamic masking, the paper's section 5.2."""
    return arm(f"mask {p:g} {fill}", {"masking.p": p, "masking.fill": fill})


def tags_only(p: float) -> Arm:
    """Return the control: tags are dropped as masking would, and pictures stay as they are."""
    return arm(f"tags {p:g}", {"masking.p": p, "masking.pixels": False})


# The four ideas, each to be added to plain training or to masking.
IN_COLLECTION = {
    f"I1 {share:g}": {"sampling.mixed": 1 - share} for share in (0.0, 0.5, 0.75, 1.0)
}  # the share of batches from one collection; 0 is random batches
SWAPS = {"swaps.share": 0.5, "objective.swaps": 1.0}
# Twins that differ in up to eight traits: new tokens of the collection, put together of its parts.
RECOMPOSED = {"swaps.share": 0.5, "swaps.traits": 8, "objective.swaps": 0.0}
PHRASES = {
    "objective.phrases": 1.0,
    "objective.phrase_form": "sigmoid",
    "objective.phrase_weights": "given",
}
OVERLAP = {"objective.targets": "overlap", "objective.soften": 0.3, "objective.soften_end": 0.0}
SUB_CAPTIONS = {"captions.partial": 0.5}

IDEAS: Mapping[str, Settings] = {
    "I2 swaps": SWAPS,
    "I2 recomposed": RECOMPOSED,
    "I3 phrases": PHRASES,
    "I4 overlap": OVERLAP,
    "row 15 sub-captions": SUB_CAPTIONS,
}


def together(*parts: Settings) -> dict[str, Any]:
    """Return the settings of several parts; later ones count."""
    return {path: value for part in parts for path, value in part.items()}

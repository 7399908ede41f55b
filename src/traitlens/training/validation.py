"""How well a model that is being trained finds tokens it does not learn from.

Axes: N tokens of a collection, T distinct captions, P distinct pictures, D dimensions, H height,
W width, C colour channels.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from traitlens.metrics import count_matches, hits
from traitlens.models.encoder import Vectors, unit_rows
from traitlens.models.frames import frames_of
from traitlens.models.pixels import PixelConfig
from traitlens.progress import Progress, silent
from traitlens.records import Location, Token
from traitlens.store import Dataset
from traitlens.training.config import ValidationConfig
from traitlens.training.towers import Towers

MIN_TOKENS = 30  # fewer would rather choose weights by luck

Item = TypeVar("Item")

_BATCH = 128  # texts or pictures that are encoded at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """The validation tokens of one collection; equal captions and equal pictures are there once."""

    captions: list[str]
    frames_PHWC: NDArray[np.uint8]
    caption_N: NDArray[np.int64]  # of each token, its place in `captions`
    picture_N: NDArray[np.int64]  # and in `frames_PHWC`


class Validator:
    """The validation tokens of some collections, ready to be searched."""

    def __init__(self, held: Sequence[Held]) -> None:
        self.held = held

    @property
    def tokens(self) -> int:
        """How many tokens are searched for."""
        return sum(len(one.caption_N) for one in self.held)

    def score(self, towers: Towers, *, progress: Progress = silent) -> float:
        """Return top-1 from caption to picture, in [0, 1]: the mean over collections.

        As an evaluation has it: each token searches its own collection, only the token itself is
        right, and ties are broken at random, in expectation.
        """
        tops = []
        for number, one in enumerate(self.held):
            progress("validate", number, len(self.held))
            tops.append(_top_1(one, towers))
        progress("validate", len(self.held), len(self.held), f"top-1 {100 * np.mean(tops):.1f}%")
        return float(np.mean(tops))


def hold_out(
    data: Dataset,
    pixels: PixelConfig,
    *,
    config: ValidationConfig,
    seed: int,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Validator | None:
    """Return the tokens of the validation split to look at, or None where there are too few.

    Collections and their tokens are drawn by `seed`; a collection needs two tokens, and all of them
    `MIN_TOKENS`.
    """
    draw = random.Random(f"validation:{seed}")
    sizes = {entry.name: entry.splits["validation"] for entry in data.manifest.collections}
    names = [name for name in data.collections if sizes[name] > 1]
    names = _some(names, config.max_collections, draw)
    held = [_some(_tokens(data, name), config.max_gallery, draw) for name in names]
    if sum(map(len, held)) < MIN_TOKENS:
        return None
    return Validator([_hold(data, some, pixels, cache=cache, progress=progress) for some in held])


def _tokens(data: Dataset, name: str) -> list[Token]:
    return list(data.tokens(collections=[name], split="validation", images=False, metadata=False))


def _some(items: Sequence[Item], most: int, draw: random.Random) -> list[Item]:
    """Return at most so many of the items, in their order."""
    if len(items) <= most:
        return list(items)
    return [items[number] for number in sorted(draw.sample(range(len(items)), most))]


def _hold(
    data: Dataset,
    tokens: Sequence[Token],
    pixels: PixelConfig,
    *,
    cache: Path | None,
    progress: Progress,
) -> Held:
    captions, caption_N = _numbered(token.caption for token in tokens)
    pictures, picture_N = _numbered(token.pixels_sha256 or token.token_uid for token in tokens)
    first: dict[int, Location] = {}
    for token, number in zip(tokens, picture_N.tolist(), strict=True):
        assert token.location is not None
        first.setdefault(number, token.location)
    places = [first[number] for number in range(len(pictures))]
    frames = frames_of(data, places, pixels, cache=cache, progress=progress)
    return Held(captions=captions, frames_PHWC=frames, caption_N=caption_N, picture_N=picture_N)


def _numbered(values: Iterable[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the distinct values in order of first sight, and the number of each one's."""
    number: dict[str, int] = {}
    numbers = np.array([number.setdefault(value, len(number)) for value in values], np.int64)
    return list(number), numbers


def _top_1(held: Held, towers: Towers) -> float:
    texts_TD = _encode(towers, towers.texts, held.captions)
    images_PD = _encode(towers, towers.images, held.frames_PHWC)
    own = np.arange(len(held.caption_N))
    counts = count_matches(
        texts_TD[held.caption_N], images_PD[held.picture_N], query_keys=own, gallery_keys=own
    )
    return float(hits(counts, 1).mean())


def _encode(
    towers: Towers, tower: Callable[..., torch.Tensor], items: Sequence[str] | NDArray[np.uint8]
) -> Vectors:
    """Return unit vectors of some texts or pictures, one each, without dropout."""
    towers.model.eval()
    with torch.inference_mode():
        parts = [
            tower(items[start : start + _BATCH]).cpu().numpy()
            for start in range(0, len(items), _BATCH)
        ]
    towers.model.train()
    return unit_rows(np.concatenate(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best score of a run so far, and when it was."""

    step: int = 0
    score: float = -1.0
    stale: int = 0  # validations since the score last rose

    def after(self, step: int, score: float) -> Best:
        """Return what is best once `score` was reached after `step` steps.

        Of equal scores the later one is taken: it has learnt more.
        """
        if score > self.score:
            return Best(step=step, score=score)
        return Best(
            step=step if score == self.score else self.step,
            score=self.score,
            stale=self.stale + 1,
        )

"""Pictures as people find them: cropped, with a margin, lighter or darker.

A screenshot shows a part of a token, or more than the token. What a framing changes is none of what
captions tell, as long as it is mild.

Axes: H height, W width, C colour channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.config import check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class FramingConfig:
    """How many pictures are framed anew, and how much at most."""

    share: float = 0.0  # of the pictures, in [0, 1]
    crop: float = 0.15  # of the side that may be cut off at each edge, in [0, 0.45]
    pad: float = 0.1  # of the side that may be added at each edge, in [0, 1]
    light: float = 0.15  # by which the brightness may go up or down, in [0, 1]

    def __post_init__(self) -> None:
        check_range("framing.share", self.share, low=0, high=1)
        check_range("framing.crop", self.crop, low=0, high=0.45)
        check_range("framing.pad", self.pad, low=0, high=1)
        check_range("framing.light", self.light, low=0, high=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """What is seen of a picture: edges as shares of its sides, (0, 0, 1, 1) is all of it."""

    left: float
    upper: float
    right: float
    lower: float
    light: float  # a factor

    def of(self, frame_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the framed picture, of the same size; what is added has the first corner's colour.

        A margin is mostly a part of the ground, as that is what it would be in a larger picture.
        """
        height, width = frame_HWC.shape[:2]
        box = (self.left * width, self.upper * height, self.right * width, self.lower * height)
        framed = Image.fromarray(frame_HWC).transform(
            (width, height),
            Image.Transform.EXTENT,
            box,
            Image.Resampling.BICUBIC,
            fillcolor=tuple(frame_HWC[0, 0].tolist()),
        )
        light_HWC = np.asarray(framed, np.float32) * np.float32(self.light)
        return np.asarray(np.clip(light_HWC + 0.5, 0, 255), np.uint8)


def draw_framings(
    pictures: int, config: FramingConfig, *, rng: np.random.Generator
) -> dict[int, Framing]:
    """Return how some of the pictures are framed, by number; without a share nothing is drawn."""
    if not config.share:
        return {}
    framed = np.flatnonzero(rng.random(pictures) < config.share).tolist()
    edges = rng.uniform(-config.pad, config.crop, (len(framed), 4)).tolist()
    lights = rng.uniform(1 - config.light, 1 + config.light, len(framed)).tolist()
    return {
        number: Framing(left=left, upper=upper, right=1 - right, lower=1 - lower, light=light)
        for number, (left, upper, right, lower), light in zip(framed, edges, lights, strict=True)
    }

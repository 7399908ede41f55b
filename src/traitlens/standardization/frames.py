"""Which frame of an animation stands for the token.

The paper draws one at random (section 4.2). Here a frame's rank is a hash of seed, token and frame
number, so that the choice needs no state: the same token gets the same frame in any shard, on any
machine, and where an animation breaks off the draw is among the frames that decode.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.config import check_choice, check_range
from traitlens.standardization.media import Media
from traitlens.standardization.picture import Rejection

CHOICES = ("random", "first", "middle", "mean")
MAX_COUNT = 64
HELD = 4  # times the largest picture: what the chosen frames may have together
SKETCH_PX = 64  # frames are compared with their mean at this width and height, or below


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameConfig:
    """Which `count` distinct frames of an animation are kept; the first one is the token's image.

    random: drawn uniformly, by `seed` and token. first: the first one, and others at even
    distances after it. middle: number `frame_count // 2`, and others at even distances after it,
    around the end. mean: those closest to the mean of all frames (L2), the closest one first.
    """

    choice: str = "random"
    seed: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        check_choice("frames.choice", self.choice, CHOICES)
        check_range("frames.count", self.count, low=1, high=MAX_COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The chosen frames, by their numbers, in order of preference."""

    images: tuple[Image.Image, ...]
    numbers: tuple[int, ...]
    frame_count: int


def choose_frames(
    media: Media, config: FrameConfig, *, key: str, max_pixels: int
) -> Chosen | Rejection:
    """Return the chosen frames, or why there are none: not one decodes, or they are too large.

    A broken tail is no part of the animation: where a chosen frame does not decode, the choice is
    made again among those that do. Otherwise the tail is not even looked at. Together the frames
    may have four times `max_pixels`.
    """
    count = media.frame_count
    while count:
        numbers = _numbers(media, count, config, key=key)
        found: dict[int, Image.Image] = {}
        pixels_left = HELD * max_pixels
        ascending = sorted(numbers)
        for number, image in zip(ascending, media.frames(ascending), strict=False):
            found[number] = image
            pixels_left -= image.width * image.height
            if pixels_left < 0:
                return Rejection("too many pixels")
        if numbers and len(found) == len(numbers):
            images = tuple(found[number] for number in numbers)
            return Chosen(images=images, numbers=tuple(numbers), frame_count=count)
        # Those before the first failure decode, so the count falls in each round.
        count = sum(1 for _ in media.frames(range(count - 1)))
    return Rejection("broken picture")


def _numbers(media: Media, count: int, config: FrameConfig, *, key: str) -> list[int]:
    wanted = min(config.count, count)
    if count == 1:
        return [0]
    if config.choice == "random":
        ranked = sorted(range(count), key=lambda number: _rank(config.seed, key, number))
        return ranked[:wanted]
    if config.choice == "mean":
        return _closest_to_mean(_sketches(media.frames(range(count))))[:wanted]
    start = count // 2 if config.choice == "middle" else 0
    return [(start + step * count // wanted) % count for step in range(wanted)]


def _rank(seed: int, key: str, number: int) -> bytes:
    text = f"{seed}\n{key}\n{number}".encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=16).digest()


# Axes: N frames, P values of a sketch
def _sketches(images: Iterable[Image.Image]) -> NDArray[np.uint8]:
    """Return frames as small premultiplied RGBA: at most 16 kB each."""
    rows: list[NDArray[np.uint8]] = []
    size = None
    for image in images:
        size = size or (min(SKETCH_PX, image.width), min(SKETCH_PX, image.height))
        small = image.convert("RGBA").convert("RGBa").resize(size, Image.Resampling.BOX)
        rows.append(np.asarray(small).ravel())
    return np.stack(rows) if rows else np.zeros((0, 0), np.uint8)


def _closest_to_mean(sketches_NP: NDArray[np.uint8]) -> list[int]:
    if not len(sketches_NP):
        return []
    mean_P = sketches_NP.mean(axis=0)
    distance_N = np.array([np.square(row - mean_P).sum() for row in sketches_NP])
    return [int(number) for number in np.argsort(np.round(distance_N, 6), kind="stable")]

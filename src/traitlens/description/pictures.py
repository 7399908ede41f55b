"""Some pictures of a collection, what they look like on average, and their colours.

To look at all of 7.5 million pictures would take hours, and says little more than some hundred a
collection. So these are a sample: seeded, drawn from a bounded number of row groups spread over
the collection, and said to be one wherever it is shown.
"""

# Axes: N rows of a collection, H height, W width, C channels, B bins of colours

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.description.counting import Tally
from traitlens.description.statistics import Colour
from traitlens.digest import Digest
from traitlens.plain_text import one_line
from traitlens.records import Location
from traitlens.shards import ROWS_PER_GROUP
from traitlens.sheets import PAPER
from traitlens.standardization import Rejection, decode
from traitlens.store import Dataset

SAMPLE = 256  # pictures of a collection
_GROUPS = 16  # row groups to read of it: 2,048 pictures at most
EXAMPLES = 8  # pictures shown of a collection
MEAN_PX = 128  # the longer side of a mean image, at most
_COLOURS = 6
_NEAR = 64.0  # colours of one name: their distance in RGB, of at most 442

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gallery:
    """A sample of a collection's pictures: their mean, some of them, and the colours in them.

    `examples` are RGBA and fit into `MEAN_PX` px; `mean` is None where there is no picture.
    """

    sampled: int
    mean: Image.Image | None
    examples: tuple[tuple[str, Image.Image], ...]  # token id and picture
    colours: tuple[Colour, ...]


def gallery(
    data: Dataset, collection: str, digest: Digest, tally: Tally, *, sample: int = SAMPLE
) -> Gallery:
    """Return a sample of a collection's pictures; the same data set gives the same sample."""
    places = _Places(tally)
    kept = np.flatnonzero(digest.kept)
    rows = sample_rows(kept, places.groups(kept), sample, seed=collection)
    spread = np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows))).astype(int)
    shown = set(rows[spread].tolist())
    canvas = Canvas(common_size(tally))
    examples = []
    for row, picture in _pictures(data, places, rows):
        canvas.add(picture)
        if row in shown:
            examples.append((one_line(tally.token_ids[row]), _reduced(picture)))
    return Gallery(
        sampled=canvas.count,
        mean=canvas.mean(),
        examples=tuple(examples),
        colours=canvas.colours(),
    )


def sample_rows(
    rows_N: NDArray[np.int64], groups_N: NDArray[np.int64], sample: int, *, seed: str
) -> NDArray[np.int64]:
    """Return at most `sample` of the ascending rows, out of at most `_GROUPS` of their groups."""
    if len(rows_N) <= sample:
        return rows_N
    rng = np.random.default_rng(list(hashlib.sha256(seed.encode("utf-8", "replace")).digest()[:8]))
    chosen = rng.permutation(np.unique(groups_N))[: min(_GROUPS, sample)]
    candidates = [rng.permutation(rows_N[groups_N == group]) for group in chosen]
    # Round robin over the groups, so that the others make up for a short one.
    ranked = sorted((at, n) for n, found in enumerate(candidates) for at in range(len(found)))
    return np.sort(np.array([candidates[n][at] for at, n in ranked[:sample]], np.int64))


class _Places:
    """Where the rows of a collection lie, which its digest has one after the other."""

    def __init__(self, tally: Tally) -> None:
        self._shards = list(tally.shard_lengths)
        self._starts = np.cumsum([0, *tally.shard_lengths.values()])

    def groups(self, rows_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a number for each row that is equal for those of one row group."""
        shard_N = np.searchsorted(self._starts, rows_N, side="right") - 1
        most = int(np.diff(self._starts, append=0).max(initial=0)) // ROWS_PER_GROUP + 1
        in_shard_N = (rows_N - self._starts[shard_N]) // ROWS_PER_GROUP
        return np.asarray(shard_N * most + in_shard_N, np.int64)

    def location(self, row: int) -> Location:
        shard = int(np.searchsorted(self._starts, row, side="right")) - 1
        return Location(shard=self._shards[shard], row=row - int(self._starts[shard]))


def common_size(tally: Tally) -> tuple[int, int]:
    """Return the most frequent size of the pictures in px, reduced to at most `MEAN_PX`."""
    if not tally.sizes:
        return MEAN_PX, MEAN_PX
    (width, height), _ = min(tally.sizes.items(), key=lambda item: (-item[1], item[0]))
    factor = min(1.0, MEAN_PX / max(width, height, 1))
    return max(1, round(width * factor)), max(1, round(height * factor))


class Canvas:
    """Adds up pictures on one size: what is smaller grows without smoothing, the shape is kept."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.count = 0
        self._size = size
        self._sum_HWC = np.zeros((size[1], size[0], 3))
        self._bins_B = np.zeros(16**3)
        self._colours_BC = np.zeros((16**3, 3))

    def add(self, picture: Image.Image) -> None:
        """Add one picture; what is transparent counts as the paper of a sheet."""
        fitted = fitted_into(picture, self._size)
        sheet = Image.new("RGB", self._size, PAPER)
        corner = ((self._size[0] - fitted.width) // 2, (self._size[1] - fitted.height) // 2)
        sheet.paste(fitted, corner, mask=fitted)
        self._sum_HWC += np.asarray(sheet, np.float64)
        self.count += 1
        pixels_NC = np.asarray(fitted, np.int64).reshape(-1, 4)
        self._add_colours(pixels_NC[pixels_NC[:, 3] > 127, :3])

    def _add_colours(self, pixels_NC: NDArray[np.int64]) -> None:
        bins_N = (pixels_NC // 16) @ np.array([256, 16, 1])
        self._bins_B += np.bincount(bins_N, minlength=16**3)
        for channel in range(3):
            weights = pixels_NC[:, channel].astype(np.float64)
            self._colours_BC[:, channel] += np.bincount(bins_N, weights, minlength=16**3)

    def mean(self) -> Image.Image | None:
        """Return the mean of the pictures, pixel by pixel in sRGB; None without any."""
        if not self.count:
            return None
        return Image.fromarray((self._sum_HWC / self.count + 0.5).astype(np.uint8))

    def colours(self) -> tuple[Colour, ...]:
        """Return the most frequent colours: each the mean of those near the most frequent one."""
        found: list[Colour] = []
        bins_B, total = self._bins_B.copy(), self._bins_B.sum()
        means_BC = self._colours_BC / np.maximum(self._bins_B, 1)[:, None]
        while len(found) < _COLOURS and bins_B.any():
            distance_B = np.linalg.norm(means_BC - means_BC[bins_B.argmax()], axis=1)
            near_B = (distance_B < _NEAR) & (bins_B > 0)
            mean_C = self._colours_BC[near_B].sum(axis=0) / bins_B[near_B].sum()
            red, green, blue = (int(value + 0.5) for value in mean_C)
            share = round(float(bins_B[near_B].sum() / total), 4)
            found.append(Colour(hex=f"#{red:02x}{green:02x}{blue:02x}", share=share))
            bins_B[near_B] = 0
        return tuple(found)


def fitted_into(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture, RGBA, as large as fits into `size`."""
    rgba = picture.convert("RGBA")
    factor = min(size[0] / rgba.width, size[1] / rgba.height)
    wanted = (max(1, round(rgba.width * factor)), max(1, round(rgba.height * factor)))
    if wanted == rgba.size:
        return rgba
    if factor > 1:
        return rgba.resize(wanted, Image.Resampling.NEAREST)
    return rgba.resize(wanted, Image.Resampling.BOX, reducing_gap=2.0)


def _reduced(picture: Image.Image) -> Image.Image:
    if max(picture.size) <= MEAN_PX:
        return picture.convert("RGBA")
    rgba = picture.convert("RGBA")
    rgba.thumbnail((MEAN_PX, MEAN_PX), Image.Resampling.LANCZOS)
    return rgba


def _pictures(
    data: Dataset, places: _Places, rows: NDArray[np.int64]
) -> Iterator[tuple[int, Image.Image]]:
    """Yield the pictures at the ascending `rows`, those of one row group at a time in memory."""
    changes = np.flatnonzero(np.diff(places.groups(rows))) + 1
    for run in np.split(rows, changes):
        images = data.images([places.location(int(row)) for row in run])
        for row, image in zip(run.tolist(), images, strict=True):
            picture = decode(image or b"")
            if not isinstance(picture, Rejection):
                yield row, picture

"""Component separation by layers: what lies over what, and whose flats are whose.

Pixel art, and drawings whose parts have one look each, are explained as a stack of layers
(`stacking`): enlarged pixel art on its own grid, other large pictures at 128 px. In pixel art a
value may be drawn in several shapes, by another trait (`variants`). Drawings in which some traits
recolour the parts of others are divided into flats, and each flat goes to the value that explains
it best (`recolouring`, `likelihood`).

IoU of what is seen, first 300 tokens, contrast and then layers (`python -m benchmarks.separation
--limit 300`): nouns .69 .96, lilnouns .68 .97, cryptopunks .77 .90, mfers .73 .76, avastars .12
.44. All tokens: nouns .94 .98, lilnouns .93 .99, cryptopunks .83 .91. The first 300 after JPEG-90,
and after Lanczos to 512 px: nouns .96 and .96, lilnouns .97 and .97, cryptopunks .85 and .85.

What this cannot see: values of a single token whose parts lie on recoloured ones; parts that move
with another part; values drawn in several shapes by more than one other trait; alpha, other than
the pictures' own; and which of two values that always come together is which.

Axes: N tokens, P pixels of the working grid, K values, S tokens that have a value, C channels.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_range
from traitlens.separation import likelihood, stacking
from traitlens.separation.filling import filled
from traitlens.separation.flats import connected, flats
from traitlens.separation.recolouring import Recolouring, recolouring
from traitlens.separation.shades import CLEAR, NONE, counts, shades
from traitlens.separation.stacking import Stack
from traitlens.separation.values import Values
from traitlens.separation.variants import Variants, variants

_FLATS_FROM = 0.3  # of where a colour is seen, explained by its host, for flats to be divided
_OWNED = 0.3  # of a value's tokens, those in which it owns a pixel of its mask
_UNEXPLAINED = 0.5  # of tokens, those that show no value at a pixel of a fixed part
_SAME_EVERYWHERE = 0.98  # of these, those that show its shade
_AROUND = 0.6  # of what surrounds a fixed part, the share of one type for the part to be its


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersConfig:
    """How common and how distinctive a shade must be, both shares of tokens; the working size."""

    share: float = 0.5
    margin: float = 0.3
    working_px: int = 128  # the longer side of pictures that are no pixel art
    tolerance: int = 24  # of a channel, in [0, 255], where colours are not exact

    def __post_init__(self) -> None:
        check_range("separation.layers.share", self.share, low=0, high=1)
        check_range("separation.layers.margin", self.margin, low=0, high=1)
        check_range("separation.layers.working_px", self.working_px, low=8)
        check_range("separation.layers.tolerance", self.tolerance, low=0, high=255)


@dataclass(frozen=True, slots=True, eq=False)
class Layered:
    """What was found on the working grid.

    `weights_KP` is the share of a value's tokens in which one sees it at a pixel, 0 outside its
    mask; `seen_NP` the value that one sees in each token, -1 for none; a greater layer lies above.
    """

    weights_KP: NDArray[np.float32]
    seen_NP: NDArray[np.int16]
    layer_K: NDArray[np.intp]
    variants: Variants | None = None  # where K are these, not the values
    recoloured: Recolouring | None = None  # where flats were divided

    @property
    def flat(self) -> bool:
        """Whether parts are told by flats rather than by their colours."""
        return self.recoloured is not None


def layers(
    rgba_NHWC: NDArray[np.uint8],
    values: Values,
    config: LayersConfig,
    *,
    exact: bool,
    on_grid: bool,
    rng: np.random.Generator,
) -> Layered:
    """Return what belongs to each value in pictures at working size.

    `exact` says that equal parts have equal colours, `on_grid` that this is pixel art.
    """
    tokens, height, width = rgba_NHWC.shape[:3]
    rgba_NPC = rgba_NHWC.reshape(tokens, height * width, 4)
    tolerance = 0 if exact else config.tolerance
    if not on_grid:
        found = recolouring(rgba_NPC, values, _frame(height, width), tolerance=tolerance)
        if found.explained >= _FLATS_FROM:
            known_NP = found.marks_NP
            shades_NP = shades(rgba_NPC, tolerance=tolerance, known_NP=known_NP)
            flats_NP = np.stack([flats(rgba_HWC) for rgba_HWC in rgba_NHWC]).astype(np.int32)
            seen_NP = likelihood.owners(shades_NP, flats_NP, found, values, rng=rng)
            return _by_flats(seen_NP, values, found)
    shades_NP = shades(rgba_NPC, tolerance=tolerance)
    split = Variants.none(values)
    if on_grid:
        split = variants(shades_NP, values, share=config.share, margin=config.margin)
    stack = stacking.fit(shades_NP, split.values, share=config.share, margin=config.margin)
    size = height, width
    stack = filled(stack, shades_NP, rgba_NPC, split.values, size, tolerance=tolerance)
    stack = _with_fixed_parts(stack, shades_NP, split.values, size)
    return dataclasses.replace(_by_stack(stack, shades_NP, split.values), variants=split)


def _frame(height: int, width: int) -> NDArray[np.bool_]:
    """Return the frame without its lower half, which portraits cover: (P,)."""
    frame_HW = np.zeros((height, width), np.bool_)
    frame_HW[:2] = True
    frame_HW[: height // 2, :2] = True
    frame_HW[: height // 2, -2:] = True
    return frame_HW.ravel()


def _shares(seen_NP: NDArray[np.int16], values: Values) -> NDArray[np.float32]:
    """Return the share of each value's tokens in which one sees it at a pixel: (K, P)."""
    shares_KP = np.zeros((len(values), seen_NP.shape[1]), np.float32)
    for value, rows in enumerate(values.rows):
        shares_KP[value] = (seen_NP[rows] == value).mean(axis=0)
    return shares_KP


def _by_flats(seen_NP: NDArray[np.int16], values: Values, recoloured: Recolouring) -> Layered:
    """Return masks of what is owned often enough; what is smaller lies above."""
    shares_KP = _shares(seen_NP, values)
    weights_KP = np.where(shares_KP >= _OWNED, shares_KP, 0)
    area_K = shares_KP.sum(axis=1)
    layer_K = np.empty(len(values), np.intp)
    layer_K[np.argsort(-area_K, kind="stable")] = np.arange(len(values))
    return Layered(weights_KP, seen_NP, layer_K, recoloured=recoloured)


def _by_stack(stack: Stack, shades_NP: NDArray[np.uint8], values: Values) -> Layered:
    """Return the masks of what is drawn, seen at least once."""
    seen_NP = stack.seen(shades_NP, values)
    weights_KP = np.where(stack.drawn_KP != NONE, _shares(seen_NP, values), 0)
    return Layered(weights_KP, seen_NP, stack.layer_K)


def _with_fixed_parts(
    stack: Stack, shades_NP: NDArray[np.uint8], values: Values, size: tuple[int, int]
) -> Stack:
    """Return the stack with parts that most values share given to the type around them.

    The eyes in glasses are one example. The lowest slot gets none, as what is fixed lies upon it,
    and no type gets what reaches beyond its own parts.
    """
    seen_NP = stack.seen(shades_NP, values)
    fixed_P, shade_P = _fixed(shades_NP, seen_NP)
    if not fixed_P.any():
        return stack
    slot_K, drawn_KP = values.slots, stack.drawn_KP.copy()
    painted_LP = np.zeros((int(slot_K.max()) + 1, len(fixed_P)))
    for slot, share_P, rows in zip(slot_K, _shares(seen_NP, values), values.rows, strict=True):
        painted_LP[slot] += share_P * len(rows) / values.tokens
    lowest = int(slot_K[stack.layer_K.argmin()])
    for part_P in _parts(fixed_P, size):
        around_L = painted_LP[:, _neighbours(part_P, size)].sum(axis=1)
        best = int(around_L.argmax())
        if best == lowest or not _within(part_P, painted_LP[best] > 0, size):
            continue
        if around_L[best] >= _AROUND * max(around_L.sum(), 1e-9):
            open_KP = (drawn_KP == NONE) & part_P & (slot_K == best)[:, None]
            drawn_KP = np.where(open_KP, shade_P, drawn_KP)
    return Stack(drawn_KP, stack.layer_K)


def _fixed(
    shades_NP: NDArray[np.uint8], seen_NP: NDArray[np.int16]
) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Return where most tokens show no value, and these show one shade; and that shade: (P,)."""
    none_NP = seen_NP < 0
    left_PU = counts(np.where(none_NP, shades_NP, np.uint8(NONE)))
    shade_P = left_PU.argmax(axis=1).astype(np.uint8)
    none_P = none_NP.sum(axis=0)
    fixed_P = (none_P >= _UNEXPLAINED * len(seen_NP)) & (shade_P < CLEAR)
    fixed_P &= left_PU.max(axis=1) >= _SAME_EVERYWHERE * none_P
    return fixed_P, shade_P


def _parts(mask_P: NDArray[np.bool_], size: tuple[int, int]) -> list[NDArray[np.bool_]]:
    """Return the connected parts of a mask: each (P,)."""
    at_HW = np.arange(len(mask_P)).reshape(size)
    mask_HW = mask_P.reshape(size)
    right, down = mask_HW[:, :-1] & mask_HW[:, 1:], mask_HW[:-1] & mask_HW[1:]
    part_P = connected(
        len(mask_P),
        np.concatenate([at_HW[:, :-1][right], at_HW[:-1][down]]),
        np.concatenate([at_HW[:, 1:][right], at_HW[1:][down]]),
    )
    return [(part_P == number) & mask_P for number in np.unique(part_P[mask_P])]


def _within(part_P: NDArray[np.bool_], other_P: NDArray[np.bool_], size: tuple[int, int]) -> bool:
    """Return whether a part lies in the smallest upright rectangle around another."""
    for axis in (0, 1):
        part = np.flatnonzero(part_P.reshape(size).any(axis=axis))
        other = np.flatnonzero(other_P.reshape(size).any(axis=axis))
        if not len(other) or part[0] < other[0] or part[-1] > other[-1]:
            return False
    return True


def _neighbours(part_P: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels beside a part: (P,)."""
    wide_HW = np.pad(part_P.reshape(size), 1)
    beside_HW = wide_HW[:-2, 1:-1] | wide_HW[2:, 1:-1] | wide_HW[1:-1, :-2] | wide_HW[1:-1, 2:]
    return np.asarray(beside_HW.ravel() & ~part_P)

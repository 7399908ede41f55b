"""How far components are to be trusted: whether tokens, painted anew, look as they do.

Axes: N tokens, P = H x W pixels, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from traitlens.training.layering import Ground, Layer, covered_to, painted
from traitlens.training.layers import Layers

_TOKENS = 8  # of each component that are painted
# Levels of 255 by which a colour may differ: an edge that was resized apart from what lies beneath
# is no other colour than it was, but not quite the same.
_NEAR = 48


def component_trust(
    frames_NHWC: NDArray[np.uint8], worn: Sequence[Sequence[int]], layers: Layers, ground: Ground
) -> dict[int, float]:
    """Return how far each component of a collection is to be trusted, by its first row: [0, 1].

    It is the share of the pixels in which one would see the component, in any of its looks, that
    look as they do in the tokens' pictures. It is 0 where one would never see it, and where a
    single token has it: that one's picture is what the component was taken from, and proves
    nothing. A part that another trait recolours, in no colour that is known, fails, and so does a
    mask that reaches too far; one that is too small does not. `worn` are the rows in `layers` of
    each token's components; some tokens of each component are looked at.
    """
    shown, right = Counter[int](), Counter[int]()
    of_row = layers.component_of
    components = [[of_row(row) for row in rows] for rows in worn]
    wearers = Counter(component for of_token in components for component in of_token)
    for number in _some_of_each(components):
        rows = worn[number]
        stack = [layers[row] for row in rows]
        colours_PC, _ = painted(stack, ground, np.arange(layers.pixels))
        apart_PC = np.abs(frames_NHWC[number].reshape(-1, 3).astype(np.int16) - colours_PC)
        right_P = (apart_PC <= _NEAR).all(axis=1)
        for row, own_P in zip(rows, _on_top(stack, layers.pixels), strict=True):
            shown[of_row(row)] += int(np.count_nonzero(own_P))
            right[of_row(row)] += int(np.count_nonzero(own_P & right_P))
    return {
        component: right[component] / count if count and wearers[component] > 1 else 0.0
        for component, count in shown.items()
    }


def _some_of_each(components: Sequence[Sequence[int]]) -> list[int]:
    """Return the numbers of tokens such that every component is worn by some, first ones first."""
    times = Counter[int]()
    chosen = []
    for number, of_token in enumerate(components):
        if any(times[component] < _TOKENS for component in of_token):
            times.update(of_token)
            chosen.append(number)
    return chosen


def _on_top(stack: Sequence[Layer], pixels: int) -> list[NDArray[np.bool_]]:
    """Return where each layer covers all beneath and no other is above: bool (P,) each."""
    levels_P = covered_to(stack, pixels)
    result = []
    for layer in stack:
        own_P = np.zeros(pixels, np.bool_)
        own_P[layer.covering] = True
        result.append(own_P & (levels_P == layer.level))
    return result

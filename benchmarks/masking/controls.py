"""Controls of the study that no option of the product offers.

Axes: B pictures, T texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from traitlens.training.batch import Texts, Views
from traitlens.training.views import draw_views


def stale(views: Views) -> Views:
    """Return views whose twins are said to be what the tokens that they were made of are.

    Each twin takes over all that is true of its token and all that is said of it, so the pictures
    are the same and only the words do not follow the swap: if twins help because their captions
    do, these must not.
    """
    picture_B = np.arange(views.pictures)
    picture_B[views.swaps_S2[:, 1]] = views.swaps_S2[:, 0]
    return replace(
        views,
        captions=_taken(views.captions, _texts_of(views.captions, picture_B), picture_B),
        phrases=_taken(views.phrases, np.arange(len(views.phrases.texts)), picture_B),
    )


def _texts_of(texts: Texts, picture_B: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each text the one that has its place among those of the picture that counts."""
    own = [np.flatnonzero(texts.of_T == number) for number in range(len(picture_B))]
    result_T = np.arange(len(texts.texts))
    for number, other in enumerate(picture_B.tolist()):
        result_T[own[number]] = own[other]
    return result_T


def _taken(texts: Texts, text_T: NDArray[np.int64], picture_B: NDArray[np.int64]) -> Texts:
    pairs = np.ix_(text_T, picture_B)
    return replace(
        texts,
        texts=[texts.texts[number] for number in text_T.tolist()],
        fits_TB=texts.fits_TB[pairs],
        overlap_TB=texts.overlap_TB[pairs],
        weights_TB=texts.weights_TB[pairs],
    )


@contextmanager
def stale_captions() -> Iterator[None]:
    """Train on `stale` views as long as this is open, in this process."""

    def draw_stale(*args: Any, **options: Any) -> Views:
        return stale(draw_views(*args, **options))

    with patch("traitlens.training.loop.draw_views", draw_stale):
        yield

"""Small batches for the objectives' tests, and a softmax in plain floats to check them by.

Axes: B pictures, T texts, D dimensions, S swaps, P pictures of a part, H height, W width,
C colour channels.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from traitlens.training.batch import Features, Texts, Views

Rows = Sequence[Sequence[float]]


def texts(
    fits: Rows,
    *,
    of: Sequence[int] | None = None,
    overlap: Rows | None = None,
    weights: Rows | None = None,
) -> Texts:
    """Return texts that fit as `fits` says; text i is of picture i, and all is known."""
    fits_TB = np.array(fits, np.float32)
    return Texts(
        texts=[f"text {i}" for i in range(len(fits))],
        fits_TB=fits_TB > 0,
        of_T=np.arange(len(fits)) if of is None else np.array(of),
        overlap_TB=fits_TB if overlap is None else np.array(overlap, np.float32),
        weights_TB=np.ones_like(fits_TB) if weights is None else np.array(weights, np.float32),
    )


def no_texts(pictures: int) -> Texts:
    none_TB = np.zeros((0, pictures), np.float32)
    return Texts(
        texts=[],
        fits_TB=none_TB > 0,
        of_T=np.zeros(0, np.int64),
        overlap_TB=none_TB,
        weights_TB=none_TB,
    )


def views(captions: Texts, phrases: Texts | None = None, swaps: Rows = ()) -> Views:
    pictures = captions.fits_TB.shape[1]
    return Views(
        frames_PHWC=np.zeros((pictures, 1, 1, 3), np.uint8),
        part=slice(None),
        captions=captions,
        phrases=no_texts(pictures) if phrases is None else phrases,
        swaps_S2=np.array(swaps, np.int64).reshape(-1, 2),
    )


def features(images: Tensor, captions: Tensor, phrases: Tensor | None = None) -> Features:
    none_TD = torch.zeros(0, images.shape[1])
    return Features(
        images_BD=images,
        captions_TD=captions,
        phrases_TD=none_TD if phrases is None else phrases,
    )


def waves(rows: int, dimensions: int, step: float) -> Tensor:
    """Return numbers of no meaning that are the same everywhere."""
    numbers = torch.arange(rows * dimensions, dtype=torch.float32)
    return torch.sin(numbers * step).reshape(rows, dimensions)


def log_share(row: Sequence[float], chosen: int) -> float:
    """Return the log of what one of a row of logits has of its softmax."""
    return row[chosen] - math.log(sum(math.exp(logit) for logit in row))


def softplus(logit: float) -> float:
    return math.log(1 + math.exp(logit))

"""Both towers of a model as a step and a validation use them: frames and texts in, features out.

Axes: P pictures, N texts, L token ids, D dimensions, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traitlens.models.pixels import PixelConfig
from traitlens.models.torch_encoder import dimension_of, image_features, text_features
from traitlens.models.words import Words
from traitlens.training.optimizing import Precision
from traitlens.training.patches import use_matrix_patches

_TEXTS = 16  # a batch of texts is filled up to a multiple of this


class Towers:
    """A model that is on its device, in training mode, and computes in a given precision.

    Features are float32 and not of unit length.
    """

    def __init__(
        self,
        model: Any,
        words: Words,
        pixels: PixelConfig,
        *,
        precision: Precision,
        device: torch.device,
    ) -> None:
        self.model = model.to(device).train()
        self.words, self.pixels = words, pixels
        self.precision, self.device = precision, device
        use_matrix_patches(self.model)
        if precision.half and device.type == "cpu":
            self.model.set_attn_implementation("eager")  # fused attention has no quick bf16 here
        self.dimension = dimension_of(self.model)

    def images(self, frames_PHWC: NDArray[np.uint8]) -> Tensor:
        """Return the features of frames: (P, D)."""
        own = np.require(frames_PHWC, requirements=["C", "W"])  # a mapped file may be read-only
        pixels = scaled(torch.from_numpy(own).to(self.device), self.pixels)
        with self.precision.autocast():
            features_PD = image_features(self.model, pixels)
        return features_PD.float()

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Return the features of texts: (N, D).

        Their number is rounded up: for every shape that it has met, oneDNN keeps compiled code
        (docs/results.md), and a batch has as many phrases as it happens to have.
        """
        filled = [*texts, *[texts[-1]] * (-len(texts) % _TEXTS)]
        ids, mask = (torch.from_numpy(a).to(self.device) for a in self.words.ids(filled))
        with self.precision.autocast():
            features_ND = text_features(self.model, ids, mask)
        return features_ND[: len(texts)].float()


def scaled(frames_PHWC: Tensor, config: PixelConfig) -> Tensor:
    """Return frames as float32 (P, C, H, W) on the model's colour scale, on the frames' device.

    The same numbers as `models.pixels.normalize`; a GPU is sent a quarter of the bytes.
    """
    std_C11 = torch.tensor(config.std, dtype=torch.float32, device=frames_PHWC.device)[
        :, None, None
    ]
    mean_C11 = torch.tensor(config.mean, device=frames_PHWC.device)[:, None, None]
    scaled_PCHW = frames_PHWC.permute(0, 3, 1, 2).contiguous().float()
    return scaled_PCHW.mul_(1 / (255 * std_C11)).sub_(mean_C11 / std_C11)

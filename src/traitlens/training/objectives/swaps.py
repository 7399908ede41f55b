"""The loss over swaps: a picture and its twin, which differ in one component.

Axes: B pictures, T texts, S swaps, Q questions.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from traitlens.training.batch import Texts
from traitlens.training.objectives.engine import sigmoid_loss


def swap_loss(logits_TB: Tensor, texts: Texts, swaps_S2: NDArray[np.int64]) -> Tensor:
    """Return how well captions and pictures of twins are told apart, the mean over questions.

    Our own, after counterfactual and compositional tests. With picture x, its caption t, and the
    twin's x' and t', there are two questions about x and the mirrored two about x':

        softplus((s(x, t') - s(x, t)) / tau) + softplus((s(x', t) - s(x, t)) / tau)

    A caption that says nothing of the swapped trait fits both, and is not asked about; nor is one
    of which it is not known. The first texts are the pictures' own, in their order.
    """
    picture_S, twin_S = torch.as_tensor(swaps_S2, device=logits_TB.device).unbind(dim=1)
    text_Q = torch.cat([twin_S, picture_S, picture_S, twin_S])
    picture_Q = torch.cat([picture_S, twin_S, twin_S, picture_S])
    own_Q = torch.cat([picture_S, picture_S, twin_S, twin_S])
    ahead_Q = logits_TB[own_Q, own_Q] - logits_TB[text_Q, picture_Q]
    asked_TB = torch.as_tensor(~texts.fits_TB & (texts.weights_TB > 0), device=logits_TB.device)
    asked_Q = asked_TB[text_Q, picture_Q]
    return sigmoid_loss(ahead_Q, torch.ones_like(asked_Q), weights_TB=asked_Q.to(ahead_Q.dtype))

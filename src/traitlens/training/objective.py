"""The contrastive loss, with every caption that fits a picture as its positive.

Axes: B tokens of a batch, D dimensions.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import log_softmax, normalize


def contrastive_loss(
    images_BD: Tensor, texts_BD: Tensor, fits_BB: Tensor, *, scale: Tensor
) -> Tensor:
    """Return the symmetric cross-entropy between similarities and the captions' truth.

    CLIP's loss (Radford et al., 2021, figure 3) has the identity as its target. Here caption i is
    spread evenly over the pictures that it fits, so equal captions are positives, and picture j
    over the captions that fit it, each weighted by how few pictures it fits. With one fitting
    picture a caption, it is CLIP's loss. `fits_BB` (captions, pictures) is bool with a true
    diagonal; `scale` is the inverse temperature.
    """
    similarity_BB = scale * normalize(texts_BD, dim=-1) @ normalize(images_BD, dim=-1).T
    evenly_BB = fits_BB.float() / fits_BB.sum(dim=1, keepdim=True)
    to_pictures = -(evenly_BB * log_softmax(similarity_BB, dim=1)).sum(dim=1)
    shares_BB = evenly_BB / evenly_BB.sum(dim=0, keepdim=True)
    to_captions = -(shares_BB * log_softmax(similarity_BB, dim=0)).sum(dim=0)
    return (to_pictures.mean() + to_captions.mean()) / 2

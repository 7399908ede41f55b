"""The contrastive loss, with every text that fits a picture as its positive.

Axes: B pictures of a batch, T texts, D dimensions.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import log_softmax, normalize


def contrastive_loss(
    images_BD: Tensor, texts_TD: Tensor, fits_TB: Tensor, *, scale: Tensor
) -> Tensor:
    """Return the symmetric cross-entropy between similarities and what is true of what.

    CLIP's loss (Radford et al., 2021, figure 3) has the identity as its target. Here text i is
    spread evenly over the pictures that it fits, so equal captions are positives, and picture j
    over the texts that fit it, each weighted by how few pictures it fits. Where every caption fits
    one picture only, it is CLIP's loss. `fits_TB` is bool; each text fits some picture, and a
    picture that no text fits adds nothing; `scale` is the inverse temperature.
    """
    similarity_TB = scale * normalize(texts_TD, dim=-1) @ normalize(images_BD, dim=-1).T
    evenly_TB = fits_TB.float() / fits_TB.sum(dim=1, keepdim=True)
    to_pictures = -(evenly_TB * log_softmax(similarity_TB, dim=1)).sum(dim=1)
    shares_TB = evenly_TB / evenly_TB.sum(dim=0, keepdim=True).clamp(min=1e-12)
    to_texts = -(shares_TB * log_softmax(similarity_TB, dim=0)).sum(dim=0)
    return (to_pictures.mean() + to_texts.mean()) / 2

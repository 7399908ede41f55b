"""A quicker patch embedding for training: the same weights, the same numbers.

A vision transformer cuts a picture into patches with a convolution whose stride is its kernel. On
a CPU the gradient of that convolution took half of a tiny model's step; as a matrix product over
cut-out patches it is nearly free (docs/results.md).

Axes: B pictures, C channels, H x W px, R x S patches of P px, D dimensions.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import linear


class MatrixPatches(nn.Conv2d):
    """A convolution without overlap or padding, computed as one matrix product."""

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Return the embeddings of the patches: (B, D, R, S)."""
        batch, channels, height, width = pixels_BCHW.shape
        size = self.kernel_size[0]
        rows, columns = height // size, width // size
        pixels_BCHW = pixels_BCHW[:, :, : rows * size, : columns * size]  # what is left over
        cut = pixels_BCHW.reshape(batch, channels, rows, size, columns, size)
        flat = cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, -1)
        embedded_BND = linear(flat, self.weight.flatten(1), self.bias)
        return embedded_BND.transpose(1, 2).reshape(batch, -1, rows, columns)


def use_matrix_patches(model: nn.Module) -> None:
    """Let the patch embeddings of `model` be computed as matrix products from now on."""
    for module in model.modules():
        if type(module) is nn.Conv2d and _is_plain_cut(module):
            module.__class__ = MatrixPatches


def _is_plain_cut(convolution: nn.Conv2d) -> bool:
    return (
        convolution.stride == convolution.kernel_size
        and convolution.kernel_size[0] == convolution.kernel_size[1]
        and convolution.padding in ((0, 0), "valid")
        and convolution.groups == 1
    )

"""The quicker patch embedding gives the same numbers and gradients."""

import torch
from torch import nn

from traitlens.training.patches import MatrixPatches, use_matrix_patches


def test_a_matrix_product_over_patches_is_the_convolution() -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 5, kernel_size=4, stride=4)
    quick = nn.Conv2d(3, 5, kernel_size=4, stride=4)
    quick.load_state_dict(plain.state_dict())
    use_matrix_patches(quick)
    assert type(quick) is MatrixPatches
    pixels = torch.randn(2, 3, 12, 8)
    outputs = [layer(pixels) for layer in (plain, quick)]
    torch.testing.assert_close(*outputs)
    gradients = [
        torch.autograd.grad(output.square().sum(), layer.weight)[0]
        for output, layer in zip(outputs, (plain, quick), strict=True)
    ]
    torch.testing.assert_close(*gradients)


def test_pixels_that_fill_no_patch_are_left_out() -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 5, kernel_size=4, stride=4, padding="valid")
    pixels = torch.randn(2, 3, 14, 11)
    wanted = plain(pixels)
    use_matrix_patches(plain)
    assert type(plain) is MatrixPatches, "SigLIP's 384 px are no multiple of its 14 px patches"
    torch.testing.assert_close(plain(pixels), wanted)


def test_an_overlapping_convolution_is_left_as_it_is() -> None:
    model = nn.Sequential(nn.Conv2d(3, 5, kernel_size=3, stride=1, padding=1))
    use_matrix_patches(model)
    assert type(model[0]) is nn.Conv2d

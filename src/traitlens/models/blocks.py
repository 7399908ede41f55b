"""Names of devices become what ranks on them."""

from __future__ import annotations

import re

from traitlens.errors import ConfigError
from traitlens.metrics import Blocks, NumpyBlocks


def load_blocks(device: str = "cpu") -> Blocks:
    """Return what `metrics.rank` does its blocks with: NumPy for "cpu", torch for "cuda[:N]".

    Raise ConfigError for another device, and where there is no torch or no such GPU. Apple's GPUs
    have no float64, in which the exact scores are.
    """
    if device == "cpu":
        return NumpyBlocks()
    if not re.fullmatch(r"cuda(:\d+)?", device):
        raise ConfigError(f"device must be cpu, cuda or cuda:N, got {device!r}")
    try:
        import torch
    except ImportError:
        raise ConfigError(
            f"device {device} needs torch, unlike cpu: `pip install 'traitlens[train]'`"
        ) from None
    count = torch.cuda.device_count()
    if int(device.partition(":")[2] or 0) >= count:
        raise ConfigError(f"device {device} is not here, as torch sees {count} GPUs; cpu always is")
    from traitlens.models.torch_blocks import TorchBlocks

    return TorchBlocks(device)

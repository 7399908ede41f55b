"""Gradients of a batch that is larger than memory, exact: cached gradients.

A contrastive loss needs the features of the whole batch at once, but the towers need not see it at
once (Gao et al., 2021, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup").
Features are first made without a graph, chunk by chunk; the loss gives their gradients; then each
chunk is encoded once more, with a graph, and its features' gradients are sent back through it. That
costs one more forward pass, and memory for one chunk instead of all. Gradient accumulation as it is
usual would make small batches of one large one, with fewer negatives each.

Axes: N items, D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Items = Sequence[str] | NDArray[np.uint8] | Tensor
Tower = Callable[[Any], Tensor]  # some items -> their features (N, D)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """What a tower made of some items, and the way back through it."""

    features_ND: Tensor  # without a graph
    push: Callable[[Tensor], None]  # adds what their gradients (N, D) mean for the weights


def encode(
    tower: Tower, items: Items, *, chunk: int | None, dimension: int, device: torch.device
) -> Encoded:
    """Return the features of `items`, at most `chunk` of which (None: all) pass the tower at once.

    The second pass of a chunk draws the same random numbers as the first, so dropout is the same.
    """
    if len(items) == 0:
        return Encoded(features_ND=torch.zeros(0, dimension, device=device), push=_push_nothing)
    if chunk is None or len(items) <= chunk:
        return _encode_at_once(tower, items)
    parts = [items[start : start + chunk] for start in range(0, len(items), chunk)]
    states, features = [], []
    with torch.no_grad():
        for part in parts:
            states.append(_random_state(device))
            features.append(tower(part))

    def push(gradients_ND: Tensor) -> None:
        split = torch.split(gradients_ND, [len(part) for part in parts])
        for part, state, gradients in zip(parts, states, split, strict=True):
            with _as_then(state, device):
                again = tower(part)
            _push_through(again, gradients)

    return Encoded(features_ND=torch.cat(features), push=push)


def _encode_at_once(tower: Tower, items: Items) -> Encoded:
    features_ND = tower(items)

    def push(gradients_ND: Tensor) -> None:
        _push_through(features_ND, gradients_ND)

    return Encoded(features_ND=features_ND.detach(), push=push)


def _push_through(features_ND: Tensor, gradients_ND: Tensor) -> None:
    if features_ND.requires_grad:  # nothing of a frozen tower learns
        features_ND.backward(gradients_ND)  # type: ignore[no-untyped-call]


def _push_nothing(gradients_ND: Tensor) -> None:
    """Do nothing: no items, no gradients."""


_States = tuple[Tensor, Tensor | None]  # of the processor's generator and of the GPU's


def _random_state(device: torch.device) -> _States:
    gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return torch.get_rng_state(), gpu


@contextmanager
def _as_then(states: _States, device: torch.device) -> Iterator[None]:
    """Let the block draw the random numbers that followed `states`; later ones are untouched."""
    cpu, gpu = states
    with torch.random.fork_rng([device] if gpu is not None else []):
        torch.set_rng_state(cpu)
        if gpu is not None:
            torch.cuda.set_rng_state(gpu, device)
        yield

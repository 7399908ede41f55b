"""The processes of one run: what each does alone, and what they tell one another.

A run under `torchrun` has several processes (ranks). Each encodes its part of a batch, and all hold
the whole batch's features, so the loss is that of one process. Rank r of R has every R-th item,
from item r on: nobody needs to know how many there are, and parts differ by one item at most.

Axes: N items of the whole batch, P items of a rank's part, M items of the largest part, R ranks,
D dimensions.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed

# The others wait while the first rank reads pictures, finds components or validates.
_PATIENCE = timedelta(hours=6)
_BUCKET = 2**25  # numbers that are added up at once: 128 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """A process among those of its run; alone, it has nobody to wait for."""

    rank: int = 0
    count: int = 1
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes, reports and validates for all."""
        return self.rank == 0

    @property
    def part(self) -> slice:
        """The part of any list that is this rank's."""
        return slice(self.rank, None, self.count)

    def wait(self) -> None:
        """Return when all ranks have come here."""
        if self.count > 1:
            distributed.barrier()

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """Let the first rank run the block, and the others after it: they find its work done."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def whole(self, part_PD: Tensor, *, total: int) -> Tensor:
        """Return the rows of all ranks in the order of the items, (N, D), without gradients."""
        part_PD = part_PD.detach()
        if self.count == 1:
            return part_PD
        most = -(-total // self.count)
        filled_MD = part_PD.new_zeros(most, part_PD.shape[1])
        filled_MD[: len(part_PD)] = part_PD
        parts = [torch.empty_like(filled_MD) for _ in range(self.count)]
        distributed.all_gather(parts, filled_MD)
        return torch.stack(parts, dim=1).flatten(0, 1)[:total]  # item by item, rank by rank

    def add_up(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Give each parameter the sum of its gradients over the ranks.

        Where no rank has a gradient there is none, as in one process. Sums are made for many
        parameters at once; every rank gets the same bits.
        """
        if self.count == 1:
            return
        learning = [p for p in parameters if p.requires_grad]
        known = torch.tensor([p.grad is not None for p in learning], device=self.device).int()
        distributed.all_reduce(known, op=distributed.ReduceOp.MAX)
        used = [p for p, is_known in zip(learning, known.tolist(), strict=True) if is_known]
        for bucket in _buckets(used):
            self._add_up_bucket(bucket)

    def _add_up_bucket(self, bucket: Sequence[torch.nn.Parameter]) -> None:
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in bucket]
        flat = torch.cat([grad.flatten() for grad in grads])
        distributed.all_reduce(flat)
        sums = torch.split(flat, [p.numel() for p in bucket])
        for parameter, total in zip(bucket, sums, strict=True):
            parameter.grad = total.view_as(parameter)

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Give every rank the values that the first one has."""
        if self.count > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, src=0)

    def agreed(self, value: float) -> float:
        """Return the first rank's value."""
        told = torch.tensor(value, dtype=torch.float64, device=self.device)
        self.share([told])
        return float(told)


def _buckets(parameters: Iterable[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    bucket: list[torch.nn.Parameter] = []
    for parameter in parameters:
        if bucket and sum(p.numel() for p in bucket) + parameter.numel() > _BUCKET:
            yield bucket
            bucket = []
        bucket.append(parameter)
    if bucket:
        yield bucket


def is_first() -> bool:
    """Return whether this process is the one that prints: the only one, or rank 0."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def joined() -> Iterator[Ranks]:
    """Give this process's place among those that `torchrun` started, or that of a lone one.

    A group that stands already is used and left standing.
    """
    gpus = torch.cuda.is_available()
    if distributed.is_available() and distributed.is_initialized():
        yield _among(gpus=gpus)
    elif int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Ranks(device=torch.device("cuda" if gpus else "cpu"))
    else:
        if gpus:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        distributed.init_process_group("nccl" if gpus else "gloo", timeout=_PATIENCE)
        try:
            yield _among(gpus=gpus)
        finally:
            distributed.destroy_process_group()


def _among(*, gpus: bool) -> Ranks:
    device = torch.device("cuda", torch.cuda.current_device()) if gpus else torch.device("cpu")
    return Ranks(rank=distributed.get_rank(), count=distributed.get_world_size(), device=device)

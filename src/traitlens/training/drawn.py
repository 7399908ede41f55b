"""The steps' views, drawn ahead of the steps: by a thread, or by processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from traitlens.training.batch import Views

Draw = Callable[[int], Views]  # the views of a step, which hang on its number alone


def drawn_ahead(draw: Draw, *, start: int, stop: int, workers: int) -> Iterator[tuple[int, Views]]:
    """Yield the steps from `start` to before `stop` with their views, in order.

    With `workers` = 0 a thread draws the next views while a step is computed, which is enough for
    a CPU that computes for longer than it draws. A GPU may need several processes. The views are
    the same.
    """
    if workers:
        yield from _by_processes(draw, start=start, stop=stop, workers=workers)
    elif start < stop:
        yield from _by_a_thread(draw, start=start, stop=stop)


def _by_a_thread(draw: Draw, *, start: int, stop: int) -> Iterator[tuple[int, Views]]:
    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(draw, start)
        for step in range(start, stop):
            views = ahead.result()
            if step + 1 < stop:
                ahead = thread.submit(draw, step + 1)
            yield step, views


def _by_processes(
    draw: Draw, *, start: int, stop: int, workers: int
) -> Iterator[tuple[int, Views]]:
    loader = DataLoader(
        _Steps(draw),
        sampler=range(start, stop),
        batch_size=None,
        num_workers=workers,
        collate_fn=_as_it_is,
        multiprocessing_context="fork",  # the processes see what they draw from without a copy
    )
    for step, sent in zip(range(start, stop), loader, strict=True):
        yield step, sent.views()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """Views on their way from another process: as a tensor, frames go through shared memory."""

    frames_PHWC: Tensor
    rest: Views

    def views(self) -> Views:
        return replace(self.rest, frames_PHWC=self.frames_PHWC.numpy())


class _Steps(Dataset[_Sent]):
    """The views of every step, by its number."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def __getitem__(self, step: int) -> _Sent:
        views = self._draw(step)
        frames = np.require(views.frames_PHWC, requirements=["C", "W"])
        rest = replace(views, frames_PHWC=np.empty((0, 0, 0, 3), np.uint8))
        return _Sent(frames_PHWC=torch.from_numpy(frames), rest=rest)


def _as_it_is(sent: Any) -> Any:
    return sent

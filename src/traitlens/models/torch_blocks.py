"""Blocks of scores on what torch runs on: the products, the comparisons and the exact scores."""

# Axes: R rows and C columns of a block, P askers, M pairs, D dimensions

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from traitlens.metrics.blocks import PAIR_VALUES, Bars, Found, Numbers, pair_chunks
from traitlens.metrics.counts import Floats

GPU_PAIR_VALUES = 2**26  # values of pairs in a GPU's memory at a time: 512 MB


class TorchBlocks:
    """A CUDA device, or the CPU, as a device of `metrics.rank`."""

    def __init__(self, device: str, *, rows: int = 8192, columns: int = 16384) -> None:
        self._device = torch.device(device)
        self.rows, self.columns = rows, columns

    @property
    def keep_bytes(self) -> int:
        """Half of what is free on a GPU."""
        if self._device.type != "cuda":
            return 0
        return torch.cuda.mem_get_info(self._device)[0] // 2

    def hold(self, vectors_RD: Floats) -> Tensor:
        """Return the vectors on the device in float32 or float64."""
        held = torch.from_numpy(np.array(vectors_RD)).to(self._device)  # a copy: it may be a map
        return held.float() if held.dtype == torch.float16 else held

    def product(self, rows: Tensor, columns: Tensor, *, double: bool) -> Tensor:
        """Return the dot products in float64 when `double`, else in float32."""
        kind = torch.float64 if double else torch.float32
        with _whole_float32():
            return rows.to(kind) @ columns.to(kind).T

    def best(self, scores: Tensor) -> tuple[Floats, Floats]:
        """Return the best score of each row and of each column."""
        return scores.amax(dim=1).cpu().numpy(), scores.amax(dim=0).cpu().numpy()

    def compare(
        self, scores: Tensor, bars: Sequence[Bars], *, most_near: int | None = None
    ) -> list[Found] | None:
        """Return what each of `bars` finds; None when the pairs are more than `most_near`."""
        found, left = [], most_near
        for one in bars:
            parts = []
            for first, part in _spread(one, scores.shape[one.axis]):
                seen = _seen(scores, part, most_near=left)
                if seen is None:
                    return None
                left = None if left is None else left - len(seen.asker_M)
                parts.append(Found(seen.above_P, seen.asker_M + first, seen.item_M))
            found.append(_joined(parts))
        return found

    def dots(self, rows: Tensor, columns: Tensor, row_M: Numbers, column_M: Numbers) -> Floats:
        """Return the exact scores of pairs of a row and a column, added as by `exact_dots`."""
        values = GPU_PAIR_VALUES if self._device.type == "cuda" else PAIR_VALUES
        scores_M = np.empty(len(row_M))
        for chunk in pair_chunks(len(row_M), rows.shape[1], values=values):
            row, column = (
                torch.from_numpy(line[chunk]).to(rows.device) for line in (row_M, column_M)
            )
            scores_M[chunk] = _exact_dots(rows[row], columns[column]).cpu().numpy()
        return scores_M


def _exact_dots(left_MD: Tensor, right_MD: Tensor) -> Tensor:
    """Return what `metrics.blocks.exact_dots` does, to the last bit: its operations, one by one."""
    sums_MD = left_MD.double() * right_MD.double()
    while sums_MD.shape[1] > 1:
        width = sums_MD.shape[1]
        half = width // 2
        halves_MD = sums_MD[:, :half] + sums_MD[:, half : 2 * half]
        if width % 2:
            halves_MD[:, 0] += sums_MD[:, width - 1]
        sums_MD = halves_MD
    return sums_MD[:, 0]


@contextmanager
def _whole_float32() -> Iterator[None]:
    """Have float32 products in float32: TF32 and bfloat16 would break the bound on their error."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _spread(bars: Bars, lines: int) -> Iterator[tuple[int, Bars]]:
    """Yield the bars of as many askers at a time as there are lines, and the first one's number."""
    for first in range(0, len(bars.low_P), max(1, lines)):
        yield first, bars.part(slice(first, first + lines))


def _seen(scores_RC: Tensor, bars: Bars, *, most_near: int | None) -> Found | None:
    """Return what askers find in a block; None when the pairs are more than `most_near`."""

    def on_device(values: Any) -> Tensor:
        return torch.from_numpy(values).to(scores_RC.device)

    across = 1 - bars.axis
    if bars.line_P is not None:
        scores_RC = scores_RC.index_select(bars.axis, on_device(bars.line_P))
    above_RC = scores_RC > on_device(bars.high_P).unsqueeze(across)
    near_RC = scores_RC >= on_device(bars.low_P).unsqueeze(across)
    near_RC ^= above_RC  # what is above is not below
    if most_near is not None and int(near_RC.count_nonzero()) > most_near:
        return None
    if bars.times_X is None:
        above_P = above_RC.sum(dim=across)
    else:  # in float64, exact below 2^53: products of whole numbers are not for every device
        marks = above_RC if bars.axis == 0 else above_RC.T
        above_P = (marks.double() @ on_device(bars.times_X).double()).long()
    pairs = [line.cpu().numpy() for line in near_RC.nonzero(as_tuple=True)]
    return Found(above_P.cpu().numpy(), pairs[bars.axis], pairs[across])


def _joined(parts: Sequence[Found]) -> Found:
    none = np.empty(0, np.int64)
    return Found(
        np.concatenate([none, *(part.above_P for part in parts)]),
        np.concatenate([none, *(part.asker_M for part in parts)]),
        np.concatenate([none, *(part.item_M for part in parts)]),
    )

"""The components of all collections at the size of the frames, sparse and out of memory.

Axes: K components, P = H x W pixels of a frame, M pixels of a component, 4 = RGB and opacity.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens.models.pixels import PixelConfig
from traitlens.records import Trait
from traitlens.separation import Component
from traitlens.separation.pixels import Region
from traitlens.training.layering import Layer, fitted


class Layers:
    """Every component as a `Layer`, by row; 6 or 8 bytes for each of its pixels.

    They lie in files without names, which the system pages out when memory is short.
    """

    def __init__(self, pixels: int, *, folder: Path | None = None) -> None:
        """Begin with none; frames have `pixels` pixels, and the files lie in `folder`."""
        self.pixels = pixels
        self._where = _Spill(np.dtype(np.uint16 if pixels <= 2**16 else np.uint32), folder)
        self._paint = _Spill(np.dtype(np.uint8), folder)
        self._starts = [0]
        self._levels: list[int] = []
        self._first: list[int] = []  # row of the same component

    def add(self, layer: Layer) -> int:
        """Append a layer and return its row."""
        self._where.add(layer.where_M)
        self._paint.add(layer.paint_M4)
        self._starts.append(self._starts[-1] + len(layer.where_M))
        self._levels.append(layer.level)
        self._first.append(len(self) - 1)
        return len(self) - 1

    def add_component(
        self, component: Component, *, size: tuple[int, int], pixels: PixelConfig
    ) -> dict[Trait | None, int]:
        """Append a component of pictures of `size` (height, width), as it looks in each context.

        Returns the rows by the trait that a token must also have; the first is that of the look
        that it has without one, at None.
        """
        looks: dict[Trait | None, Region] = {None: component.region}
        looks |= {variant.context: variant.region for variant in component.variants}
        rows = {}
        for context, region in looks.items():
            paint = fitted(region.rgba_M4, region.where_M, size=size, pixels=pixels)
            rows[context] = self.add(Layer(*paint, component.layer))
            self._first[-1] = rows[None]
        return rows

    def component_of(self, row: int) -> int:
        """Return the first row of the component whose look is in a row."""
        return self._first[row]

    def __len__(self) -> int:
        return len(self._levels)

    def __getitem__(self, row: int) -> Layer:
        assert row >= 0, "a tag without a component has no layer"
        start, end = self._starts[row], self._starts[row + 1]
        paint_M4 = self._paint.all()[4 * start : 4 * end].reshape(-1, 4)
        return Layer(self._where.all()[start:end], paint_M4, self._levels[row])

    @property
    def total_bytes(self) -> int:
        """How much all of them take."""
        return self._where.all().nbytes + self._paint.all().nbytes


class _Spill:
    """An array in a nameless file, which grows at its end until it is first read."""

    def __init__(self, dtype: np.dtype[Any], folder: Path | None) -> None:
        self._dtype = dtype
        # Unbuffered, so that a forked process has nothing left to write.
        self._file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self._array: NDArray[Any] | None = None

    def add(self, values: NDArray[Any]) -> None:
        assert self._array is None, "nothing is added to what was read"
        self._file.write(np.ascontiguousarray(values, self._dtype).tobytes())

    def all(self) -> NDArray[Any]:
        if self._array is None:
            empty = self._file.tell() == 0
            # A plain array over the mapping: `memmap` itself is slow to index.
            self._array = (
                np.zeros(0, self._dtype)
                if empty
                else np.asarray(np.memmap(self._file, self._dtype, "r"))
            )
        return self._array

"""Blocks of scores, first in float32, and in float64 where float32 leaves too much open."""

# Axes: R rows and C columns of a block

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from traitlens.metrics.blocks import Bars, Blocks, Found, Numbers, Rows, Scores
from traitlens.metrics.counts import Floats
from traitlens.metrics.sides import Side

CROWDED = 64  # one score in so many may be scored exactly before float64 products are cheaper
DOUBLE_EDGE = 512  # rows, columns and askers of a float64 block: all pairs of them may be open


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """The vectors of a block on the device, and which rows and columns of the whole they are."""

    rows: slice
    columns: slice
    held_rows: Rows
    held_columns: Rows

    def __getitem__(self, axis: int) -> slice:
        return (self.rows, self.columns)[axis]

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    def exact(self, line_M: Numbers, other_M: Numbers, *, axis: int, blocks: Blocks) -> Floats:
        """Return the exact scores of pairs of the tile's own lines, the first ones along `axis`."""
        row_M, column_M = (line_M, other_M) if axis == 0 else (other_M, line_M)
        return blocks.dots(self.held_rows, self.held_columns, row_M, column_M)

    def cut(self, edge: int) -> Iterator[Tile]:
        """Yield the tile in parts of at most `edge` rows and columns."""
        height, width = self.shape
        for row in range(0, height, edge):
            for column in range(0, width, edge):
                rows = slice(row, min(row + edge, height))
                columns = slice(column, min(column + edge, width))
                yield Tile(
                    rows=_moved(rows, self.rows.start),
                    columns=_moved(columns, self.columns.start),
                    held_rows=self.held_rows[rows],
                    held_columns=self.held_columns[columns],
                )


def _moved(lines: slice, by: int) -> slice:
    return slice(lines.start + by, lines.stop + by)


class Ask(Protocol):
    """Gives the bars to hold a tile's scores against, wide enough for float32 or for float64."""

    def __call__(self, tile: Tile, scores: Scores, *, double: bool) -> Sequence[Bars]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What bars number `number` found in a tile, their askers from `first` on."""

    tile: Tile
    number: int
    first: int
    found: Found


def compare_tile(tile: Tile, ask: Ask, *, blocks: Blocks, single: bool) -> Iterator[Answer]:
    """Yield what the bars that `ask` gives find in a tile, whole or part by part.

    Float32 comes first when `single`. Where an encoder gives nearly the same score to all, its
    error leaves too many pairs open; there float64's, a billionth of it, takes its place.
    """
    height, width = tile.shape
    if single:
        scores = blocks.product(tile.held_rows, tile.held_columns, double=False)
        most_near = height * width // CROWDED + 4 * (height + width)
        found = blocks.compare(scores, ask(tile, scores, double=False), most_near=most_near)
        if found is not None:
            yield from (Answer(tile, number, 0, one) for number, one in enumerate(found))
            return
    for part in tile.cut(DOUBLE_EDGE):
        scores = blocks.product(part.held_rows, part.held_columns, double=True)
        for number, bars in enumerate(ask(part, scores, double=True)):
            for first in range(0, len(bars.low_P), DOUBLE_EDGE):
                some = bars.part(slice(first, first + DOUBLE_EDGE))
                found = blocks.compare(scores, [some])
                assert found is not None
                yield Answer(part, number, first, found[0])


class Holder:
    """Blocks of one side on the device; those that came first stay there, as far as they fit."""

    def __init__(self, side: Side, blocks: Blocks) -> None:
        self._side, self._blocks = side, blocks
        self._kept: dict[int, Rows] = {}
        self._room = blocks.keep_bytes

    def get(self, rows: slice) -> Rows:
        """Return the vectors of some rows."""
        if rows.start in self._kept:
            return self._kept[rows.start]
        vectors = self._side.read(rows)
        held = self._blocks.hold(vectors)
        size = vectors.size * max(4, vectors.itemsize)
        if size <= self._room:
            self._room -= size
            self._kept[rows.start] = held
        return held

"""Where each query's right item stands, exactly, at any size: no matrix of all scores.

The counts are those of `counts.count` on the exact scores. The exact score of two vectors is their
dot product in float64, added up in one fixed order (`blocks.exact_dots`), so equal vectors tie with
everything alike. It takes a hundred times the time of a BLAS product, and is seldom needed:

1. A query's *bar* is the exact score of its best right item (`best_right`). Only wrong items above
   or level with it count, and keys say which are right, so the counts are comparisons with bars.
2. A float32 product of D terms, added in any order, is at most D u / (1 - D u) |a| |b| away from
   the true value (u = 2^-24), and the exact score at most some 1e-9 of that (`questions.slack`).
   A product further than this from the bar, rounded outwards, decides as the exact score would.
3. The other pairs, mostly the right ones themselves, are decided by their exact scores. Where they
   are many, because an encoder gives all pairs nearly one score, float64 products come in between
   and leave those that differ by some 1e-13.

So the counts hang on the vectors alone: not on the BLAS, the device, the size of the blocks, the
type they are stored in, the direction, nor on a kill and a new start. Equal rows are multiplied
once (`sides`), also because of encoders that give one vector to all. NaN and infinity in a vector
make all of its scores NaN, which come last and are level with one another.

Memory is one block of scores, a block of rows of each side, and some hundred bytes an item and key
system; the vectors may lie on disk. Time is that of the products of all distinct rows, a few
comparisons of each score, and of the products within each key that many items share: a C-th more
for C collections.
"""

# Axes: Q queries, N gallery items, D dimensions

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from traitlens.metrics.best_right import BestRight
from traitlens.metrics.blocks import Bars, Blocks, Scores
from traitlens.metrics.counts import Counts, Floats, Ints
from traitlens.metrics.numpy_blocks import NumpyBlocks
from traitlens.metrics.questions import Keys, Question, Sides, System
from traitlens.metrics.rank_state import Arrays, Saved
from traitlens.metrics.sides import Side
from traitlens.metrics.tiles import Holder, Tile, compare_tile
from traitlens.progress import Progress, silent

CPU = NumpyBlocks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The counts of each key system, by its name."""

    forward: dict[str, Counts]  # of the queries, (Q,)
    backward: dict[str, Counts] | None  # of the gallery's items as queries, (N,)


def rank(
    queries_QD: Floats,
    gallery_ND: Floats,
    *,
    keys: Mapping[str, Keys],
    both_ways: bool = False,
    blocks: Blocks = CPU,
    work: Path | None = None,
    progress: Progress = silent,
) -> Ranking:
    """Return the counts of each query for each key system, all from the same products.

    Vectors are float16, float32 or float64, in memory or mapped from disk. `both_ways` has the
    gallery's items ask too, from the same products. With a folder `work`, a killed run goes on
    where it was, if it is called with the same again. Every query, and `both_ways` every item, must
    have a right item.
    """
    assert queries_QD.ndim == gallery_ND.ndim == 2
    assert queries_QD.shape[1] == gallery_ND.shape[1]
    sides = Sides(Side.of(queries_QD), Side.of(gallery_ND))
    axes = (0, 1) if both_ways else (0,)
    systems = {name: System.of(sides, one) for name, one in keys.items()}
    questions = {
        name: tuple(Question(system, sides, axis=axis) for axis in axes)
        for name, system in systems.items()
    }
    saved = Saved(work, mark=_mark(sides, keys, both_ways=both_ways)) if work else None
    run = _Run(
        sides=sides,
        systems=systems,
        questions={name: asked for name, asked in questions.items() if systems[name].has_wrong},
        blocks=blocks,
        saved=saved,
        progress=progress,
    )
    run.go()
    if saved:
        saved.clear()
    counts = [{name: asked[axis].finish() for name, asked in questions.items()} for axis in axes]
    return Ranking(forward=counts[0], backward=counts[1] if both_ways else None)


def count_matches(
    queries_QD: Floats, gallery_ND: Floats, *, query_keys: Ints, gallery_keys: Ints
) -> Counts:
    """Return the counts of one key system of the shapes (Q,) and (N,), see `rank`."""
    keys = Keys(queries=query_keys, gallery=gallery_keys)
    return rank(queries_QD, gallery_ND, keys={"": keys}).forward[""]


def _mark(sides: Sides, keys: Mapping[str, Keys], *, both_ways: bool) -> str:
    """Return what names the work of a ranking: all that its counts hang on."""
    sha = hashlib.sha256(f"{sides.queries.digest()} {sides.gallery.digest()} {both_ways}".encode())
    for name, one in keys.items():
        for side in (one.queries, one.gallery):
            numbers = np.ascontiguousarray(side, np.int64)
            sha.update(f" {name} {len(numbers)} ".encode())
            sha.update(numbers.data)
    return sha.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One pass over all blocks: first the bars, then row by row of blocks what is above them."""

    sides: Sides
    systems: Mapping[str, System]
    questions: Mapping[str, Sequence[Question]]  # of the systems in which anything is wrong
    blocks: Blocks
    saved: Saved | None
    progress: Progress

    def go(self) -> None:
        """Bring the questions' counts to the end, from where a killed run was."""
        done = self._restore()
        queries, gallery = self.sides.queries, self.sides.gallery
        columns = Holder(gallery, self.blocks)
        self.progress("rank", done, queries.sound)
        for rows in queries.blocks(self.blocks.rows, start=done) if self.questions else ():
            held_rows = self.blocks.hold(queries.read(rows))
            for some in gallery.blocks(self.blocks.columns):
                self._compare(
                    Tile(
                        rows=rows,
                        columns=some,
                        held_rows=held_rows,
                        held_columns=columns.get(some),
                    )
                )
            if self.saved:
                self.saved.save_now_and_then(rows.stop, self._arrays())
            self.progress("rank", rows.stop, queries.sound)

    def _restore(self) -> int:
        """Return how many rows are done; the bars are set, and the counts those of these rows."""
        state = self.saved.load() if self.saved else None
        if state:
            done, arrays = state
            for name, mine in self._arrays().items():
                mine[...] = arrays[name]
            return done
        for name, asked in self.questions.items():
            search = BestRight(
                sides=self.sides, system=self.systems[name], questions=asked, blocks=self.blocks
            )
            search.find(progress=self.progress)
        if self.saved:
            self.saved.save(0, self._arrays())
        return 0

    def _compare(self, tile: Tile) -> None:
        asked = [question for both in self.questions.values() for question in both]

        def ask(tile: Tile, scores: Scores, *, double: bool) -> list[Bars]:
            return [question.bars(tile, double=double) for question in asked]

        single = self.sides.fit_single
        for answer in compare_tile(tile, ask, blocks=self.blocks, single=single):
            asked[answer.number].count(answer, blocks=self.blocks)

    def _arrays(self) -> Arrays:
        """Return the arrays of all questions, which are all that changes during a run."""
        return {
            f"{number} {question.axis} {what}": array
            for number, both in enumerate(self.questions.values())
            for question in both
            for what, array in question.arrays().items()
        }

"""Section 4: how many collections and tokens each split has."""

from __future__ import annotations

from traitlens.records import SPLITS, Split
from traitlens.reproduction.bench import Bench
from traitlens.reproduction.identity import collections_of
from traitlens.reproduction.published import SIZES, TOKENS
from traitlens.reproduction.record import Compared, Made, Values
from traitlens.split import official_counts
from traitlens.store import Dataset
from traitlens.tables import Column, Table


def split(bench: Bench) -> Made:
    """Return the sizes of the splits: the paper's, the data set's, and the authors' lists'."""
    data, per_collection = bench.data, bench.config.per_collection
    notes = [
        "The list has Etherbanullas where the partition says Etherbananas, and the partition names "
        "UninterestedUnicorns twice; each is one collection. See `oddities` for the train split."
    ]
    if not _whole_collections(data):
        notes.append(
            "Collections are divided here and mini is drawn from whole ones, so how much of it is "
            "in a split is not known before it is drawn."
        )
    compared = (*(_of_split(data, side, per_collection) for side in SPLITS), _total(data))
    return Made(compared=compared, notes=tuple(notes), more={"lists": _lists()})


def _of_split(data: Dataset, side: Split, per_collection: int) -> Compared:
    printed = SIZES[side]
    values: Values = {"collections": collections_of(data)[side], "tokens": data.count(split=side)}
    if _whole_collections(data):
        entries = data.manifest.collections
        values["mini"] = sum(min(entry.splits.get(side, 0), per_collection) for entry in entries)
    return Compared(
        subject=side,
        kind="count",
        paper={
            "collections": printed.collections,
            "tokens": printed.tokens,
            "mini": printed.mini_tokens,
        },
        ours=(values,),
    )


def _total(data: Dataset) -> Compared:
    """Return the line of the whole, of which the paper prints 7.56 M tokens and no mini."""
    return Compared(
        subject="in all",
        kind="count",
        paper={"collections": 1000, "tokens": TOKENS},
        ours=({"collections": len(data.collections), "tokens": data.count()},),
    )


def _whole_collections(data: Dataset) -> bool:
    """Return whether each collection lies in one split."""
    entries = data.manifest.collections
    return all(sum(count > 0 for count in entry.splits.values()) <= 1 for entry in entries)


def _lists() -> Table:
    """Return what the authors' own lists add up to, beside the paper."""
    lists = official_counts()
    return Table(
        title="The authors' lists (collections of 4 March 2024, and the partition)",
        columns=(
            Column("split"),
            *(
                Column(name, "count")
                for name in ("collections", "tokens", "paper", "difference", "mini", "paper, mini")
            ),
            Column("difference, mini", "count"),
        ),
        rows=tuple(
            (
                side,
                lists[side].collections,
                lists[side].tokens,
                SIZES[side].tokens,
                lists[side].tokens - SIZES[side].tokens,
                lists[side].mini_tokens,
                SIZES[side].mini_tokens,
                lists[side].mini_tokens - SIZES[side].mini_tokens,
            )
            for side in SPLITS
        ),
    )

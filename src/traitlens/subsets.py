"""`subset`: some tokens of each collection as a data set of its own, as NFT1000mini is of NFT1000.

The splits stay as they are, but the train split may be thinned alone: how much data a model needs
is asked with the same test tokens throughout. What is derived (components, written captions, an
index) is not taken along: it belongs to the whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np

import traitlens
from traitlens import description, files
from traitlens.config import check_choice, check_range, fingerprint
from traitlens.digest import key_of
from traitlens.errors import DatasetError
from traitlens.progress import Progress, silent
from traitlens.records import SPLITS, Split, Token
from traitlens.shards import read_shard, write_shard
from traitlens.split import write_leaks
from traitlens.split.equals import draws
from traitlens.store import (
    MANIFEST,
    SCHEMA_VERSION,
    TOKENS_PER_SHARD,
    CollectionEntry,
    Dataset,
    Manifest,
    is_made,
)

MINI_TOKENS = 1000  # of each collection, as in the paper (section 4.3)


def subset(
    data: Dataset,
    out: str | Path,
    *,
    per_collection: int | None = MINI_TOKENS,
    train_share: float = 1.0,
    collections: Iterable[str] | None = None,
    seed: int = 0,
    replace: bool = False,
    progress: Progress = silent,
) -> Dataset:
    """Return the data set at `out`: `per_collection` kept tokens of each collection, or all.

    Of those of the train split only a `train_share`, in [0, 1], stays, rounded up; `collections`
    names those that are taken, all by default. Which tokens hangs on the seed and the tokens' uids
    alone, and fewer are always among more. Rejected tokens stay behind: of a
    collection as many are read as kept. A subset that was made before from the same data in the
    same way is left alone; another data set is only replaced when `replace` says so, and what is
    no data set never is: both are a DatasetError. A killed run goes on where it was.
    """
    if per_collection is not None:
        check_range("subset.per_collection", per_collection, low=1)
    check_range("subset.train_share", train_share, low=0, high=1)
    names = data.collections if collections is None else tuple(collections)
    for name in names:
        check_choice("subset.collections", name, data.collections)
    out = Path(out)
    asked = {
        "per_collection": per_collection,
        "train_share": train_share,
        "collections": sorted(names),
        "seed": seed,
        "of": data.manifest.fingerprint,
    }
    mark = fingerprint("subset", SCHEMA_VERSION, traitlens.__version__, asked)
    _refuse_itself(data, out)
    if is_made(out, mark, unlike="is not this subset of this data set", replace=replace):
        return Dataset.open(out)
    work = files.work_folder(out, mark)
    asked_for = [entry for entry in data.manifest.collections if entry.name in names]
    entries: list[CollectionEntry] = []
    for entry in asked_for:
        progress("subset", len(entries), len(asked_for), entry.name)
        count = entry.kept if per_collection is None else per_collection
        taking = _Taking(data=data, entry=entry, count=count, train_share=train_share, seed=seed)
        entries.append(taking.write(work))
    progress("subset", len(entries), len(asked_for))
    manifest = Manifest(
        fingerprint=mark,
        config={**data.manifest.config, "subset": asked},
        versions={"traitlens": traitlens.__version__},
        collections=tuple(entries),
    )
    files.write_json(work / "data" / MANIFEST, manifest.to_json())
    made = Dataset.open(work / "data")
    write_leaks(made, progress=progress)
    description.write(made, progress=progress)
    files.replace_folder(work / "data", out)
    files.clear_work(out)
    return Dataset.open(out)


def _refuse_itself(data: Dataset, out: Path) -> None:
    if out.exists() and out.resolve() == data.path.resolve():
        raise DatasetError(f"{out} is the data set that the subset is of; choose another folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taking:
    """What is taken of one collection."""

    data: Dataset
    entry: CollectionEntry
    count: int
    train_share: float
    seed: int

    def write(self, work: Path) -> CollectionEntry:
        """Write the shards of the collection, unless that was done, and return its entry."""
        record = work / "entries" / f"{self.data.collections.index(self.entry.name):05d}.json"
        if not record.is_file():
            files.write_json(record, self._write_shards(work / "data" / "tokens"))
        written = files.read_json(record)
        return replace(
            self.entry,
            read=sum(written["splits"].values()) + written["unsplit"],
            kept=sum(written["splits"].values()) + written["unsplit"],
            rejected={},
            splits=written["splits"],
            shards=tuple(written["shards"]),
        )

    def _write_shards(self, folder: Path) -> dict[str, object]:
        splits: list[Split | None] = []
        shards: list[str] = []
        tokens = self._tokens(splits)
        for first in tokens:
            stem = self.entry.shards[0].rpartition("-")[0]
            shards.append(f"{stem}-{len(shards):05d}.parquet")
            write_shard(folder / shards[-1], chain([first], islice(tokens, TOKENS_PER_SHARD - 1)))
        counts = {split: splits.count(split) for split in SPLITS}
        return {"splits": counts, "unsplit": splits.count(None), "shards": shards}

    def _tokens(self, splits: list[Split | None]) -> Iterator[Token]:
        """Yield the tokens that are taken, in the data set's order, and note their splits."""
        chosen = self._chosen()
        row = 0
        for shard in self.entry.shards:
            path = self.data.path / "tokens" / shard
            for token in read_shard(path):
                if row in chosen:
                    splits.append(token.split)
                    yield token
                row += 1

    def _chosen(self) -> set[int]:
        """Return the rows of the collection that are taken."""
        rows, keys, trained_on = [], [], []
        tokens = self.data.tokens(
            collections=[self.entry.name], images=False, rejected=True, metadata=False
        )
        for row, token in enumerate(tokens):
            if token.status == "kept":
                rows.append(row)
                keys.append(key_of(token.token_uid))
                trained_on.append(token.split == "train")
        # A seed of its own: the split drew by the same keys, and would be drawn again.
        drawn = draws(np.array(keys, np.uint64), key_of(f"subset {self.seed}"))
        order = np.argsort(drawn, kind="stable")[: self.count]
        is_train = np.array(trained_on, np.bool_)[order]
        stays = ~is_train | (np.cumsum(is_train) <= math.ceil(self.train_share * is_train.sum()))
        return {rows[at] for at in order[stays].tolist()}

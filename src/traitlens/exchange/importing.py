"""`import_data`: what was exported, or published in the NFT1000 layout, becomes a data set.

Each collection is a unit of work. Finished ones wait in a hidden folder beside the target, so that
a killed import goes on where it was; the target appears whole at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import traitlens
from traitlens import description, files
from traitlens.config import fingerprint, nearest, to_dict
from traitlens.errors import DatasetError
from traitlens.exchange.names import Names, file_name
from traitlens.exchange.opening import Import, Incoming, open_import
from traitlens.exchange.rows import admit
from traitlens.progress import Progress, silent
from traitlens.records import SPLITS, Token
from traitlens.shards import write_shard
from traitlens.standardization.limits import Limits
from traitlens.store import (
    MANIFEST,
    SCHEMA_VERSION,
    TOKENS_PER_SHARD,
    CollectionEntry,
    Dataset,
    Manifest,
    is_made,
)


def import_data(
    path: str | Path,
    out: str | Path,
    *,
    collections: Iterable[str] | None = None,
    limits: Limits | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> Dataset:
    """Return the data set at `out`, made from what lies at `path`.

    That is a folder that `export` wrote in any format, or a zip or folder in the NFT1000 layout,
    or a folder of these. Every token that an export held comes back as it was; a row that is not
    what it says is a rejected one, within `limits`. A data set that was imported before from the
    same is left alone; another one is only replaced when `replace` says so, and what is no data
    set never is: both are a DatasetError.
    """
    path, out, limits = Path(path), Path(out), limits or Limits()
    source = open_import(path)
    incoming = _chosen(source, collections)
    asked = [to_dict(limits), [collection.name for collection in incoming]]
    mark = fingerprint(SCHEMA_VERSION, traitlens.__version__, source.fingerprint, asked)
    if is_made(out, mark, unlike="was not imported from this", replace=replace):
        return Dataset.open(out)
    work = files.work_folder(out, mark)
    entries = _write_all(incoming, work, limits=limits, progress=progress)
    manifest = Manifest(
        fingerprint=mark,
        config=_config(source),
        versions={"traitlens": traitlens.__version__},
        collections=tuple(entries),
    )
    _refuse_nothing_kept(path, entries)
    files.write_json(work / "data" / MANIFEST, manifest.to_json())
    description.write(Dataset.open(work / "data"), progress=progress)
    files.replace_folder(work / "data", out)
    files.clear_work(out)
    return Dataset.open(out)


def _chosen(source: Import, collections: Iterable[str] | None) -> list[Incoming]:
    """Return the collections to import; raise DatasetError for a wrong or a repeated name."""
    by_name = {collection.name: collection for collection in source.collections}
    if len(by_name) < len(source.collections):
        counts = Counter(collection.name for collection in source.collections)
        (name, _) = counts.most_common(1)[0]
        raise DatasetError(f"two collections are called {name!r}; take one of them away")
    if collections is None:
        return list(source.collections)
    wanted = set(collections)
    for name in sorted(wanted - by_name.keys()):
        guess = nearest(name, by_name)
        hint = f"did you mean {guess!r}?" if guess else f"it has {', '.join(by_name)}"
        raise DatasetError(f"there is no collection {name!r} to import; {hint}")
    return [collection for name, collection in by_name.items() if name in wanted]


def _config(source: Import) -> dict[str, Any]:
    """Return how the exported data set was made, and that it was imported."""
    config = source.dataset.get("config")
    dataset = {name: source.dataset.get(name) for name in ("fingerprint", "versions")}
    imported = {"format": source.format, "dataset": dataset}
    return {**(config if isinstance(config, dict) else {}), "imported": imported}


def _write_all(
    incoming: Sequence[Incoming], work: Path, *, limits: Limits, progress: Progress
) -> list[CollectionEntry]:
    total = sum(collection.count for collection in incoming)
    names, done, entries = Names(), 0, []
    for number, collection in enumerate(incoming):
        stem = names.take(file_name(collection.name, fallback="collection"))
        record = work / "entries" / f"{number:05d}.json"
        if not record.is_file():
            collection.check()
            shards = _Shards(collection, work / "data" / "tokens", stem, limits)
            for rows in shards.write():
                progress("import", done + rows, total, collection.name)
            files.write_json(record, to_dict(shards.entry()))
        done += collection.count
        entries.append(CollectionEntry.from_json(files.read_json(record)))
    progress("import", total, total)
    return entries


@dataclass(slots=True)
class _Shards:
    """The shards of one collection, and what is counted while they are written."""

    collection: Incoming
    folder: Path
    stem: str
    limits: Limits
    names: list[str] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    read: int = 0

    def write(self) -> Iterator[int]:
        """Write shard after shard, and yield the number of tokens so far."""
        tokens = self._admitted()
        for first in tokens:
            name = f"{self.stem}-{len(self.names):05d}.parquet"
            write_shard(self.folder / name, chain([first], islice(tokens, TOKENS_PER_SHARD - 1)))
            self.names.append(name)
            yield self.read

    def _admitted(self) -> Iterator[Token]:
        for read in self.collection.tokens(self.limits):
            token = admit(read, collection=self.collection.name, limits=self.limits)
            self.read += 1
            if token.status == "rejected":
                self.rejected[token.reason or ""] += 1
            elif token.split is not None:
                self.splits[token.split] += 1
            yield token

    def entry(self) -> CollectionEntry:
        return CollectionEntry(
            info=self.collection.info,
            read=self.read,
            kept=self.read - self.rejected.total(),
            rejected=dict(sorted(self.rejected.items())),
            splits={split: self.splits[split] for split in SPLITS},
            shards=tuple(self.names),
            family=self.collection.family,
        )


def _refuse_nothing_kept(path: Path, entries: Iterable[CollectionEntry]) -> None:
    if not any(entry.kept for entry in entries):
        raise DatasetError(f"none of the tokens at {path} could be kept")

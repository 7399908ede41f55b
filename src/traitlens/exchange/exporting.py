"""`export`: a data set becomes what others read. Each collection is a unit of work.

Finished collections wait in a hidden folder beside the target, so that a killed export goes on
where it was; the target appears whole at the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import traitlens
from traitlens import files
from traitlens.config import check_choice, fingerprint, to_dict
from traitlens.errors import DatasetError
from traitlens.exchange import huggingface, nft1000, webdataset
from traitlens.exchange.config import ExportConfig
from traitlens.exchange.names import Names, ascii_name, file_name
from traitlens.exchange.record import (
    EXPORT_VERSION,
    RECORD,
    SIDES,
    Export,
    ExportedCollection,
    Source,
    checksum,
    write_checksums,
)
from traitlens.progress import Progress, silent
from traitlens.records import SPLITS
from traitlens.store import Dataset

FORMATS = ("nft1000", "webdataset", "huggingface")

# A collection's name in those of its files; the keys of WebDataset are ASCII, and have no dots.
_NAME = {"nft1000": file_name, "webdataset": ascii_name, "huggingface": file_name}
_WRITE = {
    "nft1000": nft1000.write_collection,
    "webdataset": webdataset.write_collection,
    "huggingface": huggingface.write_collection,
}
_WRITE_INDEX = {
    "nft1000": nft1000.write_index,
    "webdataset": webdataset.write_index,
    "huggingface": huggingface.write_index,
}


def export(
    data: Dataset | str | Path,
    out: str | Path,
    *,
    to: str = "nft1000",
    collections: Iterable[str] | None = None,
    split: str | None = None,
    config: ExportConfig | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> Export:
    """Return what was exported to the folder `out`, in the format `to` (see `FORMATS`).

    All collections, or those named, with their rejected tokens; with `split` only the kept tokens
    of that split. An export of the same is left alone; another one is only replaced when `replace`
    says so, and what is no export never is: both are a DatasetError.
    """
    data, out, config = _opened(data), Path(out), config or ExportConfig()
    check_choice("to", to, FORMATS)
    if split is not None:
        check_choice("split", split, SPLITS)
    sources = _sources(data, collections, split)
    asked = [to, split, to_dict(config), [source.entry.name for source in sources]]
    mark = fingerprint(EXPORT_VERSION, traitlens.__version__, data.manifest.fingerprint, asked)
    if not files.is_free(out):
        if not (out / RECORD).is_file():
            raise DatasetError(f"{out} exists and is no export; choose another folder")
        if not replace:
            return _same_export(out, mark)
    work = files.work_folder(out, mark)
    written = _write_all(sources, work, to=to, config=config, progress=progress)
    made = Export(
        format=to, fingerprint=mark, dataset=_provenance(data), collections=_final(written, to)
    )
    _put_together(made, written, work)
    files.replace_folder(work / "export", out)
    shutil.rmtree(work)
    return made


def _opened(data: Dataset | str | Path) -> Dataset:
    return data if isinstance(data, Dataset) else Dataset.open(data)


def _sources(
    data: Dataset, collections: Iterable[str] | None, split: str | None
) -> tuple[Source, ...]:
    """Return what is exported, in the data set's order; raise DatasetError for a wrong name."""
    named = None if collections is None else {data.entry(name).name for name in collections}
    entries = [e for e in data.manifest.collections if named is None or e.name in named]
    if not entries:
        raise DatasetError("no collection was named; leave `collections` out to export all")
    return tuple(Source(data=data, entry=entry, split=split) for entry in entries)


def _same_export(out: Path, mark: str) -> Export:
    export = Export.read(out)
    if export.fingerprint != mark:
        raise DatasetError(
            f"{out} exists and is another export; choose another folder or pass --replace"
        )
    return export


def _provenance(data: Dataset) -> dict[str, Any]:
    manifest = data.manifest
    return {
        "fingerprint": manifest.fingerprint,
        "config": manifest.config,
        "versions": manifest.versions,
    }


def _write_all(
    sources: Sequence[Source], work: Path, *, to: str, config: ExportConfig, progress: Progress
) -> list[dict[str, Any]]:
    """Return the record of each collection's files, which are in `work/parts` then."""
    total = sum(source.entry.read for source in sources)
    names, done, written = Names(), 0, []
    for number, source in enumerate(sources):
        progress("export", done, total, source.entry.name)
        stem = names.take(_NAME[to](source.entry.name, fallback="collection"))
        written.append(_write_one(source, work / "parts", f"{number:05d}", stem, to, config))
        done += source.entry.read
    progress("export", total, total)
    return written


def _write_one(
    source: Source, parts: Path, number: str, stem: str, to: str, config: ExportConfig
) -> dict[str, Any]:
    """Write the files of one collection, unless they are there; return their record."""
    folder, record = parts / number, parts / f"{number}.json"
    if record.is_file():
        return dict(files.read_json(record))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    by_side = _WRITE[to](source, folder, stem, config)
    names = [name for side in by_side.values() for name in side]
    value = {
        "info": to_dict(source.entry.info),
        "family": source.entry.family,
        "sides": source.sides(),
        "files": by_side,
        "sums": {name: checksum(folder / name) for name in names},
    }
    files.write_json(record, value)
    return value


def _final(written: Sequence[dict[str, Any]], to: str) -> tuple[ExportedCollection, ...]:
    """Return the collections with the names that their files get in the end."""
    counts = {side: sum(len(value["files"].get(side, ())) for value in written) for side in SIDES}
    names = {side: huggingface.final_names(side, count) for side, count in counts.items()}
    collections = []
    for value in written:
        given = value["files"]
        if to == "huggingface":
            given = {side: [next(names[side]) for _ in listed] for side, listed in given.items()}
        kept = {name: value[name] for name in ("info", "family", "sides")}
        collections.append(ExportedCollection.from_json({**kept, "files": given}))
    return tuple(collections)


def _put_together(made: Export, written: Sequence[dict[str, Any]], work: Path) -> None:
    """Move the files of all collections to their places and write what is said about the whole."""
    target, sums = work / "export", {}
    for number, (collection, value) in enumerate(zip(made.collections, written, strict=True)):
        for side, names in collection.files.items():
            for name, part in zip(names, value["files"][side], strict=True):
                sums[name] = value["sums"][part]
                _move(work / "parts" / f"{number:05d}" / part, target / name)
    target.mkdir(exist_ok=True)
    write_checksums(target, sums)
    _WRITE_INDEX[made.format](made, target, sums)
    made.write(target)


def _move(part: Path, place: Path) -> None:
    """Move a file, unless a run that was killed did so before."""
    if part.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        part.replace(place)
    assert place.exists(), f"{part} is gone"

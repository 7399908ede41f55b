"""What lies at a path: an export of ours, or collections in the NFT1000 layout.

Each becomes a list of `Incoming` collections, whose tokens are read as they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from traitlens.config import fingerprint
from traitlens.errors import DatasetError
from traitlens.exchange import huggingface, webdataset
from traitlens.exchange.nft1000_reading import find, open_collection, open_files
from traitlens.exchange.record import (
    RECORD,
    SIDE_OF,
    Export,
    ExportedCollection,
    checksum,
    read_checksums,
)
from traitlens.records import CollectionInfo, Token
from traitlens.standardization.limits import Limits
from traitlens.store import MANIFEST

_READ = {
    "webdataset": webdataset.read_collection,
    "huggingface": huggingface.read_collection,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A collection that can be imported; `check` raises DatasetError for a damaged file of it."""

    info: CollectionInfo
    family: str | None
    count: int
    tokens: Callable[[Limits], Iterator[Token]] = field(repr=False)
    check: Callable[[], None] = field(repr=False)

    @property
    def name(self) -> str:
        return self.info.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What was found at a path; `dataset` is what the export says of the data set it is from."""

    format: str
    fingerprint: str
    dataset: dict[str, Any]
    collections: tuple[Incoming, ...]


def open_import(path: Path) -> Import:
    """Return what can be imported from `path`; raise DatasetError for anything else."""
    if not path.exists():
        raise DatasetError(f"no such file or folder: {path}")
    record = Export.read(path) if (path / RECORD).is_file() else None
    if record is not None and record.format in _READ:
        return _shards(path, record)
    if (path / MANIFEST).is_file():
        raise DatasetError(f"{path} is a data set already")
    found = find(path)
    if not found:
        raise DatasetError(
            f"{path} is nothing that can be imported: accepted are what `traitlens export` wrote, "
            "and zips and folders in the NFT1000 layout"
        )
    return _zips(path, found, record)


def _shards(path: Path, record: Export) -> Import:
    """Return the collections of an export that is cut into shards."""
    sums = read_checksums(path)
    collections = tuple(
        Incoming(
            info=collection.info,
            family=collection.family,
            count=len(collection.sides),
            tokens=partial(_in_order, path, collection, record.format),
            check=partial(_check, path, _names(collection), sums),
        )
        for collection in record.collections
    )
    listed = [name for collection in record.collections for name in _names(collection)]
    marks = [[name, sums.get(name) or checksum(_there(path / name))] for name in listed]
    return Import(
        format=record.format,
        fingerprint=fingerprint(record.fingerprint, marks),
        dataset=record.dataset,
        collections=collections,
    )


def _names(collection: ExportedCollection) -> list[str]:
    return [name for names in collection.files.values() for name in names]


def _there(file: Path) -> Path:
    if not file.is_file():
        raise DatasetError(f"{file} is missing; the export lists it")
    return file


def _check(folder: Path, names: Iterable[str], sums: dict[str, str]) -> None:
    """Raise DatasetError when a file is missing or not the one that was listed."""
    for name in names:
        if name in sums and checksum(_there(folder / name)) != sums[name]:
            raise DatasetError(f"{folder / name} is damaged: its SHA-256 is not the listed one")


def _in_order(
    path: Path, collection: ExportedCollection, form: str, limits: Limits
) -> Iterator[Token]:
    """Yield the tokens of all sides in the data set's order."""
    streams = _READ[form](path, collection, limits)
    for letter in collection.sides:
        token = next(streams.get(SIDE_OF[letter], iter(())), None)
        if token is None:
            raise DatasetError(f"{path} has fewer tokens of {collection.name!r} than it lists")
        yield token
    if any(next(stream, None) is not None for stream in streams.values()):
        raise DatasetError(f"{path} has more tokens of {collection.name!r} than it lists")


def _zips(path: Path, found: list[Path], record: Export | None) -> Import:
    """Return the collections of zips and folders in the NFT1000 layout, in the export's order."""
    folder = path if path.is_dir() else path.parent
    sums = read_checksums(folder)
    incoming = [_zip(place, sums) for place in found]
    if record is not None:
        order = {collection.name: number for number, collection in enumerate(record.collections)}
        missing = order.keys() - {collection.name for collection in incoming}
        if missing:
            raise DatasetError(f"{path} lists {min(missing)!r}, and has no zip or folder of it")
        incoming.sort(key=lambda collection: order.get(collection.name, len(order)))
    return Import(
        format="nft1000",
        fingerprint=fingerprint([_mark(place, sums) for place in found]),
        dataset={} if record is None else record.dataset,
        collections=tuple(incoming),
    )


def _zip(place: Path, sums: dict[str, str]) -> Incoming:
    ours = open_collection(place)
    if ours is None:
        return _published(place)
    return Incoming(
        info=ours.info,
        family=ours.family,
        count=len(ours.stems),
        tokens=ours.tokens,
        check=partial(_check, place.parent, [place.name] if place.is_file() else [], sums),
    )


def _published(place: Path) -> Incoming:
    from traitlens.exchange import published

    collection = published.open_published(place)
    return Incoming(
        info=collection.info,
        family=collection.info.family,
        count=collection.count,
        tokens=partial(published.tokens, collection),
        check=lambda: None,
    )


def _mark(place: Path, sums: dict[str, str]) -> list[str]:
    """Return what changes with the content of a zip or, for a folder, with its list of files."""
    if place.is_file():
        return [place.name, sums.get(place.name) or checksum(place)]
    entries = sorted((entry.name, entry.size) for entry in open_files(place).entries())
    return [place.name, fingerprint(entries)]

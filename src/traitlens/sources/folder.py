"""Collections in folders and zips, in the OpenSea shape.

    <collection>/
      images/<id>.png         any supported format and ending
      metadata/<id>.json      {"name": …, "attributes": [{"trait_type": …, "value": …}]}
      collection.json         optional: name, contract, licence, …

A zip may hold the same, bare or under one top folder. A folder of such folders and zips is as many
collections. Nothing is unpacked to disk, and nothing is read beyond `MAX_BYTES` a file.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from traitlens.config import fingerprint
from traitlens.errors import SourceError
from traitlens.records import CollectionInfo, RawToken, storable
from traitlens.standardization import MAX_BYTES

NO_PICTURE = "no picture"
NO_METADATA = "no metadata"
BROKEN_JSON = "broken JSON"
TWO_OF_ONE_ID = "two tokens of one id"
TOO_LARGE = "file too large"
UNREADABLE = "unreadable file"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a collection: its name within it, its size in bytes and a mark of its content."""

    name: str
    size: int
    mark: str


class Files(Protocol):
    """Files by name, wherever they lie."""

    def entries(self) -> Iterable[Entry]: ...

    def read(self, name: str) -> bytes:
        """Return at most `MAX_BYTES` + 1 bytes; raise OSError when the file cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The files of a folder."""

    path: Path

    def entries(self) -> Iterator[Entry]:
        for file in sorted(self.path.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                stat = file.stat()
                name = file.relative_to(self.path).as_posix()
                yield Entry(name, stat.st_size, str(stat.st_mtime_ns))

    def read(self, name: str) -> bytes:
        with (self.path / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)


@dataclass(frozen=True, slots=True)
class ZipFiles:
    """The files of a zip, below `prefix`."""

    path: Path
    prefix: str = ""

    def entries(self) -> Iterator[Entry]:
        with zipfile.ZipFile(self.path) as archive:
            for info in archive.infolist():
                if not info.is_dir() and info.filename.startswith(self.prefix):
                    name = info.filename.removeprefix(self.prefix)
                    yield Entry(name, info.file_size, f"{info.CRC:08x}")

    def read(self, name: str) -> bytes:
        try:
            with _open_archive(self.path).open(self.prefix + name) as file:
                return file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise OSError(str(error)) from error  # damaged, of an odd method, or encrypted


_archives: dict[Path, zipfile.ZipFile] = {}


def _open_archive(path: Path) -> zipfile.ZipFile:
    """Return the open archive; a worker process keeps one, as reading its directory is slow."""
    if path not in _archives:
        for old in _archives.values():
            old.close()
        _archives.clear()
        _archives[path] = zipfile.ZipFile(path)
    return _archives[path]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundToken:
    """The files that make up one token; a sound token has one picture and one metadata file."""

    token_id: str
    pictures: tuple[str, ...]
    metadata: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A collection found in a folder or a zip; cheap to hand to a worker process."""

    info: CollectionInfo
    path: Path
    files: Files
    found: tuple[FoundToken, ...]
    fingerprint: str

    def read(self, found: FoundToken) -> RawToken:
        """Return the token as it is in its files; what is missing is named in `problem`."""
        problem = _problem(found)
        media, metadata = None, None
        if problem is None:
            try:
                media = self.files.read(found.pictures[0])
                text = self.files.read(found.metadata[0])
                problem = TOO_LARGE if max(len(media), len(text)) > MAX_BYTES else None
                metadata = json.loads(text) if problem is None else None
            except (ValueError, RecursionError):
                problem = BROKEN_JSON
            except OSError:
                problem = UNREADABLE
        where = (found.pictures or found.metadata)[0]
        return RawToken(
            collection=self.info.name,
            token_id=storable(found.token_id),
            media=media,
            metadata=metadata,
            source_uri=storable(f"{self.path.name}/{where}"),
            problem=problem,
        )


def _problem(found: FoundToken) -> str | None:
    if max(len(found.pictures), len(found.metadata)) > 1:
        return TWO_OF_ONE_ID
    if not found.pictures:
        return NO_PICTURE
    return None if found.metadata else NO_METADATA


def open_sources(paths: Iterable[str | Path]) -> list[Collection]:
    """Return the collections at `paths`, in order; raise SourceError for a path that has none."""
    collections = [collection for path in paths for collection in _open_path(Path(path))]
    by_name: dict[str, Path] = {}
    for collection in collections:
        name = collection.info.name
        if name in by_name:
            raise SourceError(
                f"two collections are called {name!r} ({by_name[name]} and {collection.path}); "
                "rename one of them"
            )
        by_name[name] = collection.path
    return collections


def _open_path(path: Path) -> list[Collection]:
    if not path.exists():
        raise SourceError(f"no such file or folder: {path}")
    if path.is_file():
        return [_open_zip(path)]
    if (path / "images").is_dir() or (path / "metadata").is_dir():
        return [_collection(path, FolderFiles(path))]
    children = sorted(c for c in path.iterdir() if not c.name.startswith("."))
    found = [
        collection
        for child in children
        if child.suffix.lower() == ".zip" or (child / "images").is_dir()
        for collection in _open_path(child)
    ]
    if not found:
        raise SourceError(
            f"{path} has no collection: it needs images/ and metadata/, or folders and zips "
            "that have them"
        )
    return found


def _open_zip(path: Path) -> Collection:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError) as error:
        raise SourceError(f"{path} is neither a folder nor a zip: {error}") from error
    tops = {name.parts[0] for name in names if name.parts}
    bare = tops & {"images", "metadata"} or len(tops) != 1
    return _collection(path, ZipFiles(path, "" if bare else f"{tops.pop()}/"))


def _collection(path: Path, files: Files) -> Collection:
    entries = list(files.entries())
    found = _pair_up(entries)
    if not found:
        raise SourceError(f"{path} is empty: it has nothing in images/ or metadata/")
    pictures = any(token.pictures for token in found)
    if not pictures or not any(token.metadata for token in found):
        missing = "metadata but no pictures" if not pictures else "pictures but no metadata"
        raise SourceError(f"{path} has {missing}; a collection needs images/ and metadata/")
    has_info = any(entry.name == "collection.json" for entry in entries)
    raw_info = files.read("collection.json") if has_info else b"{}"
    return Collection(
        info=_info(path, raw_info),
        path=path,
        files=files,
        found=found,
        fingerprint=fingerprint([(entry.name, entry.size, entry.mark) for entry in entries]),
    )


def _pair_up(entries: Iterable[Entry]) -> tuple[FoundToken, ...]:
    """Return the tokens in the natural order of their ids, each with its files by file stem."""
    pictures: dict[str, list[str]] = defaultdict(list)
    metadata: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        name = PurePosixPath(entry.name)
        if len(name.parts) != 2 or name.name.startswith((".", "_")):
            continue
        if name.parts[0] == "images":
            pictures[name.stem].append(entry.name)
        elif name.parts[0] == "metadata" and name.suffix.lower() in ("", ".json"):
            metadata[name.stem].append(entry.name)
    return tuple(
        FoundToken(token_id=i, pictures=tuple(pictures[i]), metadata=tuple(metadata[i]))
        for i in sorted({*pictures, *metadata}, key=_natural)
    )


def _natural(token_id: str) -> list[tuple[int, int, str]]:
    """Return a sort key by which "9" comes before "10"."""
    parts = re.findall(r"[0-9]+|[^0-9]+", token_id)
    return [(0, int(p), "") if p.isdecimal() and p.isascii() else (1, 0, p) for p in parts]


def _info(path: Path, raw: bytes) -> CollectionInfo:
    try:
        value: Any = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"collection.json of {path} is broken JSON: {error}") from error
    value = value if isinstance(value, dict) else {}

    def text(*keys: str) -> str | None:
        return next((str(value[key]) for key in keys if value.get(key)), None)

    name = text("collection", "slug") or path.name.removesuffix(".zip")
    return CollectionInfo(
        name=_file_name(name),
        chain_id=text("chain_id"),
        contract=text("contract", "contract_address"),
        licence=text("licence", "license", "licence_repo"),
        source=text("source"),
        family=text("family"),
    )


def _file_name(name: str) -> str:
    """Return a collection's name as one that can name a file: hostile input is in it."""
    return re.sub(r"[^\w. -]+", "-", name).strip(". -")[:100] or "collection"

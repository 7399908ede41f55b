"""Files by name, in a folder or in a zip. Nothing is unpacked to disk."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Protocol

from traitlens.standardization import MAX_BYTES

_MAX_LINE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a collection: its name within it, its size in bytes and a mark of its content."""

    name: str
    size: int
    mark: str


class Files(Hashable, Protocol):
    """Files by name, wherever they lie; equal ones are at the same place."""

    def entries(self) -> Iterable[Entry]: ...

    def read(self, name: str) -> bytes:
        """Return at most `MAX_BYTES` + 1 bytes; raise OSError when the file cannot be read."""
        ...

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of a file of any size, cut where they are long; raise OSError as well."""
        ...


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The files of a folder and of the folders in it, no deeper."""

    path: Path

    def entries(self) -> Iterator[Entry]:
        for entry in _visible(self.path):
            if entry.is_dir():
                yield from (_entry(file, f"{entry.name}/") for file in _visible(Path(entry.path)))
            else:
                yield _entry(entry, "")

    def read(self, name: str) -> bytes:
        with (self.path / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)

    def lines(self, name: str) -> Iterator[bytes]:
        with (self.path / name).open("rb") as file:
            yield from _lines(file)


def _visible(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)


def _entry(file: os.DirEntry[str], prefix: str) -> Entry:
    stat = file.stat()
    return Entry(prefix + file.name, stat.st_size, str(stat.st_mtime_ns))


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
        with self._opened(name) as file:
            return file.read(MAX_BYTES + 1)

    def lines(self, name: str) -> Iterator[bytes]:
        with self._opened(name) as file:
            yield from _lines(file)

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with _open_archive(self.path).open(self.prefix + name) as file:
                yield file
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            RuntimeError,
            EOFError,
        ) as error:
            raise OSError(str(error)) from error  # damaged, of an odd method, or encrypted


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.readline(_MAX_LINE_BYTES), b"")


@lru_cache(maxsize=1)
def _archive(path: Path, _mark: tuple[int, int]) -> zipfile.ZipFile:
    """Return the open archive; a worker process keeps one, as reading its directory is slow."""
    return zipfile.ZipFile(path)


def _open_archive(path: Path) -> zipfile.ZipFile:
    stat = path.stat()
    return _archive(path, (stat.st_mtime_ns, stat.st_size))

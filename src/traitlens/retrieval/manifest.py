"""`index.json`: what an index was made of, and what must still be there to search it.

idx/
  index.json     this manifest
  engine/        what is searched, see `engines`; not there when that is on a server
  engine.lock    held by the writer, or shared by the readers
  tokens.sqlite  small pictures, equal ones, rarity, see `token_table`
  vectors/       the vectors by picture, in Parquet, see `vector_files`
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.engines import EngineName, Server, VectorEngine, open_engine
from traitlens.errors import IndexingError

SCHEMA_VERSION = 3
MANIFEST = "index.json"
ENGINE = "engine"
TOKENS = "tokens.sqlite"
VECTORS = "vectors"
PARTS = frozenset({MANIFEST, ENGINE, f"{ENGINE}.lock", TOKENS, VECTORS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder as an absolute path, and as seen from the index, so that both can move together.

    `relative` is None for what is no folder, such as the name of an encoder.
    """

    path: str
    relative: str | None = None

    @staticmethod
    def of(target: Path, *, index: Path) -> Place:
        """Return where `target` is, for an index in the folder `index`."""
        target = target.resolve()
        try:
            relative = os.path.relpath(target, index.resolve())
        except ValueError:  # another drive, on Windows
            return Place(path=str(target))
        return Place(path=str(target), relative=Path(relative).as_posix())

    def seen_from(self, index: Path) -> str:
        """Return the path that is there now: the relative one first."""
        if self.relative is not None and (index / self.relative).exists():
            return str(index / self.relative)
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSeconds:
    """Where the time of an indexing run went, in seconds."""

    read: float = 0.0
    decode: float = 0.0
    encode: float = 0.0
    write: float = 0.0
    optimize: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What the run that completed the index did, in tokens."""

    written: int = 0  # new ones, and those with another picture
    renamed: int = 0  # with the same picture, and other words
    deleted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexManifest:
    """The contents of `index.json`; `read` = `indexed` + the sum of `rejected` when `complete`."""

    encoder: Place  # what `load_encoder` takes
    encoder_fingerprint: str
    dimension: int
    engine: EngineName
    server: Server | None = None  # where the engine "server" is; its key is not in here
    data: Place
    data_fingerprint: str
    read: int  # the kept tokens of the data set
    config: dict[str, Any]
    versions: dict[str, str]
    indexed: int = 0
    rejected: dict[str, int]
    complete: bool = False
    changes: Changes = Changes()
    seconds: StageSeconds = StageSeconds()  # of the run that completed the index
    schema_version: int = SCHEMA_VERSION

    def open_engine(self, index: Path, *, read_only: bool = False) -> VectorEngine:
        """Open the engine of the index in the folder `index`."""
        return open_engine(
            self.engine,
            index / ENGINE,
            dimension=self.dimension,
            read_only=read_only,
            server=self.server,
        )

    def write(self, index: Path) -> None:
        """Write `index.json` into the folder `index`."""
        files.write_json(index / MANIFEST, asdict(self))

    @staticmethod
    def read_from(index: Path) -> IndexManifest:
        """Return the manifest of the folder `index`; raise IndexingError when it has none."""
        file = index / MANIFEST
        if not file.is_file():
            what = "no such folder" if not index.exists() else f"it has no {MANIFEST}"
            raise IndexingError(f"{index} is no index: {what}; `traitlens index` makes one")
        try:
            value = files.read_json(file)
            version = value["schema_version"]
            if version != SCHEMA_VERSION:
                raise IndexingError(
                    f"{index} has schema version {version!r}, this traitlens reads "
                    f"{SCHEMA_VERSION}; make it anew with `traitlens index --replace`"
                )
            return _from_json(value)
        except (ValueError, KeyError, TypeError) as error:
            raise IndexingError(f"{file} is no manifest of an index: {error}") from error


def _from_json(value: dict[str, Any]) -> IndexManifest:
    parts = {
        "encoder": Place(**value["encoder"]),
        "data": Place(**value["data"]),
        "changes": Changes(**value["changes"]),
        "seconds": StageSeconds(**value["seconds"]),
        "server": None if value["server"] is None else Server(**value["server"]),
    }
    return IndexManifest(**{**value, **parts})


def fingerprint_at(data: Path) -> str | None:
    """Return the fingerprint of the data set in a folder; None where there is none.

    Unlike `store.Dataset.open`, this needs no library that reads Parquet.
    """
    try:
        return str(files.read_json(data / "dataset.json")["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

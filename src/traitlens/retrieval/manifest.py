"""`index.json`: what an index was made of, and what must still be there to search it.

idx/
  index.json     this manifest
  engine/        what is searched, see `engines`; not there when that is on a server
  engine.lock    held by the writer, or shared by the readers
  tokens.sqlite  small pictures, equal ones, rarity, see `token_table`
  vectors/       the vectors by picture, in Parquet, see `vector_files`
  components/    the data set's, if it has any: which pixels show which trait, see `separation`
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.engines import EngineName, Server, VectorEngine, open_engine
from traitlens.errors import IndexingError
from traitlens.retrieval.component_masks import FOLDER as COMPONENTS

SCHEMA_VERSION = 3
MANIFEST = "index.json"
ENGINE = "engine"
TOKENS = "tokens.sqlite"
VECTORS = "vectors"
PARTS = frozenset({MANIFEST, ENGINE, f"{ENGINE}.lock", TOKENS, VECTORS, COMPONENTS})


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
    described: int = 0  # of the indexed tokens, those with traits
    rejected: dict[str, int]
    complete: bool = False
    components: dict[str, str] = field(default_factory=dict)  # by collection, the file's SHA-256
    changes: Changes = Changes()
    seconds: StageSeconds = StageSeconds()  # of the run that completed the index
    sizes: dict[str, int] = field(default_factory=dict)  # of its files in bytes, when `complete`
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


def file_sizes(index: Path) -> dict[str, int]:
    """Return {path within the index: bytes} of all files that hold tokens."""
    inside = (file for part in (ENGINE, VECTORS) for file in sorted((index / part).rglob("*")))
    held = [index / TOKENS, *inside]
    return {f.relative_to(index).as_posix(): f.stat().st_size for f in held if f.is_file()}


def check_sizes(index: Path, manifest: IndexManifest, *, parts: Sequence[str] = ()) -> None:
    """Raise IndexingError where a file has not the size that it had when the index was complete.

    Engines do not find a file that was cut off: some read zeros in its place. With `parts`, only
    these are looked at. Reading an index changes no size; indexes without sizes are older.
    """
    for name, size in manifest.sizes.items():
        if parts and name.partition("/")[0] not in parts:
            continue
        file = index / name
        found = file.stat().st_size if file.is_file() else None
        if found != size:
            has = "is gone" if found is None else f"has {found:,} bytes of {size:,}"
            raise IndexingError(
                f"{index} is damaged: {name} {has}; `traitlens index --replace` makes it anew "
                "and encodes no picture whose vector is still there"
            )


def fingerprint_at(data: Path) -> str | None:
    """Return the fingerprint of the data set in a folder; None where there is none.

    Unlike `store.Dataset.open`, this needs no library that reads Parquet.
    """
    try:
        return str(files.read_json(data / "dataset.json")["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

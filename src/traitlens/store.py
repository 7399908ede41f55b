"""The data set on disk: Parquet shards, a manifest and a data card in one folder.

    data/
      dataset.json                         what was read, kept and rejected, and how
      README.md, contact_sheet.png         the data card
      tokens/<collection>-00000.parquet    one row a token (see `records.Token`)
      components/<collection>.npz          derived: see `separation`

Parquet, because `datasets`, DuckDB, Polars, Ray and Spark open it as it is. Only `shards` knows
that; everyone else reads `Token` records from a `Dataset`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.config import nearest
from traitlens.errors import DatasetError
from traitlens.records import SPLITS, CollectionInfo, Location, Split, Token

SCHEMA_VERSION = 2
MANIFEST = "dataset.json"

TOKENS_PER_SHARD = 1000  # the unit of work, of retry and of resumption


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionEntry:
    """What the manifest says about one collection; `read` = `kept` + the sum of `rejected`."""

    info: CollectionInfo
    read: int
    kept: int
    rejected: dict[str, int]
    splits: dict[str, int]
    shards: tuple[str, ...]
    family: str | None = None  # as named by the source, or as found

    @property
    def name(self) -> str:
        return self.info.name

    @staticmethod
    def from_json(value: dict[str, Any]) -> CollectionEntry:
        info, shards = CollectionInfo(**value["info"]), tuple(value["shards"])
        return CollectionEntry(**{**value, "info": info, "shards": shards})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The contents of `dataset.json`."""

    fingerprint: str
    config: dict[str, Any]
    versions: dict[str, str]
    collections: tuple[CollectionEntry, ...]
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: dict[str, Any]) -> Manifest:
        entries = tuple(map(CollectionEntry.from_json, value["collections"]))
        return Manifest(**{**value, "collections": entries})


@dataclass(frozen=True, slots=True)
class Dataset:
    """An opened data set. Reading it never changes it."""

    path: Path
    manifest: Manifest = field(repr=False)

    @classmethod
    def open(cls, path: str | Path) -> Dataset:
        """Open the folder that `build` wrote; raise DatasetError when it is none."""
        path = Path(path)
        file = path / MANIFEST
        if not file.is_file():
            what = "no such folder" if not path.exists() else f"it has no {MANIFEST}"
            raise DatasetError(f"{path} is no data set: {what}; `traitlens build` makes one")
        try:
            value = files.read_json(file)
            version = value["schema_version"]
            if version != SCHEMA_VERSION:
                raise DatasetError(
                    f"{path} has schema version {version!r} and this traitlens reads "
                    f"{SCHEMA_VERSION}; build it again"
                )
            return cls(path, Manifest.from_json(value))
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{file} is no manifest of a data set: {error}") from error

    @property
    def collections(self) -> tuple[str, ...]:
        """The names of the collections, in the order in which they were given."""
        return tuple(entry.name for entry in self.manifest.collections)

    def entry(self, collection: str) -> CollectionEntry:
        """Return what the manifest says about a collection; raise DatasetError for a wrong name."""
        for entry in self.manifest.collections:
            if entry.name == collection:
                return entry
        guess = nearest(collection, self.collections)
        hint = f"did you mean {guess!r}?" if guess else f"it has {', '.join(self.collections)}"
        raise DatasetError(f"{self.path} has no collection {collection!r}; {hint}")

    def count(self, *, split: Split | None = None) -> int:
        """Return the number of kept tokens (of one split)."""
        entries = self.manifest.collections
        return sum(e.kept if split is None else e.splits.get(split, 0) for e in entries)

    def tokens(
        self,
        *,
        collections: Iterable[str] | None = None,
        split: Split | None = None,
        images: bool = True,
        metadata: bool = True,
        rejected: bool = False,
    ) -> Iterator[Token]:
        """Yield the kept tokens in a fixed order, shard by shard; `rejected=True` yields all.

        What is not asked for is None.
        """
        from traitlens.shards import read_shard

        names = self.collections if collections is None else tuple(collections)
        if split is not None and split not in SPLITS:
            raise DatasetError(f"split must be one of {', '.join(SPLITS)}; got {split!r}")
        for entry in [self.entry(name) for name in names]:
            for shard in entry.shards:
                file = self.path / "tokens" / shard
                for token in read_shard(file, images=images, metadata=metadata):
                    if not rejected and token.status != "kept":
                        continue
                    if split is None or token.split == split:
                        yield token

    def images(self, locations: Sequence[Location]) -> list[bytes | None]:
        """Return the PNG bytes at `locations`, in their order, decoding only their row groups."""
        from traitlens.shards import read_images

        return read_images(self.path / "tokens", locations)


def is_made(out: Path, mark: str, *, unlike: str, replace: bool) -> bool:
    """Return whether the data set of the fingerprint `mark` is at `out` already.

    Raises DatasetError when `out` must not be replaced: it is no data set, or it is another one,
    which `unlike` says in words, and `replace` was not asked for.
    """
    if files.is_free(out):
        return False
    if not (out / MANIFEST).is_file():
        raise DatasetError(f"{out} exists and is no data set; choose another folder")
    try:
        if Dataset.open(out).manifest.fingerprint == mark:
            return True
    except DatasetError:  # of another version, or damaged: what else to do than replace it
        if not replace:
            raise
    if not replace:
        raise DatasetError(f"{out} exists and {unlike}; choose another folder or pass --replace")
    return False

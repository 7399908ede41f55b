"""What an export says about itself: `export.json`, and the checksums of its files.

A reader of the format needs neither; they are what makes an import give back the same data set.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.errors import DatasetError
from traitlens.records import CollectionInfo, Token
from traitlens.store import CollectionEntry, Dataset

EXPORT_VERSION = 1
RECORD = "export.json"
CHECKSUMS = "SHA256SUMS"

# The sides of an export: what a token is for. A letter each, so that their order is one string.
SIDES = {"train": "t", "validation": "v", "test": "e", "unsplit": "u", "rejected": "r"}
SIDE_OF = {letter: side for side, letter in SIDES.items()}

# Files that are of no side: the zip of a collection, and the tars of its further frames.
_OTHER_FILES = ("all", "frames")

_SAFE_FILE = re.compile(r"(?!.*(^|/)\.)[^/\\\0]+(/[^/\\\0]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedCollection:
    """A collection in an export.

    `sides` has one letter a token (see `SIDES`), in the order of the data set; `files[side]` the
    files that hold the tokens of that side in that order, relative to the export. Under "all" is
    a file of all sides, under "frames" are those of further frames.
    """

    info: CollectionInfo
    family: str | None
    sides: str
    files: dict[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        return self.info.name

    @staticmethod
    def from_json(value: dict[str, Any]) -> ExportedCollection:
        """Return the collection of these values; raise ValueError when they are none."""
        sides, listed = value["sides"], value["files"]
        if not isinstance(sides, str) or set(sides) - set(SIDE_OF):
            raise ValueError("a collection's sides are no string of known letters")
        for side, names in listed.items():
            if side not in (*SIDES, *_OTHER_FILES) or not all(is_inside(name) for name in names):
                raise ValueError(f"{side!r}: {names!r} are no files of an export")
        return ExportedCollection(
            info=info_from_json(value["info"]),
            family=value["family"],
            sides=sides,
            files={side: tuple(names) for side, names in listed.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The contents of `export.json`: what was exported, as what, and from which data set."""

    format: str
    fingerprint: str
    dataset: dict[str, Any]  # its fingerprint, config and versions
    collections: tuple[ExportedCollection, ...]
    export_version: int = EXPORT_VERSION

    @property
    def tokens(self) -> int:
        """The number of tokens, rejected ones among them."""
        return sum(len(collection.sides) for collection in self.collections)

    def write(self, folder: Path) -> None:
        files.write_json(folder / RECORD, asdict(self))

    @staticmethod
    def read(folder: Path) -> Export:
        """Return the record of the export in `folder`; raise DatasetError when it is broken."""
        try:
            value = files.read_json(folder / RECORD)
            if value["export_version"] != EXPORT_VERSION:
                raise DatasetError(
                    f"{folder} has export version {value['export_version']!r} and this traitlens "
                    f"reads {EXPORT_VERSION}"
                )
            collections = tuple(map(ExportedCollection.from_json, value["collections"]))
            return Export(**{**value, "collections": collections})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(
                f"{folder / RECORD} is no record of an export ({error}); export the data set again"
            ) from error


def is_inside(name: Any) -> bool:
    """Return whether `name` is a relative path that does not leave its folder, and not hidden."""
    return isinstance(name, str) and _SAFE_FILE.fullmatch(name) is not None


def info_from_json(value: Mapping[str, Any]) -> CollectionInfo:
    """Return what is said about a collection; raise ValueError for values that are no texts."""
    info = CollectionInfo(**value)
    texts = asdict(info).values()
    if not info.name or not all(text is None or isinstance(text, str) for text in texts):
        raise ValueError("what is said about a collection is no text")
    return info


def side_of(token: Token) -> str:
    """Return the side of a token: its split, "unsplit" or "rejected"."""
    return "rejected" if token.status == "rejected" else token.split or "unsplit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The tokens of one collection that are exported, in the data set's order."""

    data: Dataset
    entry: CollectionEntry
    split: str | None  # only this one; else all tokens, rejected ones too

    def tokens(self, *, images: bool = True) -> Iterable[Token]:
        for token in self.data.tokens(collections=[self.entry.name], rejected=True, images=images):
            if self.split is None or side_of(token) == self.split:
                yield token

    def sides(self) -> str:
        return "".join(SIDES[side_of(token)] for token in self.tokens(images=False))


def checksum(file: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_checksums(folder: Path, sums: Mapping[str, str]) -> None:
    """Write the list that `sha256sum --check SHA256SUMS` reads."""
    lines = [f"{digest}  {name}\n" for name, digest in sorted(sums.items())]
    files.write_text(folder / CHECKSUMS, "".join(lines))


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each listed file, in hex; nothing where there is no list."""
    if not (folder / CHECKSUMS).is_file():
        return {}
    text = (folder / CHECKSUMS).read_text(encoding="utf-8", errors="replace")
    pairs = (line.split("  ", 1) for line in text.splitlines() if "  " in line)
    return {name: digest.lower() for digest, name in pairs}

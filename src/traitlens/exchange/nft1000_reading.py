"""Collections in the NFT1000 layout that traitlens wrote, read back: zips, or folders of them.

A zip is hostile: nothing is unpacked to disk, no name in it is used as a path, and what it claims
to hold is compared with its size before anything is read. Collections of the layout that carry no
record of ours (the authors' own) are read by `sources`.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traitlens import bounded_json
from traitlens.errors import DatasetError
from traitlens.exchange.nft1000 import FRAMES
from traitlens.exchange.record import info_from_json
from traitlens.exchange.rows import (
    BROKEN_RECORD,
    MAX_TEXT_BYTES,
    TOO_LARGE,
    broken,
    from_values,
)
from traitlens.records import CollectionInfo, Token, token_uid
from traitlens.sources import nft1000 as layout
from traitlens.sources.archives import Files, FolderFiles, ZipFiles
from traitlens.standardization.limits import Limits

NO_METADATA = "no metadata"
UNREADABLE = "unreadable file"

MAX_FRAMES = 64
MAX_RATIO = 200  # what a zip may claim to hold, by its own size; ours hold 1 to 20 times it
MAX_MEMBERS = 20_000_000
MAX_DASHBOARD_BYTES = 256 * 2**20


class _UnreadableError(Exception):
    """A file cannot be read, for this reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCollection:
    """A collection in the layout, with the record that traitlens left in its dashboard."""

    info: CollectionInfo
    family: str | None
    prefix: str
    stems: tuple[str, ...]  # one a token, in the data set's order
    files: Files = field(repr=False)
    sizes: dict[str, int] = field(repr=False)

    def tokens(self, limits: Limits) -> Iterator[Token]:
        """Yield the tokens in the data set's order; an unreadable one is rejected, with why."""
        for stem in self.stems:
            try:
                yield self._token(stem, limits)
            except _UnreadableError as error:
                uid = token_uid(self.info, stem)
                yield broken(uid, self.info.name, stem, str(error))

    def _token(self, stem: str, limits: Limits) -> Token:
        name = f"{self.prefix}_{stem}"
        ours, metadata = self._record(name)
        frames = ours.pop(FRAMES, 0)
        if type(frames) is not int or not 0 <= frames < MAX_FRAMES:
            raise _UnreadableError(BROKEN_RECORD)
        image = self._read(f"{layout.IMAGES}/{name}.png", limits.max_bytes)
        caption = self._read(f"{layout.CAPTIONS}/{name}.txt", MAX_TEXT_BYTES)
        more = [
            self._read(f"{FRAMES}/{name}.{number}.png", limits.max_bytes)
            for number in range(1, frames + 1)
        ]
        given = {"collection": self.info.name, "metadata": metadata}
        try:
            values = {**ours, **given, "caption": (caption or b"").decode()}
            return from_values(values, image=image, more_images=tuple(p or b"" for p in more))
        except ValueError as error:
            raise _UnreadableError(BROKEN_RECORD) from error

    def _record(self, name: str) -> tuple[dict[str, Any], str | None]:
        """Return what is ours of a token, and its original document."""
        raw = self._read(f"{layout.METADATA}/{name}.json", MAX_TEXT_BYTES)
        if raw is None:
            raise _UnreadableError(NO_METADATA)
        try:
            metadata, ours = layout.original(bounded_json.loads(raw))
        except ValueError as error:
            raise _UnreadableError("broken JSON") from error
        if ours is None:
            raise _UnreadableError(BROKEN_RECORD)
        return ours, metadata

    def _read(self, name: str, max_bytes: int) -> bytes | None:
        """Return a file's content, or None where there is no such file."""
        size = self.sizes.get(name)
        if size is None:
            return None
        if size > max_bytes:
            raise _UnreadableError(TOO_LARGE)
        try:
            content = self.files.read(name)
        except (OSError, zlib.error) as error:
            raise _UnreadableError(UNREADABLE) from error
        if len(content) > max_bytes:
            raise _UnreadableError(TOO_LARGE)
        return content


def find(path: Path) -> list[Path]:
    """Return the zips and folders in the layout at `path`, by name; none when there are none."""
    if path.is_file():
        return [path] if path.suffix.lower() == ".zip" and _is_in_layout(path) else []
    if _is_in_layout(path):
        return [path]
    children = sorted(child for child in path.iterdir() if not child.name.startswith("."))
    return [
        child
        for child in children
        if (child.is_dir() or child.suffix.lower() == ".zip") and _is_in_layout(child)
    ]


def _is_in_layout(path: Path) -> bool:
    if path.is_dir():
        return layout.is_layout(child.name for child in path.iterdir())
    return layout.is_layout(entry.name for entry in open_files(path).entries())


def open_files(path: Path) -> Files:
    """Return the files of a folder or zip, below its one top folder if it has one.

    Raises DatasetError for what is no zip, or one that claims to hold more than it can.
    """
    if path.is_dir():
        return FolderFiles(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DatasetError(f"{path} is no zip that can be read: {error}") from error
    claimed = sum(member.file_size for member in members)
    if claimed > MAX_RATIO * path.stat().st_size or len(members) > MAX_MEMBERS:
        raise DatasetError(
            f"{path} claims to hold {claimed:,} bytes in {len(members):,} files, more than "
            f"{MAX_RATIO} times its size or {MAX_MEMBERS:,} files: it is not read"
        )
    tops = {member.filename.partition("/")[0] for member in members}
    bare = tops & {layout.IMAGES, layout.METADATA, layout.DASHBOARD} or len(tops) != 1
    return ZipFiles(path, "" if bare else f"{tops.pop()}/")


def open_collection(path: Path) -> ReadCollection | None:
    """Return the collection that traitlens wrote at `path`; None for one without its record."""
    files = open_files(path)
    sizes = {entry.name: entry.size for entry in files.entries()}
    if not 0 < sizes.get(layout.DASHBOARD, 0) <= MAX_DASHBOARD_BYTES:
        return None
    try:
        value = bounded_json.loads(files.read(layout.DASHBOARD))
        ours = value.get(layout.OURS) if isinstance(value, dict) else None
        if ours is None:
            return None
        prefix, stems, family = ours["prefix"], ours["tokens"], ours["family"]
        texts = [prefix, *stems, family or ""]
        if not isinstance(stems, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError("its tokens are no texts")
        info = info_from_json(ours["info"])
    except (ValueError, KeyError, TypeError, OSError, zlib.error) as error:
        where = f"{layout.DASHBOARD} of {path}"
        raise DatasetError(f"{where} is no record of a collection: {error}") from error
    return ReadCollection(
        info=info, family=family, prefix=prefix, stems=tuple(stems), files=files, sizes=sizes
    )

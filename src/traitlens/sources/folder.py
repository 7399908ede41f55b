"""Collections in folders and zips, in the OpenSea shape.

    <collection>/
      images/<id>.png         any supported format and ending; not needed where the metadata
                              carry the picture, as those of tokens drawn on the chain do
      metadata/<id>.json      {"name": …, "attributes": [{"trait_type": …, "value": …}]}
      collection.json         optional: name, contract, licence, …
      tokens.jsonl            optional: what `traitlens collect` recorded of each token

A zip may hold the same, bare or under one top folder; the NFT1000 layout is taken as well
(`sources.nft1000`). A folder of such folders and zips is as many
collections. Nothing is unpacked to disk, and nothing is read beyond `MAX_BYTES` a file.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from traitlens import bounded_json
from traitlens.errors import SourceError
from traitlens.records import CollectionInfo, RawToken, storable
from traitlens.sources import nft1000
from traitlens.sources.archives import Entry, Files, FolderFiles, ZipFiles
from traitlens.sources.collected import NOTHING, RECORDS, Collected, read_records
from traitlens.sources.documents import inline_media
from traitlens.standardization import MAX_BYTES

NO_PICTURE = "no picture"
NO_METADATA = "no metadata"
BROKEN_JSON = "broken JSON"
TWO_OF_ONE_ID = "two tokens of one id"
TOO_LARGE = "file too large"
UNREADABLE = "unreadable file"

INFO = "collection.json"
_MAX_CHARS = 4096  # of a field in it


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundToken:
    """The files that make up one token; a sound token has one picture and one metadata file."""

    token_id: str
    pictures: tuple[str, ...]
    metadata: tuple[str, ...]
    texts: nft1000.Texts | None = None  # in the NFT1000 layout
    collected: Collected = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A collection found in a folder or a zip: a few words, cheap to hand to another process.

    What it lists may be larger than memory allows for many collections at once, so each process
    keeps the list of the last one only, and reads it again when it needs another.
    """

    info: CollectionInfo
    path: Path
    files: Files
    count: int
    fingerprint: str  # of its list: names, sizes and times or checksums

    @property
    def found(self) -> tuple[FoundToken, ...]:
        """Its tokens in order; raise SourceError when they are not those that were first listed."""
        listing = _list(self.files)
        if listing.fingerprint != self.fingerprint:
            _list.cache_clear()
            raise SourceError(f"{self.path} was changed while it was being read; start again")
        return listing.found

    def read(self, found: FoundToken) -> RawToken:
        """Return the token as it is in its files; what is missing is named in `problem`."""
        media, metadata = None, None
        token_id, problem = found.token_id, _problem(found)
        try:
            if problem is None:
                media = self._read_bounded(found.pictures)
                metadata = bounded_json.loads(self._read_bounded(found.metadata) or b"")
                if found.texts is not None:
                    token_id = nft1000.token_id(metadata, token_id)
                    metadata = self._with_texts(metadata, found.texts)
                media = media or inline_media(metadata)
                problem = None if media else _because(NO_PICTURE, found)
        except ValueError:
            problem = BROKEN_JSON
        except _TooLargeError:
            problem = TOO_LARGE
        except OSError:
            problem = UNREADABLE
        where = next(iter(found.pictures or found.metadata), RECORDS)
        return RawToken(
            collection=self.info.name,
            token_id=storable(token_id),
            media=media,
            metadata=metadata,
            source_uri=storable(found.collected.uri or f"{self.path.name}/{where}"),
            problem=problem,
        )

    def _with_texts(self, metadata: Any, texts: nft1000.Texts) -> Any:
        caption, prompt = (self._read_bounded([name] if name else []) for name in texts)
        return nft1000.document(metadata, caption=caption, prompt=prompt)

    def _read_bounded(self, names: Sequence[str]) -> bytes | None:
        """Return the bytes of the only file named, if any."""
        data = self.files.read(names[0]) if names else None
        if data is not None and len(data) > MAX_BYTES:
            raise _TooLargeError
        return data


class _TooLargeError(Exception):
    """A file has more than `MAX_BYTES`."""


def _problem(found: FoundToken) -> str | None:
    if max(len(found.pictures), len(found.metadata)) > 1:
        return TWO_OF_ONE_ID
    return None if found.metadata else _because(NO_METADATA, found)


def _because(problem: str, found: FoundToken) -> str:
    return f"{problem}: {found.collected.reason}" if found.collected.reason else problem


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
    if _is_collection(path):
        return [_collection(path, FolderFiles(path))]
    children = sorted(c for c in path.iterdir() if not c.name.startswith("."))
    found = [
        collection
        for child in children
        if child.suffix.lower() == ".zip" or _is_collection(child)
        for collection in _open_path(child)
    ]
    if not found:
        raise SourceError(
            f"{path} has no collection: it needs images/ and metadata/, or folders and zips "
            "that have them"
        )
    return found


def _is_collection(folder: Path) -> bool:
    return (folder / "images").is_dir() or (folder / "metadata").is_dir()


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
    _list.cache_clear()  # the path may have been listed before, and changed since
    listing = _list(files)
    if not listing.found:
        raise SourceError(f"{path} is empty: it has nothing in images/ or metadata/")
    return Collection(
        info=_info(path, listing.info, files.read(listing.info) if listing.info else b"{}"),
        path=path,
        files=files,
        count=len(listing.found),
        fingerprint=listing.fingerprint,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    found: tuple[FoundToken, ...]
    info: str | None  # the file that says what the collection is
    fingerprint: str


@lru_cache(maxsize=1)
def _list(files: Files) -> _Listing:
    """Return the tokens among the files, and a mark that changes with any of the files."""
    entries = list(files.entries())
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(f"{entry.name}\0{entry.size}\0{entry.mark}\n".encode("utf-8", "replace"))
    found, names = _pair_up(entries), {entry.name for entry in entries}
    if nft1000.is_layout(names):
        found = _as_published(found, names)
    elif RECORDS in names:
        found = _as_recorded(found, read_records(files.lines(RECORDS)))
    return _Listing(
        found=found,
        info=next((name for name in (INFO, nft1000.DASHBOARD) if name in names), None),
        fingerprint=digest.hexdigest()[:16],
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


def _as_published(found: Sequence[FoundToken], names: Set[str]) -> tuple[FoundToken, ...]:
    """Return the tokens of a collection in the NFT1000 layout, without its name in their ids."""
    prefix = nft1000.prefix([token.token_id for token in found])
    return tuple(
        replace(
            token,
            token_id=token.token_id.removeprefix(prefix) or token.token_id,
            texts=nft1000.texts_of(token.token_id, names),
        )
        for token in found
    )


def _as_recorded(
    found: Sequence[FoundToken], records: Mapping[str, Collected]
) -> tuple[FoundToken, ...]:
    """Return the tokens with what was recorded of them, and those of which nothing could be had."""
    here = {token.token_id for token in found}
    lost = (i for i, record in records.items() if i not in here and record.reason)
    both = (*found, *(FoundToken(token_id=i, pictures=(), metadata=()) for i in lost))
    return tuple(
        replace(token, collected=records.get(token.token_id, NOTHING))
        for token in sorted(both, key=lambda token: _natural(token.token_id))
    )


def _natural(token_id: str) -> list[tuple[int, int, str]]:
    """Return a sort key by which "9" comes before "10"."""
    parts = re.findall(r"[0-9]+|[^0-9]+", token_id)
    return [(0, int(p), "") if p.isdecimal() and p.isascii() else (1, 0, p) for p in parts]


def _info(path: Path, file: str | None, raw: bytes) -> CollectionInfo:
    try:
        value: Any = bounded_json.loads(raw)
    except ValueError as error:
        raise SourceError(f"{file} of {path} is broken JSON: {error}") from error
    value = value if isinstance(value, dict) else {}

    def text(*keys: str) -> str | None:
        found = next((str(value[key]) for key in keys if value.get(key)), None)
        return found and storable(found)[:_MAX_CHARS]

    name = text("collection", "slug", "project_name") or path.name.removesuffix(".zip")
    return CollectionInfo(
        name=_file_name(name),
        chain_id=text("chain_id"),
        contract=text("contract", "contract_address"),
        standard="erc1155" if text("standard") == "erc1155" else "erc721",
        licence=text("licence", "license", "licence_repo"),
        source=_source(text("source"), value.get("block")),
        family=text("family"),
        theme=text("theme"),
        description=text("description"),
        url=text("url", "external_link", "official_url"),
    )


def _source(source: str | None, block: object) -> str | None:
    return f"{source}, block {block}" if source and isinstance(block, int) else source


def _file_name(name: str) -> str:
    """Return a collection's name as one that can name a file: hostile input is in it."""
    return re.sub(r"[^\w. -]+", "-", name).strip(". -")[:100] or "collection"

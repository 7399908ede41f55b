"""WebDataset: tar files of pictures, captions and JSON, for reading in one stream.

    README.md                             tells `datasets` which files are which split
    train/<collection>-00000.tar          also validation/, test/; unsplit/, rejected/
      <collection>-000000042.png          the number is the token's place in its collection
      <collection>-000000042.txt          the caption
      <collection>-000000042.json         everything else
    frames/<collection>-00000.tar         <collection>-000000042.1.png, …: further frames, if any

`datasets` takes the files of a token and their types from the first five, and stops where another
token has more. So the JSON has values of one type each, never null, with all that this has no room
for as text in its `traitlens`, and further frames lie apart.

The tars are written and read here rather than by the `webdataset` library: it is one more
dependency, its tars carry users and times, and its default decoders unpickle members named so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from traitlens import bounded_json, files
from traitlens.errors import DatasetError
from traitlens.exchange import tar
from traitlens.exchange.card import card
from traitlens.exchange.config import ExportConfig
from traitlens.exchange.record import Export, ExportedCollection, Source, side_of
from traitlens.exchange.rows import BROKEN_RECORD, TOO_LARGE, broken, from_values, to_values
from traitlens.records import Token, token_uid
from traitlens.sources.nft1000 import OURS, compact
from traitlens.standardization.limits import Limits

# What stands in the JSON by name, and so is left out of its `traitlens`.
_PLAIN = ("token_uid", "collection", "token_id", "width", "height")


FRAMES = "frames"

_MAX_MEMBERS = 64  # of one token: as many frames as a data set keeps

Sample = tuple[str, dict[str, bytes | None]]  # the key, and the files by their ending


@dataclass(slots=True)
class _Shards:
    """The tar files of one side, each begun when the one before is full."""

    folder: Path
    stem: str
    config: ExportConfig
    stack: ExitStack
    names: list[str] = field(default_factory=list)
    tokens: int = 0
    bytes_written: int = 0
    sink: BinaryIO | None = None

    def add(self, members: Sequence[tuple[str, bytes]]) -> None:
        size = sum(len(content) for _, content in members)
        if self.sink is None or self.config.is_full(self.tokens, self.bytes_written + size):
            self._begin()
        assert self.sink is not None
        for name, content in members:
            tar.add(self.sink, name, content)
        self.tokens, self.bytes_written = self.tokens + 1, self.bytes_written + size

    def _begin(self) -> None:
        self.end()
        name = f"{self.folder.name}/{self.stem}-{len(self.names):05d}.tar"
        path = self.folder.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.sink = self.stack.enter_context(path.open("wb"))
        self.names.append(name)
        self.tokens = self.bytes_written = 0

    def end(self) -> None:
        if self.sink is not None:
            tar.close(self.sink)
            self.sink.close()


def write_collection(
    source: Source, folder: Path, stem: str, config: ExportConfig
) -> dict[str, list[str]]:
    """Write the tars of a collection into `folder`; return their names by side."""
    shards: dict[str, _Shards] = {}
    with ExitStack() as stack:
        for row, token in enumerate(source.tokens()):
            key = f"{stem}-{row:09d}"
            members = {side_of(token): _members(key, token), FRAMES: _frames(key, token)}
            for side, listed in members.items():
                if listed and side not in shards:
                    shards[side] = _Shards(folder / side, stem, config, stack)
                if listed:
                    shards[side].add(listed)
        for side_shards in shards.values():
            side_shards.end()
    return {side: side_shards.names for side, side_shards in shards.items()}


def _members(key: str, token: Token) -> list[tuple[str, bytes]]:
    picture = [] if token.image is None else [(f"{key}.png", token.image)]
    document = compact(_values(token)).encode()
    return [*picture, (f"{key}.txt", token.caption.encode()), (f"{key}.json", document)]


def _frames(key: str, token: Token) -> list[tuple[str, bytes]]:
    numbered = enumerate(token.more_images, start=1)
    return [(f"{key}.{number}.png", picture) for number, picture in numbered]


def _values(token: Token) -> dict[str, Any]:
    rest = to_values(token, without=(*_PLAIN, "caption"))
    if all(trait.display_type is None for trait in token.traits):
        del rest["traits"]
    if token.more_images:
        rest[FRAMES] = len(token.more_images)
    return {
        **{name: getattr(token, name) for name in _PLAIN},
        "split": token.split or "",
        "traits": [{"trait_type": t.trait_type, "value": t.value} for t in token.traits],
        OURS: compact(rest),
    }


def write_index(export: Export, folder: Path, sums: dict[str, str]) -> None:
    """Write the README by which `datasets.load_dataset(folder)` finds the splits."""
    text = card(export, "{side}/*.tar", "WebDataset shards", load="webdataset.WebDataset(urls)")
    files.write_text(folder / "README.md", text)


def read_collection(
    folder: Path, collection: ExportedCollection, limits: Limits
) -> dict[str, Iterator[Token]]:
    """Return the tokens of each side, in order; they are read as they are asked for.

    All sides share one stream of frames, so they must be asked in the data set's order.
    """
    paths = {side: [folder / name for name in names] for side, names in collection.files.items()}
    frames = _Frames(_samples(paths.pop(FRAMES, []), limits))
    return {
        side: (_token(*sample, frames, collection) for sample in _samples(listed, limits))
        for side, listed in paths.items()
    }


def _samples(paths: Sequence[Path], limits: Limits) -> Iterator[Sample]:
    """Yield the key of each sample and its files by ending; None for one that is too large."""
    for path in paths:
        try:
            with path.open("rb") as source:
                members = tar.members(source, max_bytes=limits.max_bytes)
                for key, group in groupby(members, key=lambda member: member[0].partition(".")[0]):
                    yield key, _contents(group, max_bytes=limits.max_bytes)
        except (tar.TarError, FileNotFoundError) as error:
            raise DatasetError(f"{path} is no shard of this export: {error}") from error


def _contents(
    group: Iterable[tuple[str, bytes | None]], *, max_bytes: int
) -> dict[str, bytes | None]:
    """Return the files of one sample by ending; raise TarError when they are too many."""
    contents: dict[str, bytes | None] = {}
    total = 0
    for number, (name, content) in enumerate(group):
        total += len(content or b"")
        if number >= _MAX_MEMBERS or total > 4 * max_bytes:
            raise tar.TarError(f"there are too many files of one token, as {name!r}")
        contents[name.partition(".")[2]] = content
    return contents


@dataclass(slots=True)
class _Frames:
    """The further frames of a collection's tokens, asked for in their order."""

    samples: Iterator[Sample]
    waiting: Sample | None = None

    def of(self, key: str, count: int) -> tuple[bytes, ...]:
        """Return the frames of a token; raise KeyError or ValueError when they are not there."""
        while count and (self.waiting is None or self.waiting[0] < key):
            self.waiting = next(self.samples, ("~", {}))
        if not count:
            return ()
        assert self.waiting is not None
        found = self.waiting[1] if self.waiting[0] == key else {}
        frames = [found[f"{number}.png"] for number in range(1, count + 1)]
        if None in frames:
            raise ValueError(TOO_LARGE)
        return tuple(frame or b"" for frame in frames)


def _token(
    key: str, contents: dict[str, bytes | None], frames: _Frames, collection: ExportedCollection
) -> Token:
    uid = token_uid(collection.info, key)
    if None in contents.values():
        return broken(uid, collection.name, key, TOO_LARGE)
    found = {ending: content or b"" for ending, content in contents.items()}
    try:
        values = bounded_json.loads(found["json"])
        rest = bounded_json.loads(values[OURS])
        plain = {name: values[name] for name in (*_PLAIN, "traits")}
        return from_values(
            {**plain, "caption": found["txt"].decode(), **rest},
            image=found.get("png"),
            more_images=frames.of(key, int(rest.get(FRAMES, 0))),
        )
    except (ValueError, KeyError, TypeError):
        return broken(uid, collection.name, key, BROKEN_RECORD)

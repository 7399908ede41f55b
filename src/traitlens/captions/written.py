"""Written captions on disk: beside the data set's tables, since they are derived from it.

    data/captions/<name>/
      writer.json             who wrote them, how, and for which data set
      <collection>.jsonl      one line a token

Lines are added as captions come in, so a killed run loses none; a last line that a kill tore off is
cut away, and of two lines for one token the later one holds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlens import bounded_json, files
from traitlens.captions.template import STYLES
from traitlens.errors import ConfigError, DatasetError
from traitlens.records import Trait

WRITER = "writer.json"
STATUSES = ("ok", "dropped", "invented", "both", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCaption:
    """A caption that a language model wrote, and what the check found in it.

    `status` is "ok", "dropped" (it leaves traits out), "invented" (it names some that the token
    does not have), "both", or "failed" (there is none, for the reason `problem`).
    """

    token_uid: str
    caption: str
    status: str
    dropped: tuple[Trait, ...] = ()
    invented: tuple[Trait, ...] = ()
    attempts: int = 1
    problem: str | None = None
    prompt_tokens: int = 0
    caption_tokens: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the line's values; a trait is [type, value]."""
        line = {
            "token_uid": self.token_uid,
            "caption": self.caption,
            "status": self.status,
            "dropped": [[trait.trait_type, trait.value] for trait in self.dropped],
            "invented": [[trait.trait_type, trait.value] for trait in self.invented],
            "attempts": self.attempts,
            "prompt_tokens": self.prompt_tokens,
            "caption_tokens": self.caption_tokens,
        }
        return line if self.problem is None else {**line, "problem": self.problem}

    @staticmethod
    def from_json(value: dict[str, Any]) -> WrittenCaption:
        """Return the caption of a line; raise ValueError, TypeError or KeyError for another one."""
        if value["status"] not in STATUSES:
            raise ValueError(f"no status: {value['status']!r}")
        if not isinstance(value["token_uid"], str) or not isinstance(value["caption"], str):
            raise TypeError("token_uid and caption are texts")
        traits = {k: tuple(Trait(a, b) for a, b in value[k]) for k in ("dropped", "invented")}
        return WrittenCaption(**{**value, **traits})


def captions_folder(data: Path, name: str) -> Path:
    """Return where the captions called `name` lie; raise ConfigError for what names no folder."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,63}", name, re.ASCII) or name in STYLES:
        raise ConfigError(
            "name must be 1 to 64 letters, digits, dots, dashes or underscores, and not one of "
            f"the templates {', '.join(STYLES)}; got {name!r}"
        )
    return data / "captions" / name


def written_names(data: Path) -> tuple[str, ...]:
    """Return the names under which captions were written for the data set in the folder `data`."""
    return tuple(sorted(file.parent.name for file in data.glob(f"captions/*/{WRITER}")))


def written_captions(data: str | Path, name: str, collection: str) -> dict[str, WrittenCaption]:
    """Return the captions called `name` of a collection, by token uid; those that failed too.

    A collection that was never written about has none; an unknown name is a DatasetError.
    """
    folder = captions_folder(Path(data), name)
    if not (folder / WRITER).is_file():
        names = ", ".join(written_names(Path(data))) or "none; `traitlens caption` writes some"
        raise DatasetError(f"{data} has no captions called {name!r}; it has {names}")
    return {line.token_uid: line for line in read_lines(collection_file(folder, collection))}


def collection_file(folder: Path, collection: str) -> Path:
    """Return the file of one collection's captions."""
    return files.collection_file(folder, collection, ".jsonl")


def read_lines(file: Path) -> list[WrittenCaption]:
    """Return the sound lines of a file, in order; none when there is no file."""
    if not file.is_file():
        return []
    lines = (_line(text) for text in file.read_bytes().split(b"\n"))
    return [line for line in lines if line is not None]


def write_lines(file: Path, lines: Iterable[WrittenCaption]) -> None:
    """Write a file of captions whole or not at all; a file that says so already is left alone."""
    data = b"".join(map(_bytes, lines))
    if not file.is_file() or file.read_bytes() != data:
        files.write_bytes(file, data)


def append_lines(file: Path, lines: Iterable[WrittenCaption]) -> None:
    """Add captions to a file and wait until they are on the disk."""
    with file.open("ab") as handle:
        handle.write(b"".join(map(_bytes, lines)))
        handle.flush()
        os.fsync(handle.fileno())


def forget_captions(data: str | Path, token_uids: Collection[str]) -> int:
    """Take the captions of some tokens out of all that was written; return how many went."""
    gone, uids = 0, set(token_uids)
    for name in written_names(Path(data)):
        for file in sorted(captions_folder(Path(data), name).glob("*.jsonl")):
            lines = read_lines(file)
            left = [line for line in lines if line.token_uid not in uids]
            if len(left) < len(lines):
                write_lines(file, left)
                gone += len(lines) - len(left)
    return gone


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep other processes from the same captions; raise DatasetError where one is at them."""
    with ExitStack() as stack:
        try:
            stack.enter_context(files.locked(folder, wait=False))
        except BlockingIOError:
            raise DatasetError(f"{folder} is being written by another process") from None
        yield


def _bytes(line: WrittenCaption) -> bytes:
    return json.dumps(line.to_json(), ensure_ascii=False).encode() + b"\n"


def _line(text: bytes) -> WrittenCaption | None:
    try:
        return WrittenCaption.from_json(bounded_json.loads(text))
    except (ValueError, TypeError, KeyError):
        return None

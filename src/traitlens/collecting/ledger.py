"""One record a token, written as it comes, from which a killed run goes on.

The ledger of a run is a file of JSON lines in the order in which tokens were finished. In memory
are only the ids and where their lines begin, about 100 bytes a token. A line that a kill tore off
is cut away. The records of a finished collection are the same lines in the order of the ids.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self, get_args

from traitlens import bounded_json
from traitlens.collecting.records import FOR_GOOD, FetchReason, Proof
from traitlens.errors import CollectError

# collected: the document and the picture are there. rejected: what there is cannot be used, or it
# is gone for good. failed: it could not be had this time.
Status = Literal["collected", "rejected", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
Half = Literal["uri", "document", "media"]

# Reasons that may be no more when the same is tried later.
PASSING: frozenset[str] = frozenset(get_args(FetchReason)) - FOR_GOOD

RESTART = "--restart gives the stopped run up"

_MAX_LINE_BYTES = 2**20  # ours have some KB; a longer one is read as two, which are no records
_FILE = re.compile(r"(metadata|images)/[0-9]{1,78}\.[a-z0-9]{1,5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A token's document or its media.

    `uri` is as written, cut where it is long; `url` as fetched, which for content by its hash is
    the address without the gateway, so that it does not depend on which one was quickest.
    `place` is where it lives: "ipfs", "arweave", "on chain", or a host.
    """

    uri: str
    place: str
    key: str | None = None  # of the document, where the media was named
    url: str | None = None  # None, and all that follows, where it could not be had
    media_type: str | None = None  # by content
    sha256: str | None = None
    bytes: int | None = None
    proof: Proof | None = None
    file: str | None = None  # in the raw folder

    def __post_init__(self) -> None:
        if not isinstance(self.uri, str) or not isinstance(self.place, str):
            raise TypeError(f"no address of a token: {self!r}")
        if self.file is not None and not _FILE.fullmatch(self.file):
            raise ValueError(f"no file of a token: {self.file!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """What became of a token.

    `reason` says why it is not collected, and `half` at what. `stale` is why a change could not be
    taken, so that what is here is older than the chain says.
    """

    token_id: str
    status: Status
    reason: str | None = None
    half: Half | None = None
    block: int | None = None  # the state that it was taken at
    document: Part | None = None
    media: Part | None = None
    stale: str | None = None
    known: Mapping[str, Any] = field(default_factory=dict)  # what a provider says beside

    def files(self) -> list[str]:
        """Return its files in the raw folder."""
        parts = (self.document, self.media)
        return [part.file for part in parts if part is not None and part.file is not None]

    def to_line(self) -> bytes:
        """Return the record as one line of JSON, its keys in a fixed order, without what is not."""
        return _line(_plain(self))

    @staticmethod
    def from_json(value: Any) -> TokenRecord:
        """Return the record of a line; raise ValueError, TypeError or KeyError for another one."""
        if not isinstance(value, dict):
            raise TypeError(f"no record of a token: {value!r}")
        parts = {half: Part(**value[half]) for half in ("document", "media") if value.get(half)}
        record = TokenRecord(**{**value, **parts})
        words = (record.reason, record.half, record.stale)
        if (
            record.status not in STATUSES
            or not is_token_id(record.token_id)
            or not all(word is None or isinstance(word, str) for word in words)
        ):
            raise ValueError(f"no record of a token: {value!r}")
        return record


def is_token_id(text: Any) -> bool:
    """Return whether `text` is a uint256 in plain decimal: nothing else may name a file."""
    return isinstance(text, str) and text.isdecimal() and text.isascii() and _is_plain(text)


def _is_plain(digits: str) -> bool:
    return len(digits) <= 78 and str(int(digits)) == digits and int(digits) < 2**256


def _plain(record: TokenRecord | Part) -> dict[str, Any]:
    """Return the fields of a record in their order, without the empty ones."""
    fields = ((name, getattr(record, name)) for name in record.__slots__)
    return {
        name: _plain(value) if isinstance(value, Part) else value
        for name, value in fields
        if value is not None and value != {}
    }


def _is_document_line(value: Any) -> bool:
    """Return whether a line of a ledger is that of a token whose media are still to come."""
    return isinstance(value, dict) and value.keys() == {"token_id", "document"}


def _line(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace") + b"\n"


class Records:
    """The token records in a file of lines, the last one of each token, found by id.

    A context manager, which closes the file; what is asked for after that opens it again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[tuple[Status, str | None]] = Counter()
        self.failed: set[int] = set()  # ids of what may pass
        self.alive: set[str] = set()  # places from which something came
        self._begins: dict[int, int] = {}  # id -> where its line begins
        self._reader: BinaryIO | None = None

    @staticmethod
    def open(path: Path) -> Records:
        """Return the records in a file, also in that of a run under way, which is left alone.

        Raises CollectError for another file.
        """
        records = Records(path)
        try:
            with path.open("rb") as file:
                for begin, text in _lines(file):
                    if not text.endswith(b"\n") and len(text) < _MAX_LINE_BYTES:
                        break  # it is being written
                    value = bounded_json.loads(text)
                    if not _is_document_line(value):
                        records._note(TokenRecord.from_json(value), begin)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CollectError(f"{path} is no list of collected tokens: {error}") from None
        return records

    def __len__(self) -> int:
        return len(self._begins)

    def __contains__(self, token_id: int) -> bool:
        return token_id in self._begins

    def ids(self) -> Iterator[int]:
        """Yield the ids of all tokens, ascending."""
        yield from sorted(self._begins)

    def lacking(self) -> set[int]:
        """Return the ids of the tokens that are not collected, or not as the chain has them."""
        return {
            int(record.token_id)
            for record in self.read(self.ids())
            if record.status != "collected" or record.stale
        }

    def get(self, token_id: int) -> TokenRecord | None:
        """Return the record of a token, or None."""
        if token_id not in self:
            return None
        return TokenRecord.from_json(json.loads(self.line(token_id)))

    def read(self, token_ids: Iterable[int]) -> Iterator[TokenRecord]:
        """Yield the records of tokens that there are."""
        for token_id in token_ids:
            yield TokenRecord.from_json(json.loads(self.line(token_id)))

    def line(self, token_id: int) -> bytes:
        """Return the line of a token that there is."""
        self._reader = self._reader or self.path.open("rb")
        self._reader.seek(self._begins[token_id])
        return self._reader.readline()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def status_counts(self) -> dict[Status, int]:
        """Return how many tokens have each status; all are named."""
        totals: dict[Status, int] = dict.fromkeys(STATUSES, 0)
        for (status, _), count in self.counts.items():
            totals[status] += count
        return totals

    def _note(self, record: TokenRecord, begin: int) -> None:
        token_id = int(record.token_id)
        if token_id in self._begins:
            before = self.get(token_id)
            assert before is not None
            self.counts[before.status, before.reason] -= 1
        self._begins[token_id] = begin
        self.counts[record.status, record.reason] += 1
        if record.status == "failed" or record.stale in PASSING:
            self.failed.add(token_id)
        else:
            self.failed.discard(token_id)
        parts = (record.document, record.media)
        self.alive |= {part.place for part in parts if part is not None and part.sha256}


class Ledger(Records):
    """The records of a run under way, with the documents of tokens whose media are still to come.

    `with Ledger(path, folders=…) as ledger:` takes up what is there; the files that its records
    name are in one of `folders`. Each line is handed to the system before the next is written, so
    a killed process loses at most one. A damaged file is a CollectError.
    """

    def __init__(self, path: Path, *, folders: tuple[Path, ...]) -> None:
        super().__init__(path)
        self.documents: dict[int, Part] = {}
        self._folders = folders
        cut_torn_line(path)
        self._file = path.open("ab+")

    def __enter__(self) -> Self:
        self._file.seek(0)
        try:
            for begin, text in _lines(self._file):
                self._take_up(bounded_json.loads(text), begin)
        except (ValueError, TypeError, KeyError) as error:
            raise CollectError(f"{self.path} is damaged ({error}); {RESTART}") from None
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._file.close()

    def add(self, record: TokenRecord) -> None:
        """Write the record of a finished token, whose files are there."""
        self._note(record, self._append(record.to_line()))
        self.documents.pop(int(record.token_id), None)

    def add_document(self, token_id: str, part: Part) -> None:
        """Write that the document of a token is there, while its media are on their way."""
        self._append(_line({"token_id": token_id, "document": _plain(part)}))
        self.documents[int(token_id)] = part

    def names(self, file: str) -> bool:
        """Return whether a file of the collection is one that was written to the end."""
        if not _FILE.fullmatch(file):
            return False
        token_id = int(Path(file).stem)
        record = self.get(token_id)
        parts = (record.document, record.media) if record else (self.documents.get(token_id),)
        return any(part is not None and part.file == file for part in parts)

    def _append(self, line: bytes) -> int:
        begin = self._file.seek(0, 2)
        self._file.write(line)
        self._file.flush()
        return begin

    def _take_up(self, value: dict[str, Any], begin: int) -> None:
        """Note a line of an earlier run, unless power failed and its files are not what it says."""
        if _is_document_line(value):
            part = Part(**value["document"])
            if self._is_there(part):
                self.documents[int(value["token_id"])] = part
            return
        record = TokenRecord.from_json(value)
        if all(self._is_there(part) for part in (record.document, record.media)):
            self._note(record, begin)
            self.documents.pop(int(record.token_id), None)

    def _is_there(self, part: Part | None) -> bool:
        if part is None or part.file is None:
            return True
        places = (folder / part.file for folder in self._folders)
        return any(file.is_file() and file.stat().st_size == part.bytes for file in places)


def cut_torn_line(path: Path) -> None:
    """Cut off what a kill left of a last line; a file that is not there is left alone."""
    if not path.is_file():
        return
    with path.open("rb+") as file:
        end = file.seek(0, 2)
        while end:
            begin = max(0, end - 65_536)
            file.seek(begin)
            if (newline := file.read(end - begin).rfind(b"\n")) >= 0:
                end = begin + newline + 1
                break
            end = begin
        file.truncate(end)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield where each line of a file begins, and the line."""
    begin = 0
    while text := file.readline(_MAX_LINE_BYTES):
        yield begin, text
        begin += len(text)

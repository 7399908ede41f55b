"""One token: its document and its picture are fetched, checked and written, or a reason is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from traitlens.collecting.documents import (
    MAX_BYTES,
    NO_MEDIA,
    Document,
    MediaAddress,
    media_addresses,
    read_document,
)
from traitlens.collecting.ledger import Half, Part, TokenRecord
from traitlens.collecting.places import place_of
from traitlens.collecting.records import Fetched, FetchError, ListedToken
from traitlens.collecting.workspace import IMAGES, METADATA, Workspace
from traitlens.files import sha256_hex
from traitlens.standardization.kinds import MEDIA_TYPES, Kind, kind_of

NO_URI = "no URI"
UNKNOWN_MEDIA = "media of no known kind"

_LONGEST_URI = 1024  # characters; what is longer carries content
_SHOWN_CHARS = 64
_CUT = re.compile(r"… \(\d+ characters, sha256 [0-9a-f]{16}\)\Z")
_ENDINGS: dict[Kind, str] = {"jpeg": "jpg", "data": "txt"}  # the others are called as they end


class Fetching(Protocol):
    """Whoever fetches what is at an address, or raises FetchError."""

    async def fetch(
        self, uri: str, *, base: str | None = None, max_bytes: int | None = None
    ) -> Fetched: ...


@dataclass(slots=True)
class Taken:
    """What became of a token, and what only the log of the run says of it."""

    record: TokenRecord
    urls: dict[str, str] = field(default_factory=dict)  # half -> as fetched, gateway and all
    detail: str = ""  # about the reason


class NotTakenError(Exception):
    """A half of a token cannot be had or used; `part` is what is known of it."""

    def __init__(
        self, half: Half, reason: str, part: Part | None = None, *, passes: bool = False
    ) -> None:
        super().__init__(reason)
        self.half: Half = half
        self.reason = reason
        self.part = part
        self.passes = passes  # whether it may be otherwise later


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    """Takes tokens, one at a time, many at once.

    `noted` is told of each document that is written while its media are still to come.
    """

    fetcher: Fetching
    work: Workspace
    block: int | None
    noted: Callable[[str, Part], None]

    async def take(self, token: ListedToken, *, document: Part | None = None) -> Taken:
        """Return what became of a token; the files that its record names are written.

        `document` is given where it was fetched before, so that it is not asked for again.
        """
        taken = Taken(self.blank(token))
        try:
            media_at = self._media_at(document) if document is not None else None
            if document is None or media_at is None:
                document, media_at = await self.take_document(token, taken)
            taken.record = replace(taken.record, document=document)
            media = await self._take_media(token.token_id, document, media_at, taken)
            taken.record = replace(taken.record, media=media)
        except NotTakenError as problem:
            taken.record = without(taken.record, problem)
        return taken

    def blank(self, token: ListedToken) -> TokenRecord:
        """Return the record of a token of which nothing is known but that it is listed."""
        return TokenRecord(
            token_id=token.token_id, status="collected", block=self.block, known=dict(token.known)
        )

    async def take_document(
        self, token: ListedToken, taken: Taken
    ) -> tuple[Part, tuple[MediaAddress, ...]]:
        """Return the document of a token, once it is written, and where it says the media are.

        No more is kept of it while the media are fetched. Raises NotTakenError.
        """
        fetched = await self._document_bytes(token, taken)
        part = _part(fetched.uri, fetched=fetched)
        document = read_document(fetched.data)
        if isinstance(document, str):
            raise NotTakenError("document", document, part)
        part = self._write(part, document.data, f"{METADATA}/{token.token_id}.json")
        part = replace(part, media_type="application/json")
        self.noted(token.token_id, part)
        return part, media_addresses(document.value)

    async def _document_bytes(self, token: ListedToken, taken: Taken) -> Fetched:
        """Return the bytes that should be a document, from the listing or from its address."""
        if token.problem is not None:
            reason, _, taken.detail = token.problem.partition(": ")
            raise NotTakenError("uri", reason)
        if isinstance(token.document, dict | str):
            return _sent_along(token)
        if token.uri is None or not token.uri.strip():
            raise NotTakenError("uri", NO_URI)
        return await self._fetch("document", token.uri, taken)

    async def _take_media(
        self, token_id: str, document: Part, media_at: Iterable[MediaAddress], taken: Taken
    ) -> Part:
        """Return a token's picture, once it is written, from the first address that has one.

        Where an address may answer later, no other is tried: it would be another picture.
        """
        problems: list[NotTakenError] = []
        for address in media_at:
            try:
                return await self._take_from(address, token_id, document, taken)
            except NotTakenError as problem:
                if problem.passes:
                    raise
                problems.append(problem)
        raise problems[0] if problems else NotTakenError("media", NO_MEDIA)

    def _media_at(self, part: Part) -> tuple[MediaAddress, ...] | None:
        """Return what a document says that was written before, unless somebody changed it since."""
        path = self.work.find(part.file or "")
        data = path.read_bytes() if path else b""
        document = read_document(data) if sha256_hex(data) == part.sha256 else None
        return media_addresses(document.value) if isinstance(document, Document) else None

    async def _take_from(
        self, address: MediaAddress, token_id: str, document: Part, taken: Taken
    ) -> Part:
        fetched = await self._fetch("media", address.uri, taken, key=address.key, base=document.url)
        part = _part(address.uri, fetched=fetched, key=address.key, base=document.url)
        kind = kind_of(fetched.data)
        if kind is None:
            raise NotTakenError("media", UNKNOWN_MEDIA, part)
        ending = _ENDINGS.get(kind, kind)
        part = self._write(part, fetched.data, f"{IMAGES}/{token_id}.{ending}")
        return replace(part, media_type=MEDIA_TYPES.get(kind))

    async def _fetch(
        self, half: Half, uri: str, taken: Taken, *, key: str | None = None, base: str | None = None
    ) -> Fetched:
        """Return what is at an address; raise NotTakenError where nothing is."""
        max_bytes = MAX_BYTES if half == "document" else None  # else the fetcher's own limit
        try:
            fetched = await self.fetcher.fetch(uri, base=base, max_bytes=max_bytes)
        except FetchError as error:
            part = _part(uri, key=key, base=base)
            taken.detail = error.detail
            raise NotTakenError(half, error.reason, part, passes=not error.for_good) from None
        taken.urls[half] = shown(fetched.url)
        return fetched

    def _write(self, part: Part, data: bytes, file: str) -> Part:
        (self.work.content / file).write_bytes(data)
        return replace(part, file=file, bytes=len(data), sha256=sha256_hex(data))


def shown(uri: str) -> str:
    """Return an address as the records have it; one with content in it is cut and hashed.

    So two that differ are still told apart.
    """
    uri = uri.encode("utf-8", "replace").decode()
    if len(uri) <= _LONGEST_URI and uri.lstrip()[:5].lower() != "data:":
        return uri
    digest = hashlib.sha256(uri.encode()).hexdigest()[:16]
    return f"{uri[:_SHOWN_CHARS]}… ({len(uri)} characters, sha256 {digest})"


def is_whole(uri: str) -> bool:
    """Return whether an address in a record is what was written, not cut by `shown`."""
    return shown(uri) == uri and not _CUT.search(uri)


def _part(
    uri: str, *, fetched: Fetched | None = None, key: str | None = None, base: str | None = None
) -> Part:
    """Return what is known of an address, and of what was fetched there."""
    place = place_of(uri, base=base)
    part = Part(uri=shown(uri), place=place.name, key=key)
    if fetched is None:
        return part
    return replace(
        part,
        url=shown(place.address or _without_signature(fetched.url, asked=place.url)),
        proof=fetched.proof,
        sha256=fetched.sha256,
        bytes=len(fetched.data),
    )


def _without_signature(url: str, *, asked: str | None) -> str:
    """Return where content was found: a redirect's query is often a signature, new each time."""
    found, _, query = url.partition("?")
    return url if query == (asked or "").partition("?")[2] else found


def _sent_along(token: ListedToken) -> Fetched:
    """Return the document that a provider sent with its list, as if it had been fetched."""
    data = json.dumps(token.document, ensure_ascii=False).encode("utf-8", "replace")
    uri = token.uri or ""
    return Fetched(
        uri=uri,
        url=uri,
        data=data,
        media_type="application/json",
        proof="unverified",
        sha256=sha256_hex(data),
    )


def without(record: TokenRecord, problem: NotTakenError) -> TokenRecord:
    """Return the record of a token that is not collected because of a problem."""
    return replace(
        record,
        status="failed" if problem.passes else "rejected",
        reason=problem.reason,
        half=problem.half,
        document=problem.part if problem.half == "document" else record.document,
        media=problem.part if problem.half == "media" else None,
    )

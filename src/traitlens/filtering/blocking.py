"""The block list: what must not be in a data set, by content, by CID or by token.

    # one entry a line; comments begin with #
    sha256:3f1a...                          the original media, or the pixels (`pixels_sha256`)
    9b74c9897bac770ffc029102a200c5de...     the same
    QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQ...     a CID: of the media, or one that the metadata links
    eip155:1/erc721:0xb47e.../7804          a token's uid (CAIP-19)

A CID of a folder blocks every token that links into it. CIDs are compared by their multihash, so
version, base and codec do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from traitlens.config import fingerprint
from traitlens.errors import ConfigError
from traitlens.filtering.content_ids import content_multihashes, multihash_of, multihashes_in
from traitlens.records import Token

BLOCKED_FILE = "blocked.txt"  # in a data set: what was taken down from it

BLOCKED_CONTENT = "blocked: content hash"
BLOCKED_CID = "blocked: CID"
BLOCKED_TOKEN = "blocked: token"

_SHA_256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)
_TOKEN_UID = re.compile(r"[-a-z0-9]{3,8}:[-\w]{1,32}/[-a-z0-9]{3,8}:[^/\s]+/[^/\s]+", re.ASCII)
_COMMENT = re.compile(r"(?:^|\s)#.*")
_SHOWN_CHARS = 80


@dataclass(frozen=True, kw_only=True)
class BlockList:
    """What is blocked; an empty list blocks nothing. `BlockList.of` makes one of its lines."""

    hashes: frozenset[str] = frozenset()  # SHA-256 in hex
    cids: frozenset[str] = frozenset()  # as they were written
    token_uids: frozenset[str] = frozenset()

    @classmethod
    def read(cls, path: str | Path) -> BlockList:
        """Return the list in a text file; ConfigError names the first line that is no entry."""
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise ConfigError(f"the block list {path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"the block list {path} is not UTF-8 text: {error}") from error
        return cls.of(text.splitlines(), origin=str(path))

    @classmethod
    def of(cls, lines: Iterable[str], *, origin: str = "the block list") -> BlockList:
        """Return the list of some lines; ConfigError names `origin` and the line (from 1)."""
        found: dict[str, set[str]] = {"hashes": set(), "cids": set(), "token_uids": set()}
        for number, line in enumerate(lines, start=1):
            entry = _COMMENT.sub("", line).strip()
            if entry:
                kind, value = _entry(entry, where=f"{origin}, line {number}")
                found[kind].add(value)
        return cls(**{kind: frozenset(values) for kind, values in found.items()})

    def __or__(self, other: BlockList) -> BlockList:
        """Return what either list blocks."""
        return BlockList(
            hashes=self.hashes | other.hashes,
            cids=self.cids | other.cids,
            token_uids=self.token_uids | other.token_uids,
        )

    def __len__(self) -> int:
        return len(self.hashes) + len(self.cids) + len(self.token_uids)

    def lines(self) -> list[str]:
        """Return the entries as lines that `of` reads, in a fixed order."""
        hashes = (f"sha256:{value}" for value in self.hashes)
        return [*sorted(hashes), *sorted(self.cids), *sorted(self.token_uids)]

    @cached_property
    def fingerprint(self) -> str:
        """Changes when something else is blocked; how a CID is spelt does not count."""
        multihashes = sorted(multihash.hex() for multihash in self._multihashes)
        return fingerprint(sorted(self.hashes), multihashes, sorted(self.token_uids))

    def reason(self, token: Token, media: bytes | None = None) -> str | None:
        """Return why a token is blocked, or None.

        `media` are its original bytes: with them its CIDs are computed, without them only that of
        an unwrapped single block is known.
        """
        return next((reason for reason, _ in self._matches(token, media)), None)

    def entries_of(self, token: Token, media: bytes | None = None) -> list[str]:
        """Return every entry, as in `lines`, that blocks a token."""
        return [entry for _, entry in self._matches(token, media)]

    @cached_property
    def _multihashes(self) -> dict[bytes, list[str]]:
        spellings: dict[bytes, list[str]] = {}
        for cid in sorted(self.cids):
            spellings.setdefault(multihash_of(cid) or b"", []).append(cid)
        return spellings

    def _matches(self, token: Token, media: bytes | None) -> Iterator[tuple[str, str]]:
        """Yield reasons and entries, the cheap ones first."""
        if (uid := _canonical(token.token_uid)) in self.token_uids:
            yield BLOCKED_TOKEN, uid
        for digest in sorted(self.hashes & {token.sha256, token.pixels_sha256}):
            yield BLOCKED_CONTENT, f"sha256:{digest}"
        if self.cids:
            told = multihashes_in(token.source_uri) | multihashes_in(token.metadata or "")
            for multihash in sorted((told | _of_media(token, media)) & self._multihashes.keys()):
                yield from ((BLOCKED_CID, cid) for cid in self._multihashes[multihash])


def _of_media(token: Token, media: bytes | None) -> set[bytes]:
    if media is not None:
        return content_multihashes(media)
    return {b"\x12\x20" + bytes.fromhex(token.sha256)} if token.sha256 else set()


def emptied(token: Token, reason: str) -> Token:
    """Return the row of a token of which nothing may stay but that there is one, and why."""
    return Token(
        token_uid=token.token_uid,
        collection=token.collection,
        token_id=token.token_id,
        traits=(),
        caption="",
        status="rejected",
        reason=reason,
        location=token.location,
    )


def _entry(text: str, *, where: str) -> tuple[str, str]:
    """Return what an entry is and its value; raise ConfigError when it is nothing known."""
    if found := _SHA_256.fullmatch(text):
        return "hashes", found[1].lower()
    if _TOKEN_UID.fullmatch(text):
        return "token_uids", _canonical(text)
    cid = text.removeprefix("ipfs://").removeprefix("ipfs/").rstrip("/")
    if multihash_of(cid):
        return "cids", cid
    shown = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
    if multihashes_in(text):
        raise ConfigError(
            f"{where}: {shown!r} is an address; give the CID alone, of the file or of the folder"
        )
    raise ConfigError(
        f"{where}: {shown!r} is no SHA-256 (64 hex digits), no CID (Qm…, bafy…) and no token uid "
        "(eip155:1/erc721:0x…/7)"
    )


def _canonical(token_uid: str) -> str:
    """Return a uid as it is compared: addresses of Ethereum may be written in mixed case."""
    return token_uid.lower() if token_uid.lower().startswith("eip155:") else token_uid

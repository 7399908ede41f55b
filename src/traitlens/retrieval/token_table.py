"""What an index knows of each token beside its vector: a small picture, its pixels, its rarity.

One SQLite file, so a token is there whole or not at all, and answers need no data set. A token
whose digests are in here is in the engine just so: before the engine is touched, `begin` notes
whose digests hold no longer, until `put` or `delete`; a killed run leaves that note.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from traitlens.errors import IndexingError

_SCHEMA = """
CREATE TABLE tokens (
    token_uid TEXT PRIMARY KEY,
    pixels TEXT NOT NULL,      -- SHA-256 of the picture's pixels
    entry TEXT NOT NULL,       -- a digest of all that the engine has of the token but its vector
    collection TEXT NOT NULL,
    picture BLOB NOT NULL      -- PNG or WebP, small
) WITHOUT ROWID;
CREATE INDEX by_pixels ON tokens (pixels);
CREATE INDEX by_collection ON tokens (collection, pixels);
CREATE TABLE rarity (
    token_uid TEXT PRIMARY KEY,
    rank INTEGER NOT NULL,     -- within the collection, 1 the rarest
    tokens INTEGER NOT NULL    -- of the collection
) WITHOUT ROWID;
"""
_BEGUN = "CREATE TABLE IF NOT EXISTS begun (token_uid TEXT PRIMARY KEY) WITHOUT ROWID"
_AT_ONCE = 500  # names in one question; SQLite takes 999 everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A token's row; `pixels` and `entry` are digests, by which a change is known."""

    token_uid: str
    pixels: str
    entry: str
    collection: str
    picture: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rarity:
    """A token's rank within its collection of `tokens`, 1 the rarest."""

    rank: int
    tokens: int


class TokenTable:
    """The table in one file; open it with `TokenTable.open`."""

    def __init__(self, file: Path, connection: sqlite3.Connection) -> None:
        self._file = file
        self._connection = connection

    @classmethod
    def open(cls, file: Path, *, read_only: bool = False) -> Self:
        """Open the table, made unless `read_only`; raise IndexingError for another file."""
        mode = "ro" if read_only else "rwc"
        try:
            # Readers may be several threads; SQLite lets them in one by one.
            connection = sqlite3.connect(
                f"{file.resolve().as_uri()}?mode={mode}", uri=True, check_same_thread=False
            )
            if not read_only:
                connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
                if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                    connection.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
                connection.execute(_BEGUN)  # indexes that are older than it get it, too
            connection.execute("SELECT 1 FROM tokens JOIN rarity LIMIT 1")
        except sqlite3.Error as error:
            raise IndexingError(f"{file} is no table of an index's tokens: {error}") from error
        return cls(file, connection)

    def begin(self, token_uids: Iterable[str]) -> None:
        """Note that what the engine has of these tokens is about to change."""
        names = [(uid,) for uid in token_uids]
        with self._writing():
            self._connection.executemany("INSERT OR REPLACE INTO begun VALUES (?)", names)

    def begun(self) -> set[str]:
        """Return the tokens whose change was begun and not finished; they may not be in here."""
        return {uid for (uid,) in self._connection.execute("SELECT token_uid FROM begun")}

    def put(self, rows: Iterable[TokenRow]) -> None:
        """Write rows, or replace those of the same token; on return they are on disk."""
        values = [(r.token_uid, r.pixels, r.entry, r.collection, r.picture) for r in rows]
        names = [value[:1] for value in values]
        with self._writing():
            self._connection.executemany(
                "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?)", values
            )
            self._connection.executemany("DELETE FROM begun WHERE token_uid = ?", names)

    def delete(self, token_uids: Iterable[str]) -> None:
        """Remove tokens for good."""
        names = [(uid,) for uid in token_uids]
        with self._writing():
            for part in ("tokens", "rarity", "begun"):
                self._connection.executemany(f"DELETE FROM {part} WHERE token_uid = ?", names)
        with self._writing():
            self._connection.execute("VACUUM")

    def digests(self) -> dict[str, tuple[str, str]]:
        """Return {token_uid: (pixels, entry)} for all tokens but those that were begun."""
        found = self._connection.execute(
            "SELECT token_uid, pixels, entry FROM tokens"
            " WHERE token_uid NOT IN (SELECT token_uid FROM begun)"
        )
        return {uid: (pixels, entry) for uid, pixels, entry in found}

    def pixels_and_collections(self) -> Iterator[tuple[str, str, str]]:
        """Yield (token_uid, pixels, collection) of all tokens."""
        yield from self._connection.execute("SELECT token_uid, pixels, collection FROM tokens")

    def pictures(self, token_uids: Sequence[str]) -> list[bytes | None]:
        """Return the small picture of each token, PNG or WebP."""
        found = dict(self._select("token_uid, picture", token_uids))
        return [found.get(uid) for uid in token_uids]

    def sample(self, size: int, *, collection: str | None = None) -> list[str]:
        """Return the names of up to `size` tokens, of all or of one collection.

        They are the same each time: the first by the digests of their pixels, which is as good as
        drawn.
        """
        where, values = ("", ()) if collection is None else ("WHERE collection = ?", (collection,))
        asked = f"SELECT token_uid FROM tokens {where} ORDER BY pixels LIMIT ?"
        return [uid for (uid,) in self._connection.execute(asked, (*values, size))]

    def pixels(self, token_uids: Collection[str]) -> dict[str, str]:
        """Return the digest of each token's pixels; equal pictures have equal ones."""
        found = self._select("token_uid, pixels", token_uids)
        return {uid: pixels for uid, pixels in found}  # noqa: C416

    def copies(self, pixels: Collection[str]) -> dict[str, int]:
        """Return how many tokens have each of some pictures."""
        counts: dict[str, int] = {}
        for some in _portions(pixels):
            asked = "SELECT pixels, COUNT(*) FROM tokens WHERE pixels IN ({}) GROUP BY pixels"
            counts.update(self._connection.execute(asked.format(_marks(some)), some))
        return counts

    def put_rarity(self, ranks: Mapping[str, int]) -> None:
        """Write the ranks of a whole collection's tokens."""
        values = [(uid, rank, len(ranks)) for uid, rank in ranks.items()]
        with self._writing():
            self._connection.executemany("INSERT OR REPLACE INTO rarity VALUES (?, ?, ?)", values)

    def rarity(self, token_uids: Collection[str]) -> dict[str, Rarity]:
        """Return the rarity of each token that has one."""
        found = self._select("token_uid, rank, tokens", token_uids, table="rarity")
        return {uid: Rarity(rank=rank, tokens=tokens) for uid, rank, tokens in found}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Write whole or not at all, and say in one sentence what is in the way."""
        try:
            with self._connection:
                yield
        except sqlite3.Error as error:
            raise IndexingError(
                f"{self._file} cannot be written: {error}; run the same command again to go on"
            ) from error

    def _select(
        self, columns: str, token_uids: Collection[str], *, table: str = "tokens"
    ) -> Iterator[tuple[Any, ...]]:
        for some in _portions(token_uids):
            asked = f"SELECT {columns} FROM {table} WHERE token_uid IN ({_marks(some)})"
            with closing(self._connection.execute(asked, some)) as found:
                yield from found


def _portions(names: Collection[str]) -> Iterator[list[str]]:
    listed = list(names)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


def _marks(names: Sequence[str]) -> str:
    return ", ".join("?" * len(names))

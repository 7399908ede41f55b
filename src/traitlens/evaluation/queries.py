"""Queries as people type them, written from a picture, one JSON object a line.

    {"collection": "cryptopunks", "token_id": "122", "query": "punk smoking a cigarette"}

Any further keys are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlens import bounded_json
from traitlens.errors import QueryError


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeTextQuery:
    """A query, the token that was meant, and where it was read: "queries.jsonl:3"."""

    collection: str
    token_id: str
    query: str
    where: str


def read_queries(path: str | Path) -> tuple[FreeTextQuery, ...]:
    """Return the queries of a JSON lines file; raise QueryError with the file and the line."""
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise QueryError(f"cannot read the query file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise QueryError(f"the query file {path} is not UTF-8 text: {error.reason}") from error
    queries = [
        _read_query(line, where=f"{path}:{count}")
        for count, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not queries:
        raise QueryError(f"the query file {path} is empty")
    return tuple(queries)


def _read_query(line: str, *, where: str) -> FreeTextQuery:
    try:
        value = bounded_json.loads(line)
    except ValueError as error:
        raise QueryError(f"{where}: broken JSON: {error}") from error
    if not isinstance(value, dict):
        raise QueryError(f"{where}: expected a JSON object, got {line.strip()[:60]!r}")
    return FreeTextQuery(
        collection=_text(value, "collection", where),
        token_id=_text(value, "token_id", where),
        query=_text(value, "query", where),
        where=where,
    )


def _text(value: dict[str, Any], key: str, where: str) -> str:
    if key not in value:
        raise QueryError(f"{where}: no {key!r}; a query has collection, token_id and query")
    found = value[key]
    if key == "token_id" and isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or not found.strip():
        raise QueryError(f"{where}: {key!r} must be text, got {found!r}")
    return found.strip()

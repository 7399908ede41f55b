"""Where vectors are kept and searched: one protocol, three engines.

"edge" is embedded, "server" is a Qdrant server, "exact" is the reference that scans them all.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from traitlens.config import check_choice
from traitlens.engines.protocol import Entry, Point, Question, Scored, VectorEngine, Wish
from traitlens.engines.where import And, Equals, Not, Or, Where, matches, parse, resolve
from traitlens.errors import IndexingError

EngineName = Literal["edge", "exact", "server"]
ENGINES: tuple[EngineName, ...] = ("edge", "exact", "server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Qdrant server, and which of its collections is the index."""

    url: str
    collection: str


__all__ = [
    "ENGINES",
    "EngineName",
    "Entry",
    "Point",
    "Question",
    "Scored",
    "Server",
    "VectorEngine",
    "Wish",
    "open_engine",
    "clear_engine",
    "Where",
    "Equals",
    "Not",
    "And",
    "Or",
    "parse",
    "resolve",
    "matches",
]


def open_engine(
    name: EngineName,
    path: Path,
    *,
    dimension: int,
    read_only: bool = False,
    server: Server | None = None,
) -> VectorEngine:
    """Open the engine `name` in the folder `path`; one that writes makes the folder if need be.

    The engine "server" is not in a folder but on the Qdrant server `server`.
    """
    check_choice("engine", name, ENGINES)
    if name == "exact":
        from traitlens.engines.exact import ExactEngine

        return ExactEngine.open(path, dimension=dimension, read_only=read_only)
    if name == "server":
        from traitlens.engines.server import ServerEngine

        if server is None:
            raise IndexingError('the engine "server" needs the address of a Qdrant server')
        return ServerEngine.open(
            server.url, server.collection, dimension=dimension, read_only=read_only
        )
    from traitlens.engines.edge import EdgeEngine

    return EdgeEngine.open(path, dimension=dimension, read_only=read_only)


def clear_engine(name: EngineName, path: Path, *, server: Server | None = None) -> None:
    """Remove all that an engine has; who calls this holds the lock (`locks`)."""
    if name == "server":
        from traitlens.engines.server import drop_collection

        if server is not None:
            drop_collection(server.url, server.collection)
    else:
        shutil.rmtree(path, ignore_errors=True)

"""How tests open each engine: the server is a real one where there is one, else in memory."""

from __future__ import annotations

import hashlib
import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient

from traitlens.engines import EngineName, VectorEngine, open_engine
from traitlens.engines.server import API_KEY, ServerEngine

LOCAL: tuple[EngineName, ...] = ("edge", "exact")  # those whose points are in a folder
SERVER = os.environ.get("TRAITLENS_TEST_QDRANT_URL")


@cache
def _client() -> Any:
    if SERVER:
        return QdrantClient(url=SERVER, api_key=os.environ.get(API_KEY))
    # What it says of indexes and parameters that it does not need is of no interest here.
    warnings.filterwarnings("ignore", module="traitlens.engines.server")
    return QdrantClient(":memory:")


def opened(
    name: EngineName, path: Path, *, dimension: int, read_only: bool = False
) -> VectorEngine:
    """Open an engine; one on the server has a collection of its own for each path."""
    if name != "server":
        return open_engine(name, path, dimension=dimension, read_only=read_only)
    collection = "test-" + hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return ServerEngine.open(
        SERVER or ":memory:",
        collection,
        dimension=dimension,
        read_only=read_only,
        client=_client(),
    )

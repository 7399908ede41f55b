"""A service over drawn tokens, as the tests of this room ask it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.helpers import ColourEncoder, drawn_dataset
from traitlens.retrieval import IndexConfig, index
from traitlens.service import ServeConfig
from traitlens.service.app import create_app


def made_index(path: Path, sizes: dict[str, int]) -> Path:
    """Return the folder of an index over `sizes[collection]` drawn tokens."""
    data = drawn_dataset(path.with_name(f"{path.name}-data"), sizes)
    index(data, path, encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    return path


def app_of(path: Path, **config: Any) -> FastAPI:
    return create_app(path, ServeConfig(**config), load_encoder=lambda _: ColourEncoder())


def client_of(path: Path, **config: Any) -> TestClient:
    return TestClient(app_of(path, **config), base_url="http://localhost:8080")

"""Every table once, on drawn tokens with runs of two steps, in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import drawn_dataset
from traitlens import files
from traitlens.config import to_dict
from traitlens.construction import BuildConfig
from traitlens.reproduction import Reproduction, ReproductionConfig, names, reproduce
from traitlens.store import MANIFEST, Dataset

SHORT = ReproductionConfig(steps=2, batch_size=8, per_collection=20)


def configured(data: Dataset, config: Mapping[str, Any]) -> Dataset:
    """Return the data set with what `build` would have noted in its manifest."""
    manifest = files.read_json(data.path / MANIFEST)
    files.write_json(data.path / MANIFEST, {**manifest, "config": dict(config)})
    return Dataset.open(data.path)


@dataclass
class Reproduced:
    """The tables by name and the folder that they are in."""

    data: Dataset
    out: Path
    tables: dict[str, Reproduction]


def leave_out_onnx(patch: pytest.MonkeyPatch) -> None:
    """Leave out the export of each run, half of its time: torch reads the models here."""
    patch.setattr("traitlens.training.result.export_onnx", lambda folder: None)


@pytest.fixture(autouse=True)
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out_onnx(monkeypatch)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Return three collections split by token; 3 + 3 + 2 tokens are for testing."""
    path = tmp_path_factory.mktemp("reproduction") / "data"
    drawn = drawn_dataset(path, {"robots": 30, "owls": 30, "cats": 20})
    return configured(drawn, to_dict(BuildConfig()))


@pytest.fixture(scope="session")
def reproduced(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Reproduced:
    out = tmp_path_factory.mktemp("tables") / "repro"
    with pytest.MonkeyPatch.context() as patch:
        leave_out_onnx(patch)
        tables = {name: reproduce(name, data, out, config=SHORT) for name in names()}
    return Reproduced(data, out, tables)

"""`traitlens explain`: a table, JSON and a sheet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

import traitlens.models
from tests.helpers import ColourEncoder, drawn_dataset
from traitlens.cli.explain import explain
from traitlens.retrieval import IndexConfig, index
from traitlens.separation import SeparationConfig, components


@pytest.fixture
def idx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = drawn_dataset(tmp_path / "data", {"robots": 60})
    components(data, config=SeparationConfig(min_tokens=3))
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    monkeypatch.setattr(traitlens.models, "load_encoder", lambda _: ColourEncoder())
    return tmp_path / "idx"


def test_the_table_says_which_terms_are_met(idx: Path, capsys: pytest.CaptureFixture[str]) -> None:
    explain("robots/3", "red hat, no hat, submarine", index=idx)
    said = capsys.readouterr().out
    assert "robots 3: red hat, no hat, submarine" in said
    assert "no hat" in said and "lacks it" in said
    assert "no trait here is called 'submarine'" in said


def test_json_and_a_sheet_are_written(
    idx: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    explain("robots/3", "red hat", index=idx, as_json=True, sheet=tmp_path / "sheet.png")
    said = json.loads(capsys.readouterr().out)
    assert said["token_uid"] == "local:files/folder:robots/3"
    assert [term["meant"] for term in said["terms"]] == ["red hat"]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 2 * 192

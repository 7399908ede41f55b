"""What other stages left in the folder, whole or broken."""

from pathlib import Path

import pytest

from traitlens import files
from traitlens.description.findings import Fallen, Findings, Leak, read_findings


def test_findings_are_read(tmp_path: Path) -> None:
    files.write_json(
        tmp_path / "leaks.json",
        {"equal_pixels": {"total": 3, "pairs": []}, "near_duplicates": {"total": 0}, "version": 1},
    )
    rows = [
        {"collection": "a", "rule": "few tokens", "value": 12, "limit": 500, "fell": True},
        {"collection": "b", "rule": "few tokens", "value": 900, "limit": 500, "fell": False},
    ]
    files.write_json(tmp_path / "filters.json", rows)
    assert read_findings(tmp_path) == Findings(
        leaks=(Leak(kind="equal pixels", total=3), Leak(kind="near duplicates", total=0)),
        fallen=(Fallen(collection="a", rule="few tokens", value="12", limit="500"),),
    )


def test_where_nobody_has_looked_nothing_is_said(tmp_path: Path) -> None:
    assert read_findings(tmp_path) == Findings(leaks=None, fallen=None)


@pytest.mark.parametrize("content", ["", "{", "7", '"x"', "[" * 100_000])
def test_broken_findings_are_left_out(content: str, tmp_path: Path) -> None:
    (tmp_path / "leaks.json").write_text(content)
    (tmp_path / "filters.json").write_text(content)
    assert read_findings(tmp_path) == Findings(leaks=None, fallen=None)


def test_what_is_not_understood_is_left_out(tmp_path: Path) -> None:
    files.write_json(tmp_path / "leaks.json", {"a": {"total": "many"}, "b": 3, "c": {"total": 1}})
    files.write_json(tmp_path / "filters.json", [7, {"fell": True}])
    found = read_findings(tmp_path)
    assert found.leaks == (Leak(kind="c", total=1),)
    assert found.fallen == (Fallen(collection="", rule="", value="", limit=""),)

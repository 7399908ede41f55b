"""`traitlens takedown`: what it asks, does and says."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import ColourEncoder, drawn_dataset, drawn_token
from traitlens.cli.main import main
from traitlens.retrieval import IndexConfig, index
from traitlens.store import Dataset

UID = drawn_token("robots", 3).token_uid
HASH = drawn_token("robots", 3).sha256
CID = "QmPMc4tcBsMqLRuCQtPmPe84bpSjrC3Ky7t3JWuHXYB4aS"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process; return its status, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["traitlens", "takedown", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return drawn_dataset(tmp_path / "data", {"robots": 12}).path


def kept(data: Path) -> int:
    return Dataset.open(data).count()


def test_tokens_are_taken_down_and_it_is_said_how_they_stay_out(run: Run, data: Path) -> None:
    idx = data.parent / "idx"
    index(data, idx, encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    code, out, _ = run(data, "--token", UID, "--index", idx, "--yes")
    assert code == 0
    assert "1 token taken down" in out
    assert f"robots 3: {UID}" in out
    assert f"{idx}: 1 point deleted" in out
    assert f"--block-list {data}/blocked.txt" in out
    assert kept(data) == 11


def test_a_dry_run_says_what_would_go(run: Run, data: Path) -> None:
    code, out, _ = run(data, "--hash", HASH, "--dry-run")
    assert code == 0
    assert "would go" in out
    assert f"sha256:{HASH}" in out
    assert kept(data) == 12


def test_without_a_terminal_it_must_be_confirmed_by_an_option(run: Run, data: Path) -> None:
    code, out, err = run(data, "--token", UID)
    assert code == 1
    assert "would go" in out
    assert "--yes" in err
    assert kept(data) == 12


@pytest.mark.parametrize(("answer", "left"), [(True, 11), (False, 12)])
def test_at_a_terminal_it_asks(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch, answer: bool, left: int
) -> None:
    asked = []

    def confirm(question: str, *, abort: bool) -> None:
        asked.append(question)
        if not answer and abort:
            raise SystemExit(1)

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", confirm)
    run(data, "--token", UID)
    assert asked == ["Take 1 token down? It cannot be undone."]
    assert kept(data) == left


def test_a_list_and_options_add_up_and_what_names_nothing_is_said(run: Run, data: Path) -> None:
    listed = data.parent / "list.txt"
    listed.write_text(f"# ours\n{drawn_token('robots', 5).token_uid}\n")
    code, out, _ = run(data, "--list", listed, "--token", UID, "--cid", CID, "--yes")
    assert code == 0
    assert "2 tokens taken down" in out
    assert f"not found: {CID}" in out
    assert kept(data) == 10


def test_nothing_to_do_is_said_and_asks_nothing(run: Run, data: Path) -> None:
    code, out, _ = run(data, "--cid", CID)
    assert code == 0
    assert "0 tokens would go" in out
    assert f"not found: {CID}" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--hash", CID), "--hash has"),
        (("--token", "7"), "--token, line 1: '7' is no SHA-256"),
        (("--cid", UID), "another kind of entry"),
        (("--list", "none.txt"), "cannot be read"),
        (("--index", "nowhere", "--token", UID), "is no index"),
        (("--run", "nowhere", "--token", UID), "is no run"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    run: Run, data: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = run(data, *arguments, "--yes")
    assert code == 1
    assert said in err
    assert "Traceback" not in err
    assert kept(data) == 12

"""`traitlens caption` writes, compares, and says what is wrong in one sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from tests.captions.chat_server import chat_server, failed
from tests.helpers import drawn_dataset
from traitlens.captions import written_captions
from traitlens.cli.caption import caption, name_of_model
from traitlens.errors import TraitlensError


@dataclass
class Result:
    out: str
    error: str | None


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(caption)

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["caption", *map(str, arguments)])
        error = None
        try:
            app(standalone_mode=False)
        except TraitlensError as raised:
            error = str(raised)
        return Result(" ".join(capsys.readouterr().out.split()), error)

    return call


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return drawn_dataset(tmp_path / "data", {"robots": 6, "owls": 3}).path


def test_it_writes_prints_what_it_found_and_draws_the_page(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", " sk-1 ")
    page = tmp_path / "page.html"
    with chat_server() as server:
        done = run(
            data, "--url", server.url, "--model", "meta/llama:8b", "--key-env", "MY_KEY",
            "--rate", "1000/s", "--limit", 2, "--report", page,
            "--compare", "plain", "--compare", "llama-8b",
        )  # fmt: skip
    assert done.error is None
    assert "captions llama-8b" in done.out
    assert "4 tokens" in done.out
    assert server.headers[0]["Authorization"] == "Bearer sk-1"
    assert len(written_captions(data, "llama-8b", "robots")) == 2
    assert "data:image/png" in page.read_text()


def test_a_page_alone_compares_the_templates(run: Run, data: Path, tmp_path: Path) -> None:
    done = run(data, "--report", tmp_path / "page.html")
    assert done.error is None
    assert "9 tokens" in done.out
    for style in ("plain", "tags", "sentence", "typed"):
        assert style in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to do"),
        (["--url", "http://localhost/v1"], "--url needs --model"),
        (["--model", "m"], "--model needs --url"),
        (["--url", "http://localhost/v1", "--model", "m", "--local", "x"], "not by both"),
        (["--url", "localhost", "--model", "m"], "url must be like"),
        (["--url", "http://localhost/v1", "--model", "m", "--rate", "5"], "rate must be like"),
        (["--url", "http://localhost/v1", "--model", "m", "--name", "a/b"], "name must be"),
        (["--url", "http://localhost/v1", "--model", "m", "--key-env", "NO_KEY"], "NO_KEY"),
        (["--url", "http://localhost/v1", "--model", "m", "--limit", "0"], "limit must be"),
        (["--local", "x", "--pictures"], "--pictures needs an endpoint"),
        (["--report", "x.html", "--compare", "gtp"], "no captions of the kind 'gtp'"),
    ],
)
def test_wrong_options_get_one_sentence_and_write_nothing(
    run: Run, data: Path, arguments: list[str], message: str
) -> None:
    done = run(data, *arguments)
    assert done.error is not None
    assert message in done.error
    assert "\n" not in done.error
    assert not (data / "captions").exists()


def test_an_endpoint_that_refuses_the_key_is_named(run: Run, data: Path) -> None:
    with chat_server(otherwise=lambda _: failed(401, "bad key")) as server:
        done = run(data, "--url", server.url, "--model", "m")
    assert "refuses the key" in (done.error or "")


def test_no_data_set_is_said_so(run: Run, tmp_path: Path) -> None:
    assert "no data set" in (run(tmp_path, "--report", tmp_path / "p.html").error or "")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o-mini", "gpt-4o-mini"),
        ("meta/llama3:8b", "llama3-8b"),
        ("/models/tiny/", "tiny"),
        ("..", ""),
    ],
)
def test_captions_are_called_after_their_model(model: str, name: str) -> None:
    assert name_of_model(model) == name

"""`traitlens collections` lists NFT1000, in the order that is asked for."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from traitlens.cli.collections import collections
from traitlens.errors import CollectError, ConfigError

app = typer.Typer()
app.command()(collections)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def names(*arguments: str | Path) -> list[str]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.exception
    return [entry["name"] for entry in json.loads(done.stdout)]


def test_all_are_listed_in_the_authors_order() -> None:
    listed = names()
    assert len(listed) == 1000
    assert listed[:2] == ["BoredApeYachtClub", "CRYPTOPUNKS"]


def test_the_table_shows_name_split_size_and_contract() -> None:
    done = run("--search", "azuki", "--sort", "name", "--split", "train")
    assert done.exit_code == 0
    row = next(line for line in done.stdout.splitlines() if " Azuki " in line)
    assert "train" in row
    assert "10,000" in row
    assert "0xed5af388653567af2f388e6224dc7c4b3241c544" in row


def test_what_is_odd_about_a_listed_collection_is_said() -> None:
    said = run("--search", "UninterestedUnicorns").stdout
    assert "stands twice in the authors' training list, no SHA-256 is published" in said
    assert "UninterestedUnicorns:" not in run("--search", "Azuki").stdout


def test_the_largest_come_first_by_size() -> None:
    assert names("--sort", "size", "--top", "2") == [
        "VeeFriends Series 2",
        "Wizards & Dragons Game",
    ]


def test_the_users_volumes_order_and_cut_the_list(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("mfers,5\nAzuki,9\nSome New Apes,99\nBeanz,7\n")
    assert names("--volume", tmp_path / "v.csv") == ["Azuki", "Beanz", "mfers"]
    assert names("--volume", tmp_path / "v.csv", "--top", "1") == ["Azuki"]
    said = run("--volume", tmp_path / "v.csv").stdout
    assert "not in NFT1000, but in the list: 1 (Some New Apes)" in said


def test_the_json_has_every_fact_and_the_volume(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("mfers,5.5\n")
    done = run("--volume", tmp_path / "v.csv", "--json")
    assert json.loads(done.stdout) == [
        {
            "name": "mfers",
            "contract": "0x79fcdef22feed20eddacbb2587640e45491b757f",
            "split": "train",
            "tokens": 10000,
            "supply": 10021,
            "sha256": json.loads(done.stdout)[0]["sha256"],
            "also": None,
            "listed_twice": False,
            "volume": 5.5,
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--sort", "colour"], ConfigError, "--sort must be one of listed, name, size"),
        (["--split", "practice"], ConfigError, "--split must be one of train"),
        (["--top", "0"], ConfigError, "--top must be at least 1"),
        (["--search", "azuky"], CollectError, "did you mean 'Azuki'"),
        (["--sort", "name", "--volume", "v.csv"], ConfigError, "cannot stand beside --sort"),
    ],
)
def test_what_cannot_be_done_is_refused(
    arguments: list[str], error: type[Exception], said: str
) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, error)
    assert said in str(done.exception)

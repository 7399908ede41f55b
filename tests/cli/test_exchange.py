"""`traitlens export` and `traitlens import`, as typed."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.exchange.odd import tokens_of
from tests.helpers import drawn_dataset
from traitlens.cli.export import export
from traitlens.cli.import_data import import_data
from traitlens.errors import ConfigError
from traitlens.store import Dataset

app = typer.Typer()
app.command("export")(export)
app.command("import")(import_data)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("to", ["nft1000", "webdataset", "huggingface"])
def test_a_data_set_goes_out_and_comes_back(tmp_path: Path, to: str) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 10, "owls": 5})
    out = run("export", data.path, "-o", tmp_path / "x", "--to", to, "--shard.max-tokens", 4)
    assert out.exit_code == 0, out.output
    assert f"17 tokens of 2 collections as {to} (13 train, 1 validation, 1 test, 2" in out.output
    back = run("import", tmp_path / "x", "-o", tmp_path / "back")
    assert back.exit_code == 0, back.output
    assert "15 tokens of 2 collections, 2 rejected" in back.output
    assert tokens_of(Dataset.open(tmp_path / "back")) == tokens_of(data)


def test_one_collection_and_one_split_are_enough(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 10, "owls": 5})
    run("export", data.path, "-o", tmp_path / "x", "--collection", "robots", "--split", "train")
    run("import", tmp_path / "x", "-o", tmp_path / "back", "--collection", "robots")
    expected = [t.token_uid for t in data.tokens(collections=["robots"], split="train")]
    assert [t.token_uid for t in Dataset.open(tmp_path / "back").tokens()] == expected


def test_a_wrong_format_is_told_with_the_right_ones(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 2})
    out = run("export", data.path, "-o", tmp_path / "x", "--to", "coco")
    assert isinstance(out.exception, ConfigError)
    assert "to must be one of nft1000, webdataset, huggingface" in str(out.exception)

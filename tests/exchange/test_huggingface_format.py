"""The folder for Hugging Face: `datasets` opens it with splits; rejected rows stay apart."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.exchange.odd import tokens_of
from tests.helpers import drawn_dataset, drawn_token, rejected_token, write_dataset
from traitlens.errors import ConfigError
from traitlens.exchange import ExportConfig, export, import_data, to_datasets
from traitlens.shards import read_shard

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def test_the_folder_opens_with_splits_and_pictures(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 20, "owls": 20}, rejected=3)
    export(data, tmp_path / "x", to="huggingface", config=ExportConfig(max_shard_tokens=7))
    opened = datasets.load_dataset(str(tmp_path / "x"))
    assert {split: len(opened[split]) for split in opened} == {
        "train": 32,
        "validation": 4,
        "test": 4,
    }
    assert isinstance(opened["train"].features["image"], datasets.Image)
    assert opened["train"][0]["image"].size == (24, 24)
    ids = [token.token_uid for token in data.tokens(split="train")]
    assert opened["train"]["token_uid"][:] == ids


def test_the_files_of_a_split_are_numbered_through(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 10, "owls": 10})
    export(data, tmp_path / "x", to="huggingface", config=ExportConfig(max_shard_tokens=5))
    assert sorted(path.name for path in (tmp_path / "x" / "data").glob("train-*")) == [
        f"train-{number:05d}-of-00004.parquet" for number in range(4)
    ]


def test_rejected_tokens_lie_apart_and_those_without_a_split_have_their_own(
    tmp_path: Path,
) -> None:
    tokens = [replace(drawn_token("apes", number), split=None) for number in range(3)]
    data = write_dataset(tmp_path / "data", {"apes": [*tokens, rejected_token("apes", 3)]})
    export(data, tmp_path / "x", to="huggingface")
    opened = datasets.load_dataset(str(tmp_path / "x"))
    assert {split: len(opened[split]) for split in opened} == {"unsplit": 3}
    (rejected,) = read_shard(tmp_path / "x" / "rejected" / "rejected-00000-of-00001.parquet")
    assert rejected.token_id == "3"
    assert tokens_of(import_data(tmp_path / "x", tmp_path / "back")) == tokens_of(data)


def test_a_data_set_is_handed_to_datasets_as_it_is(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 10, "owls": 10}, rejected=2)
    train = to_datasets(data, "train")
    assert train["token_uid"][:] == [token.token_uid for token in data.tokens(split="train")]
    assert train[0]["image"].size == (24, 24)
    assert len(to_datasets(data)) == 20
    with pytest.raises(ConfigError, match="split must be one of train"):
        to_datasets(data, "dev")

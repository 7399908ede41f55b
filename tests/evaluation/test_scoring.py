"""An evaluation counts every token, says what was searched and does not depend on chance."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import ColourEncoder, drawn_dataset, drawn_token, write_dataset
from traitlens.errors import ConfigError, DatasetError, ModelError
from traitlens.evaluation import evaluate, fit_baselines
from traitlens.records import Token
from traitlens.store import Dataset


def test_the_model_stands_beside_both_baselines(drawn: Dataset) -> None:
    found = evaluate(ColourEncoder(), drawn)
    assert found.models == ("colours", "raw pixels", "colour histogram")
    assert len(found.rows) == 3 * 2 * 5
    assert found.row(scope="collection", gallery="robots").n == 40
    assert found.row(scope="all").n == found.tokens == 70
    assert found.row().recall[1] > 20 * found.row().chance[1]


def test_a_path_opens_the_data_set(drawn: Dataset) -> None:
    assert evaluate(ColourEncoder(), drawn.path, baselines=False).models == ("colours",)


def test_a_baseline_is_not_scored_beside_itself(drawn: Dataset) -> None:
    found = evaluate(fit_baselines(drawn)[0], drawn)
    assert found.models == ("raw pixels", "colour histogram")


def test_a_cap_draws_the_same_tokens_each_time_and_counts_the_rest(drawn: Dataset) -> None:
    def capped(seed: int) -> object:
        found = evaluate(ColourEncoder(), drawn, baselines=False, max_gallery=30, seed=seed)
        assert found.skipped == {"beyond max_gallery": 10}
        assert found.tokens + sum(found.skipped.values()) == drawn.count(split="test")
        return found

    assert capped(1) == capped(1)
    assert capped(1) != capped(2)


def test_no_split_means_all_tokens(drawn: Dataset) -> None:
    found = evaluate(ColourEncoder(), drawn, split=None, baselines=False, max_gallery=90)
    assert found.row(scope="all").n == 180


def splits_of(collection: str, *, train: int, test: int) -> list[Token]:
    tokens = [drawn_token(collection, number) for number in range(train + test)]
    return [replace(t, split="train" if i < train else "test") for i, t in enumerate(tokens)]


def test_a_collection_of_one_is_skipped_and_counted(tmp_path: Path) -> None:
    shards = {
        "robots": splits_of("robots", train=2, test=5),
        "loner": splits_of("loner", train=2, test=1),
    }
    data = write_dataset(tmp_path / "data", shards)
    found = evaluate(ColourEncoder(), data, baselines=False)
    assert found.tokens == 5
    assert found.skipped == {"fewer than 2 in the collection": 1}
    assert found.row().collections == 1


def test_a_split_without_two_tokens_cannot_be_searched(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"robots": splits_of("robots", train=9, test=1)})
    with pytest.raises(DatasetError, match="1 tokens in its test split; a search needs at least 2"):
        evaluate(ColourEncoder(), data)
    with pytest.raises(DatasetError, match="0 tokens in its validation split"):
        evaluate(ColourEncoder(), data, split="validation")


def test_wrong_arguments_are_named(drawn: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'a model' is no encoder and no folder of embeddings"):
        evaluate("a model", drawn)
    with pytest.raises(DatasetError, match="is no data set"):
        evaluate(ColourEncoder(), tmp_path)
    with pytest.raises(DatasetError, match="split must be one of"):
        evaluate(ColourEncoder(), drawn, split="dev")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="max_gallery must be at least 2; got 1"):
        evaluate(ColourEncoder(), drawn, max_gallery=1)


def test_an_evaluation_is_plain_json(drawn: Dataset) -> None:
    found = evaluate(ColourEncoder(), drawn, baselines=False)
    value = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert value["model"] == "colours"
    assert value["rows"][0]["recall"]["1"] == found.rows[0].recall[1]


def test_small_galleries_stay_plain_json_where_nothing_is_left_to_lift(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 30})
    found = evaluate(ColourEncoder(), data, baselines=False)
    assert found.row().n == 3
    assert found.row().lift(5) is None
    json.dumps(found.to_json(), allow_nan=False)


def test_a_missing_row_is_a_key_error(drawn: Dataset) -> None:
    with pytest.raises(KeyError):
        evaluate(ColourEncoder(), drawn, baselines=False).row(model="raw pixels")


def test_evaluation_needs_no_torch() -> None:
    code = "import sys, traitlens.evaluation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

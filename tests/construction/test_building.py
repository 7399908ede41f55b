"""A data set is built whole, counted, and the same after a kill."""

from pathlib import Path

import duckdb
import pytest
from datasets import load_dataset

from tests.construction.sources import bytes_of, write_collection
from traitlens.construction import BuildConfig, build
from traitlens.errors import DatasetError
from traitlens.records import Trait
from traitlens.split import SplitConfig


def test_tokens_are_kept_with_their_repeated_traits_and_counted(tmp_path: Path) -> None:
    source = write_collection(tmp_path / "apes", 20)
    (source / "images/3.png").write_bytes((source / "images/3.png").read_bytes()[:60])
    (source / "metadata/4.json").write_text('{"attributes": null}')
    data = build([source], tmp_path / "data", workers=1)
    entry = data.entry("apes")
    assert (entry.read, entry.kept) == (20, 18)
    assert entry.rejected == {"broken picture": 1, "no attributes": 1}
    assert sum(entry.splits.values()) == 18
    first = next(iter(data.tokens()))
    assert first.traits == (
        Trait("Part", "red background"),
        Trait("Part", "red hat"),
        Trait("Number", "0"),
    )
    rows = list(data.tokens(rejected=True))
    assert [row.token_id for row in rows if row.status == "rejected"] == ["3", "4"]
    assert all((row.image is None) == (row.status == "rejected") for row in rows)


def test_the_result_opens_in_datasets_and_duckdb_as_it_is(tmp_path: Path) -> None:
    build([write_collection(tmp_path / "apes", 5)], tmp_path / "data", workers=1)
    shards = str(tmp_path / "data/tokens/*.parquet")
    loaded = load_dataset("parquet", data_files=shards, split="train", cache_dir=str(tmp_path))
    assert loaded[0]["image"].size == (24, 24)
    assert loaded[0]["traits"][1]["value"] == "red hat"
    query = f"SELECT count(*), min(caption) FROM '{shards}'"
    (row,) = duckdb.connect().execute(query).fetchall()
    assert row == (5, "apes with black background part, red hat part and number 4")


def test_pictures_are_fetched_by_location_in_the_order_asked_for(tmp_path: Path) -> None:
    data = build([write_collection(tmp_path / "apes", 300)], tmp_path / "data", workers=1)
    tokens = list(data.tokens())
    asked = [tokens[i] for i in (299, 0, 130, 129)]
    locations = [token.location for token in asked if token.location]
    assert data.images(locations) == [token.image for token in asked]


def test_several_processes_write_the_same_bytes_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [write_collection(tmp_path / name, 6) for name in ("apes", "owls")]
    build(sources, tmp_path / "one", workers=1)
    build(sources, tmp_path / "two", workers=2)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_a_finished_data_set_is_left_alone_and_another_one_is_not_overwritten(
    tmp_path: Path,
) -> None:
    source, out = write_collection(tmp_path / "apes", 10), tmp_path / "data"
    build([source], out, workers=1)
    before = (out / "dataset.json").stat().st_mtime_ns
    build([source], out, workers=1)
    assert (out / "dataset.json").stat().st_mtime_ns == before
    other = BuildConfig(split=SplitConfig(seed=1))
    with pytest.raises(DatasetError, match="was not built from this input in this way"):
        build([source], out, config=other, workers=1)
    assert (out / "dataset.json").stat().st_mtime_ns == before
    assert build([source], out, config=other, workers=1, replace=True).count() == 10


def test_a_data_set_of_another_version_is_replaced_when_asked(tmp_path: Path) -> None:
    source, out = write_collection(tmp_path / "apes", 4), tmp_path / "data"
    out.mkdir()
    (out / "dataset.json").write_text('{"schema_version": 1}')
    with pytest.raises(DatasetError, match=r"schema version 1 .* build it again"):
        build([source], out, workers=1)
    assert build([source], out, workers=1, replace=True).count() == 4


@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_that_is_no_data_set_is_never_replaced(tmp_path: Path, replace: bool) -> None:
    source = write_collection(tmp_path / "apes", 4)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/letter.txt").write_text("mine")
    with pytest.raises(DatasetError, match="exists and is no data set"):
        build([source], tmp_path / "home", workers=1, replace=replace)
    assert (tmp_path / "home/letter.txt").read_text() == "mine"


def test_an_empty_folder_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    source = write_collection(tmp_path / "apes", 4)
    assert build([source], tmp_path / "data", workers=1).count() == 4


def test_when_nothing_can_be_kept_nothing_is_written(tmp_path: Path) -> None:
    source = write_collection(tmp_path / "apes", 2)
    for file in (source / "metadata").iterdir():
        file.write_text("{")
    with pytest.raises(DatasetError, match="none of the 2 tokens could be kept: 2 x broken JSON"):
        build([source], tmp_path / "data", workers=1)
    assert not (tmp_path / "data").exists()


def test_by_collection_no_collection_is_on_two_sides(tmp_path: Path) -> None:
    sources = [write_collection(tmp_path / f"c{i}", 4) for i in range(10)]
    config = BuildConfig(split=SplitConfig(rule="by_collection", shares=(50, 20, 30)))
    data = build(sources, tmp_path / "data", config=config, workers=1)
    sides = [[s for s, n in entry.splits.items() if n] for entry in data.manifest.collections]
    assert all(len(side) == 1 for side in sides)
    assert sorted(side[0] for side in sides) == ["test"] * 3 + ["train"] * 5 + ["validation"] * 2

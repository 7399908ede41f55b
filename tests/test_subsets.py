"""A subset is a data set of its own: n tokens of each collection, drawn, with their splits."""

import dataclasses
import math
from pathlib import Path

import pytest

from tests.helpers import drawn_dataset, drawn_token, write_dataset
from traitlens import shards
from traitlens.errors import ConfigError, DatasetError
from traitlens.records import Split
from traitlens.store import Dataset
from traitlens.subsets import subset

SIZES = {"robots": 40, "owls": 6}


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return drawn_dataset(tmp_path / "data", SIZES, rejected=3)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_so_many_tokens_of_each_collection_are_taken_and_counts_close(
    data: Dataset, tmp_path: Path
) -> None:
    made = subset(data, tmp_path / "mini", per_collection=10)
    assert {e.name: (e.read, e.kept, e.rejected) for e in made.manifest.collections} == {
        "robots": (10, 10, {}),
        "owls": (6, 6, {}),
    }
    for entry in made.manifest.collections:
        tokens = list(made.tokens(collections=[entry.name], rejected=True))
        assert len(tokens) == entry.kept == sum(entry.splits.values())
        for split, count in entry.splits.items():
            assert sum(token.split == split for token in tokens) == count


def test_tokens_are_taken_as_they_are(data: Dataset, tmp_path: Path) -> None:
    whole = {t.token_uid: dataclasses.replace(t, location=None) for t in data.tokens()}
    made = subset(data, tmp_path / "mini", per_collection=10)
    for token in made.tokens():
        assert dataclasses.replace(token, location=None) == whole[token.token_uid]


def test_the_draw_hangs_on_the_seed_alone(data: Dataset, tmp_path: Path) -> None:
    def drawn(name: str, seed: int) -> list[str]:
        made = subset(data, tmp_path / name, per_collection=10, seed=seed)
        return [token.token_uid for token in made.tokens()]

    assert drawn("a", 0) == drawn("b", 0)
    assert drawn("a", 0) != drawn("c", 1)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_larger_subset_of_the_same_seed_holds_the_smaller_one(
    data: Dataset, tmp_path: Path
) -> None:
    small = subset(data, tmp_path / "small", per_collection=5)
    large = subset(data, tmp_path / "large", per_collection=20)
    assert {t.token_uid for t in small.tokens()} < {t.token_uid for t in large.tokens()}


def uids(data: Dataset, *splits: Split) -> set[str]:
    return {t.token_uid for split in splits for t in data.tokens(split=split)}


def test_thinning_the_train_split_leaves_what_is_validated_and_tested_on(
    data: Dataset, tmp_path: Path
) -> None:
    made = subset(data, tmp_path / "few", per_collection=None, train_share=0.3)
    assert uids(made, "validation", "test") == uids(data, "validation", "test")
    trained_on = {e.name: e.splits["train"] for e in data.manifest.collections}
    assert {e.name: e.splits["train"] for e in made.manifest.collections} == {
        name: math.ceil(0.3 * count) for name, count in trained_on.items()
    }
    more = subset(data, tmp_path / "more", per_collection=None, train_share=0.6)
    assert uids(made, "train") < uids(more, "train") < uids(data, "train")


def test_only_the_named_collections_are_taken(data: Dataset, tmp_path: Path) -> None:
    made = subset(data, tmp_path / "owls", collections=["owls"])
    assert made.collections == ("owls",)
    with pytest.raises(ConfigError, match="robots, owls; got 'cats'"):
        subset(data, tmp_path / "cats", collections=["cats"])


def test_the_manifest_says_of_what_it_is_a_subset(data: Dataset, tmp_path: Path) -> None:
    made = subset(data, tmp_path / "mini", per_collection=10, seed=3)
    assert made.manifest.config["subset"] == {
        "per_collection": 10,
        "train_share": 1.0,
        "collections": ["owls", "robots"],
        "seed": 3,
        "of": data.manifest.fingerprint,
    }
    assert made.manifest.fingerprint != data.manifest.fingerprint
    assert (made.path / "leaks.json").is_file()


def test_a_finished_subset_is_left_alone_and_another_data_set_only_replaced_when_told(
    data: Dataset, tmp_path: Path
) -> None:
    out = tmp_path / "mini"
    subset(data, out, per_collection=10)
    marker = out / "components.txt"
    marker.write_text("made since")
    subset(data, out, per_collection=10)
    assert marker.is_file()
    with pytest.raises(DatasetError, match="--replace"):
        subset(data, out, per_collection=11)
    assert subset(data, out, per_collection=11, replace=True).count() == 17


def test_what_is_no_data_set_and_the_data_set_itself_are_never_replaced(
    data: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"cat")
    with pytest.raises(DatasetError, match="is no data set"):
        subset(data, tmp_path / "photos", replace=True)
    with pytest.raises(DatasetError, match="the subset is of"):
        subset(data, data.path, replace=True)


@pytest.mark.parametrize("count", [0, -1])
def test_a_number_below_one_is_refused(data: Dataset, tmp_path: Path, count: int) -> None:
    with pytest.raises(ConfigError, match="per_collection"):
        subset(data, tmp_path / "mini", per_collection=count)


def test_a_killed_subset_goes_on_and_ends_with_the_same_bytes(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import traitlens.subsets as module

    undisturbed = contents(subset(data, tmp_path / "whole", per_collection=10).path)
    written = 0

    def write_one(path: Path, tokens: object) -> int:
        nonlocal written
        if written:
            raise KeyboardInterrupt
        written += 1
        return shards.write_shard(path, tokens)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(module, "write_shard", write_one)
        with pytest.raises(KeyboardInterrupt):
            subset(data, tmp_path / "mini", per_collection=10)
    assert not (tmp_path / "mini").exists()
    assert contents(subset(data, tmp_path / "mini", per_collection=10).path) == undisturbed
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_collection_without_kept_tokens_stays_as_an_empty_one(tmp_path: Path) -> None:
    gone = dataclasses.replace(
        drawn_token("owls", 0), image=None, split=None, status="rejected", reason="broken picture"
    )
    data = write_dataset(tmp_path / "data", {"robots": [drawn_token("robots", 0)], "owls": [gone]})
    made = subset(data, tmp_path / "mini")
    assert made.collections == ("robots", "owls")
    assert made.entry("owls").read == 0
    assert made.entry("owls").shards == ()

"""The data set on disk is opened whole, or refused in one sentence."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import drawn_dataset, drawn_token
from traitlens.errors import DatasetError
from traitlens.records import Token
from traitlens.shards import ROWS_PER_GROUP, read_shard, write_shard
from traitlens.store import Dataset


def test_a_manifest_survives_the_disk(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 12, "owls": 8})
    assert Dataset.open(tmp_path / "data").manifest == data.manifest
    assert Dataset.open(tmp_path / "data").collections == ("robots", "owls")


def test_tokens_are_read_by_collection_and_split(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 20, "owls": 10})
    owls = list(data.tokens(collections=["owls"], split="test", images=False))
    assert owls
    assert {(t.collection, t.split, t.image) for t in owls} == {("owls", "test", None)}


def test_a_wrong_folder_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder; `traitlens build` makes one"):
        Dataset.open(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"it has no dataset\.json"):
        Dataset.open(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"schema_version": 2}'])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DatasetError, match="is no manifest"):
        Dataset.open(tmp_path)


def test_a_data_set_of_another_version_is_refused(tmp_path: Path) -> None:
    drawn_dataset(tmp_path / "data", {"robots": 2})
    file = tmp_path / "data/dataset.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 99}))
    with pytest.raises(DatasetError, match="has schema version 99"):
        Dataset.open(tmp_path / "data")


def test_a_mistyped_collection_gets_the_nearest_name(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 2})
    with pytest.raises(DatasetError, match="did you mean 'robots'"):
        next(data.tokens(collections=["robot"]))


def test_every_field_of_a_token_comes_back(tmp_path: Path) -> None:
    token = replace(
        drawn_token("apes", 1),
        caption_spans=((0, 4), (9, 9)),
        more_images=(b"\x89PNG one", b"\x89PNG two"),
        frame=3,
        frame_count=7,
        name="Ape #1 \N{MONKEY}",
        metadata='{"name":"Ape #1"}',
        perceptual_hash="f0f0f0f0f0f0f0f0",
    )
    bare = Token(token_uid="u", collection="apes", token_id="2", traits=(), caption="")
    write_shard(tmp_path / "s.parquet", iter([token, bare]))
    assert [replace(t, location=None) for t in read_shard(tmp_path / "s.parquet")] == [token, bare]


def test_pictures_lie_in_the_file_as_they_are_and_are_left_out_when_asked(tmp_path: Path) -> None:
    token = replace(drawn_token("apes", 1), more_images=(b"\x89PNG more" * 50,))
    write_shard(tmp_path / "s.parquet", [token])
    raw = (tmp_path / "s.parquet").read_bytes()
    assert (token.image or b"-") in raw
    assert token.more_images[0] in raw
    (read,) = read_shard(tmp_path / "s.parquet", images=False)
    assert (read.image, read.more_images, read.caption) == (None, (), token.caption)


def test_writing_a_shard_holds_one_row_group_at_a_time(tmp_path: Path) -> None:
    written: list[int] = []
    size = tmp_path / "s.parquet"

    def tokens() -> Iterator[Token]:
        for number in range(ROWS_PER_GROUP * 3):
            if number % ROWS_PER_GROUP == 0:
                written.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
            yield drawn_token("apes", number)

    assert write_shard(size, tokens()) == ROWS_PER_GROUP * 3
    assert written[0] < written[1] < written[2], "groups are on disk before the next is asked for"

"""A gallery counts every token of its split, and its rows stay in step with the data set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import drawn_dataset, drawn_token, write_dataset
from traitlens.embedding import Gallery
from traitlens.errors import ConfigError, DatasetError
from traitlens.store import Dataset


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return drawn_dataset(tmp_path / "data", {"robots": 60, "owls": 40}, rejected=3)


def test_rows_lie_collection_by_collection_in_the_order_of_the_data_set(data: Dataset) -> None:
    gallery = Gallery.of(data, split=None)
    assert gallery.collections == ("robots", "owls")
    assert gallery.start.tolist() == [0, 60, 100]
    assert gallery.rows("owls") == slice(60, 100)
    assert gallery.collection_of.tolist() == [0] * 60 + [1] * 40
    assert [t.token_id for t in gallery.tokens("owls")] == [str(i) for i in range(40)]


def test_a_split_has_its_tokens_alone(data: Dataset) -> None:
    gallery = Gallery.of(data, split="test")
    assert len(gallery) == data.count(split="test") == 10
    assert {t.split for name in gallery.collections for t in gallery.tokens(name)} == {"test"}


def test_pictures_belong_to_their_rows(data: Dataset) -> None:
    gallery = Gallery.of(data, split="test")
    stored = list(data.tokens(split="test"))
    for row, token in reversed(list(enumerate(stored))):
        (picture,) = gallery.pictures([row])
        assert picture.size == (token.width, token.height)
        assert gallery.locations([row]) == [token.location]


def test_equal_captions_and_pictures_have_equal_numbers(tmp_path: Path) -> None:
    first, second = drawn_token("robots", 1), drawn_token("robots", 2)
    tokens = [
        first,
        replace(second, caption=first.caption),
        replace(first, token_uid="third", caption="another"),
    ]
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"robots": tokens}), split=None)
    captions, pictures = gallery.caption_of, gallery.picture_of
    assert captions[0] == captions[1] != captions[2]
    assert pictures[0] == pictures[2] != pictures[1]


def test_a_cap_draws_the_same_rows_each_time_and_counts_the_rest(data: Dataset) -> None:
    def drawn(seed: int) -> list[str]:
        gallery = Gallery.of(data, split=None, max_gallery=30, seed=seed)
        assert len(gallery) == 60
        assert gallery.skipped == {"beyond max_gallery": 40}
        return [token.token_id for token in gallery.tokens("robots")]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(drawn(1)) == 30
    assert sorted(drawn(1), key=int) == drawn(1)


def test_a_collection_of_one_is_left_out_and_counted(tmp_path: Path) -> None:
    shards = {name: [drawn_token(name, i) for i in range(n)] for name, n in (("a", 1), ("b", 3))}
    gallery = Gallery.of(write_dataset(tmp_path / "data", shards), split=None)
    assert gallery.collections == ("b",)
    assert gallery.skipped == {"fewer than 2 in the collection": 1}


def test_fingerprints_tell_galleries_apart(data: Dataset) -> None:
    galleries = (
        Gallery.of(data, split="test"),
        Gallery.of(data, split=None),
        Gallery.of(data, split=None, max_gallery=9),
        Gallery.of(data, split=None, max_gallery=9, seed=1),
    )
    assert len({gallery.fingerprint for gallery in galleries}) == 4


def test_wrong_input_is_named(data: Dataset) -> None:
    with pytest.raises(ConfigError, match="max_gallery must be at least 2; got 1"):
        Gallery.of(data, max_gallery=1)
    with pytest.raises(DatasetError, match="split must be one of"):
        Gallery.of(data, split="dev")  # type: ignore[arg-type]


def test_an_empty_split_is_named(tmp_path: Path) -> None:
    tokens = [replace(drawn_token("robots", i), split="train") for i in range(5)]
    with pytest.raises(DatasetError, match="0 tokens in its test split; a search needs at least 2"):
        Gallery.of(write_dataset(tmp_path / "data", {"robots": tokens}))


def test_a_million_tokens_would_fit(data: Dataset) -> None:
    gallery = Gallery.of(data, split=None)
    held = (gallery.caption_of, gallery.picture_of, gallery.shard_of, gallery.row_of)
    assert sum(array.nbytes for array in held) == 32 * len(gallery)
    assert all(array.dtype == np.int64 for array in held)

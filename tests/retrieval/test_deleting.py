"""Tokens that leave a data set leave its index, also an unfinished one."""

import dataclasses
from pathlib import Path

import pytest

from tests.helpers import ColourEncoder, drawn_dataset
from traitlens.errors import IndexingError
from traitlens.retrieval import IndexConfig, IndexManifest, index
from traitlens.retrieval.deleting import check_index, delete_tokens


@pytest.fixture
def idx(tmp_path: Path) -> Path:
    data = drawn_dataset(tmp_path / "data", {"robots": 12})
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    return tmp_path / "idx"


def test_the_counts_of_a_finished_index_close(idx: Path) -> None:
    before = IndexManifest.read_from(idx)
    uids = ["local:files/folder:robots/3", "local:files/folder:robots/none"]
    assert delete_tokens(idx, uids, data_fingerprint="new") == 1
    after = IndexManifest.read_from(idx)
    assert (after.read, after.indexed, after.rejected) == (11, 11, {})
    assert after.sizes != before.sizes
    counted = dataclasses.replace(before, read=11, indexed=11, sizes=after.sizes)
    assert after == dataclasses.replace(counted, data_fingerprint="new")


def test_an_unfinished_index_stays_unfinished(idx: Path) -> None:
    half = dataclasses.replace(IndexManifest.read_from(idx), complete=False, indexed=0, sizes={})
    half.write(idx)
    assert delete_tokens(idx, ["local:files/folder:robots/3"], data_fingerprint="new") == 1
    assert IndexManifest.read_from(idx) == dataclasses.replace(half, data_fingerprint="new")


def test_an_index_of_another_data_set_is_named_with_that(idx: Path) -> None:
    mark = IndexManifest.read_from(idx).data_fingerprint
    check_index(idx, fingerprints={"older", mark})
    with pytest.raises(IndexingError, match=rf"another data set \(.*data, {mark}\)"):
        check_index(idx, fingerprints={"older"})

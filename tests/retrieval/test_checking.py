"""Whether an index finds what a scan finds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.engines.opening import LOCAL
from tests.helpers import ColourEncoder, drawn_dataset
from traitlens.engines import EngineName, open_engine
from traitlens.errors import IndexingError
from traitlens.retrieval import IndexConfig, IndexManifest, check_index, index


@pytest.mark.parametrize("engine", LOCAL)
def test_an_index_that_is_whole_finds_all(tmp_path: Path, engine: EngineName) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 60, "owls": 4})
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=IndexConfig(engine=engine))
    found = check_index(tmp_path / "idx", encoder=ColourEncoder(), sample=30)
    assert (found.k, found.queries) == (10, 30)
    assert found.pictures == found.one_collection == found.words == found.worst == 1
    assert check_index(tmp_path / "idx", sample=1_000).queries == 64
    assert check_index(tmp_path / "idx", sample=1).words is None


def test_what_the_engine_lost_is_missed(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 60})
    index(data, tmp_path / "idx", encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    with open_engine("exact", tmp_path / "idx" / "engine", dimension=19) as opened:
        opened.delete(sorted(opened.token_uids())[:30])
    unsized = dataclasses.replace(IndexManifest.read_from(tmp_path / "idx"), sizes={})
    unsized.write(tmp_path / "idx")  # as those are that were made before sizes were kept
    found = check_index(tmp_path / "idx", sample=60)
    assert 0.2 < found.pictures < 0.9
    with pytest.raises(IndexingError, match=r"the engine lacks .*; make the index anew"):
        check_index(tmp_path / "idx", encoder=ColourEncoder(), sample=60)


def test_an_index_without_tokens_has_nothing_to_check(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {})
    index(data, tmp_path / "idx", encoder=ColourEncoder())
    with pytest.raises(IndexingError, match="no tokens to check"):
        check_index(tmp_path / "idx")

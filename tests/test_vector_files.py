"""Vectors by picture: written once, found again, and gone when they are to go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from traitlens.vector_files import Vector, VectorFiles


def unit(seed: int) -> Vector:
    vector = np.random.default_rng(seed).normal(size=8).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def opened(path: Path, encoder: str = "e1") -> VectorFiles:
    return VectorFiles(path / "vectors", encoder=encoder, dimension=8)


def test_vectors_come_back_with_length_one_and_nearly_as_they_were(tmp_path: Path) -> None:
    files = opened(tmp_path)
    files.add({"a": unit(1), "b": unit(2)})
    files.add({"c": unit(3)})
    for found in (files, opened(tmp_path)):
        for name, seed in (("a", 1), ("b", 2), ("c", 3)):
            assert name in found
            np.testing.assert_allclose(found.get(name), unit(seed), atol=1e-3)
            assert np.linalg.norm(found.get(name)) == pytest.approx(1, abs=1e-6)
    assert "d" not in files


def test_parts_are_merged_and_what_is_not_kept_is_in_no_file(tmp_path: Path) -> None:
    files = opened(tmp_path)
    for seed, name in enumerate("abc"):
        files.add({name: unit(seed)})
    assert len(list((tmp_path / "vectors").iterdir())) == 3
    files.keep_only({"a", "c"})
    (part,) = (tmp_path / "vectors").iterdir()
    assert pq.read_table(part).column("pixels").to_pylist() == ["a", "c"]
    assert "b" not in files
    assert "b" not in opened(tmp_path)


def test_one_part_with_all_that_is_kept_is_left_alone(tmp_path: Path) -> None:
    files = opened(tmp_path)
    files.add({"a": unit(1)})
    (part,) = (tmp_path / "vectors").iterdir()
    files.keep_only({"a", "z"})
    assert list((tmp_path / "vectors").iterdir()) == [part]


def test_vectors_of_another_encoder_or_dimension_go(tmp_path: Path) -> None:
    opened(tmp_path).add({"a": unit(1)})
    assert "a" not in opened(tmp_path, encoder="e2")
    assert list((tmp_path / "vectors").iterdir()) == []


def test_nothing_added_is_nothing_written(tmp_path: Path) -> None:
    opened(tmp_path).add({})
    assert list((tmp_path / "vectors").iterdir()) == []

"""What is deleted is gone: from answers, from counts, and from the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engines.opening import LOCAL, opened
from tests.engines.test_conformance import DIMENSION, some_points
from traitlens.engines import ENGINES, EngineName, Equals, Question
from traitlens.engines.protocol import Vector

POINTS = some_points(300)
UIDS = [point.token_uid for point in POINTS]


def files_with(path: Path, vector: Vector) -> list[str]:
    """Return the files that have a vector in them, as fp32 or, nearly unchanged, as fp16."""
    forms = (vector.astype(np.float32).tobytes(), vector.astype(np.float16).tobytes()[:16])
    files = [file for file in path.rglob("*") if file.is_file()]
    return [file.name for file in files if any(form in file.read_bytes() for form in forms)]


def stored(path: Path, name: EngineName, uid: str) -> Vector:
    with opened(name, path, dimension=DIMENSION, read_only=True) as engine:
        point = engine.get(uid)
    assert point is not None
    return point.vector


@pytest.fixture(params=ENGINES)
def name(request: pytest.FixtureRequest) -> EngineName:
    found: EngineName = request.param
    return found


@pytest.fixture
def path(name: EngineName, tmp_path: Path) -> Path:
    """An engine's folder with POINTS in it, written in two batches."""
    with opened(name, tmp_path / "engine", dimension=DIMENSION) as engine:
        engine.upsert(POINTS[:200])
        engine.upsert(POINTS[200:])
        engine.optimize()
    return tmp_path / "engine"


def test_deleted_points_are_in_no_answer_and_no_count(name: EngineName, path: Path) -> None:
    with opened(name, path, dimension=DIMENSION) as engine:
        assert engine.delete([UIDS[7], UIDS[250], "local:files/folder:drawn/none"]) == 2
        assert engine.count() == 298
        found = engine.search(Question(vector=POINTS[7].vector), k=298)
    assert {hit.token_uid for hit in found} == set(UIDS) - {UIDS[7], UIDS[250]}


def test_deletion_is_on_disk_and_the_rest_is_as_it_was(name: EngineName, path: Path) -> None:
    rest = {uid: stored(path, name, uid) for uid in (UIDS[0], UIDS[299])}
    with opened(name, path, dimension=DIMENSION) as engine:
        engine.delete([UIDS[7]])
    with opened(name, path, dimension=DIMENSION, read_only=True) as engine:
        assert engine.token_uids() == set(UIDS) - {UIDS[7]}
        assert engine.get(UIDS[7]) is None
        assert engine.find(Equals("token_id", "7"), limit=5) == []
        assert sum(engine.vocabulary()["Level"].values()) == 299
        for uid, vector in rest.items():
            point = engine.get(uid)
            assert point is not None
            np.testing.assert_array_equal(point.vector, vector)


@pytest.mark.parametrize("name", LOCAL)
def test_no_file_has_a_deleted_vector(name: EngineName, path: Path) -> None:
    vector = POINTS[7].vector
    assert files_with(path, vector)
    with opened(name, path, dimension=DIMENSION) as engine:
        engine.delete([UIDS[7]])
    assert files_with(path, vector) == []
    assert files_with(path, POINTS[8].vector), "the search for bytes must be able to find some"


def test_all_can_be_deleted_and_points_added_again(name: EngineName, path: Path) -> None:
    with opened(name, path, dimension=DIMENSION) as engine:
        assert engine.delete(UIDS) == 300
        assert engine.count() == 0
        engine.upsert(POINTS[:5])
    with opened(name, path, dimension=DIMENSION, read_only=True) as engine:
        assert engine.token_uids() == set(UIDS[:5])


def test_deleting_what_is_not_there_changes_nothing(name: EngineName, path: Path) -> None:
    with opened(name, path, dimension=DIMENSION) as engine:
        assert engine.delete(["local:files/folder:drawn/none"]) == 0
        assert engine.delete([]) == 0
        assert engine.token_uids() == set(UIDS)


def test_the_exact_engine_goes_on_where_a_killed_deletion_stopped(tmp_path: Path) -> None:
    path = tmp_path / "engine"
    with opened("exact", path, dimension=DIMENSION) as engine:
        engine.upsert(POINTS[:200])
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    with opened("exact", path, dimension=DIMENSION) as engine:
        engine.delete([UIDS[7]])
    for file, data in before.items():  # killed after the new batch, before the old one went
        (path / file).write_bytes(data)
    with opened("exact", path, dimension=DIMENSION) as engine:
        assert engine.count() == 200
        assert engine.delete([UIDS[7]]) == 1
    for file, data in before.items():  # killed between the old batch's two files
        if file.startswith("vectors"):
            (path / file).write_bytes(data)
    with opened("exact", path, dimension=DIMENSION) as engine:
        engine.delete([UIDS[7]])
    assert files_with(path, POINTS[7].vector) == []

"""What every engine promises, asked of each of them: the same answers as brute force."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engines.opening import LOCAL, opened
from traitlens.engines import (
    ENGINES,
    And,
    EngineName,
    Equals,
    Not,
    Or,
    Point,
    Question,
    VectorEngine,
    Where,
    matches,
)
from traitlens.engines.protocol import Vector, fields_of, point_id
from traitlens.errors import IndexingError
from traitlens.records import Location, Trait

DIMENSION = 16
# Words that an engine might take for something else: numbers, separators, dates, identifiers
NAMES = ("Hat", "hat", "a=b", "a", "100%", "日本", "x\u2028y", "Collection")
VALUES = ("Beanie", "b=c", "c", "7", "true", "2020-01-01", "0b8f2c1e-3c4d-5e6f-8a9b-0c1d2e3f4a5b")


def some_points(count: int, *, seed: int = 0, dimension: int = DIMENSION) -> list[Point]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [some_point(i, vectors[i], rng) for i in range(count)]


def some_point(number: int, vector: Vector, rng: np.random.Generator) -> Point:
    traits = [Trait(str(rng.choice(NAMES)), str(rng.choice(VALUES))) for _ in range(4)]
    return Point(
        token_uid=f"local:files/folder:drawn/{number}",
        collection=("nouns", "cryptopunks", "lil nouns")[number % 3],
        token_id=str(number),
        traits=(*traits, Trait("Level", str(number % 5), "number")),
        caption=f"token {number}",
        location=Location(shard="drawn-00000.parquet", row=number),
        vector=vector,
    )


POINTS = some_points(150)
QUERIES = [point.vector for point in some_points(5, seed=1)]


@pytest.fixture(scope="module", params=ENGINES)
def name(request: pytest.FixtureRequest) -> EngineName:
    found: EngineName = request.param
    return found


@pytest.fixture(scope="module")
def filled(name: EngineName, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorEngine]:
    """An engine with POINTS, written, optimised, closed and opened again; tests only read it."""
    path = tmp_path_factory.mktemp(name) / "engine"
    with opened(name, path, dimension=DIMENSION) as engine:
        engine.upsert(POINTS[:100])
        engine.upsert(POINTS[100:])
        engine.optimize()
    with opened(name, path, dimension=DIMENSION, read_only=True) as engine:
        yield engine


@pytest.fixture(scope="module")
def empty(name: EngineName, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorEngine]:
    """An engine into which no test gets anything."""
    path = tmp_path_factory.mktemp(name) / "engine"
    with opened(name, path, dimension=DIMENSION) as engine:
        yield engine


def cosine(point: Point, vector: Vector) -> float:
    return float(point.vector.astype(np.float64) @ vector.astype(np.float64))


def brute_force(
    vector: Vector, *, k: int, where: Where | None = None, points: list[Point] = POINTS
) -> list[str]:
    left = [p for p in points if where is None or matches(where, fields_of(p))]
    return [p.token_uid for p in sorted(left, key=lambda p: (-cosine(p, vector), p.token_uid))[:k]]


def same_points(a: Point | None, b: Point) -> bool:
    return (
        a is not None
        and np.allclose(a.vector, b.vector, atol=1e-3)
        and replace(a, vector=b.vector) == b
    )


def test_the_ranking_is_that_of_brute_force(filled: VectorEngine) -> None:
    by_uid = {point.token_uid: point for point in POINTS}
    for query in QUERIES:
        found = filled.search(Question(vector=query), k=20)
        best = [cosine(by_uid[uid], query) for uid in brute_force(query, k=20)]
        # fp16 may swap two tokens whose cosines differ by less than .001.
        np.testing.assert_allclose([hit.score for hit in found], best, atol=1e-3)
        np.testing.assert_allclose(
            [cosine(by_uid[hit.token_uid], query) for hit in found], best, atol=1e-3
        )


leaves = (
    st.builds(Equals, st.sampled_from([*NAMES, "Level", "Nope"]), st.sampled_from([*VALUES, "0"]))
    | st.builds(Equals, st.just("collection"), st.sampled_from(["nouns", "lil nouns", "Nouns"]))
    | st.builds(Equals, st.just("token_id"), st.sampled_from(["0", "7", "007"]))
)
wheres: st.SearchStrategy[Where] = st.recursive(
    leaves,
    lambda parts: (
        st.builds(Not, parts)
        | st.builds(And, st.lists(parts, min_size=2, max_size=3).map(tuple))
        | st.builds(Or, st.lists(parts, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(wheres)
def test_any_filter_finds_what_brute_force_finds(filled: VectorEngine, where: Where) -> None:
    expected = sorted(p.token_uid for p in POINTS if matches(where, fields_of(p)))
    found = filled.search(Question(vector=QUERIES[0]), k=len(POINTS), where=where)
    assert sorted(hit.token_uid for hit in found) == expected
    assert [entry.token_uid for entry in filled.find(where, limit=5)] == expected[:5]
    assert filled.count(where) == len(expected)


def test_more_answers_than_tokens_gives_all_of_them(filled: VectorEngine) -> None:
    assert len(filled.search(Question(vector=QUERIES[0]), k=10_000)) == len(POINTS)


def test_a_point_comes_back_whole(filled: VectorEngine) -> None:
    assert same_points(filled.get(POINTS[7].token_uid), POINTS[7])
    assert filled.get("nobody") is None


def test_several_points_come_back_whole_without_those_that_are_not_there(
    filled: VectorEngine,
) -> None:
    wanted = {POINTS[n].token_uid: POINTS[n] for n in (3, 7)}
    found = {point.token_uid: point for point in filled.points([*wanted, "nobody"])}
    assert found.keys() == wanted.keys()
    assert all(same_points(found[uid], wanted[uid]) for uid in wanted)
    assert filled.points([]) == []


def test_all_that_was_written_is_named(filled: VectorEngine) -> None:
    assert filled.token_uids() == {point.token_uid for point in POINTS}


def test_the_vocabulary_counts_tokens_and_leaves_out_shadowed_types(filled: VectorEngine) -> None:
    expected: dict[str, Counter[str]] = {"collection": Counter(p.collection for p in POINTS)}
    for point in POINTS:
        for trait in set(point.traits):
            expected.setdefault(trait.trait_type, Counter())[trait.value] += 1
    del expected["Collection"]  # a trait type of this name cannot be told from the field
    assert filled.vocabulary() == expected


def test_the_vocabulary_of_a_filter_counts_what_satisfies_it(filled: VectorEngine) -> None:
    where = Equals("Level", "3")
    found = filled.vocabulary(where)
    having = [point for point in POINTS if matches(where, fields_of(point))]
    assert found["Level"] == {"3": len(having)}
    assert found["collection"] == Counter(point.collection for point in having)
    assert filled.vocabulary(Equals("Level", "99")) == {}


def test_ties_are_broken_by_the_points_ids(name: EngineName, tmp_path: Path) -> None:
    same = [replace(point, vector=POINTS[0].vector) for point in POINTS[:12]]
    with opened(name, tmp_path / "engine", dimension=DIMENSION) as engine:
        engine.upsert(same[::-1])
        found = engine.search(Question(vector=QUERIES[0]), k=5)
    assert [hit.token_uid for hit in found] == sorted((p.token_uid for p in same), key=point_id)[:5]


def test_writing_a_token_again_replaces_it(name: EngineName, tmp_path: Path) -> None:
    changed = replace(POINTS[0], traits=(Trait("Hat", "New"),), vector=POINTS[1].vector)
    with opened(name, tmp_path / "engine", dimension=DIMENSION) as engine:
        engine.upsert(POINTS[:3])
        engine.upsert([changed])
    with opened(name, tmp_path / "engine", dimension=DIMENSION) as engine:
        assert engine.count() == 3
        assert same_points(engine.get(changed.token_uid), changed)
        assert engine.count(Equals("Hat", "New")) == 1
        assert not any("a=b" in values for values in engine.vocabulary()["Hat"])


def test_an_empty_engine_has_no_answers(empty: VectorEngine) -> None:
    empty.upsert([])
    empty.optimize()
    assert empty.search(Question(vector=QUERIES[0]), k=3) == []
    assert empty.count() == 0
    assert empty.vocabulary() == {}


@pytest.mark.parametrize(
    ("vector", "said"),
    [
        (np.full(DIMENSION, np.nan), "has NaN or infinite numbers"),
        (np.full(DIMENSION, np.inf), "has NaN or infinite numbers"),
        (np.ones(DIMENSION), "has length 4; the index takes unit vectors"),
        (np.zeros(DIMENSION), "has length 0; the index takes unit vectors"),
        (np.ones(3), r"has shape \(3,\); the index takes \(16,\)"),
    ],
)
def test_a_vector_that_is_none_is_refused_and_the_batch_with_it(
    empty: VectorEngine, vector: Vector, said: str
) -> None:
    with pytest.raises(IndexingError, match=f"{POINTS[1].token_uid} {said}"):
        empty.upsert([POINTS[0], replace(POINTS[1], vector=vector)])
    with pytest.raises(IndexingError, match=f"the query {said}"):
        empty.search(Question(vector=vector), k=1)
    assert empty.count() == 0


def test_another_dimension_is_refused(name: EngineName, tmp_path: Path) -> None:
    with opened(name, tmp_path / "engine", dimension=DIMENSION) as engine:
        engine.upsert(POINTS[:2])
    with pytest.raises(IndexingError, match="vectors of 16 numbers; 8 were expected"):
        opened(name, tmp_path / "engine", dimension=8)


def test_reading_makes_no_engine(name: EngineName, tmp_path: Path) -> None:
    with pytest.raises(IndexingError, match="holds no vectors"):
        opened(name, tmp_path / "engine", dimension=DIMENSION, read_only=True)


@pytest.mark.parametrize("name", LOCAL)
def test_many_read_or_one_writes(name: EngineName, tmp_path: Path) -> None:
    path = tmp_path / "engine"
    with opened(name, path, dimension=DIMENSION) as engine:
        engine.upsert(POINTS[:3])
        with pytest.raises(IndexingError, match="is being written by another process"):
            opened(name, path, dimension=DIMENSION, read_only=True)
    readers = [opened(name, path, dimension=DIMENSION, read_only=True) for _ in range(3)]
    assert [reader.count() for reader in readers] == [3, 3, 3]
    with pytest.raises(IndexingError, match="is in use by another process"):
        opened(name, path, dimension=DIMENSION)
    for reader in readers:
        reader.close()


WRITER = """
import json, sys
from pathlib import Path
from tests.engines.test_conformance import DIMENSION, POINTS
from traitlens.engines import open_engine
engine = open_engine(sys.argv[1], Path(sys.argv[2]), dimension=DIMENSION)
for start in range(0, len(POINTS), 10):
    engine.upsert(POINTS[start:start + 10])
    print(json.dumps([point.token_uid for point in POINTS[start:start + 10]]), flush=True)
    if start == 50:
        engine.optimize()
"""


@pytest.mark.parametrize("name", LOCAL)
def test_a_killed_writer_loses_nothing_it_acknowledged(name: EngineName, tmp_path: Path) -> None:
    path = tmp_path / "engine"
    command = [sys.executable, "-c", WRITER, name, str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(2)]
        time.sleep(0.1)  # somewhere within a later batch
        writer.send_signal(signal.SIGKILL)
        lines += writer.stdout.read().splitlines()
    acknowledged = [
        uid for line in lines if line.endswith(("]", "]\n")) for uid in json.loads(line)
    ]
    by_uid = {point.token_uid: point for point in POINTS}
    with opened(name, path, dimension=DIMENSION) as engine:
        assert set(acknowledged) <= engine.token_uids()
        for uid in acknowledged:
            assert same_points(engine.get(uid), by_uid[uid])
        engine.upsert(POINTS)
        assert engine.count() == len(POINTS)


def test_the_graph_of_the_embedded_engine_finds_nearly_all_neighbours(tmp_path: Path) -> None:
    """2,000 x 64 numbers are enough for it to build one; smaller galleries it scans."""
    points = some_points(2_000, dimension=64)
    where = Equals("Level", "3")
    with opened("edge", tmp_path / "engine", dimension=64) as engine:
        engine.upsert(points)
        engine.optimize()
        for chosen in (None, where):
            shared = 0
            for point in points[:10]:
                noise = np.random.default_rng(0).normal(size=64).astype(np.float32) / 16
                query = (point.vector + noise) / np.linalg.norm(point.vector + noise)
                exact = brute_force(query, k=10, where=chosen, points=points)
                found = engine.search(Question(vector=query), k=10, where=chosen)
                shared += len({hit.token_uid for hit in found} & set(exact))
            assert shared >= 0.98 * 100

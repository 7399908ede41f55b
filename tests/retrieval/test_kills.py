"""An index loses and invents nothing: by kills, full disks, two runs at once, files cut off."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import uuid
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engines.opening import LOCAL
from tests.helpers import ColourEncoder, drawn_dataset, drawn_token, write_dataset
from tests.retrieval.killing import (
    Job,
    answers,
    check_after_kill,
    contents,
    draw_pair,
    index_with_kills,
    seconds_undisturbed,
)
from tests.retrieval.test_building import EXACT, DyingEncoder
from traitlens.engines import EngineName
from traitlens.engines.locks import lock
from traitlens.errors import IndexingError
from traitlens.retrieval import Index, IndexConfig, IndexManifest, check_index, index


@pytest.mark.parametrize("engine", LOCAL)
def test_killed_runs_end_with_the_index_of_an_undisturbed_one(
    tmp_path: Path, engine: EngineName
) -> None:
    config = IndexConfig(engine=engine, batch_size=16, write_size=32)
    calm, out, within_s = {}, tmp_path / "idx", 0.0
    for data in draw_pair(tmp_path, 200):
        job = Job(data=data.path, out=tmp_path / f"calm-{data.path.name}", config=config)
        within_s = seconds_undisturbed(job)
        calm[data.path] = job
    done = index_with_kills(
        [replace(job, out=out) for job in calm.values()],
        kills=4,
        within_s=within_s,
        rng=random.Random(0),
        after_kill=check_after_kill,
    )
    expected = calm[done.data]
    assert contents(out) == contents(expected.out)
    assert answers(done) == answers(expected)


@pytest.mark.parametrize("engine", LOCAL)
def test_what_a_killed_update_began_is_undone_by_one_that_goes_back(
    tmp_path: Path, engine: EngineName, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [drawn_token("robots", number) for number in range(6)]
    data = write_dataset(tmp_path / "data", {"robots": tokens[:5]})
    said = replace(tokens[1], caption="said otherwise")
    other = write_dataset(tmp_path / "other", {"robots": [said, *tokens[2:]]})
    config, out = IndexConfig(engine=engine), tmp_path / "idx"
    index(data, out, encoder=ColourEncoder(), config=config)
    before = contents(out)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    for step in ("put", "delete"):  # after the engine has written, after it has deleted
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(f"traitlens.retrieval.token_table.TokenTable.{step}", die)
            index(other, out, encoder=ColourEncoder(), config=config, update=True)
        index(data, out, encoder=ColourEncoder(), config=config, update=True)
        assert contents(out) == before


def test_tokens_that_a_kill_left_twice_are_written_once(tmp_path: Path) -> None:
    data, out = drawn_dataset(tmp_path / "data", {"robots": 30}), tmp_path / "idx"
    index(data, out, encoder=ColourEncoder(), config=IndexConfig())
    made, before = IndexManifest.read_from(out), contents(out)
    (segment,) = (out / "engine" / "segments").iterdir()
    shutil.copytree(segment, segment.with_name(str(uuid.UUID(int=1))))
    replace(made, complete=False, sizes={}).write(out)
    with made.open_engine(out, read_only=True) as engine:
        assert engine.has_doubles()
        assert engine.count() == 30
    index(data, out, encoder=DyingEncoder(batches=0), config=IndexConfig())
    with made.open_engine(out, read_only=True) as engine:
        assert not engine.has_doubles()
    assert contents(out) == before


def test_progress_counts_what_is_on_disk(tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []
    data = drawn_dataset(tmp_path / "data", {"robots": 20})
    config = replace(EXACT, batch_size=4, write_size=8)
    index(
        data,
        tmp_path / "idx",
        encoder=ColourEncoder(),
        config=config,
        progress=lambda _, done, total, note="": told.append((done, note)),
    )
    waiting = "4 waiting to be written"
    assert told == [
        (0, waiting),
        (8, ""),
        (8, waiting),
        (16, ""),
        (16, waiting),
        (20, ""),
        (20, ""),
    ]


@pytest.mark.parametrize("engine", LOCAL)
def test_each_file_that_was_cut_off_is_named(tmp_path: Path, engine: EngineName) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 150})
    config, out = IndexConfig(engine=engine), tmp_path / "idx"
    index(data, out, encoder=ColourEncoder(), config=config)
    held = [file for file in out.rglob("*") if file.is_file() and file.name != "index.json"]
    for file in (file for file in held if file.stat().st_size):
        name, whole = file.relative_to(out).as_posix(), file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        said = f"is damaged: {name} has"
        with pytest.raises(IndexingError, match=said):
            index(data, out, encoder=ColourEncoder(), config=config)
        with pytest.raises(IndexingError, match=said):
            check_index(out)
        if not name.startswith("vectors/"):  # nobody needs these to search
            with pytest.raises(IndexingError, match=said):
                Index.open(out)
        file.write_bytes(whole)
    Index.open(out).close()


@pytest.mark.parametrize("part", ["index.json", "vectors/00000.parquet", "tokens.sqlite"])
def test_a_damaged_index_is_replaced(tmp_path: Path, part: str) -> None:
    data, out = drawn_dataset(tmp_path / "data", {"robots": 12}), tmp_path / "idx"
    index(data, out, encoder=ColourEncoder(), config=EXACT)
    before = contents(out)
    (file,) = out.glob("vectors/*") if part.startswith("vectors/") else [out / part]
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(IndexingError):
        index(data, out, encoder=ColourEncoder(), config=EXACT)
    again = DyingEncoder()
    index(data, out, encoder=again, config=EXACT, replace=True)
    assert contents(out) == before
    assert bool(again.pictures) == part.startswith("vectors/")


def test_an_index_that_is_being_written_is_said_to_be(tmp_path: Path) -> None:
    data, out = drawn_dataset(tmp_path / "data", {"robots": 5}), tmp_path / "idx"
    with pytest.raises(KeyboardInterrupt):
        index(data, out, encoder=DyingEncoder(batches=0), config=EXACT)
    with lock(out / "engine", shared=False):
        with pytest.raises(IndexingError, match="engine is being written by another process"):
            Index.open(out)
        with pytest.raises(IndexingError, match="engine is in use by another process"):
            index(data, out, encoder=ColourEncoder(), config=EXACT)
    with pytest.raises(IndexingError, match="is not complete"):
        Index.open(out)


_FULL = """
import resource, sys
from tests.helpers import ColourEncoder
from tests.retrieval.test_building import EXACT
from traitlens.errors import IndexingError
from traitlens.retrieval import index
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    index(sys.argv[1], sys.argv[2], encoder=ColourEncoder(), config=EXACT)
except IndexingError as error:
    print(error)
"""


def test_a_file_that_cannot_grow_is_one_sentence_and_the_same_command_goes_on(
    tmp_path: Path,
) -> None:
    data, out = drawn_dataset(tmp_path / "data", {"robots": 60}), tmp_path / "idx"
    command = [sys.executable, "-c", _FULL, str(data.path), str(out)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "tokens.sqlite cannot be written" in done.stdout, done.stderr
    again = DyingEncoder()
    index(data, out, encoder=again, config=EXACT)
    assert 0 < again.pictures < 60
    index(data, tmp_path / "calm", encoder=ColourEncoder(), config=EXACT)
    assert contents(out) == contents(tmp_path / "calm")


def test_an_engine_that_maps_its_files_asks_for_room_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = drawn_dataset(tmp_path / "data", {"robots": 20}), tmp_path / "idx"
    config = IndexConfig(batch_size=4, write_size=8)
    free = iter([10**9, 10**9, 10**9, 30 << 20])  # to open, for two writes, then too little
    usage = namedtuple("usage", "free")
    with monkeypatch.context() as patched:
        patched.setattr("traitlens.engines.edge.shutil.disk_usage", lambda _: usage(next(free)))
        with pytest.raises(IndexingError, match="has 30 MB free, and the next write may need 64"):
            index(data, out, encoder=ColourEncoder(), config=config)
    assert len(contents(out)) == 16
    assert not IndexManifest.read_from(out).complete
    assert index(data, out, encoder=ColourEncoder(), config=config).indexed == 20

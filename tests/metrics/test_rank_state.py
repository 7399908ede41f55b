"""A ranking that was stopped or killed goes on, and ends with the same counts."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.metrics.test_ranking import Array, assert_equal, brute, pairs, same, turned
from traitlens.metrics import Keys, NumpyBlocks, rank, rank_state

ROOT = Path(__file__).parents[2]


class StoppedError(Exception):
    pass


def stopping(products: int, *, after: list[int]) -> NumpyBlocks:
    """Return blocks that raise after some products and note the rows of each in `after`."""

    class Stopping(NumpyBlocks):
        def product(self, rows: Array, columns: Array, *, double: bool) -> Array:
            if len(after) == products:
                raise StoppedError
            after.append(len(rows))
            return super().product(rows, columns, double=double)

    return Stopping(rows=10, columns=25)


NUMBERS = same(np.arange(50))
ALL = 5 * 2  # products of 50 x 50 in blocks of 10 x 25


def stop(work: Path, *, products: int = 7, seed: int = 0) -> None:
    with pytest.raises(StoppedError):
        rank(
            *pairs(50, seed=seed),
            keys={"x": NUMBERS},
            both_ways=True,
            blocks=stopping(products, after=[]),
            work=work,
        )
    assert (work / rank_state.NAME).is_file()


def go_on(work: Path, *, keys: Keys = NUMBERS) -> int:
    """Rank, check the counts, and return how many products it took."""
    done: list[int] = []
    texts, images = pairs(50)
    blocks = stopping(1000, after=done)
    found = rank(texts, images, keys={"x": keys}, both_ways=True, blocks=blocks, work=work)
    assert found.backward is not None
    assert_equal(found.forward["x"], brute(texts, images, keys))
    assert_equal(found.backward["x"], brute(images, texts, turned(keys)))
    return len(done)


@pytest.fixture
def saves_each_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_state, "SAVE_EVERY_S", 0.0)


@pytest.mark.usefixtures("saves_each_block")
def test_a_stopped_ranking_goes_on_after_its_last_whole_row_of_blocks(tmp_path: Path) -> None:
    work = tmp_path / "work"
    stop(work, products=7)
    assert go_on(work) == ALL - 6
    assert not work.exists(), "what was saved is gone when it is done"


@pytest.mark.usefixtures("saves_each_block")
@pytest.mark.parametrize("other", ["vectors", "keys"])
def test_what_another_ranking_saved_is_not_used(tmp_path: Path, other: str) -> None:
    stop(tmp_path / "work", seed=9 if other == "vectors" else 0)
    keys = same(np.arange(50)[::-1] // 2) if other == "keys" else NUMBERS
    assert go_on(tmp_path / "work", keys=keys) == ALL


@pytest.mark.usefixtures("saves_each_block")
def test_a_state_that_cannot_be_read_is_not_used(tmp_path: Path) -> None:
    stop(tmp_path / "work")
    state = tmp_path / "work" / rank_state.NAME
    state.write_bytes(state.read_bytes()[:100])
    assert go_on(tmp_path / "work") == ALL


def test_a_state_is_saved_only_now_and_then(tmp_path: Path) -> None:
    """After the bars and then every 30 seconds: a killed ranking of 50 starts again."""
    stop(tmp_path / "work")
    assert go_on(tmp_path / "work") == ALL


def test_the_folder_of_other_files_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    go_on(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.metrics.test_rank_state import NUMBERS, pairs
from traitlens.metrics import NumpyBlocks, rank, rank_state

class Fatal(NumpyBlocks):
    def product(self, rows, columns, *, double, done=[]):
        done.append(1)
        if len(done) == 8:
            os.kill(os.getpid(), signal.SIGKILL)
        return NumpyBlocks.product(self, rows, columns, double=double)

rank_state.SAVE_EVERY_S = 0.0
blocks = Fatal(rows=10, columns=25)
rank(*pairs(50), keys={"x": NUMBERS}, both_ways=True, blocks=blocks, work=Path(sys.argv[1]))
"""


def test_a_killed_ranking_goes_on_in_another_process(tmp_path: Path) -> None:
    work = tmp_path / "work"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(work)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert go_on(work) == ALL - 6

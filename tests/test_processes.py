"""Work in other processes, here or on Ray, gives the same results, and ends when it should."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from traitlens.errors import ConfigError, SourceError
from traitlens.processes import run_all

NUMBERS = list(range(12))
FACTORIALS = [math.factorial(number) for number in NUMBERS]


def refuse(number: int) -> int:
    if number == 2:
        raise SourceError("two is refused")
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_every_item_has_its_result(workers: int) -> None:
    assert sorted(run_all(math.factorial, NUMBERS, workers=workers)) == FACTORIALS
    assert list(run_all(math.factorial, [], workers=workers)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_of_one_item_ends_it_all(workers: int) -> None:
    with pytest.raises(SourceError, match=r"^two is refused$"):
        list(run_all(refuse, NUMBERS, workers=workers))


@pytest.mark.slow
def test_ray_gives_the_same_results_and_the_same_errors() -> None:
    assert sorted(run_all(math.factorial, NUMBERS, workers=2, on="ray")) == FACTORIALS
    with pytest.raises(SourceError, match=r"^two is refused$"):
        list(run_all(refuse, NUMBERS, workers=2, on="ray"))


@pytest.mark.parametrize(
    ("on", "message"),
    [
        ("moon", "on must be processes, ray or ray:HOST:PORT; got 'moon'"),
        ("ray:127.0.0.1:1", "no Ray cluster answers at '127.0.0.1:1'"),
        ("ray:nonsense", "no Ray cluster answers at 'nonsense'"),
    ],
)
def test_a_wrong_place_is_one_sentence(on: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        list(run_all(math.factorial, NUMBERS, on=on))


_PARENT = """
import os, sys, time
from pathlib import Path
from traitlens.processes import process_pool

if __name__ == "__main__":
    with process_pool(2) as pool:
        print(*{f.result() for f in [pool.submit(os.getpid) for _ in range(8)]}, flush=True)
        time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
def test_the_workers_of_a_killed_parent_end(tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(_PARENT)
    command = [sys.executable, str(tmp_path / "parent.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        os.kill(parent.pid, signal.SIGKILL)
    assert workers
    deadline = time.monotonic() + 30
    while any(_runs(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(_runs(pid) for pid in workers)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"

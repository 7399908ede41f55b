"""A build that is killed, anywhere, goes on and ends with the same bytes."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.construction.sources import bytes_of, write_collection
from traitlens import store
from traitlens.construction import build

# Some stages last for milliseconds here; a build of small shards passes through all of them.
_SCRIPT = """
import sys
from traitlens import construction, store
store.TOKENS_PER_SHARD = 8
construction.build(sys.argv[1:-1], sys.argv[-1], workers=1)
"""


def start(sources: list[Path], out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _SCRIPT, *map(str, sources), str(out)])


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(store, "TOKENS_PER_SHARD", 8)
    return [
        write_collection(tmp_path / name, count) for name, count in [("apes", 60), ("owls", 20)]
    ]


def test_finished_shards_are_not_made_again(tmp_path: Path, sources: list[Path]) -> None:
    build(sources, tmp_path / "whole", workers=1)
    out, work = tmp_path / "data", tmp_path / ".data.unfinished"
    with start(sources, out) as process:
        while process.poll() is None and len(list(work.glob("standardized/*.parquet"))) < 3:
            time.sleep(0.005)
        process.kill()
    assert not out.exists(), "a killed build shows nothing half-written"
    kept = len(list(work.glob("standardized/*.parquet")))
    assert kept >= 3
    reported: list[int] = []
    build(
        sources,
        out,
        workers=1,
        progress=lambda stage, done, *_: reported.append(done) if stage == "standardize" else None,
    )
    assert reported[0] == 8 * kept
    assert bytes_of(out) == bytes_of(tmp_path / "whole")
    assert not work.exists()


@pytest.mark.slow
def test_fifty_kills_at_random_moments_change_no_byte(tmp_path: Path, sources: list[Path]) -> None:
    build(sources, tmp_path / "whole", workers=1)
    expected = bytes_of(tmp_path / "whole")
    out = tmp_path / "data"
    began = time.monotonic()
    with start(sources, tmp_path / "timed") as process:
        assert process.wait() == 0
    whole_s = time.monotonic() - began
    rng, kills, unfinished = random.Random(0), 0, set[str]()
    while kills < 50:
        with start(sources, out) as process:
            time.sleep(rng.uniform(0.2, 1.0) * whole_s)
            killed = process.poll() is None
            process.kill()
        if killed and not out.exists():
            kills += 1
            unfinished |= {path.name for path in (tmp_path / ".data.unfinished").glob("*")}
            continue
        assert bytes_of(out) == expected, "what is there is whole"
        for file in sorted(out.rglob("*"), reverse=True):
            file.unlink() if file.is_file() else file.rmdir()
        out.rmdir()
    build(sources, out, workers=1)
    assert bytes_of(out) == expected
    assert {"standardized", "judged", "data"} <= unfinished, "kills fell into every stage"
    assert not (tmp_path / ".data.unfinished").exists()

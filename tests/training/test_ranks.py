"""Two processes learn what one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.helpers import drawn_dataset
from tests.training import two_processes
from tests.training.small_clip import ALONE, go, small_clip, small_loop, weights_of
from traitlens import files
from traitlens.store import Dataset
from traitlens.training.ranks import Ranks, joined


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("ranks") / "data", {"robots": 200, "owls": 160})


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def out(data: Dataset, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what `two_processes` wrote under torchrun."""
    out = tmp_path_factory.mktemp("two")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, "--nproc-per-node", "2", "-m", two_processes.__name__]
    done = subprocess.run(
        [*command, str(data.path), str(clip), str(out)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one(
    data: Dataset, clip: Path, out: Path, tmp_path: Path
) -> None:
    loop = small_loop(data, clip, config=two_processes.CONFIG, masks=tmp_path / "masks")
    before = weights_of(loop)
    go(loop, tmp_path / "work")
    one, two = weights_of(loop), load_file(out / "rank-0.safetensors")
    assert one.keys() == two.keys()
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=0, atol=2e-5, msg=name)
    moved = max(float((one[name] - before[name]).abs().max()) for name in one)
    assert moved > 1e-3, "nothing was learnt that could differ"


@pytest.mark.slow
def test_both_processes_hold_the_same_bits(out: Path) -> None:
    first, second = (load_file(out / f"rank-{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first | second)


@pytest.mark.slow
def test_a_whole_run_is_written_once_and_told_to_both(out: Path) -> None:
    reports = [json.loads((out / f"report-{rank}.json").read_text()) for rank in (0, 1)]
    assert reports[0] == reports[1]
    summary = files.read_json(out / "run/training.json")
    assert summary["report"] == reports[0]
    assert summary["processes"] == 2
    assert reports[0]["validation"] is not None
    assert not (out / ".run.unfinished").exists()


def test_one_process_joins_nobody() -> None:
    with joined() as ranks:
        assert (ranks.rank, ranks.count, ranks.first) == (0, 1, True)
    features = torch.rand(3, 2, requires_grad=True)
    whole = ALONE.whole(features, total=3)
    assert torch.equal(whole, features)
    assert not whole.requires_grad
    assert ALONE.agreed(0.3) == 0.3


@pytest.mark.parametrize("total", [0, 1, 5, 6])
def test_the_parts_of_all_ranks_are_the_whole_and_alike_in_size(total: int) -> None:
    cpu = torch.device("cpu")
    parts = [np.arange(total)[Ranks(rank=r, count=3, device=cpu).part] for r in range(3)]
    assert sorted(np.concatenate(parts).tolist()) == list(range(total))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1

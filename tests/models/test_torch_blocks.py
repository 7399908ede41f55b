"""Torch decides every score as NumPy does, here on the CPU; the operations are those of a GPU."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from traitlens.errors import ConfigError
from traitlens.metrics import Keys, NumpyBlocks, Ranking, rank, tiles
from traitlens.metrics.blocks import exact_dots
from traitlens.models.blocks import load_blocks
from traitlens.models.torch_blocks import TorchBlocks

Array = NDArray[Any]


def noise(n: int, d: int = 24, *, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(n, d))


def with_odd_ones(n: int) -> Array:
    """Return vectors, and among them zero ones, broken ones and equal ones."""
    vectors = noise(n)
    vectors[::7] = 0
    vectors[3::8, 5] = float("nan")
    vectors[5::6] = vectors[1]
    return vectors


KINDS = {
    "spread": noise(90),
    "odd": with_odd_ones(90),
    "collapsed": 1 + 1e-5 * noise(90),
    "repeated": noise(4)[np.random.default_rng(1).integers(0, 4, 90)],
    "whole numbers": np.random.default_rng(2).integers(-1, 2, (90, 3)).astype(float),
}


def as_lists(ranking: Ranking) -> list[list[int]]:
    assert ranking.backward is not None
    counts = (*ranking.forward.values(), *ranking.backward.values())
    return [array.tolist() for one in counts for array in (one.above, one.level)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [(7, 5), (8192, 16384)])
def test_counts_are_those_of_numpy(kind: str, dtype: Any, size: tuple[int, int]) -> None:
    vectors = KINDS[kind].astype(dtype)
    number = np.arange(45)
    of = {"instance": number, "caption": number // 2, "collection": number % 3}
    keys = {name: Keys(queries=numbers, gallery=numbers) for name, numbers in of.items()}
    torches = TorchBlocks("cpu", rows=size[0], columns=size[1])
    with_torch, with_numpy = (
        rank(vectors[:45], vectors[45:], keys=keys, both_ways=True, blocks=blocks)
        for blocks in (torches, NumpyBlocks())
    )
    assert as_lists(with_torch) == as_lists(with_numpy)


@pytest.mark.parametrize("crowded", [1, 10**9])
def test_float64_products_decide_as_float32_ones(
    crowded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "CROWDED", crowded)
    number = np.arange(200)
    keys = {"x": Keys(queries=number, gallery=number)}
    vectors = noise(200), noise(200, seed=1)
    with_torch, with_numpy = (
        rank(*vectors, keys=keys, both_ways=True, blocks=blocks)
        for blocks in (TorchBlocks("cpu"), NumpyBlocks())
    )
    assert as_lists(with_torch) == as_lists(with_numpy)


@pytest.mark.parametrize("d", [1, 2, 3, 7, 97, 512])
def test_exact_scores_have_the_bits_of_numpys(d: int) -> None:
    left, right = noise(30, d).astype(np.float32), noise(40, d, seed=1).astype(np.float32)
    rng = np.random.default_rng(2)
    row, column = rng.integers(0, 30, 99), rng.integers(0, 40, 99)
    blocks = TorchBlocks("cpu")
    scores = blocks.dots(blocks.hold(left), blocks.hold(right), row, column)
    assert scores.tolist() == exact_dots(left[row], right[column]).tolist()


def test_products_are_in_whole_float32_and_the_callers_setting_stays() -> None:
    seen: list[str] = []

    class Watched:
        """Stands for a tensor, and notes how it is multiplied."""

        def to(self, _: torch.dtype) -> "Watched":
            return self

        @property
        def T(self) -> "Watched":  # noqa: N802 the name that tensors have
            return self

        def __matmul__(self, other: "Watched") -> "Watched":
            seen.append(torch.get_float32_matmul_precision())
            return other

    rows: Any = Watched()
    torch.set_float32_matmul_precision("medium")
    try:
        TorchBlocks("cpu").product(rows, rows, double=False)
        assert seen == ["highest"]
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_the_cpu_needs_no_torch() -> None:
    assert isinstance(load_blocks(), NumpyBlocks)


@pytest.mark.parametrize(
    ("device", "message"),
    [("mps", "must be cpu, cuda or cuda:N, got 'mps'"), ("cuda:99", "torch sees")],
)
def test_a_device_that_is_not_here_is_refused(device: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_blocks(device)

"""Batches come from one collection, but for the mixed ones."""

import numpy as np

from traitlens.training.material import Material
from traitlens.training.sampling import Sampler, SamplingConfig


def material(*sizes: int) -> Material:
    return Material(
        collections=tuple(f"c{i}" for i in range(len(sizes))),
        collection_N=np.repeat(np.arange(len(sizes)), sizes),
        frames_NHWC=np.zeros((sum(sizes), 1, 1, 3), np.uint8),
        tags=((),) * sum(sizes),
        masks_KHW=np.zeros((0, 1, 1), np.bool_),
    )


def test_a_batch_is_of_one_collection_and_has_no_token_twice() -> None:
    tokens = material(50, 0, 20)
    sampler, rng = Sampler(tokens, SamplingConfig(mixed=0.0)), np.random.default_rng(0)
    for _ in range(20):
        rows = sampler.draw(32, rng=rng)
        assert len(set(rows)) == len(rows)
        (collection,) = set(tokens.collection_N[rows])
        assert len(rows) == min(32, {0: 50, 2: 20}[int(collection)])


def test_a_mixed_batch_has_them_all() -> None:
    tokens = material(500, 500, 500)
    rows = Sampler(tokens, SamplingConfig(mixed=1.0)).draw(256, rng=np.random.default_rng(0))
    assert set(tokens.collection_N[rows]) == {0, 1, 2}


def test_balance_decides_how_often_a_small_collection_is_drawn() -> None:
    tokens = material(900, 100)

    def share(balance: float) -> float:
        rng = np.random.default_rng(0)
        sampler = Sampler(tokens, SamplingConfig(mixed=0.0, balance=balance))
        return float(
            np.mean([tokens.collection_N[sampler.draw(1, rng=rng)[0]] for _ in range(2000)])
        )

    assert abs(share(1.0) - 0.1) < 0.03
    assert abs(share(0.5) - 0.25) < 0.03
    assert abs(share(0.0) - 0.5) < 0.04

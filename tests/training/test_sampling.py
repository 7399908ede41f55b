"""Which tokens meet in a batch."""

from collections import Counter

import numpy as np
import pytest

from tests.training.layered import plain_material
from traitlens.errors import ConfigError
from traitlens.training.material import Material
from traitlens.training.sampling import KINDS, Alike, Sampler, SamplingConfig
from traitlens.training.tags import Tag


def material(*sizes: int, families: int = 1) -> Material:
    """Return collections of some sizes; a token has its family's trait and one of its own."""
    return plain_material(
        *(
            (Tag(f"family {number % families}"), Tag(f"own {number}"))
            for size in sizes
            for number in range(size)
        ),
        collections=np.repeat(np.arange(len(sizes)), sizes).tolist(),
        names=len(sizes),
    )


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 2, 31, 64, 200])
def test_no_token_is_in_a_batch_twice_and_one_generator_gives_one_batch(
    kind: str, size: int
) -> None:
    sampler = Sampler(material(50, 0, 20, 1, families=5), SamplingConfig(kind=kind, group=8))
    for seed in range(5):
        rows = sampler.draw(size, rng=rng(seed))
        assert len(set(rows.tolist())) == len(rows) <= size
        assert rows.tolist() == sampler.draw(size, rng=rng(seed)).tolist()


@pytest.mark.parametrize("kind", ["random", "groups"])
def test_batches_over_all_collections_are_as_large_as_asked_for(kind: str) -> None:
    sampler = Sampler(material(50, 0, 20, 1), SamplingConfig(kind=kind, group=8))
    assert [len(sampler.draw(size, rng=rng())) for size in (8, 70, 71, 80)] == [8, 70, 71, 71]


@pytest.mark.parametrize("kind", ["collection", "hard"])
def test_a_batch_is_of_one_collection(kind: str) -> None:
    tokens = material(50, 0, 20)
    sampler, draws = Sampler(tokens, SamplingConfig(kind=kind, mixed=0.0, group=8)), rng()
    for _ in range(20):
        rows = sampler.draw(32, rng=draws)
        (collection,) = set(tokens.collection_N[rows])
        assert len(rows) == min(32, {0: 50, 2: 20}[int(collection)])


@pytest.mark.parametrize("kind", ["collection", "hard"])
def test_a_share_of_the_batches_mixes_all_collections(kind: str) -> None:
    tokens = material(500, 500, 500)
    sampler, draws = Sampler(tokens, SamplingConfig(kind=kind, mixed=0.3)), rng()
    mixed = [len(set(tokens.collection_N[sampler.draw(64, rng=draws)])) == 3 for _ in range(300)]
    assert np.mean(mixed) == pytest.approx(0.3, abs=0.08)


def test_random_batches_draw_every_token_as_often() -> None:
    tokens = material(90, 10)
    sampler, draws = Sampler(tokens, SamplingConfig(kind="random")), rng()
    counts = np.bincount(np.concatenate([sampler.draw(10, rng=draws) for _ in range(2000)]))
    assert counts / 2000 == pytest.approx(np.full(100, 0.1), abs=0.04)


def test_balance_decides_how_often_a_small_collection_is_drawn() -> None:
    tokens = material(900, 100)

    def share(balance: float) -> float:
        draws = rng()
        sampler = Sampler(tokens, SamplingConfig(mixed=0.0, balance=balance))
        drawn = [tokens.collection_N[sampler.draw(1, rng=draws)[0]] for _ in range(2000)]
        return float(np.mean(drawn))

    assert abs(share(1.0) - 0.1) < 0.03
    assert abs(share(0.5) - 0.25) < 0.03
    assert abs(share(0.0) - 0.5) < 0.04


def test_a_share_of_a_batch_is_groups_of_one_collection_each() -> None:
    tokens = material(*[100] * 50)
    config = SamplingConfig(kind="groups", near=0.75, group=16)
    rows = Sampler(tokens, config).draw(64, rng=rng())
    groups = tokens.collection_N[rows[:48]].reshape(3, 16)
    assert [len(set(group)) for group in groups.tolist()] == [1, 1, 1]
    assert len(set(groups[:, 0].tolist())) == 3, "of different collections"
    assert len(set(tokens.collection_N[rows[48:]].tolist())) > 8, "16 of any of 50"


def test_more_groups_than_collections_share_them() -> None:
    tokens = material(100, 100)
    config = SamplingConfig(kind="groups", near=1.0, group=8, pool=8)
    rows = Sampler(tokens, config).draw(64, rng=rng())
    assert sorted(Counter(tokens.collection_N[rows].tolist()).values()) == [32, 32]


def test_a_group_is_of_look_alikes() -> None:
    tokens = material(400, families=20)
    rows = Sampler(tokens, SamplingConfig(kind="hard", mixed=0.0, group=8)).draw(16, rng=rng())
    families = [{tokens.tags[row][0].words for row in group} for group in rows.reshape(2, 8)]
    assert [len(of_group) for of_group in families] == [1, 1]


def test_a_group_as_large_as_its_pool_is_of_any_tokens() -> None:
    tokens = material(400, families=20)
    config = SamplingConfig(kind="hard", mixed=0.0, group=8, pool=8)
    rows = Sampler(tokens, config).draw(8, rng=rng())
    assert len({tokens.tags[row][0].words for row in rows}) > 4


def test_the_distance_is_the_bits_that_one_of_two_tokens_has_and_the_other_has_not() -> None:
    cap, red, pipe = Tag("cap"), Tag("red"), Tag("pipe")
    # Of 8 tokens 4 have a cap, 2 are red, 1 has a pipe: 1, 2 and 3 bits.
    tokens = plain_material((cap, red), (cap, pipe, cap), (cap, red), (cap,), (), (), (), ())
    apart = Alike(tokens).apart(np.array([0]), np.arange(8))
    assert apart.tolist() == pytest.approx([0, 5, 0, 2, 3, 3, 3, 3])


def test_the_nearest_come_first_and_of_equal_ones_the_first() -> None:
    cap, red, pipe = Tag("cap"), Tag("red"), Tag("pipe")
    tokens = plain_material((cap, red), (cap, pipe), (cap, red), (cap,), (), (), (), ())
    assert Alike(tokens).nearest(np.array([0, 4, 1, 3, 2, 5]), 5).tolist() == [0, 2, 3, 4, 5]
    assert Alike(tokens).nearest(np.array([], np.int64), 5).tolist() == []


def test_what_means_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="one of collection, random, groups, hard; got 'easy'"):
        SamplingConfig(kind="easy")
    with pytest.raises(ConfigError, match=r"sampling\.group must be at least 2; got 1"):
        SamplingConfig(group=1)

"""Whole collections are dealt out 80:5:15, and their families are not divided."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traitlens.split import SplitConfig, split_collections

CONFIG = SplitConfig(rule="by_collection")


def names(count: int) -> list[str]:
    return [f"c{number}" for number in range(count)]


def test_a_thousand_collections_come_out_as_in_the_paper() -> None:
    splits = split_collections(names(1000), {}, CONFIG)
    assert Counter(splits.values()) == {"train": 800, "validation": 50, "test": 150}


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=40),
    st.integers(0, 5),
)
def test_a_family_is_on_one_side(sizes: list[int], seed: int) -> None:
    families = {f"{n}-{m}": f"family {n}" for n, size in enumerate(sizes) for m in range(size)}
    splits = split_collections(families, families, SplitConfig(rule="by_collection", seed=seed))
    assert splits.keys() == families.keys()
    sides = defaultdict(set)
    for name, split in splits.items():
        sides[families[name]].add(split)
    assert all(len(side) == 1 for side in sides.values())
    if len(sizes) >= 3:
        assert set(splits.values()) == {"train", "validation", "test"}


def test_the_shares_are_exact_with_large_families_as_long_as_single_collections_fill_them() -> None:
    families = {f"a{n}": "a" for n in range(13)} | {f"b{n}": "b" for n in range(7)}
    families |= {f"d{n}": "d" for n in range(5)}
    splits = split_collections([*families, *names(75)], families, CONFIG)
    assert Counter(splits.values()) == {"train": 80, "validation": 5, "test": 15}


def test_large_families_are_not_always_for_train() -> None:
    families = {f"a{n}": "a" for n in range(5)}
    sides = {
        split_collections(
            [*families, *names(95)], families, SplitConfig(rule="by_collection", seed=seed)
        )["a0"]
        for seed in range(30)
    }
    assert {"train", "test"} <= sides


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, {"train": 1}),
        (2, {"train": 1, "test": 1}),
        (3, {"train": 1, "validation": 1, "test": 1}),
        (6, {"train": 4, "validation": 1, "test": 1}),
    ],
)
def test_of_few_collections_train_has_the_first_and_test_the_second(
    count: int, expected: dict[str, int]
) -> None:
    for seed in range(5):
        config = SplitConfig(rule="by_collection", seed=seed)
        assert Counter(split_collections(names(count), {}, config).values()) == expected


def test_a_split_without_a_share_gets_no_collection() -> None:
    config = SplitConfig(rule="by_collection", shares=(50, 0, 50))
    assert set(split_collections(names(9), {}, config).values()) == {"train", "test"}


def test_the_order_of_the_names_does_not_matter_but_the_seed_does() -> None:
    first = split_collections(names(60), {}, CONFIG)
    assert first == split_collections(names(60)[::-1], {}, CONFIG)
    other = SplitConfig(rule="by_collection", seed=1)
    assert first != split_collections(names(60), {}, other)

"""Splits by token are seeded, exact in their shares, and never divide what is equal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.split.digests import digest, hats, token
from traitlens.errors import ConfigError
from traitlens.split import SplitConfig, split_rows


def counts(splits: np.ndarray) -> list[int]:
    return [int((splits == code).sum()) for code in (0, 1, 2)]


def test_the_shares_come_out_exactly_when_nothing_is_equal() -> None:
    assert counts(split_rows(digest(hats(200)), SplitConfig()).splits) == [160, 10, 30]


def test_a_share_of_nothing_gets_nothing() -> None:
    config = SplitConfig(shares=(90, 0, 10))
    assert counts(split_rows(digest(hats(50)), config).splits) == [45, 0, 5]


def test_rejected_tokens_have_no_split_and_take_no_part() -> None:
    tokens = hats(20)
    fallen = [token(100 + n, [("Hat", f"hat {n}")], kept=False) for n in range(20)]
    splits = split_rows(digest([*fallen, *tokens]), SplitConfig()).splits
    assert splits[:20].tolist() == [-1] * 20
    assert splits[20:].tolist() == split_rows(digest(tokens), SplitConfig()).splits.tolist()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40))
def test_equal_trait_sets_and_equal_pixels_stay_on_one_side(pairs: list[tuple[int, int]]) -> None:
    tokens = [token(i, [("Hat", f"v{v}")], pixels=p) for i, (v, p) in enumerate(pairs)]
    splits = split_rows(digest(tokens), SplitConfig()).splits
    for a, (value_a, pixels_a) in enumerate(pairs):
        for b, (value_b, pixels_b) in enumerate(pairs):
            if value_a == value_b or pixels_a == pixels_b:
                assert splits[a] == splits[b]


def test_a_long_chain_of_equals_is_one_group() -> None:
    # Token n shares its traits with one neighbour and its pixels with the other.
    order = np.random.default_rng(0).permutation(500).tolist()
    chain = [token(n, [("Hat", f"{n // 2}")], pixels=(n + 1) // 2) for n in order]
    apart = [token(1000 + n, [("Hat", f"other {n}")]) for n in range(500)]
    splits = split_rows(digest([*chain, *apart]), SplitConfig()).splits
    assert len(set(splits[:500].tolist())) == 1


def test_the_order_of_traits_does_not_make_trait_sets_unequal() -> None:
    both = [("Hat", "red"), ("Eyes", "blue")]
    tokens = [token(0, both), *hats(60)[1:], token(99, both[::-1])]
    for seed in range(10):
        splits = split_rows(digest(tokens), SplitConfig(seed=seed)).splits
        assert splits[0] == splits[-1]


def test_tokens_without_a_hash_of_their_pixels_are_not_taken_for_equal() -> None:
    import dataclasses

    tokens = [dataclasses.replace(one, pixels_sha256=None) for one in hats(200)]
    assert counts(split_rows(digest(tokens), SplitConfig()).splits) == [160, 10, 30]


def test_the_order_of_the_tokens_does_not_matter_but_the_seed_does() -> None:
    tokens = hats(50)
    first = split_rows(digest(tokens), SplitConfig(seed=1)).splits.tolist()
    assert first == split_rows(digest(tokens[::-1]), SplitConfig(seed=1)).splits.tolist()[::-1]
    assert first != split_rows(digest(tokens), SplitConfig(seed=2)).splits.tolist()


@pytest.mark.parametrize("rule", ["by_collection", "official"])
def test_rows_have_no_split_where_whole_collections_are_dealt_out(rule: str) -> None:
    assert split_rows(digest(hats(5)), SplitConfig(rule=rule)).splits.tolist() == [-1] * 5


@pytest.mark.parametrize("rule", ["by_token", "by_combination"])
def test_a_collection_of_which_nothing_is_kept_is_split_into_nothing(rule: str) -> None:
    fallen = [token(n, [("Hat", "red")], kept=False) for n in range(3)]
    assert split_rows(digest(fallen), SplitConfig(rule=rule)).splits.tolist() == [-1] * 3
    assert len(split_rows(digest([]), SplitConfig(rule=rule)).splits) == 0


@pytest.mark.parametrize("shares", [(80, 10, 20), (100, -5, 5), (80, 20)])
def test_shares_that_are_not_three_of_a_hundred_are_refused(shares: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigError, match="three that sum to 100"):
        SplitConfig(shares=shares)


def test_an_unknown_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="by_combination, official; got 'by_moon'"):
        SplitConfig(rule="by_moon")

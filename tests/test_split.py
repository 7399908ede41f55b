"""Splits are seeded, exact in their shares, and never divide what is equal."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traitlens.errors import ConfigError
from traitlens.records import Token, Trait
from traitlens.split import SplitConfig, split_collections, split_tokens


def token(number: int, *, value: str | None = None, pixels: str | None = None) -> Token:
    return Token(
        token_uid=f"t{number}",
        collection="c",
        token_id=str(number),
        traits=(Trait("Hat", value or f"hat {number}"),),
        caption="",
        pixels_sha256=pixels or f"p{number}",
    )


def test_the_shares_come_out_exactly_when_nothing_is_equal() -> None:
    splits = split_tokens([token(i) for i in range(200)], SplitConfig())
    assert Counter(splits.values()) == {"train": 160, "validation": 10, "test": 30}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40))
def test_equal_trait_sets_and_equal_pixels_stay_on_one_side(pairs: list[tuple[int, int]]) -> None:
    tokens = [token(i, value=f"v{v}", pixels=f"p{p}") for i, (v, p) in enumerate(pairs)]
    splits = split_tokens(tokens, SplitConfig())
    assert set(splits) == {t.token_uid for t in tokens}
    for a in tokens:
        for b in tokens:
            if a.traits == b.traits or a.pixels_sha256 == b.pixels_sha256:
                assert splits[a.token_uid] == splits[b.token_uid]


def test_the_order_of_the_tokens_does_not_matter_but_the_seed_does() -> None:
    tokens = [token(i) for i in range(50)]
    first = split_tokens(tokens, SplitConfig(seed=1))
    assert first == split_tokens(tokens[::-1], SplitConfig(seed=1))
    assert first != split_tokens(tokens, SplitConfig(seed=2))


def test_whole_collections_go_to_one_side_80_5_15() -> None:
    splits = split_collections([f"c{i}" for i in range(1000)], SplitConfig(rule="by_collection"))
    assert Counter(splits.values()) == {"train": 800, "validation": 50, "test": 150}


def test_shares_that_do_not_sum_to_100_are_refused() -> None:
    with pytest.raises(ConfigError, match="sum to 100"):
        SplitConfig(shares=(80, 10, 20))

"""Rarity ranks, by hand."""

from __future__ import annotations

import math

import pytest

from traitlens.metrics import rarity
from traitlens.metrics.rarity import rarity_ranks


def token(*traits: str) -> frozenset[tuple[str, str]]:
    return frozenset(tuple(trait.split("=")) for trait in traits)  # type: ignore[misc]


def test_a_value_of_one_token_comes_before_many_rare_ones() -> None:
    tokens = [
        token("Hat=Cap", "Eyes=Blue"),
        token("Hat=Cap", "Eyes=Blue"),
        token("Hat=Cap", "Eyes=Red"),
        token("Hat=Cap"),
        token("Hat=Top", "Eyes=Blue"),
        token("Hat=Top", "Eyes=Blue"),
    ]
    # Eyes=Red is unique; no eyes is had by one token, but is no value of its own.
    assert rarity_ranks(tokens) == [5, 5, 1, 2, 3, 3]


def test_information_content_is_that_of_values_and_absences() -> None:
    tokens = [token("Hat=Cap", "Pin=Yes"), token("Hat=Cap"), token("Hat=Top"), token("Hat=Top")]
    scores = rarity._scores(tokens)
    absent = -math.log2(3 / 4)
    assert [unique for unique, _ in scores] == [1, 0, 0, 0]
    assert [bits for _, bits in scores[:2]] == pytest.approx([1 + 2, 1 + absent])


def test_several_values_of_a_type_all_count() -> None:
    tokens = [token("A=x", "A=y"), token("A=x"), token("A=y"), token("A=x")]
    scores = rarity._scores(tokens)
    assert scores[0][1] == pytest.approx(-math.log2(3 / 4) - math.log2(2 / 4))


def test_tokens_without_traits_are_equal() -> None:
    assert rarity_ranks([token(), token(), token()]) == [1, 1, 1]
    assert rarity_ranks([]) == []

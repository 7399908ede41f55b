"""Information content, against sums done by hand."""

import dataclasses
from math import log2

import pytest

from tests.description.datasets import digest_of, rejected, token
from traitlens.description.rarity import information_bits, rarity
from traitlens.description.statistics import Histogram


def test_a_trait_that_a_quarter_has_is_worth_two_bits() -> None:
    tokens = [token(0, "Hat=Crown"), *(token(n, "Hat=Cap") for n in (1, 2, 3))]
    assert information_bits(digest_of(tokens)) == pytest.approx([2, *[log2(4 / 3)] * 3])


def test_what_all_tokens_have_is_worth_nothing() -> None:
    tokens = [token(n, "Hat=Cap", "Eyes=Two") for n in range(3)]
    assert information_bits(digest_of(tokens)).tolist() == [0, 0, 0]


def test_to_lack_what_most_have_is_rare() -> None:
    tokens = [token(n, "Hat=Cap", "Body=Red") for n in (0, 1, 2)] + [token(3, "Body=Red")]
    cap, none = log2(4 / 3), log2(4)
    assert information_bits(digest_of(tokens)) == pytest.approx([cap, cap, cap, none])


def test_a_trait_counts_once_in_a_token_and_several_of_one_type_all_count() -> None:
    tokens = [
        token(0, "Pin=Star", "Pin=Star"),
        token(1, "Pin=Star", "Pin=Moon"),
        token(2, "Body=Red"),
        token(3, "Body=Red"),
    ]
    lacks = log2(2)  # two of four lack a pin, two lack a body
    expected = [log2(2) + lacks, log2(2) + log2(4) + lacks, log2(2) + lacks, log2(2) + lacks]
    assert information_bits(digest_of(tokens)) == pytest.approx(expected)


def test_serial_numbers_make_nobody_rare() -> None:
    tokens = [token(n, "Hat=Cap", f"Edition={n}") for n in range(4)]
    assert information_bits(digest_of(tokens)).tolist() == [0, 0, 0, 0]


def test_rejected_tokens_neither_count_nor_are_rare() -> None:
    kept = [token(0, "Hat=Crown"), token(1, "Hat=Cap")]
    another_crown = dataclasses.replace(rejected(9, "broken"), traits=kept[0].traits)
    assert information_bits(digest_of([another_crown, *kept])).tolist() == [0, 1, 1]


def test_the_rarest_come_first_and_ties_keep_their_order() -> None:
    tokens = [token(n, "Hat=Cap") for n in range(6)] + [token(6, "Hat=Crown"), token(7, "Hat=Bow")]
    digest = digest_of(tokens)
    found = rarity(digest, digest.trait_counts(), [one.token_id for one in tokens])
    assert [one.token_id for one in found.rarest_tokens[:3]] == ["6", "7", "0"]
    assert found.rarest_tokens[0].bits == 3
    assert [(one.value, one.tokens) for one in found.rarest_traits] == [
        ("Crown", 1),
        ("Bow", 1),
        ("Cap", 6),
    ]
    assert found.common_traits[0].value == "Cap"
    assert found.bits == Histogram(values=(0, 3), counts=(6, 2))
    assert found.mean_bits == pytest.approx((6 * log2(8 / 6) + 6) / 8, abs=1e-3)


def test_a_collection_without_kept_tokens_has_nobody_rare() -> None:
    digest = digest_of([rejected(0, "broken")])
    found = rarity(digest, digest.trait_counts(), ["0"])
    assert (found.rarest_tokens, found.rarest_traits, found.mean_bits) == ((), (), 0)

"""How much a phrase tells, how large it is, and who knows it."""

import numpy as np
import pytest

from traitlens.training.tags import Tag
from traitlens.training.vocabulary import Vocabulary

CAP, CROWN, PIPE = (
    Tag("cap hat", kind="hat"),
    Tag("crown hat", kind="hat"),
    Tag("pipe", kind="mouth"),
)
RANK = Tag("rank 7", kind="rank", is_measure=True)
TOKENS = [(CAP, RANK), (CAP,), (CROWN,), (CAP, CAP), (PIPE,)]
WORDS = ["cap hat", "crown hat", "pipe", "rank 7", "apes"]


def vocabulary(areas: dict[tuple[int, str], float] | None = None) -> Vocabulary:
    """Four tokens of apes, and a bird with a pipe."""
    return Vocabulary(["apes", "birds"], np.array([0, 0, 0, 0, 1]), TOKENS, areas or {})


def test_a_phrase_tells_the_bits_of_its_share_in_its_collection() -> None:
    known = vocabulary()
    bits = known.bits(0, known.numbers(WORDS))
    # 3 of 4, 1 of 4, none of 4 which counts as one, a number, no token's phrase
    assert bits.tolist() == pytest.approx([np.log2(4 / 3), 2, 2, 0, 0])


def test_what_all_have_tells_nothing() -> None:
    known = vocabulary()
    assert known.bits(1, known.numbers(["pipe"])).tolist() == [0]


def test_the_bits_of_all_phrases_of_a_collection_are_those_of_each() -> None:
    known = vocabulary()
    told = known.told(0)
    assert set(told) == {"cap hat", "crown hat", "rank 7"}
    numbers = known.numbers(told)
    assert [number for number, _ in told.values()] == numbers.tolist()
    assert [bits for _, bits in told.values()] == known.bits(0, numbers).tolist()


def test_what_has_no_mask_is_taken_for_as_small_as_the_smallest() -> None:
    known = vocabulary({(0, "cap hat"): 0.3, (0, "crown hat"): 0.2})
    assert known.areas(0, known.numbers(WORDS[:4])).tolist() == pytest.approx([0.3, 0.2, 0.2, 0.2])


def test_without_any_mask_all_areas_are_1() -> None:
    known = vocabulary({(0, "cap hat"): 0.3})
    assert known.areas(1, known.numbers(WORDS[:4])).tolist() == [1, 1, 1, 1]


def test_a_collection_knows_its_phrases_and_others_of_their_kinds() -> None:
    known = vocabulary()
    assert known.is_known(0, known.numbers(WORDS[:4])).tolist() == [True, True, False, True]
    assert known.is_known(1, known.numbers(WORDS[:4])).tolist() == [False, False, True, False]


def test_no_tokens_have_no_phrases() -> None:
    known = Vocabulary(["apes"], np.zeros(0, np.int64), [], {})
    assert len(known) == 0
    assert known.bits(0, known.numbers(["cap hat"])).tolist() == [0]

"""Which traits a query names."""

from __future__ import annotations

import pytest

from traitlens.records import Trait
from traitlens.retrieval.explanation import known_stems, matched_traits, unknown_words


@pytest.mark.parametrize(
    ("trait", "words", "named"),
    [
        (Trait("Type", "Zombie"), "two zombies", True),
        (Trait("Accessory", "3D Glasses"), "a zombie with 3d glasses", True),
        (Trait("Accessory", "3D Glasses"), "a zombie with glasses", False),
        (Trait("Hat", "Beanie"), "beanies", True),
        (Trait("Body", "Hoodies"), "a hoodie", True),
        (Trait("Eyes", "Lens"), "len", True),
        (Trait("Hat", "Bus"), "bu", False),
        (Trait("Head", "blue_cap"), "a cap, BLUE!", True),
        (Trait("Mohawk", "Yes"), "with a mohawk", True),
        (Trait("Mohawk", "No"), "with a mohawk", False),
        (Trait("Level", "3"), "3 birds", False),
        (Trait("Level", "3"), "level 3", True),
        (Trait("Hat", "None"), "none", False),
        (Trait("Hat", ""), "hat", False),
        (Trait("帽子", "赤い帽子"), "赤い帽子", True),
        (Trait("Hat", "Beanie"), "", False),
    ],
)
def test_a_trait_is_named_when_all_its_words_are(trait: Trait, words: str, named: bool) -> None:
    assert matched_traits([trait], words) == ((trait,) if named else ())


def test_the_type_decides_between_equal_values() -> None:
    eyes, body = Trait("Eyes", "Blue"), Trait("Body", "Blue")
    assert matched_traits([eyes, body], "blue eye") == (eyes,)
    assert matched_traits([eyes, body], "something blue") == (eyes, body)


def test_words_that_nothing_is_called_are_named_once_and_in_order() -> None:
    vocabulary = {"collection": {"lil-apes": 3}, "Hat": {"Red_Beanie": 2}, "3D Glasses": {"Yes": 1}}
    words = "a racing car with red beanies and glasses, like a lil ape car"
    assert unknown_words(words, known_stems(vocabulary)) == ("racing", "car")


def test_joining_words_and_numbers_are_never_unknown() -> None:
    assert unknown_words("one with the 3 of these", frozenset()) == ()

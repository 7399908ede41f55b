"""The sentence template says what identifies a token, and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traitlens.captions import caption, phrase
from traitlens.records import Trait


@pytest.mark.parametrize(
    ("trait_type", "value", "words"),
    [
        ("Hat", "Red_Beanie", "red beanie hat"),
        ("Accessory", "3D Glasses", "3d glasses"),
        ("Beard", "Big Beard", "big beard"),
        ("Level", "5", "level 5"),
        ("Hair Color", "Ash Blonde", "ash blonde hair"),
        ("Colour", "Blue", "blue"),
        ("Laser Eyes", "Yes", "laser eyes yes"),
        ("Hat", "None", ""),
        ("Hat", "  ", ""),
        ("4:20 watch", "sub red", "sub red 4:20 watch"),
    ],
)
def test_a_trait_becomes_the_words_one_would_say(trait_type: str, value: str, words: str) -> None:
    assert phrase(Trait(trait_type, value)) == words


def test_the_sentence_names_the_collection_and_joins_the_phrases() -> None:
    traits = [Trait("Hat", "Cap"), Trait("Eyes", "None"), Trait("Fur", "Blue"), Trait("Bg", "Sky")]
    assert caption("lil-apes", traits).text == "lil apes with cap hat, blue fur and sky bg"


def test_without_traits_only_the_name_is_said() -> None:
    assert caption("apes", []).text == "apes"


@given(st.lists(st.builds(Trait, st.text(max_size=8), st.text(max_size=8)), max_size=6))
def test_each_span_holds_exactly_its_phrase(traits: list[Trait]) -> None:
    made = caption("apes", traits)
    assert [made.text[a:b] for a, b in made.spans] == [phrase(trait) for trait in traits]

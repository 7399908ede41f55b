"""A trait in the words that one would say, whatever its maker wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traitlens.captions import collection_words, phrase
from traitlens.captions.words import trait_words
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
        ("4:20 watch", "sub red", "sub red 4:20 watch"),
        ("Metal", "Light-Grey", "light grey metal"),
        ("Id", "#1234", "id #1234"),
        ("Temperature", "-5", "temperature -5"),
        ("Founded", "2021-05-04", "founded 2021-05-04"),
        ("帽子", "赤い", "赤い 帽子"),
        ("Perk", "🏰", "🏰 perk"),
    ],
)
def test_an_ordinary_trait_is_its_value_and_its_type(
    trait_type: str, value: str, words: str
) -> None:
    assert phrase(Trait(trait_type, value)) == words


@pytest.mark.parametrize(
    ("trait_type", "value", "words"),
    [
        ("Hat", "Red Top Hat", "red top hat"),
        ("Hats", "Wizard Hat", "wizard hat"),
        ("Eyes", "Golden Eye", "golden eye"),
        ("Eye", "Blue Eyes", "blue eyes"),
        ("Eyes", "greeneyes", "greeneyes"),
        ("Glasses", "Sunglasses", "sunglasses"),
        ("Cap", "Escapade", "escapade cap"),
        ("Skin Tone", "Skin Tone 5", "skin tone 5"),
        ("Background", "Background", "background"),
    ],
)
def test_a_value_that_repeats_its_type_says_it_once(
    trait_type: str, value: str, words: str
) -> None:
    assert phrase(Trait(trait_type, value)) == words


@pytest.mark.parametrize(
    ("trait_type", "value", "words"),
    [
        ("hairColor", "darkRed", "dark red hair"),
        ("BackgroundColor", "Blue", "blue background"),
        ("accessories", "goldEarringRight", "gold earring right"),
        ("eye", "nounishJ", "nounish j eye"),
        ("Outerwear", "Retro80sJacket", "retro80s jacket outerwear"),
        ("Headwear", "McDonald's", "mcdonald's headwear"),
        ("right_arm", "square_shield", "square shield right arm"),
        ("Accessory II", "Shackles", "shackles"),
        ("Head I", "Afro", "afro head"),
        ("Mouth Attributes", "The Joker", "the joker mouth"),
        ("# Traits", "4", "traits 4"),
        ("Berliner", "Headwear: Orange Hair", "orange hair headwear"),
        ("Berliner", "All Berliners", "all berliners"),
        ("Misc", "Scythe", "scythe"),
        ("", "Pipe", "pipe"),
    ],
)
def test_what_programs_call_a_type_becomes_words(trait_type: str, value: str, words: str) -> None:
    assert phrase(Trait(trait_type, value)) == words


@pytest.mark.parametrize(
    ("trait_type", "value"),
    [
        ("Hat", "None"),
        ("Hat", "  "),
        ("Hat", "N/A"),
        ("Hat", "No Hat"),
        ("Eyes", "noEyes"),
        ("Accessory", "No Accessory"),
        ("Beard", "Without Beard"),
        ("Laser Eyes", "No"),
        ("Has Music", "false"),
        ("website", "https://example.com/a"),
        ("Image", "ipfs://QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKaAbc/1.png"),
        ("Contract", "0x06012c8cf97bead5deae237070f9587f8e7a266d"),
        ("Hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ],
)
def test_what_says_nothing_about_a_token_has_no_words(trait_type: str, value: str) -> None:
    assert phrase(Trait(trait_type, value)) == ""


def test_what_only_begins_like_a_denial_is_said() -> None:
    assert phrase(Trait("Hat", "No Limit Cap")) == "no limit cap hat"
    assert phrase(Trait("Gen", "no. 5")) == "no. 5 gen"


@pytest.mark.parametrize(
    ("trait_type", "words"),
    [("Laser Eyes", "laser eyes"), ("Has Music", "music"), ("Is Alive", "alive"), ("", "yes")],
)
def test_yes_is_said_by_the_type_alone(trait_type: str, words: str) -> None:
    assert phrase(Trait(trait_type, "Yes")) == words


@pytest.mark.parametrize(
    ("value", "display_type", "words"),
    [
        ("10", "boost_percentage", "+10% stamina"),
        ("-5", "boost_number", "-5 stamina"),
        ("3.25", "boost_number", "+3.25 stamina"),
        ("lots", "boost_number", "lots stamina"),
        ("2", "number", "stamina 2"),
        ("1620086400", "date", "stamina 2021-05-04"),
        ("1620086400000", "date", "stamina 2021-05-04"),
        ("-86400", "date", "stamina 1969-12-31"),
        ("99999999999999999", "date", "stamina 99999999999999999"),
        ("9" * 400, "date", ""),  # a hash or a uint256
        ("soon", "date", "soon stamina"),
    ],
)
def test_numbers_boosts_and_dates_are_told_by_their_display_type(
    value: str, display_type: str, words: str
) -> None:
    assert phrase(Trait("Stamina", value, display_type)) == words


@pytest.mark.parametrize(
    ("trait_type", "value", "words"),
    [
        ("Skin", "#ffdd33", "yellow skin"),
        ("background", "3d5b99", "blue background"),
        ("background", "000000", "black background"),
        ("Level", "123456", "level 123456"),
        ("Background", "Facade", "facade background"),
    ],
)
def test_a_colour_in_hex_digits_is_named(trait_type: str, value: str, words: str) -> None:
    assert phrase(Trait(trait_type, value)) == words


def test_a_story_is_cut_at_a_word() -> None:
    words = trait_words(Trait("Story", "once upon a time " * 20))
    assert len(words.value) <= 96
    assert words.value.endswith(("once", "upon", "a", "time"))


def test_numbers_dates_and_counts_are_known_as_measures() -> None:
    measures = [Trait("Level", "5"), Trait("Born", "0", "date"), Trait("Accessory", "4 Attributes")]
    assert all(trait_words(trait).is_measure for trait in measures)
    assert not trait_words(Trait("Hat", "3D Glasses")).is_measure


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from([None, "date", "number"]))
def test_a_phrase_is_one_bounded_line_without_control_characters(
    trait_type: str, value: str, display_type: str | None
) -> None:
    words = phrase(Trait(trait_type, value, display_type))
    assert len(words) <= 2 * 96 + 8
    assert words == " ".join(words.split())
    assert not any(ord(mark) < 32 or mark in "\u202a\u202e\u2066\x7f" for mark in words)


def test_a_collection_is_called_by_its_words() -> None:
    assert collection_words("lil-nouns_v2") == "lil nouns v2"

"""What a collection shows, from its name."""

import pytest

from traitlens.description.themes import theme_of, theme_of_name
from traitlens.records import CollectionInfo


@pytest.mark.parametrize(
    ("name", "theme"),
    [
        ("BoredApeYachtClub", "ape"),
        ("Cool Cats V2", "cat"),
        ("DystoApez", "ape"),
        ("moonbirdpunks", "punk"),
        ("Moonbirds", "owl"),
        ("Moonbears", "bear"),
        ("citizens-new_york", "human"),
        ("Kitty Crypto Gang", "cat"),
        ("Slumdoge Billionaires", "dog"),
        ("Bad Bunnies NFT", "rabbit"),
        ("Divine Wolves", "wolf"),
        ("Gh0stlyGh0sts", "ghost"),
        ("goblintown", "goblin"),
        ("ALIENFRENS", "alien"),
        ("punkforce", "punk"),
        ("PunkX", "punk"),
    ],
)
def test_the_theme_is_the_last_subject_in_the_name(name: str, theme: str) -> None:
    assert theme_of_name(name) == theme


@pytest.mark.parametrize("name", ["Women From Venus", "Women of Crypto", "World Of Women Galaxy"])
def test_where_or_whose_it_is_is_no_subject(name: str) -> None:
    assert theme_of_name(name) == "woman"


def test_a_person_says_less_than_what_stands_beside_it() -> None:
    assert theme_of_name("TheAlienBoy") == "alien"
    assert theme_of_name("Gray Boys") == "boy"


@pytest.mark.parametrize("name", ["Azuki", "0xAzuki", "azuki-v2", "The Azuki Official Collection"])
def test_a_name_without_a_subject_is_its_own_theme_in_all_its_series(name: str) -> None:
    assert theme_of_name(name) == "azuki"


@pytest.mark.parametrize("name", ["Landscape", "Escape", "combat", "Education"])
def test_a_subject_within_another_word_is_none(name: str) -> None:
    assert theme_of_name(name) == name.lower()


@pytest.mark.parametrize("name", ["2545", "⚡", "の", "X", "The NFT Club"])
def test_a_name_without_words_still_has_a_theme(name: str) -> None:
    assert theme_of_name(name)


def test_the_source_knows_better() -> None:
    assert theme_of(CollectionInfo(name="Moonbirds", theme=" Night  Owl ")) == (
        "night owl",
        "source",
    )
    assert theme_of(CollectionInfo(name="Moonbirds", theme="  ")) == ("owl", "name")

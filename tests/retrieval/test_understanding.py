"""What a query's words mean in an index: traits that must be there, and that must not."""

from __future__ import annotations

import dataclasses
import math

import pytest

from tests.helpers import drawn_token
from traitlens.engines import Equals
from traitlens.engines.protocol import entry_of
from traitlens.records import Location, Trait
from traitlens.retrieval.trait_finder import TraitFinder
from traitlens.retrieval.understanding import Understood, understand

VOCABULARY = {
    "collection": {"crypto-punks": 60, "lil-apes": 40},
    "Type": {"Zombie": 5, "Male": 50, "Female": 45},
    "Accessory": {"3D Glasses": 4, "Eye Patch": 3, "Classic Shades": 6},
    "Eyes": {"Blue": 20, "Laser": 2, "Eyes of Horus": 1},
    "Hat": {"Red Beanie": 3, "Beanie": 7, "Top Hat": 2, "None": 80, "blue and red": 1},
    "Mohawk": {"Yes": 9, "No": 91},
    "Level": {"3": 11, "12": 4},
    "Background": {"Blue": 30, "#ff0000": 2},
    "帽子": {"赤い": 2},
}
FINDER = TraitFinder(VOCABULARY)


def terms(query: str) -> dict[str, set[str]]:
    """Return {"+ said" or "- said": the traits that are meant}."""
    found = understand(query, FINDER).terms
    sign = {True: "+", False: "-"}
    return {
        f"{sign[t.wanted]} {t.said}": {str(c).replace('"', "") for c in t.found.comparisons}
        for t in found
    }


HATS = {"Hat=Red Beanie", "Hat=Beanie", "Hat=Top Hat", "Hat=blue and red"}
GLASSES = {"Accessory=3D Glasses", "Accessory=Classic Shades"}


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        (
            "zombie with 3D glasses",
            {"+ zombie": {"Type=Zombie"}, "+ 3d glasses": {"Accessory=3D Glasses"}},
        ),
        ("two beanies", {"+ beanies": {"Hat=Red Beanie", "Hat=Beanie"}}),
        ("red beanie", {"+ red beanie": {"Hat=Red Beanie"}}),
        ("the hat", {"+ hat": HATS}),
        ("glasses", {"+ glasses": GLASSES}),
        ("sunglases", {"+ sunglases": {"Accessory=Classic Shades"}}),
        ("zombei", {"+ zombei": {"Type=Zombie"}}),
        ("eyepatch", {"+ eyepatch": {"Accessory=Eye Patch"}}),
        ("eyes are blue", {"+ eyes blue": {"Eyes=Blue"}}),
        (
            "red hat blue eyes",
            {"+ red hat": {"Hat=Red Beanie", "Hat=blue and red"}, "+ blue eyes": {"Eyes=Blue"}},
        ),
        ("something blue", {"+ blue": {"Eyes=Blue", "Background=Blue", "Hat=blue and red"}}),
        ("laser eyes", {"+ laser eyes": {"Eyes=Laser"}}),
        ("eye of horus", {"+ eye horus": {"Eyes=Eyes of Horus"}}),
        ("mohawk", {"+ mohawk": {"Mohawk=Yes"}}),
        ("level 3", {"+ level 3": {"Level=3"}}),
        ("3 zombies", {"+ zombies": {"Type=Zombie"}}),
        ("a punk", {"+ punk": {"collection=crypto-punks"}}),
        (
            "cryptopunks, female",
            {"+ cryptopunks": {"collection=crypto-punks"}, "+ female": {"Type=Female"}},
        ),
        ("crypto punks", {"+ crypto punks": {"collection=crypto-punks"}}),
        ("red background", {"+ red background": {"Background=#ff0000"}}),
        ("shirt", {}),  # a top, but no top hat
        ("赤い 帽子", {"+ 赤い 帽子": {"帽子=赤い"}}),
        ("", {}),
    ],
)
def test_words_mean_traits(query: str, meant: dict[str, set[str]]) -> None:
    assert terms(query) == meant


@pytest.mark.parametrize(
    "query",
    [
        "zombie without hat",
        "zombie, no hat",
        "zombie -hat",
        "a zombie with no hat",
        "zombie not hat",
    ],
)
def test_what_must_not_be_there_is_told_in_many_ways(query: str) -> None:
    assert terms(query) == {"+ zombie": {"Type=Zombie"}, "- hat": HATS}
    assert understand(query, FINDER).positive == "zombie"


def test_or_goes_on_with_what_is_unwanted_and_a_comma_ends_it() -> None:
    assert terms("no hat or glasses, zombie") == {
        "- hat": HATS,
        "- glasses": GLASSES,
        "+ zombie": {"Type=Zombie"},
    }


def test_hyphens_within_words_do_not_negate() -> None:
    assert terms("top-hat") == {"+ top hat": {"Hat=Top Hat"}}


def test_words_that_nothing_is_called_are_named_once_and_in_order() -> None:
    found = understand("a racing car with red beanies, no dragon, like a lil ape car", FINDER)
    assert found.unknown == ("racing", "car")


def test_joining_words_and_numbers_are_never_unknown() -> None:
    assert understand("one with the 7 of these", FINDER).unknown == ()


def test_rarer_terms_weigh_more_and_all_weigh_what_was_given_for_each() -> None:
    found = understand("female zombie with blue eyes", FINDER)
    wishes = found.wishes(size=100, weight=2.0)
    rarities = [math.log1p(100 / n) for n in (45, 5, 20)]
    expected = [3 * 2 * rarity / sum(rarities) for rarity in rarities]
    assert [wish.weight for wish in wishes] == pytest.approx(expected)
    assert wishes[1].where == Equals("Type", "Zombie")


def test_a_collection_counts_thrice() -> None:
    wishes = understand("crypto punks zombie", FINDER).wishes(size=100, weight=1.0)
    assert wishes[0].weight / wishes[1].weight == pytest.approx(
        3 * math.log1p(100 / 60) / math.log1p(20)
    )


def test_unknown_words_take_weight_from_the_others() -> None:
    known = understand("zombie", FINDER).wishes(size=100, weight=1.0)
    with_strange = understand("zombie car", FINDER).wishes(size=100, weight=1.0)
    share = math.log1p(20) / (math.log1p(20) + math.log1p(100) / 2)
    assert known[0].weight == pytest.approx(1.0)
    assert with_strange[0].weight == pytest.approx(2 * share)


def test_a_word_that_was_read_as_another_counts_less() -> None:
    (wish,) = understand("zombei", FINDER).wishes(size=100, weight=1.0)
    assert wish.weight == pytest.approx(0.7)


def test_a_token_has_of_what_is_asked_for_what_its_traits_and_its_caption_say() -> None:
    token = dataclasses.replace(
        drawn_token("owls", 0),
        traits=(Trait("Type", "Zombie"),),
        caption="a zombie on a car",
        location=Location(shard="owls", row=0),
    )
    zombie, word = math.log1p(20), math.log1p(100) / 2
    for query, met in [
        ("zombie", 1.0),
        ("female", 0.0),
        ("zombie, submarine", zombie / (zombie + word)),
        ("zombie, car", 1.0),
        ("car", 1.0),
        ("submarine", 0.0),
    ]:
        assert understand(query, FINDER).met(entry_of(token), size=100) == pytest.approx(met)


def test_nothing_is_wished_for_without_words_or_weight() -> None:
    assert Understood().wishes(size=100, weight=1.0) == ()
    assert understand("zombie", FINDER).wishes(size=100, weight=0.0) == ()


def test_a_broader_word_stands_in_where_the_index_has_no_other() -> None:
    finder = TraitFinder({"Head": {"Hat": 3}})
    found = finder.find("fedora")
    assert found is not None
    assert (found.comparisons, found.certainty) == ((Equals("Head", "Hat"),), 0.5)


def test_a_very_long_query_is_understood_in_part() -> None:
    found = understand(" ".join(["zombie and"] * 500), FINDER)
    assert len(found.terms) == 12

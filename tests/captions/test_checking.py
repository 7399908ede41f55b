"""A caption that drops or invents a trait is found out, and an honest one is left in peace."""

from itertools import pairwise

import numpy as np
import pytest

from traitlens.captions import STYLES, CaptionChecker, CaptionConfig, caption, phrase, sub_caption
from traitlens.records import Trait

HAT, EYES, FUR, BACK = (
    Trait("Hat", "Orange Knitted Cap"),
    Trait("Eyes", "Green"),
    Trait("Fur", "Golden Brown"),
    Trait("Background", "Blue"),
)
TOKEN = [HAT, EYES, FUR, BACK, Trait("Earring", "None")]
OTHERS = [
    Trait("Hat", "Crown"),
    Trait("Hat", "Red Beanie"),
    Trait("Eyes", "Blue"),
    Trait("Eyes", "Laser"),
    Trait("Fur", "Brown"),
    Trait("Mouth", "Cool"),
    Trait("Accessory", "Pipe"),
    Trait("Level", "5"),
]
CHECKER = CaptionChecker("apes", [*TOKEN, *OTHERS])


@pytest.mark.parametrize(
    "text",
    [
        "An ape with golden brown fur and green eyes wears a knitted cap in orange on blue.",
        "Against a blue background stands a golden-brown ape, green-eyed, in an orange knitted cap",
        "ORANGE KNITTED CAPS! Green eyes? Golden brown fur; background: blue.",
        "A cool ape looks at level ground: green eyes, golden brown fur, orange cap, blue behind.",
    ],
)
def test_other_words_for_the_same_traits_are_fine(text: str) -> None:
    assert CHECKER.check(text, TOKEN).status == "ok"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("A golden brown ape with green eyes on a blue background", [HAT]),
        ("An orange knitted cap, golden brown fur, a blue background", [EYES]),
        ("an ape", [HAT, EYES, FUR, BACK]),
        ("", [HAT, EYES, FUR, BACK]),
    ],
)
def test_a_trait_of_which_no_word_is_said_is_dropped(text: str, gone: list[Trait]) -> None:
    assert list(CHECKER.check(text, TOKEN).dropped) == gone


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ("and a crown", Trait("Hat", "Crown")),
        ("and a red beanie", Trait("Hat", "Red Beanie")),
        ("with laser eyes", Trait("Eyes", "Laser")),
        ("smoking a pipe", Trait("Accessory", "Pipe")),
        ("with blue eyes", Trait("Eyes", "Blue")),
        ("with a cool mouth", Trait("Mouth", "Cool")),
        ("of level 5", Trait("Level", "5")),
    ],
)
def test_a_value_of_the_collection_that_the_token_lacks_is_invented(
    more: str, wrong: Trait
) -> None:
    text = f"{caption('apes', TOKEN).text} {more}"
    check = CHECKER.check(text, TOKEN)
    assert check.invented == (wrong,)
    assert check.status == "invented"


def test_a_shorter_value_within_an_own_one_is_not_invented() -> None:
    assert not CHECKER.check("golden brown fur", TOKEN).invented, "there is a trait Fur=Brown"


def test_colours_that_change_places_are_found() -> None:
    check = CHECKER.check(
        "golden brown fur, an orange knitted cap, blue eyes, a green background", TOKEN
    )
    assert check.invented == (Trait("Eyes", "Blue"),)


def test_a_trait_whose_word_another_one_shares_needs_its_type() -> None:
    both = [Trait("Eyes", "Blue"), Trait("Background", "Blue")]
    assert CHECKER.check("blue eyes and a blue background", both).status == "ok"
    assert CHECKER.check("blue eyes", both).dropped == (both[1],)


def test_the_name_of_the_collection_says_no_trait() -> None:
    checker = CaptionChecker("mfers", [Trait("Type", "Plain Mfer"), Trait("Type", "Zombie")])
    assert checker.check("mfers with headphones", [Trait("Type", "Plain Mfer")]).dropped


def test_what_says_nothing_can_be_neither_dropped_nor_invented() -> None:
    checker = CaptionChecker("apes", [Trait("Hat", "None"), Trait("Laser Eyes", "No")])
    assert checker.check("none, no laser eyes", [Trait("Hat", "None")]).status == "ok"


def drawn_tokens(count: int) -> list[list[Trait]]:
    rng = np.random.default_rng(0)
    colours = ["Red", "Green", "Dark Blue", "Golden Yellow", "Pale Pink"]
    things = ["Cap", "Crown", "Top Hat", "Beanie", "Halo"]
    return [
        [
            Trait("Background", colours[rng.integers(5)]),
            Trait("Headwear", f"{colours[rng.integers(5)]} {things[rng.integers(5)]}"),
            Trait("Eyes", ["Laser", "Sleepy", "Green", "3D Glasses"][rng.integers(4)]),
            Trait("Accessory", ["Pipe", "Earring", "None"][rng.integers(3)]),
            Trait("Level", str(rng.integers(9))),
        ]
        for _ in range(count)
    ]


def test_the_templates_of_every_style_are_never_marked() -> None:
    tokens = drawn_tokens(200)
    checker = CaptionChecker("apes", [trait for token in tokens for trait in token])
    for style in STYLES:
        for token in tokens:
            text = caption("apes", token, config=CaptionConfig(style=style)).text
            assert checker.check(text, token).status == "ok", text


def test_the_caption_of_another_token_is_always_marked() -> None:
    tokens = drawn_tokens(200)
    checker = CaptionChecker("apes", [trait for token in tokens for trait in token])
    for one, other in pairwise(tokens):
        if set(one) != set(other):
            assert checker.check(caption("apes", other).text, one).status != "ok", (one, other)


def test_a_trait_that_a_template_leaves_out_is_the_one_that_is_marked() -> None:
    tokens = drawn_tokens(200)
    checker = CaptionChecker("apes", [trait for token in tokens for trait in token])
    for token in tokens:
        for number, trait in enumerate(token):
            if phrase(trait):
                text = sub_caption("apes", token, set(range(5)) - {number}).text
                assert checker.check(text, token).dropped == (trait,), text

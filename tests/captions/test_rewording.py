"""Captions in the words of those who search."""

import numpy as np
import pytest

from traitlens.captions.lexicon import Group, lexicon_phrases, other_words, parse_groups
from traitlens.captions.rewording import retold, reworded


def test_a_line_is_a_group_and_may_name_a_broader_word() -> None:
    text = "# hats\ncap, ball  cap > hat # broader\n\n fur , furry\nbowler > hat"
    assert parse_groups(text) == (
        Group(("cap", "ball cap"), "hat"),
        Group(("fur", "furry")),
        Group(("bowler",), "hat"),
    )


@pytest.mark.parametrize("line", ["cap", "> hat", "cap, "])
def test_a_group_of_one_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="two phrases"):
        parse_groups(line)


def test_the_lexicon_is_in_lower_case_and_its_groups_name_nothing_twice() -> None:
    assert len(lexicon_phrases()) > 500
    assert all(words == words.lower().strip() for words in lexicon_phrases())


def test_one_part_of_a_phrase_is_replaced_at_a_time() -> None:
    assert "sunnies" in other_words("sunglasses")
    red_hats = other_words("red beanie")
    assert "red wool hat" in red_hats and "crimson beanie" in red_hats
    assert "crimson wool hat" not in red_hats
    assert "red hat" not in red_hats and "red hat" in other_words("red beanie", broader=True)


def test_the_longest_part_counts_and_no_word_stands_twice_in_a_row() -> None:
    others = other_words("3d glasses")
    assert "cinema glasses" in others
    assert not any("spectacles" in words for words in others)
    assert "blue hat" in other_words("blue beanie hat", broader=True)


def test_what_nobody_knows_has_no_other_words() -> None:
    assert other_words("xyzzy plugh") == ()
    assert other_words("") == ()


def test_a_phrase_is_said_in_several_ways_each_with_its_meaning() -> None:
    rng = np.random.default_rng(0)
    said = {reworded("blue beanie hat", "hat", rng=rng) for _ in range(200)}
    assert {"blue beanie hat", "blue beanie", "azure beanie", "blue knit cap hat"} <= said
    assert "blue hat" not in said
    assert {reworded("hat", "hat", rng=rng) for _ in range(50)} <= {"hat", "headwear", "headgear"}


def test_a_retold_caption_says_every_phrase_in_some_order() -> None:
    kinds = {"blue beanie hat": "hat", "xyzzy mouth": "mouth"}
    rng = np.random.default_rng(0)
    told = {retold("lil apes", list(kinds), kinds, rng=rng) for _ in range(300)}
    assert all("xyzzy" in text and text.startswith("lil apes") for text in told)
    assert "lil apes with xyzzy and blue beanie" in told
    assert "lil apes blue beanie hat xyzzy mouth" in told
    unnamed = {retold("", list(kinds), kinds, rng=rng) for _ in range(100)}
    assert "xyzzy, blue beanie" in unnamed
    assert retold("lil apes", [], kinds, rng=rng) == "lil apes"

"""Answers in a notebook: pictures and traits, bounded, and deaf to what hostile tokens say."""

from __future__ import annotations

from tests.helpers import Tags
from tests.retrieval.test_page import EVIL, answer, hit
from traitlens.records import Trait


def test_an_answer_shows_its_pictures_and_what_they_match_and_lack() -> None:
    shown = Tags(answer(hit(1, missing=("horns",)), hit(2), where="Hat!=Cap")._repr_html_())
    sources = [attributes["src"] or "" for tag, attributes in shown.tags if tag == "img"]
    assert len(sources) == 2
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    matched = hit(1).matched[0]
    for said in ("red hat", "robots #1", "score 0.500", "lacks horns", "1,234 tokens", "Hat"):
        assert said in shown.text
    assert f"{matched.trait_type}: {matched.value}" in shown.text


def test_what_tokens_say_is_text_and_short() -> None:
    traits = tuple(Trait(EVIL, f"{EVIL}{number}" * 500) for number in range(300))
    evil = hit(
        1, collection=EVIL, caption=EVIL, traits=traits, matched=traits[:100], missing=(EVIL,) * 99
    )
    for made in (evil._repr_html_(), answer(evil, words=EVIL, note=EVIL)._repr_html_()):
        tags = Tags(made).tags
        assert {tag for tag, _ in tags} <= {"div", "span", "b", "bdi", "img"}
        assert all(not name.startswith("on") for _, attributes in tags for name in attributes)
        assert len(made) < 20_000


def test_the_first_fifty_hits_are_shown_and_the_others_named() -> None:
    made = answer(*(hit(number) for number in range(1, 61)))._repr_html_()
    assert made.count("<img") == 50
    assert "10 more in .hits[50:]" in made


def test_a_hit_shows_itself_without_a_picture_too() -> None:
    assert "<img" not in hit(1, image=None)._repr_html_()
    assert "data:image/webp" in hit(1, image=b"RIFF....WEBP")._repr_html_()


def test_only_small_pictures_are_enlarged_without_smoothing() -> None:
    assert "pixelated" in hit(1)._repr_html_()
    assert "pixelated" not in hit(1, image=b"RIFF....WEBP")._repr_html_()


def test_no_answers_are_said() -> None:
    assert "No answers." in answer()._repr_html_()

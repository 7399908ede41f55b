"""Answers for people: complete, self-contained, and deaf to what hostile tokens say."""

from __future__ import annotations

import dataclasses
import re

import pytest
from PIL import Image

from tests.helpers import Tags, draw, drawn_token, png
from traitlens.engines import parse
from traitlens.records import Location, Trait
from traitlens.retrieval import (
    Answer,
    Hit,
    Query,
    Section,
    Timings,
    answers_page,
    answers_sheet,
)
from traitlens.retrieval.page import filter_chips
from traitlens.sheets import contact_sheet

EVIL = "</li></style><script>alert(1)</script><img src=http://evil.example/x onerror='x()'>\" '&"


def hit(number: int = 1, **changes: object) -> Hit:
    token = drawn_token("robots", number)
    made = Hit(
        rank=number,
        score=0.5,
        token_uid=token.token_uid,
        collection=token.collection,
        token_id=token.token_id,
        traits=token.traits,
        matched=token.traits[:1],
        caption=token.caption,
        location=Location(shard="robots-00000.parquet", row=number),
        image=token.image,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def answer(*hits: Hit, words: str = "red hat", where: str = "", note: str | None = None) -> Answer:
    return Answer(
        query=Query(
            words=words, image=False, like=None, where=parse(where) if where else None, k=10
        ),
        hits=hits,
        matching=1234,
        note=note,
        timings=Timings(understand_ms=0, encode_ms=1, search_ms=2, fetch_ms=3),
    )


def test_a_page_says_what_was_asked_and_found() -> None:
    made = answers_page("Demo", [answer(hit(1), hit(2), where="Hat!=Cap", note="only two")])
    text = " ".join(Tags(made).text.split())
    for said in ("Demo", "red hat", "Hat: not Cap", "2 of 1,234 tokens · 6 ms", "only two"):
        assert said in text
    assert "robots #1" in text
    assert made.count("class=matched") == 2


def test_a_page_needs_nothing_else() -> None:
    large = png(Image.effect_noise((512, 512), 50).convert("RGB"))
    page = answers_page("Demo", [answer(hit(1), hit(2, image=large))])
    sources = [attrs["src"] for tag, attrs in Tags(page).tags if tag == "img"]
    assert [str(source)[:15] for source in sources] == ["data:image/png;", "data:image/webp"]
    assert not re.search(r"https?:|url\(|@import|<script|<link", page)
    assert len(page) < 200_000


def test_hostile_texts_stay_texts() -> None:
    evil = hit(collection=EVIL, token_id=EVIL, traits=(Trait(EVIL, EVIL),), caption=EVIL)
    asked = answer(evil, words=EVIL, where="x='<b>'", note=EVIL)
    page = Tags(answers_page(EVIL, [Section(answer=asked, heading=EVIL)], labels={EVIL: EVIL}))
    calm = Tags(
        answers_page("", [Section(answer=answer(hit(), note="x", where="x=y"), heading="x")])
    )
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in calm.tags} | {"span"}
    assert page.text.count("<script>alert(1)</script>") >= 7
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert [sorted(attrs) for attrs in images] == [["alt", "class", "loading", "src"]]
    assert images[0]["alt"] == EVIL


def test_pixel_art_is_enlarged_without_smoothing_and_photographs_are_not() -> None:
    photo = png(Image.new("RGB", (200, 200)))
    made = Tags(answers_page("", [answer(hit(1), hit(2, image=photo))]))
    assert [attrs.get("class") for tag, attrs in made.tags if tag == "img"] == ["pixels", None]


def test_missing_and_broken_pictures_and_answers_are_said() -> None:
    page = Tags(answers_page("", [answer(hit(1, image=None), hit(2, image=b"x")), answer()]))
    assert page.text.count("no picture") == 2
    assert "No answers." in page.text


def test_a_label_marks_the_tokens_of_its_collection() -> None:
    page = Tags(answers_page("", [answer(hit())], labels={"robots": "held out", "owls": "seen"}))
    assert "held out" in page.text
    assert "seen" not in page.text


def test_many_traits_open_on_a_click_but_matched_ones_show() -> None:
    traits = tuple(Trait(f"Type {i}", f"Value {i}") for i in range(20))
    page = answers_page("", [answer(hit(traits=traits, matched=traits[18:]))])
    shown, hidden = page.split("<details>")
    assert "Value 19" in shown
    assert "Value 3" in shown
    assert "Value 4" in hidden
    assert "14 more" in hidden


@pytest.mark.parametrize(
    ("where", "chips"),
    [
        ("a=1", ["a: 1"]),
        ("a=1 AND b!=2", ["a: 1", "b: not 2"]),
        ("a=1 OR b=2", ["a=1 OR b=2"]),
    ],
)
def test_a_filter_becomes_chips_that_all_hold(where: str, chips: list[str]) -> None:
    assert filter_chips(parse(where)) == chips


def test_a_sheet_shows_every_answer() -> None:
    picture = Image.new("RGB", (10, 10), (255, 0, 255))
    hits = [hit(i, image=png(picture)) for i in range(1, 8)]
    one = answers_sheet([answer(*hits[:5])], columns=5)
    both = answers_sheet([answer(*hits, note=EVIL), answer()], columns=5)
    assert both.width == one.width
    assert both.height > 1.5 * one.height
    magenta = sum(count for count, colour in both.getcolors(2**24) or [] if colour == (255, 0, 255))
    assert magenta == 7 * 160 * 160


def test_a_contact_sheet_keeps_pixels_whole() -> None:
    pixel_art = draw({"background": "red", "body": "blue"})
    large = Image.new("RGB", (400, 100), (0, 255, 0))
    made = contact_sheet([pixel_art, None, large], ["a" * 500, "", "b\nc"], columns=2, cell_px=48)
    assert made.crop((8, 8, 56, 56)).tobytes() == pixel_art.resize((48, 48), 0).tobytes()
    assert made.width == 2 * 48 + 3 * 8
    green = sum(count for count, colour in made.getcolors(2**24) or [] if colour == (0, 255, 0))
    assert green == 48 * 12

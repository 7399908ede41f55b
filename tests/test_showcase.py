"""The demo draws, builds, indexes and answers its six questions, offline."""

import re

import pytest
from PIL import Image

from traitlens.showcase import LABELS, QUESTIONS, Showcase, demo
from traitlens.sources.dicebear_styles import DEMO_STYLES, HELD_OUT_STYLES
from traitlens.sources.samples import SampleConfig


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Showcase:
    # Small pictures and few tokens; the questions name tokens up to number 42.
    samples = SampleConfig(tokens=45, size=64, workers=1)
    return demo(tmp_path_factory.mktemp("showcase"), samples=samples)


def test_it_has_at_least_six_collections_two_of_them_unseen_and_says_which(
    shown: Showcase,
) -> None:
    assert shown.collections == tuple(sorted(DEMO_STYLES))
    assert len(shown.collections) >= 6
    assert set(LABELS) == set(HELD_OUT_STYLES) <= set(shown.collections)
    assert len(LABELS) >= 2
    page = shown.page.read_text()
    assert all(label in page for label in LABELS.values())


def test_every_question_but_the_last_has_answers_that_satisfy_its_filter(shown: Showcase) -> None:
    assert len(shown.sections) == len(QUESTIONS) == 6
    *answered, impossible = [section.answer for section in shown.sections]
    assert all(answer.hits for answer in answered)
    assert not impossible.hits
    assert "no token satisfies" in str(impossible.note)
    tulips = answered[1].hits
    assert {str(t) for hit in tulips for t in hit.traits if t.trait_type == "Plant"} == {
        "Plant=Tulip"
    }
    without = answered[4].hits
    assert "Glasses=Round" not in {str(t) for hit in without for t in hit.traits}


def test_a_photo_of_a_token_of_an_unseen_style_finds_that_token(shown: Showcase) -> None:
    (wanted,) = [question.picture_of for question in QUESTIONS if question.picture_of]
    first = shown.sections[2].answer.hits[0]
    assert f"{first.collection}/{first.token_id}" == wanted


def test_the_page_needs_nothing_else_and_the_sheet_is_a_picture(shown: Showcase) -> None:
    page = shown.page.read_text()
    assert page.count("data:image/") > 20
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)", page)
    with Image.open(shown.sheet) as sheet:
        assert sheet.height > 600

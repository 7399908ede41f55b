"""The page of a report: complete, self-contained, and deaf to what hostile tokens say."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.description.datasets import EVIL, evil_dataset
from tests.helpers import ColourEncoder, Tags, drawn_dataset
from tests.reporting.fake_part import FakePart
from traitlens.embedding import Embedded, Gallery, embed_all
from traitlens.evaluation import FreeTextQuery, Part, evaluate_embedded, score_difficulty
from traitlens.reporting import Report, measure_report, report_page
from traitlens.reporting.confusion import Matrix
from traitlens.reporting.page import collection_section
from traitlens.reporting.report import plain
from traitlens.reporting.retrieval_tables import retrieval_tables


@pytest.fixture(scope="module")
def page(report: Report, found: list[Embedded]) -> str:
    vectors = {name: found[0].of(name) for name in found[0].gallery.collections}
    rows = report.evaluation.collection_rows()
    recall = {name: rows[name].recall for name in vectors}
    parts: dict[str, Part] = {"difficulty": score_difficulty(vectors, recall=recall, equal_n=20)}
    said = ("Something to know first.",)
    evaluation = replace(report.evaluation, parts=parts, findings=said, skipped={"too few": 1})
    assert report.confusion is not None
    matrix = Matrix(trait_type="Hat", values=("Red", "Blue"), queries=((3, 1), (0, 0)))
    confused = tuple(replace(one, matrix=matrix) for one in report.confusion.collections)
    confusion = replace(report.confusion, collections=confused)
    return report_page(replace(report, evaluation=evaluation, confusion=confusion), found[0])


def test_findings_come_before_any_number(page: str) -> None:
    text = Tags(page).text
    assert text.index("Something to know first.") < text.index("Macro top-1 is")
    assert text.index("Something to know first.") < text.index("Text to image")


def test_a_page_has_every_table(page: str, report: Report) -> None:
    text = Tags(page).text
    assert report.confusion is not None
    for table in (*retrieval_tables(report.evaluation), *report.confusion.tables()):
        assert plain(table).title in text
    for said in ("Free text to image", "CVI", "left out: too few", "Macro top-1 is"):
        assert said in text


def test_every_entry_of_the_contents_leads_to_a_section(page: str) -> None:
    tags = Tags(page).tags
    links = [str(attrs["href"])[1:] for tag, attrs in tags if tag == "a"]
    sections = [attrs["id"] for tag, attrs in tags if tag == "section"]
    assert links == sections
    assert len(sections) == 7


def test_charts_are_drawn_and_said(page: str) -> None:
    charts = [attrs for tag, attrs in Tags(page).tags if tag == "svg"]
    assert {"bar-chart", "scatter", "heat-map"} == {attrs["class"] for attrs in charts}
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in charts)
    assert "meant Red, found Blue: 25.0%" in Tags(page).text
    assert "meant Blue" not in Tags(page).text, "no query meant it"


def test_examples_show_the_meant_token_and_five_hits(page: str) -> None:
    cards = page.count('<article class="card">')
    assert cards == 2 * (2 + 2) + 2
    assert page.count('<li class="meant">') == cards
    assert len([tag for tag, _ in Tags(page).tags if tag == "img"]) == 6 * cards


def test_a_page_needs_nothing_else(page: str) -> None:
    assert not re.search(r"https?:|url\(|@import|<script|<link", page)
    sources = [str(attrs["src"])[:15] for tag, attrs in Tags(page).tags if tag == "img"]
    assert set(sources) == {"data:image/png;"}
    assert len(page) < 200_000


def test_a_part_that_nobody_foresaw_has_its_name_and_its_tables(
    report: Report, found: list[Embedded]
) -> None:
    parts: dict[str, Part] = {"new measure": FakePart("Something new")}
    made = report_page(
        replace(report, evaluation=replace(report.evaluation, parts=parts)), found[0]
    )
    assert "<h2>New measure</h2>" in made
    assert "Something new" in made


def test_one_collection_and_no_baselines_make_a_page(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 30})
    found = embed_all([ColourEncoder()], Gallery.of(data))
    made = report_page(measure_report(found), found[0])
    assert "One collection only" in made
    assert 'class="beside"' not in made


def test_large_tables_open_on_a_click_and_many_bars_are_cut(report: Report) -> None:
    rows = [row for row in report.evaluation.rows if row.scope != "collection"]
    some = [row for row in report.evaluation.rows if row.gallery == "robots"]
    rows += [replace(row, gallery=f"robots {n}") for n in range(120) for row in some]
    evaluation = replace(report.evaluation, rows=tuple(rows))
    assert "(120 rows)</summary>" in collection_section(evaluation)
    assert "The 20 in the middle are in the table alone." in collection_section(evaluation)
    assert collection_section(evaluation).count('class="model"') == 100


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    def page_of(data_path: Path, name: str, *, evil: bool) -> str:
        data = evil_dataset(data_path) if evil else drawn_dataset(data_path, {"robots": 8})
        found = embed_all([ColourEncoder()], Gallery.of(data, split=None))
        token = next(data.tokens(images=False))
        words = EVIL if evil else "red hat"
        query = FreeTextQuery(
            collection="robots", token_id=token.token_id, query=words, where="here:1"
        )
        made = measure_report(found, queries=[query])
        evaluation = replace(made.evaluation, model=name, findings=(name,))
        rows = tuple(replace(row, model=name) for row in evaluation.rows)
        return report_page(replace(made, evaluation=replace(evaluation, rows=rows)), found[0])

    evil = page_of(tmp_path / "evil", EVIL, evil=True)
    calm = page_of(tmp_path / "calm", "colours", evil=False)
    page, usual = Tags(evil), Tags(calm)
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in usual.tags}
    assert {name for _, attrs in page.tags for name in attrs} <= {
        name for _, attrs in usual.tags for name in attrs
    }
    assert page.text.count("<script>alert(1)</script>") >= 8
    assert "\x1b" not in evil
    assert "\u202e" not in evil


def test_a_page_of_an_evaluation_alone_leaves_out_what_was_not_asked(
    found: list[Embedded],
) -> None:
    made = report_page(Report(evaluation=evaluate_embedded(found)), found[0])
    text = Tags(made).text
    assert "Free-text queries" not in text
    assert "What is confused" not in text

"""Free text stands beside captions, words, baselines and chance; unseen words are told apart."""

from dataclasses import replace

import pytest

from traitlens.evaluation import FreeTextEvaluation
from traitlens.reporting import Report, free_text_tables
from traitlens.reporting.free_text_tables import query_table


@pytest.fixture
def free_text(report: Report) -> FreeTextEvaluation:
    assert report.free_text is not None
    return report.free_text


def test_the_summary_has_the_model_its_captions_baselines_words_and_chance(
    free_text: FreeTextEvaluation,
) -> None:
    summary = free_text_tables(free_text)[0]
    beside = ["colours on template captions", "words of the metadata", "chance"]
    models = ["colours", "raw pixels", "colour histogram"]
    assert [row[1] for row in summary.rows if row[0] == "macro"] == models + beside
    assert [row[1] for row in summary.rows if row[0] == "all"] == [*models, "chance"]
    assert "2 of 3 queries in 2 collections" in summary.note
    assert "Left out: 1 x collection not in the data set." in summary.note


def test_known_and_unseen_words_stand_apart(free_text: FreeTextEvaluation) -> None:
    known = replace(free_text, known_words=free_text.unseen_words)
    rows = free_text_tables(known)[1].rows
    assert [row[:3] for row in rows] == [
        ("all known", "macro", 2),
        ("all known", "micro", 2),
        ("some unseen", "macro", 2),
        ("some unseen", "micro", 2),
    ]


def test_every_collection_has_a_row(free_text: FreeTextEvaluation) -> None:
    rows = free_text_tables(free_text)[2].rows
    assert [row[:3] for row in rows] == [("robots", 40, 1), ("owls", 30, 1)]
    assert [row[5] for row in rows] == [10 / 40, 10 / 30]


def test_queries_come_one_a_line_with_their_ranks(free_text: FreeTextEvaluation) -> None:
    table = query_table(free_text)
    names = [column.name for column in table.columns]
    cells = dict(zip(names, table.rows[0], strict=True))
    one = free_text.ranked[0]
    assert (cells["collection"], cells["token"]) == ("robots", "9")
    assert (cells["rank"], cells["rank in all"]) == (one.rank, one.rank_in_all)
    assert cells["unseen words"] == " ".join(one.unseen) != ""
    assert len(str(cells["first hits"]).split()) == len(one.first)

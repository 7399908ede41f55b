"""Captions side by side: complete, countable, and deaf to what hostile texts say."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import Tags, drawn_dataset, drawn_token, write_dataset
from traitlens.captions import Reply, Request, caption, caption_report, write_captions
from traitlens.captions.report import Piece
from traitlens.errors import ConfigError
from traitlens.records import Trait
from traitlens.store import Dataset

EVIL = "</p></style><script>alert(1)</script><img src=http://evil.example/x onerror='x()'>\" '&"


class Writer:
    """Says of the first token nothing, of every other one a moon pin too many, and fails once."""

    batch = 4

    def __init__(self) -> None:
        self.asked = 0

    def describe(self) -> dict[str, Any]:
        return {"kind": "test"}

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            self.asked += 1
            if self.asked == 1:
                yield Reply(problem=f"500: {EVIL}")
            else:
                yield Reply(caption=f"{EVIL} {caption('robots', request.traits[1:]).text}, crown")


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    tokens = [drawn_token("robots", number) for number in range(12)]
    crowned = dataclasses.replace(
        tokens[0], traits=(*tokens[0].traits, Trait("Crown", "Crown"), Trait("Pin", EVIL))
    )
    return write_dataset(tmp_path / "data", {"robots": [crowned, *tokens[1:]]})


def test_templates_alone_are_compared_over_all_tokens(data: Dataset) -> None:
    report = caption_report(data)
    assert report.tokens == 12
    assert [row.kind for row in report.totals] == ["plain", "tags", "sentence", "typed"]
    for row in report.totals:
        assert row.statuses["ok"] == row.captions == 12
        assert row.distinct <= 12
    assert report.totals[2].words_each == report.totals[0].words_each + 2, '"A ... token"'


def test_written_captions_stand_beside_the_plain_template(data: Dataset) -> None:
    write_captions(data, Writer(), name="gpt")
    report = caption_report(data)
    plain, written = report.totals
    assert (plain.kind, written.kind) == ("plain", "gpt")
    assert (plain.captions, written.captions) == (12, 11)
    assert written.statuses["failed"] == 1
    assert written.statuses["both"] == 11


def test_only_tokens_of_every_kind_are_counted(data: Dataset) -> None:
    from traitlens.captions import WritingConfig

    write_captions(data, Writer(), name="few", config=WritingConfig(limit=3))
    report = caption_report(data, kinds=["plain", "few", "plain"])
    assert report.tokens == 3
    assert [row.statuses.total() for row in report.totals] == [3, 3]
    assert len(report.examples["robots"]) == 3


def test_the_spans_of_the_template_are_marked_with_their_traits(data: Dataset) -> None:
    report = caption_report(data, kinds=["plain"], per_collection=12)
    for example in report.examples["robots"]:
        (said,) = example.said
        marked = [piece.title for piece in said.pieces if piece.mark == "tells"]
        assert sorted(marked) == sorted(map(str, example.token.traits))


def test_right_and_wrong_words_are_marked_in_what_was_written(data: Dataset) -> None:
    write_captions(data, Writer(), name="gpt")
    report = caption_report(data, kinds=["gpt"], per_collection=12)
    shown = {example.token.token_id: example.said[0] for example in report.examples["robots"]}
    assert Piece("crown", "wrong") in shown["5"].pieces
    assert shown["5"].invented == (Trait("Crown", "Crown"),)
    assert shown["5"].dropped == drawn_token("robots", 5).traits[:1]


def test_the_page_needs_nothing_else_and_runs_nothing(data: Dataset, tmp_path: Path) -> None:
    write_captions(data, Writer(), name="gpt")
    caption_report(data, tmp_path / "page.html", per_collection=12)
    text = (tmp_path / "page.html").read_text()
    page = Tags(text)
    names = {name for name, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "form", "a"}
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:").startswith("data:")
    assert "default-src 'none'" in text
    assert not re.search(r"url\(", text)


def test_the_page_says_what_was_found(data: Dataset, tmp_path: Path) -> None:
    write_captions(data, Writer(), name="gpt")
    caption_report(data, tmp_path / "page.html", per_collection=12)
    said = " ".join(Tags((tmp_path / "page.html").read_text()).text.split())
    for words in ("12 tokens", "plain", "gpt", "left out", "invented", "no caption", "robots #5"):
        assert words in said
    assert EVIL in said, "as text"


def test_equal_input_gives_an_equal_page(data: Dataset, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        caption_report(data, tmp_path / name, per_collection=2, seed=3)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_an_unknown_kind_is_refused_with_the_known_ones(data: Dataset) -> None:
    with pytest.raises(ConfigError, match="did you mean 'plain'"):
        caption_report(data, kinds=["plian"])
    with pytest.raises(ConfigError, match="there are plain, tags, sentence, typed"):
        caption_report(data, kinds=["gpt-4"])


def test_a_data_set_of_several_collections_shows_each(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 5, "owls": 2})
    report = caption_report(data, per_collection=3)
    assert {name: len(shown) for name, shown in report.examples.items()} == {"robots": 3, "owls": 2}

"""Strangers' words, made harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.description.datasets import EVIL
from traitlens.description.texts import (
    count,
    markdown,
    percent,
    size_words,
    table,
)
from traitlens.plain_text import one_line


@given(st.text(max_size=60) | st.sampled_from([EVIL, "a|b", "\\|", "[a](b)", "www.evil.example"]))
def test_markdown_shows_the_words_and_nothing_else(text: str) -> None:
    parser = MarkdownIt("gfm-like", {"linkify": False})
    page = parser.parse(table(["a", "b"], [[markdown(text), "x"]], words=2))
    cells = [token for token in page if token.type == "inline"]
    assert len(cells) == 4, "the words stay in their cell"
    shown = cells[2]
    assert {child.type for child in shown.children or []} <= {"text", "text_special"}
    said = "".join(child.content for child in shown.children or [])
    assert " ".join(said.split()) == " ".join(one_line(text).split())


def test_markdown_makes_no_links_of_bare_addresses() -> None:
    assert markdown("http://a.b www.a.b x@a.b") == "http\\://a.b www\\.a.b x\\@a.b"


@pytest.mark.parametrize(
    ("share", "said"),
    [(1, "100%"), (0, "0%"), (0.9999, ">99.9%"), (0.0001, "<0.1%"), (0.945, "94.5%")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float, said: str) -> None:
    assert percent(share) == said


def test_numbers_are_easy_to_read() -> None:
    assert [count(7_560_000), count(4.5), count(4.0)] == ["7,560,000", "4.5", "4"]
    assert [size_words(999), size_words(85_100_000), size_words(2 * 10**15)] == [
        "999 bytes",
        "85.1 MB",
        "2,000.0 TB",
    ]

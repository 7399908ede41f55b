"""Strangers' words on one line."""

from hypothesis import given
from hypothesis import strategies as st

from traitlens.plain_text import one_line


def test_a_line_has_no_breaks_and_no_terminal_or_direction_controls() -> None:
    assert one_line("a\n b\tc\x1b[31m\u202ed\x9be\ud800") == "a b c [31m d e"


def test_a_line_is_bounded_and_says_so() -> None:
    assert one_line("a" * 500, max_chars=10) == "a" * 9 + "…"
    assert one_line("a" * 10, max_chars=10) == "a" * 10


def test_letters_keep_some_marks_but_no_towers_of_them() -> None:
    assert one_line("e\u0301") == "e\u0301"
    assert one_line("e" + "\u0301" * 100) == "e" + "\u0301" * 4


@given(st.text(max_size=300))
def test_a_line_is_a_line_whatever_comes(text: str) -> None:
    made = one_line(text)
    assert len(made) <= 200
    assert one_line(made) == made
    assert made.isprintable() or not made.isascii()

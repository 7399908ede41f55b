"""Names for files: taken by every file system, and never confused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traitlens.exchange.names import MAX_BYTES, Names, ascii_name, file_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BoredApeYachtClub", "BoredApeYachtClub"),
        ("Wizards & Dragons Game", "Wizards & Dragons Game"),
        ("RSTLSS ✕ CrypToadz", "RSTLSS ✕ CrypToadz"),
        (str(2**256 - 1), str(2**256 - 1)),
        ("../../etc/passwd", "etc-passwd"),
        ('a<b>:"c"?*|\\d', "a-b-c-d"),
        (".hidden", "hidden"),
        ("Yakuza Inc.", "Yakuza Inc"),
        ("..", "unnamed"),
        ("con", "con_"),
        ("NUL.txt", "NUL.txt_"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_a_name_is_kept_but_for_what_cannot_name_a_file(text: str, expected: str) -> None:
    assert file_name(text) == expected


@given(st.text())
def test_no_name_is_empty_long_hidden_or_a_path(text: str) -> None:
    name = file_name(text.encode("utf-8", "replace").decode())
    assert 0 < len(name.encode()) <= MAX_BYTES + 1
    assert name[0] not in ". "
    assert name[-1] not in ". "
    assert name.isprintable()
    assert not set(name) & set('/\\:*?"<>|~')
    assert set(ascii_name(text)) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    )


def test_names_that_differ_by_case_only_get_numbers() -> None:
    names = Names()
    assert [names.take(name) for name in ("ape", "Ape", "APE", "owl", "ape")] == [
        "ape",
        "Ape~2",
        "APE~3",
        "owl",
        "ape~4",
    ]

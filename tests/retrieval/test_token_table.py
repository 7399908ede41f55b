"""What an index knows of tokens beside their vectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from traitlens.errors import IndexingError
from traitlens.retrieval.token_table import Rarity, TokenRow, TokenTable


def row(number: int, *, pixels: str = "p", picture: bytes = b"png") -> TokenRow:
    return TokenRow(
        token_uid=f"t{number}",
        pixels=pixels,
        entry=f"e{number}",
        collection="robots",
        picture=picture,
    )


def test_rows_are_there_after_another_opening_and_are_replaced(tmp_path: Path) -> None:
    with TokenTable.open(tmp_path / "t.sqlite") as table:
        table.put([row(1), row(2)])
        table.put([row(2, pixels="q", picture=b"new")])
    with TokenTable.open(tmp_path / "t.sqlite", read_only=True) as table:
        assert table.digests() == {"t1": ("p", "e1"), "t2": ("q", "e2")}
        assert table.pictures(["t2", "t9", "t1"]) == [b"new", None, b"png"]


def test_more_tokens_than_fit_one_question_are_found(tmp_path: Path) -> None:
    with TokenTable.open(tmp_path / "t.sqlite") as table:
        table.put(row(number, pixels=str(number % 3)) for number in range(1_201))
        names = [f"t{number}" for number in range(1_201)]
        assert len(table.pixels(names)) == 1_201
        assert table.copies({"0", "1", "2", "none"}) == {"0": 401, "1": 400, "2": 400}


def test_rarity_is_kept_by_token(tmp_path: Path) -> None:
    with TokenTable.open(tmp_path / "t.sqlite") as table:
        table.put_rarity({"t1": 1, "t2": 2})
        table.put_rarity({"t1": 2, "t2": 1, "t3": 3})
        assert table.rarity(["t1", "t9"]) == {"t1": Rarity(rank=2, tokens=3)}


def test_what_is_deleted_is_in_no_file(tmp_path: Path) -> None:
    with TokenTable.open(tmp_path / "t.sqlite") as table:
        table.put([row(1, picture=b"SECRET" * 2_000), row(2)])
        table.put_rarity({"t1": 1, "t2": 2})
        table.delete(["t1"])
        assert table.digests().keys() == {"t2"}
        assert table.rarity(["t1"]) == {}
    assert all(b"SECRET" not in file.read_bytes() for file in tmp_path.iterdir())


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.sqlite").write_bytes(b"no database" * 100)
    for read_only in (True, False):
        with pytest.raises(IndexingError, match="is no table of an index's tokens"):
            TokenTable.open(tmp_path / "t.sqlite", read_only=read_only)
    with pytest.raises(IndexingError, match="is no table"):
        TokenTable.open(tmp_path / "none.sqlite", read_only=True)

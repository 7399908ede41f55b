"""A file of queries is read with care: a wrong line is named with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from traitlens.errors import QueryError
from traitlens.evaluation import FreeTextQuery, read_queries

GOOD = {"collection": "robots", "token_id": "9", "query": "a red one"}


def written(path: Path, *lines: Any) -> Path:
    file = path / "queries.jsonl"
    file.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    return file


def test_queries_are_read_with_their_places(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD, "", {**GOOD, "token_id": 12, "author": "me"})
    first, second = read_queries(file)
    expected = FreeTextQuery(
        collection="robots", token_id="9", query="a red one", where=f"{file}:1"
    )
    assert first == expected
    assert (second.token_id, second.where) == ("12", f"{file}:3")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"queries\.jsonl:2: broken JSON: "),
        ("[1]", r":2: expected a JSON object, got '\[1\]'"),
        ({"collection": "robots", "query": "red"}, ":2: no 'token_id'; a query has collection"),
        ({**GOOD, "query": " "}, ":2: 'query' must be text, got ' '"),
        ({**GOOD, "query": 5}, ":2: 'query' must be text, got 5"),
        ({**GOOD, "token_id": True}, ":2: 'token_id' must be text, got True"),
        ({**GOOD, "collection": None}, ":2: 'collection' must be text, got None"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        read_queries(written(tmp_path, GOOD, line))


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"cannot read the query file .*none\.jsonl: No such file"):
        read_queries(tmp_path / "none.jsonl")
    with pytest.raises(QueryError, match=r"queries\.jsonl is empty"):
        read_queries(written(tmp_path, ""))
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    with pytest.raises(QueryError, match="is not UTF-8"):
        read_queries(tmp_path / "latin")

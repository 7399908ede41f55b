"""Queries of people: read with care, ranked within their collection, none lost uncounted."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ColourEncoder, drawn_token, rejected_token, write_dataset
from traitlens.errors import ModelError, QueryError
from traitlens.evaluation import FreeTextQuery, evaluate_free_text, read_queries
from traitlens.store import Dataset

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


def asked(collection: str, token_id: str, query: str) -> FreeTextQuery:
    return FreeTextQuery(collection=collection, token_id=token_id, query=query, where="here:1")


@pytest.fixture
def robots(tmp_path: Path) -> Dataset:
    tokens = [drawn_token("robots", number) for number in range(40)]
    owls = [drawn_token("owls", number) for number in range(10)]
    shards = {"robots": [*tokens, rejected_token("robots", 40)], "owls": owls}
    return write_dataset(tmp_path / "data", shards)


def colours_of(data: Dataset, token_id: str) -> str:
    """Return the words that describe every coloured part of a robot."""
    (token,) = [t for t in data.tokens(collections=["robots"]) if t.token_id == token_id]
    parts = [t for t in token.traits if t.trait_type != "Pin"]
    return " ".join(f"{trait.value} {trait.trait_type}" for trait in parts)


def test_the_meant_token_is_ranked_within_its_collection(robots: Dataset) -> None:
    described = colours_of(robots, "3")
    queries = [asked("robots", "3", described), asked("robots", "5", "hello")]
    found = evaluate_free_text(ColourEncoder(), robots, queries)
    first, second = found.ranked
    assert (first.n, first.rank, first.hits) == (40, 1, {1: 1, 5: 1, 10: 1})
    # Wordless texts tell pictures apart by their last number alone: hats make a picture longer.
    assert second.rank > 1
    row = found.row("free_text")
    assert (row.queries, row.n, row.collections) == (2, 40, 1)
    assert row.recall[1] == (first.hits[1] + second.hits[1]) / 2
    assert row.median_rank == (first.rank + second.rank) / 2


def test_the_template_and_chance_stand_beside_for_the_same_tokens(robots: Dataset) -> None:
    queries = [asked("robots", "3", "whatever"), asked("owls", "4", "whatever")]
    found = evaluate_free_text(ColourEncoder(), robots, queries)
    assert {side: rows[0].queries for side, rows in found.rows.items()} == {
        "free_text": 1,
        "template": 1,
        "chance": 1,
    }
    assert found.row("template").recall[1] == 1
    assert [ranked.template_rank for ranked in found.ranked] == [1, 1]
    chance = found.row("chance")
    assert chance.recall[5] == pytest.approx((5 / 40 + 5 / 10) / 2)
    assert chance.median_rank == (41 / 2 + 11 / 2) / 2
    assert chance.recall == pytest.approx(found.row("free_text").chance)


def test_every_query_is_ranked_or_skipped_for_a_reason(robots: Dataset) -> None:
    queries = [
        asked("robots", "9", "in the test split"),
        asked("robots", "1", "in the train split"),
        asked("robots", "40", "rejected"),
        asked("cats", "1", "no such collection"),
    ]
    found = evaluate_free_text(ColourEncoder(), robots, queries, split="test")
    assert found.skipped == {"token not in the gallery": 2, "collection not in the data set": 1}
    assert found.read == len(found.ranked) + sum(found.skipped.values())
    assert [(ranked.token_id, ranked.n) for ranked in found.ranked] == [("9", 4)]


def test_a_token_that_does_not_exist_is_an_error_with_its_place(robots: Dataset) -> None:
    with pytest.raises(QueryError, match=r"^here:1: .* has no token '999' in robots"):
        evaluate_free_text(ColourEncoder(), robots, [asked("robots", "999", "red")])


def test_queries_that_all_fall_outside_are_an_error(robots: Dataset) -> None:
    with pytest.raises(QueryError, match="1 x collection not in the data set"):
        evaluate_free_text(ColourEncoder(), robots, [asked("cats", "1", "red")])


def test_a_file_and_a_folder_are_opened(robots: Dataset, tmp_path: Path) -> None:
    found = evaluate_free_text(ColourEncoder(), robots.path, written(tmp_path, GOOD))
    assert found.read == 1
    json.dumps(found.to_json(), allow_nan=False)
    with pytest.raises(ModelError, match="is no encoder"):
        evaluate_free_text(None, robots, written(tmp_path, GOOD))  # type: ignore[arg-type]

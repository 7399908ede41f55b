"""Queries of people: ranked within their collection and among all, none lost uncounted."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import ColourEncoder, drawn_token, rejected_token, write_dataset
from traitlens.embedding import Gallery, embed_all
from traitlens.errors import QueryError
from traitlens.evaluation import FreeTextEvaluation, FreeTextQuery, evaluate_free_text
from traitlens.evaluation.free_text import CHANCE, TEMPLATE, WORDS
from traitlens.records import Split
from traitlens.store import Dataset


def asked(collection: str, token_id: str, query: str) -> FreeTextQuery:
    return FreeTextQuery(collection=collection, token_id=token_id, query=query, where="here:1")


@pytest.fixture
def robots(tmp_path: Path) -> Dataset:
    tokens = [drawn_token("robots", number) for number in range(40)]
    owls = [drawn_token("owls", number) for number in range(10)]
    shards = {"robots": [*tokens, rejected_token("robots", 40)], "owls": owls}
    return write_dataset(tmp_path / "data", shards)


def evaluated(
    data: Dataset, queries: list[FreeTextQuery], *, split: Split | None = None
) -> FreeTextEvaluation:
    found = embed_all([ColourEncoder()], Gallery.of(data, split=split))
    return evaluate_free_text(found, queries)


def colours_of(data: Dataset, token_id: str) -> str:
    """Return the words that describe every coloured part of a robot."""
    (token,) = [t for t in data.tokens(collections=["robots"]) if t.token_id == token_id]
    parts = [t for t in token.traits if t.trait_type != "Pin"]
    return " ".join(f"{trait.value} {trait.trait_type}" for trait in parts)


def test_the_meant_token_is_ranked_within_its_collection(robots: Dataset) -> None:
    queries = [asked("robots", "3", colours_of(robots, "3")), asked("robots", "5", "hello")]
    found = evaluated(robots, queries)
    first, second = found.ranked
    assert (first.n, first.rank, first.hits) == (40, 1, {1: 1, 5: 1, 10: 1})
    assert first.first[0] == "3"
    # Wordless texts tell pictures apart by their last number alone: hats make a picture longer.
    assert second.rank > 1
    row = found.row()
    assert (row.queries, row.n, row.collections) == (2, 40, 1)
    assert row.recall[1] == (first.hits[1] + second.hits[1]) / 2
    assert row.median_rank == (first.rank + second.rank) / 2


def test_among_all_tokens_look_alikes_of_other_collections_count(robots: Dataset) -> None:
    tokens = {name: list(robots.tokens(collections=[name])) for name in robots.collections}
    twin = replace(tokens["robots"][3], collection="owls", token_uid="twin", location=None)
    both = {
        "robots": [replace(token, location=None) for token in tokens["robots"]],
        "owls": [*(replace(token, location=None) for token in tokens["owls"]), twin],
    }
    data = write_dataset(robots.path.parent / "twins", both)
    found = evaluated(data, [asked("robots", "3", colours_of(data, "3"))])
    assert (found.ranked[0].rank, found.ranked[0].rank_in_all) == (1, 1.5)
    row = found.row(scope="all")
    assert (row.n, row.recall[1], row.right_collection) == (51, 0.5, 0.5)


def test_template_chance_and_words_stand_beside_for_the_same_tokens(robots: Dataset) -> None:
    queries = [asked("robots", "3", "whatever"), asked("owls", "4", "whatever")]
    found = evaluated(robots, queries)
    assert list(found.rows) == ["colours", TEMPLATE, WORDS, CHANCE]
    assert all(rows[0].queries == 1 for rows in found.rows.values())
    assert found.row(TEMPLATE).recall[1] == 1
    assert [ranked.template_rank for ranked in found.ranked] == [1, 1]
    chance = found.row(CHANCE)
    assert chance.recall[5] == pytest.approx((5 / 40 + 5 / 10) / 2)
    assert chance.median_rank == (41 / 2 + 11 / 2) / 2
    assert chance.recall == pytest.approx(found.row().chance)
    # No caption says "whatever", so the words find nothing.
    assert found.row(WORDS).recall == pytest.approx(chance.recall)


def test_words_of_the_metadata_find_what_they_name(robots: Dataset) -> None:
    found = evaluated(robots, [asked("robots", "3", colours_of(robots, "3"))])
    assert found.row(WORDS).recall[10] == 1


def test_queries_with_unseen_words_stand_apart(robots: Dataset) -> None:
    queries = [
        asked("robots", "3", "a red hat with blue bodies"),
        asked("robots", "4", "red durag on a zorblax"),
    ]
    found = evaluated(robots, queries)
    assert [ranked.unseen for ranked in found.ranked] == [(), ("durag", "zorblax")]
    (known,) = [row for row in found.known_words if row.scope == "micro"]
    (unseen,) = [row for row in found.unseen_words if row.scope == "micro"]
    assert (known.queries, unseen.queries) == (1, 1)
    assert known.median_rank == found.ranked[0].rank
    assert unseen.median_rank == found.ranked[1].rank


def test_every_query_is_ranked_or_skipped_for_a_reason(robots: Dataset) -> None:
    queries = [
        asked("robots", "9", "in the test split"),
        asked("robots", "1", "in the train split"),
        asked("robots", "40", "rejected"),
        asked("cats", "1", "no such collection"),
    ]
    found = evaluated(robots, queries, split="test")
    assert found.skipped == {"token not in the gallery": 2, "collection not in the data set": 1}
    assert found.read == len(found.ranked) + sum(found.skipped.values())
    assert [(ranked.token_id, ranked.n) for ranked in found.ranked] == [("9", 4)]


def test_ranks_follow_their_queries_whatever_the_order_of_the_file(robots: Dataset) -> None:
    queries = [
        asked("owls", "4", "red hat"),
        asked("robots", "3", colours_of(robots, "3")),
        asked("owls", "5", "blue"),
    ]
    found = evaluated(robots, queries)
    assert [one.query for one in found.ranked] == [colours_of(robots, "3"), "red hat", "blue"]
    for one in found.ranked:
        (alone,) = evaluated(robots, [asked(one.collection, one.token_id, one.query)]).ranked
        assert alone == one


def test_a_token_that_does_not_exist_is_an_error_with_its_place(robots: Dataset) -> None:
    with pytest.raises(QueryError, match=r"^here:1: .* has no token '999' in robots"):
        evaluated(robots, [asked("robots", "999", "red")])


def test_queries_that_all_fall_outside_are_an_error(robots: Dataset) -> None:
    with pytest.raises(QueryError, match="1 x collection not in the data set"):
        evaluated(robots, [asked("cats", "1", "red")])


def test_a_file_is_read_and_the_result_is_plain_json(robots: Dataset, tmp_path: Path) -> None:
    line = {"collection": "robots", "token_id": "9", "query": "a red one"}
    (tmp_path / "queries.jsonl").write_text(json.dumps(line))
    found = embed_all([ColourEncoder()], Gallery.of(robots, split=None))
    made = evaluate_free_text(found, tmp_path / "queries.jsonl")
    assert made.read == 1
    json.dumps(made.to_json(), allow_nan=False)

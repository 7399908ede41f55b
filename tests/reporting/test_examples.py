"""The best and the worst: of collections by top-1, of their queries by rank."""

from dataclasses import replace

import pytest

from traitlens.embedding import Embedded
from traitlens.reporting import Report
from traitlens.reporting.examples import (
    CollectionExamples,
    chosen_collections,
    collection_examples,
    free_text_examples,
)


@pytest.fixture(scope="module")
def examples(found: list[Embedded], report: Report) -> dict[str, CollectionExamples]:
    made = collection_examples(found[0], report.evaluation)
    return {one.collection: one for one in made}


def test_the_best_come_first_and_the_worst_have_the_largest_ranks(
    examples: dict[str, CollectionExamples], report: Report
) -> None:
    for one in examples.values():
        assert [len(one.best), len(one.worst)] == [2, 2]
        assert {example.rank for example in one.best} == {1.0}
        assert one.worst[0].rank >= one.worst[1].rank > 1.0
        row = report.evaluation.collection_rows()[one.collection]
        assert one.top1 == row.recall[1]
        assert one.worst[0].rank >= row.median_rank


def test_a_rank_counts_ties_as_the_evaluation_does(
    examples: dict[str, CollectionExamples],
) -> None:
    """What the pictures do not show ties: a rank between two places is expected."""
    ranks = [e.rank for one in examples.values() for e in one.worst]
    assert any(rank % 1 == 0.5 for rank in ranks)


def test_hits_are_marked_by_what_was_meant(
    examples: dict[str, CollectionExamples], found: list[Embedded]
) -> None:
    captions = found[0].gallery.caption_of
    for one in examples.values():
        for example in (*one.best, *one.worst):
            assert len(example.hits) == 5
            for hit in example.hits:
                same = captions[hit.row] == captions[example.row]
                right = hit.row == example.row
                assert hit.mark == ("right" if right else "same caption" if same else "wrong")


def test_the_best_are_found_first(examples: dict[str, CollectionExamples]) -> None:
    for one in examples.values():
        assert [example.hits[0].mark for example in one.best] == ["right", "right"]


def test_collections_are_the_worst_the_middle_and_the_best() -> None:
    many = {f"c{number}": number / 20 for number in range(20)}
    assert chosen_collections(many) == {
        "c0": "worst", "c1": "worst", "c9": "middle", "c10": "middle", "c18": "best", "c19": "best",
    }  # fmt: skip
    assert chosen_collections({"b": 0.9, "a": 0.1}) == {"a": "worst", "b": "best"}
    assert len(chosen_collections({"only": 0.5})) == 1


def test_free_text_shows_the_ends_and_not_one_collection_alone(
    found: list[Embedded], report: Report
) -> None:
    assert report.free_text is not None
    robots, owls = report.free_text.ranked
    asked = [replace(robots, query=f"robot {rank}", rank=rank) for rank in range(1, 9)]
    asked += [replace(owls, query=f"owl {rank}", rank=rank + 10) for rank in range(1, 9)]
    made = free_text_examples(found[0], replace(report.free_text, ranked=tuple(asked)))
    assert [one.query for one in made.best] == ["robot 1", "robot 2", "owl 1", "owl 2"]
    assert [one.query for one in made.worst] == ["owl 8", "owl 7", "robot 8", "robot 7"]
    assert made.best[0].unseen == robots.unseen
    marks = {hit.mark for one in (*made.best, *made.worst) for hit in one.hits}
    assert marks <= {"right", "another"}, "a query may fit other tokens"


def test_a_query_is_never_both_best_and_worst(found: list[Embedded], report: Report) -> None:
    assert report.free_text is not None
    made = free_text_examples(found[0], report.free_text)
    assert len(made.best) == 2
    assert made.worst == ()

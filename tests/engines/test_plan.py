"""Which sets of wishes are asked for, by hand, and that many equal ones hide no answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.engines.opening import opened
from traitlens.engines import ENGINES, And, EngineName, Equals, Point, Question, Wish
from traitlens.engines.plan import Bounds, By, Found, rank_to_beat, sets_of_wishes
from traitlens.engines.protocol import fields_of
from traitlens.engines.where import matches
from traitlens.records import Location, Trait

RED, HAT, OWL = (Equals(name, "yes") for name in ("red", "hat", "owl"))
WISHES = tuple(
    Wish(where=where, weight=weight) for where, weight in ((RED, 0.2), (HAT, 0.3), (OWL, 0.5))
)
DIMENSION = 8


def sets(*, least: float, looks: float = 0.0, wishes: float = 1.0) -> list[set[str]]:
    bounds = Bounds(looks=looks, words=0.0, wishes=wishes)
    found = sets_of_wishes(Question(wishes=WISHES), bounds, least=least)
    return [{str(wish.where)[:3] for wish in some} for some in found]


def test_only_sets_that_reach_the_score_are_asked_for_the_heaviest_first() -> None:
    assert sets(least=0.75) == [{"red", "hat", "owl"}, {"hat", "owl"}]
    assert sets(least=0.95, looks=0.2)[1] == {"hat", "owl"}
    assert sets(least=1.3) == []


def test_sets_above_the_last_of_the_list_are_in_the_list() -> None:
    assert sets(least=0.4, wishes=0.5) == [{"owl"}, {"red", "hat"}]
    assert sets(least=0.4, wishes=0.0) == []


def test_a_list_that_holds_all_leaves_nothing_to_find() -> None:
    found: dict[By, Found] = {"wishes": [("a", 0.9), ("b", 0.2)]}
    assert Bounds.of(Question(wishes=WISHES), found, size=128).wishes == 0
    assert Bounds.of(Question(wishes=WISHES), found, size=2).wishes == 0.2


def test_what_no_list_has_by_wishes_stays_possible() -> None:
    rare = Wish(where=And((RED, HAT)), weight=0.7)
    assert Bounds.of(Question(wishes=(rare,)), {}, size=128).wishes == 0.7


def test_pages_within_a_step_must_beat_the_same_score() -> None:
    assert rank_to_beat(1) == rank_to_beat(10) == rank_to_beat(30)
    assert all(rank_to_beat(count) >= count for count in range(1, 1_000))


def points(count: int) -> list[Point]:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # Each wish is common, so far more tokens have them than a list of candidates holds.
    has = rng.random((count, 3)) < (0.7, 0.6, 0.5)
    return [
        Point(
            token_uid=f"local:files/folder:c/{number}",
            collection="c",
            token_id=str(number),
            traits=tuple(
                Trait(where.name, where.value)
                for where, worn in zip((RED, HAT, OWL), row, strict=True)
                if worn
            ),
            caption="",
            location=Location(shard="c", row=number),
            vector=vector,
        )
        for number, (vector, row) in enumerate(zip(vectors, has.tolist(), strict=True))
    ]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("looks", [0.05, 1.0])
def test_the_best_are_found_where_more_have_the_wishes_than_are_listed(
    name: EngineName, looks: float, tmp_path: Path
) -> None:
    every = points(900)
    question = Question(vector=points(1)[0].vector[::-1].copy(), looks=looks, wishes=WISHES)
    assert question.vector is not None
    truth = {
        p.token_uid: looks * float(p.vector @ question.vector)
        + sum(w.weight for w in WISHES if matches(w.where, fields_of(p)))
        for p in every
    }
    with opened(name, tmp_path / "e", dimension=DIMENSION) as engine:
        engine.upsert(every)
        engine.optimize()
        found = engine.search(question, k=10)
    best = sorted(truth.values(), reverse=True)[:10]
    np.testing.assert_allclose([truth[hit.token_uid] for hit in found], best, atol=2e-3)

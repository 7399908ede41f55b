"""What answers are ranked by: looks, words and wishes, the same sum in every engine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from tests.engines.opening import opened
from tests.engines.test_conformance import DIMENSION, POINTS, QUERIES, brute_force
from traitlens.engines import (
    ENGINES,
    And,
    EngineName,
    Equals,
    Not,
    Or,
    Point,
    Question,
    VectorEngine,
    Where,
    Wish,
    matches,
)
from traitlens.engines.plan import window
from traitlens.engines.protocol import HALF_BM25, fields_of, point_id

SAID = ("a red hat and a red scarf", "two red hats", "a blue hat", "laser eyes", "a token")
SOME = [replace(p, caption=SAID[i % len(SAID)]) for i, p in enumerate(POINTS)]
BEANIE = Or((Equals("Hat", "Beanie"), Equals("hat", "Beanie"), Equals("日本", "7")))
LEVEL = Equals("Level", "3")
NOUNS = And((Equals("collection", "nouns"), Not(Equals("Hat", "7"))))
WISHES = (
    Wish(where=BEANIE, weight=0.5),
    Wish(where=LEVEL, weight=0.9),
    Wish(where=NOUNS, weight=0.2),
)


@pytest.fixture(scope="module", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VectorEngine]:
    """An engine with SOME, of which a part was written twice; tests only read it."""
    name: EngineName = request.param
    with opened(name, tmp_path_factory.mktemp(name) / "e", dimension=DIMENSION) as made:
        made.upsert([replace(point, caption="laser hat") for point in SOME[:20]])
        made.upsert(SOME)
        made.optimize()
        yield made


def bm25(caption: str, *words: str) -> float:
    """Return the BM25 of a caption, by the textbook, k1 = 1.2, b = .75, 20 words on average."""
    length = len(caption.split())
    score = 0.0
    for word in words:
        having = sum(any(w.startswith(word) for w in p.caption.split()) for p in SOME)
        count = sum(w.startswith(word) for w in caption.split())
        rarity = math.log(1 + (len(SOME) - having + 0.5) / (having + 0.5))
        score += rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / 20))
    return score


def score(point: Point, question: Question, *words: str) -> float:
    total = sum(w.weight for w in question.wishes if matches(w.where, fields_of(point)))
    if question.vector is not None:
        total += question.looks * float(point.vector @ question.vector)
    said = bm25(point.caption, *words)
    return total + question.words * said / (said + HALF_BM25)


def expected(
    question: Question, *words: str, where: Where | None = None
) -> list[tuple[str, float]]:
    left = [p for p in SOME if where is None or matches(where, fields_of(p))]
    scored = [(p.token_uid, score(p, question, *words)) for p in left]
    answers = [pair for pair in scored if question.vector is not None or pair[1] > 0]
    return sorted(answers, key=lambda pair: (-pair[1], point_id(pair[0])))


QUESTIONS = {
    "words": (Question(text="red hats", words=1.0), ("red", "hat")),
    "a wish": (Question(wishes=WISHES[:1]), ()),
    "wishes": (Question(wishes=WISHES), ()),
    "wishes and words": (Question(text="a red laser", words=0.7, wishes=WISHES), ("red", "laser")),
    "looks and words": (
        Question(vector=QUERIES[0], text="the scarf", words=2.0),
        ("scarf",),
    ),
    "everything": (
        Question(vector=QUERIES[1], looks=0.4, text="blue eyes", words=0.3, wishes=WISHES),
        ("blue", "eye"),
    ),
    "looks at half weight": (Question(vector=QUERIES[1], looks=0.5), ()),
}


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("where", [None, Equals("collection", "cryptopunks")], ids=["all", "some"])
def test_scores_are_the_sum_of_looks_words_and_wishes(
    engine: VectorEngine, name: str, where: Where | None
) -> None:
    question, words = QUESTIONS[name]
    best = expected(question, *words, where=where)
    found = engine.search(question, k=12, where=where)
    np.testing.assert_allclose([h.score for h in found], [s for _, s in best[:12]], atol=2e-3)
    truth = dict(best)
    assert all(abs(truth[hit.token_uid] - hit.score) < 2e-3 for hit in found)


def test_a_wish_that_few_have_is_found_however_they_look(engine: VectorEngine) -> None:
    rare = Equals("token_id", brute_force(QUERIES[0], k=150)[-1].rpartition("/")[2])
    question = Question(vector=QUERIES[0], wishes=(Wish(where=rare, weight=3.0),))
    assert engine.search(question, k=1)[0].token_id == rare.value


def test_pages_are_one_list(engine: VectorEngine) -> None:
    for question, _ in QUESTIONS.values():
        whole = [hit.token_uid for hit in engine.search(question, k=30)]
        pages = [engine.search(question, k=10, skip=skip) for skip in (0, 10, 20)]
        assert [hit.token_uid for page in pages for hit in page] == whole


def test_equal_scores_are_in_the_order_of_the_points_ids(engine: VectorEngine) -> None:
    found = engine.search(Question(text="red", words=1.0), k=30)
    for first, second in pairwise(found):
        same = round(first.score, 6) == round(second.score, 6)
        assert not same or point_id(first.token_uid) < point_id(second.token_uid)


def test_more_is_asked_for_in_few_steps() -> None:
    sizes = [window(count) for count in range(1, 10_000)]
    assert all(size >= count + 16 for count, size in enumerate(sizes, start=1))
    assert sizes == sorted(sizes)
    assert len(set(sizes)) < 6

"""How hard collections are, and whether CVI says so when galleries are of equal size."""

import dataclasses
import json
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from traitlens import metrics
from traitlens.errors import ConfigError
from traitlens.evaluation.agreement import MIN_COLLECTIONS, Agreement, verdict
from traitlens.evaluation.difficulty import (
    MIN_EQUAL_N,
    CollectionDifficulty,
    Difficulty,
    score_difficulty,
)
from traitlens.metrics import divergence
from traitlens.models.encoder import Vectors
from traitlens.tables import to_csv, to_markdown

Pair = tuple[Vectors, Vectors]
Recall = dict[str, dict[int, float]]

DIMENSION = 64


def unit(rows: np.ndarray) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def collection(n: int, *, spread: float = 0.3, seed: int = 0) -> Pair:
    """Return the vectors of n tokens; the wider they are spread, the easier they are told apart."""
    rng = np.random.default_rng(seed)
    middle, tokens = np.ones(DIMENSION), spread * rng.normal(size=(n, DIMENSION))
    blur = 0.15 * rng.normal(size=(n, DIMENSION))
    return unit(middle + tokens), unit(middle + tokens + blur)


def recalls(vectors: Mapping[str, Pair]) -> Recall:
    """Return what is found, text to image, in the full galleries."""
    found = {}
    for name, (images, texts) in vectors.items():
        keys = np.arange(len(images))
        counts = metrics.count_matches(texts, images, query_keys=keys, gallery_keys=keys)
        found[name] = {k: float(metrics.hits(counts, k).mean()) for k in (1, 5, 10)}
    return found


def flat(names: Mapping[str, Pair], value: float = 0.5) -> Recall:
    return {name: {1: value, 5: value, 10: value} for name in names}


def by_name(found: Difficulty) -> dict[str, CollectionDifficulty]:
    return {row.collection: row for row in found.rows}


def agreement(rows: tuple[Agreement, ...], index: str, against: str) -> Agreement:
    (found,) = (row for row in rows if (row.index, row.against) == (index, against))
    return found


def spreads(collections: int, *, n: int = 60) -> dict[str, Pair]:
    """Return collections of one size, each easier than the one before."""
    return {
        f"c{number:02}": collection(n, spread=0.01 + 0.09 * number / collections, seed=number)
        for number in range(collections)
    }


def sizes() -> dict[str, Pair]:
    """Return collections that differ in nothing but their size."""
    return {
        f"of {n}": collection(n, spread=0.05, seed=n) for n in (60, 80, 120, 180, 270, 400, 600)
    }


def test_a_row_has_the_terms_and_both_indices_of_the_collection() -> None:
    vectors = {"a": collection(60), "b": collection(70, seed=1)}
    row = by_name(score_difficulty(vectors, recall=flat(vectors), alpha=0.4))["b"]
    terms = metrics.variance_terms(*vectors["b"])
    assert row.n == 70
    assert row.terms == terms
    assert row.index == terms.index(0.4)
    assert row.index_off_diagonal == terms.index_off_diagonal(0.4)


def test_recall_stands_as_it_was_given_with_its_lift_beside() -> None:
    vectors = {"a": collection(4)}
    found = score_difficulty(vectors, recall={"a": {1: 0.625, 5: 1.0, 10: 1.0}})
    assert found.rows[0].recall == {1: 0.625, 5: 1.0, 10: 1.0}
    assert found.rows[0].lift == {1: pytest.approx(0.5), 5: None, 10: None}


def test_a_recall_of_just_chance_has_no_lift() -> None:
    # The product of (n - 1 - i) / (n - i) over i would be off by some last bits.
    vectors = {"a": collection(45)}
    recall = {"a": {1: 1 / 45, 5: 5 / 45, 10: 10 / 45}}
    assert score_difficulty(vectors, recall=recall).rows[0].lift == {1: 0, 5: 0, 10: 0}


def test_a_collection_of_just_the_equal_size_is_measured_whole_and_once() -> None:
    vectors = spreads(4)
    recall = recalls(vectors)
    for row in score_difficulty(vectors, recall=recall).rows:
        assert row.at_equal_n is not None
        assert row.at_equal_n.recall == pytest.approx(recall[row.collection])
        assert row.at_equal_n.index == row.terms.unbiased().index_off_diagonal()
        assert row.at_equal_n.index_sd == 0


def test_a_cut_gallery_is_easier_to_search_and_its_index_is_that_of_the_whole() -> None:
    vectors = {"a": collection(600, spread=0.05)}
    recall = recalls(vectors)
    found = score_difficulty(vectors, recall=recall, equal_n=60, repeats=20)
    (row,) = found.rows
    assert row.at_equal_n is not None
    assert row.at_equal_n.recall[1] > recall["a"][1] + 0.1
    expected = row.terms.unbiased().index_off_diagonal()
    assert row.at_equal_n.index == pytest.approx(expected, rel=0.1)
    assert 0 < row.at_equal_n.index_sd < 0.5 * expected


def test_a_constant_model_finds_one_in_n_at_equal_size() -> None:
    same = np.tile(unit(np.ones((1, DIMENSION))), (90, 1))
    found = score_difficulty({"a": (same, same)}, recall=flat({"a": (same, same)}), equal_n=50)
    equal = found.rows[0].at_equal_n
    assert equal is not None
    assert equal.recall == pytest.approx({1: 1 / 50, 5: 5 / 50, 10: 10 / 50})
    assert equal.index == pytest.approx(0, abs=1e-20)


def test_the_equal_size_is_that_of_the_smallest_collection() -> None:
    vectors = {"a": collection(90), "b": collection(64), "c": collection(70)}
    found = score_difficulty(vectors, recall=flat(vectors))
    assert found.equal_n == 64
    assert found.skipped == {}


def test_a_collection_too_small_for_the_least_equal_size_is_named_and_keeps_its_row() -> None:
    vectors = {"a": collection(90), "tiny": collection(12)}
    found = score_difficulty(vectors, recall=flat(vectors))
    assert found.equal_n == MIN_EQUAL_N
    assert by_name(found)["tiny"].at_equal_n is None
    assert found.skipped == {"tiny": "not at equal N, as it has 12 tokens of 50"}


def test_a_collection_with_broken_vectors_is_named_and_the_others_measured() -> None:
    vectors = {name: collection(60, seed=seed) for seed, name in enumerate("abcd")}
    vectors["b"][1][7] = 0
    found = score_difficulty(vectors, recall=flat(vectors))
    assert list(by_name(found)) == ["a", "c", "d"]
    assert "row 7 of the text embeddings has length 0" in found.skipped["b"]


def test_the_same_seed_gives_the_same_result_in_any_order_of_collections() -> None:
    vectors, recall = sizes(), recalls(sizes())
    turned = dict(reversed(vectors.items()))
    one = score_difficulty(vectors, recall=recall, repeats=2)
    other = score_difficulty(turned, recall=recall, repeats=2)
    assert by_name(one) == by_name(other)
    assert one.verdict == other.verdict


def test_another_seed_draws_other_tokens() -> None:
    vectors = {"a": collection(200)}
    found = [
        score_difficulty(vectors, recall=flat(vectors), equal_n=50, seed=seed).rows[0].at_equal_n
        for seed in (0, 1)
    ]
    assert found[0] != found[1]


def test_collections_are_read_one_by_one_and_never_kept() -> None:
    reads: list[str] = []
    held = spreads(3)

    class Lazy(Mapping[str, Pair]):
        def __getitem__(self, name: str) -> Pair:
            reads.append(name)
            return held[name]

        def __iter__(self) -> Iterator[str]:
            return iter(held)

        def __len__(self) -> int:
            return len(held)

    score_difficulty(Lazy(), recall=recalls(held))
    assert reads == ["c00", "c01", "c02"] * 2


def test_size_alone_makes_cvi_and_top_1_agree_until_galleries_are_of_equal_size() -> None:
    vectors = sizes()
    found = score_difficulty(vectors, recall=recalls(vectors), repeats=5)
    written = agreement(found.agreements, "as written", "top-1")
    assert agreement(found.agreements, "as written", "N").spearman == -1
    assert written.spearman is not None
    assert written.spearman > 0.95
    equal = agreement(found.at_equal_n, "at equal N", "top-1")
    assert equal.spearman is not None
    assert equal.spearman < 0.6
    assert f"it goes from {written.spearman:.2f} to {equal.spearman:.2f}" in found.verdict


def test_what_is_harder_at_equal_size_has_the_lower_index() -> None:
    found = score_difficulty(spreads(8), recall=recalls(spreads(8)))
    equal = agreement(found.at_equal_n, "at equal N", "top-1")
    assert equal.spearman is not None
    assert equal.spearman > 0.95


def test_agreements_at_equal_size_are_over_the_same_collections_before_and_after() -> None:
    vectors = {**spreads(4), "tiny": collection(12)}
    found = score_difficulty(vectors, recall=recalls(vectors))
    assert {each.collections for each in found.agreements} == {5}
    assert {each.collections for each in found.at_equal_n} == {4}
    assert agreement(found.at_equal_n, "as written", "top-1").spearman == (
        metrics.rank_correlation(
            [row.index for row in found.rows[:4]], [row.recall[1] for row in found.rows[:4]]
        )
    )


def test_each_agreement_is_that_of_the_two_columns() -> None:
    vectors = sizes()
    found = score_difficulty(vectors, recall=recalls(vectors), repeats=1)
    index = [row.index_off_diagonal for row in found.rows]
    top, n = [row.recall[1] for row in found.rows], [row.n for row in found.rows]
    each = agreement(found.agreements, "without diagonal", "top-1")
    assert each.divergence == pytest.approx(metrics.jensen_shannon_divergence(index, top))
    assert each.spearman == metrics.rank_correlation(index, top)
    assert each.kendall == metrics.kendall_correlation(index, top)
    assert each.given_n == metrics.partial_rank_correlation(index, top, given=n)


def test_a_lift_below_zero_has_an_order_but_no_divergence() -> None:
    vectors = spreads(4)
    recall = recalls(vectors)
    recall["c00"][1] = 0.0
    lift = agreement(
        score_difficulty(vectors, recall=recall).agreements, "as written", "lift top-1"
    )
    assert lift.divergence is None
    assert lift.spearman is not None


def test_sweeps_cover_each_form_of_cvi_and_each_k() -> None:
    found = score_difficulty(spreads(5), recall=recalls(spreads(5)))
    forms = ("as written", "without diagonal", "at equal N")
    assert [(s.index, s.k) for s in found.sweeps] == [(f, k) for f in forms for k in (1, 5, 10)]
    terms = [row.terms for row in found.rows]
    top_k = [row.recall[5] for row in found.rows]
    expected = metrics.alpha_sweep(terms, top_k, off_diagonal=True)
    assert next(s for s in found.sweeps if (s.index, s.k) == (forms[1], 5)).found == expected


def test_a_k_at_which_nothing_is_found_has_no_sweep_and_no_divergence() -> None:
    vectors = spreads(4)
    recall = {name: {**found, 1: 0.0} for name, found in recalls(vectors).items()}
    found = score_difficulty(vectors, recall=recall)
    assert agreement(found.agreements, "as written", "top-1").divergence is None
    assert {each.k for each in found.sweeps if each.index != "at equal N"} == {5, 10}
    assert "no order to compare" in found.verdict


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_collections_correlate_with_nothing(count: int) -> None:
    vectors = spreads(count)
    found = score_difficulty(vectors, recall=recalls(vectors))
    assert all(each.spearman is None for each in (*found.agreements, *found.at_equal_n))
    assert found.sweeps == ()
    assert f"a rank correlation takes {MIN_COLLECTIONS}" in found.verdict
    assert len(found.rows) == count


def test_an_interval_needs_twenty_collections_that_are_no_families(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(divergence, "_RESAMPLES", 200)
    vectors = spreads(20, n=50)
    alone = score_difficulty(vectors, recall=recalls(vectors))
    families = {name: f"family {number // 2}" for number, name in enumerate(vectors)}
    related = score_difficulty(vectors, recall=recalls(vectors), families=families)
    assert agreement(alone.at_equal_n, "at equal N", "top-1").interval is not None
    assert agreement(related.at_equal_n, "at equal N", "top-1").interval is None
    assert alone.sweeps[0].found.interval is not None
    assert related.sweeps[0].found.interval is None
    assert "CVI says more than the number of tokens" in alone.verdict
    assert "an interval takes 20 collections or families" in related.verdict


FULL = Agreement(index="as written", against="top-1", collections=25, spearman=0.9, given_n=0.4)
EQUAL = Agreement(index="at equal N", against="top-1", collections=25, spearman=0.2)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.1, 0.5), "so CVI says more than the number of tokens"),
        ((-0.2, 0.5), "so it is not shown that CVI says more than the number of tokens"),
        ((-0.5, -0.1), "a low CVI goes with what is easy"),
        (None, "holds for these collections alone"),
    ],
)
def test_the_verdict_says_no_more_than_the_interval(
    interval: tuple[float, float] | None, words: str
) -> None:
    after = dataclasses.replace(EQUAL, interval=interval)
    said = verdict(FULL, FULL, after, equal_n=80)
    assert said.startswith(
        "Over 25 collections CVI's rank correlation with top-1 is 0.90, and 0.40 given the number "
        "of tokens. For the 25 with 80 tokens or more it goes from 0.90 to 0.20"
    )
    assert words in said


def test_the_verdict_admits_that_size_was_not_held_equal() -> None:
    few = Agreement(index="at equal N", against="top-1", collections=2)
    said = verdict(FULL, few, few, equal_n=80)
    assert "2 collections with so many" in said
    assert "may be all there is to it" in said


def test_the_json_is_plain_also_where_nothing_can_be_said() -> None:
    vectors = {**spreads(3), "tiny": collection(4)}
    found = score_difficulty(vectors, recall=flat(vectors)).to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["rows"][3]["lift"] == {"1": pytest.approx(1 / 3), "5": None, "10": None}
    assert found["agreements"][0]["spearman"] is None


def test_the_tables_hold_every_collection_and_say_what_was_left_out() -> None:
    vectors = {**spreads(3), "tiny": collection(12)}
    found = score_difficulty(vectors, recall=recalls(vectors))
    collections, terms, agreements, equal, sweeps = found.tables()
    assert [row[0] for row in collections.rows] == list(vectors)
    assert [row[0] for row in terms.rows] == list(vectors)
    assert "tiny: not at equal N" in collections.note
    assert agreements.note == found.verdict
    assert len(equal.rows) == len(found.at_equal_n)
    assert len(sweeps.rows) == len(found.sweeps)
    for table in found.tables():
        assert len(table.columns) <= 8
        assert to_csv(table).count("\n") == len(table.rows) + 1
        assert "nan" not in to_markdown(table)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"alpha": 1.5}, "alpha must be in"),
        ({"equal_n": 2}, "equal_n must be at least 3"),
        ({"repeats": 0}, "repeats must be at least 1"),
        ({"recall": {}}, "a has no recall"),
        ({"recall": {"a": {1: 0.1}}}, "a has no recall at 5"),
        ({"recall": {"a": {1: 10.3, 5: 25.6, 10: 37.2}}}, "recall of a at 1 must be in"),
        ({"recall": {"a": {1: float("nan"), 5: 0.5, 10: 0.5}}}, "recall of a at 1 must be in"),
        (
            {"recall": {"a": {1: 0, 5: 0, 10: 0}, "b": {1: 0, 5: 0, 10: 0}}},
            "b has no vectors",
        ),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, object], words: str) -> None:
    vectors = {"a": collection(60)}
    with pytest.raises(ConfigError, match=words):
        score_difficulty(vectors, **{"recall": flat(vectors), **options})  # type: ignore[arg-type]


def test_it_tells_how_far_it_is() -> None:
    told: list[tuple[str, int, int]] = []
    vectors = spreads(2)
    score_difficulty(
        vectors,
        recall=recalls(vectors),
        progress=lambda stage, done, total, note="", /: told.append((stage, done, total)),
    )
    assert told == [
        ("variance of cosines", 1, 2),
        ("variance of cosines", 2, 2),
        ("cut to equal size", 1, 2),
        ("cut to equal size", 2, 2),
    ]

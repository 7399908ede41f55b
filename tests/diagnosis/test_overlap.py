"""Graded scores: what shares traits with the meant token is not quite wrong."""

# Axes: N tokens of a gallery, D dimensions

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import ndcg_score

from tests.helpers import ColourEncoder, drawn_dataset, drawn_token, write_dataset
from traitlens.captions import caption
from traitlens.diagnosis.overlap import CHANCE, MACRO, GradedOverlap, Phrases, graded_overlap
from traitlens.embedding import Embedded, Gallery, embed_all
from traitlens.errors import ConfigError
from traitlens.records import Token, Trait
from traitlens.tables import Table, to_csv


def token(number: int, *traits: tuple[str, str], collection: str = "robots") -> Token:
    """Return a drawn token that has other traits, and the caption of these."""
    has = tuple(Trait(kind, value) for kind, value in traits)
    text = caption(collection, has).text
    return dataclasses.replace(
        drawn_token(collection, number), traits=has, caption=text, split="test"
    )


def embedded(
    gallery: Gallery, texts_ND: NDArray[Any], images_ND: NDArray[Any], *, model: str = "made"
) -> Embedded:
    return Embedded(
        gallery=gallery,
        model=model,
        model_fingerprint=model,
        images_ND=images_ND.astype(np.float32),
        texts_ND=texts_ND.astype(np.float32),
    )


def scored(gallery: Gallery, scores_NN: NDArray[Any], *, model: str = "made") -> Embedded:
    """Return a model whose scores are these: row i is the caption of token i."""
    return embedded(gallery, scores_NN, np.eye(len(gallery)), model=model)


def constant(gallery: Gallery) -> Embedded:
    ones = np.ones((len(gallery), 3))
    return embedded(gallery, ones, ones, model="constant")


def scores_of(found: GradedOverlap, model: str, collection: str = MACRO) -> list[float | None]:
    (row,) = (r for r in found.rows if (r.model, r.collection) == (model, collection))
    return [row.ndcg, row.map_at_r, row.wrong, row.wrong_overlap]


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """Two collections of 60 and 40 tokens."""
    data = drawn_dataset(tmp_path_factory.mktemp("drawn") / "data", {"robots": 60, "owls": 40})
    return Gallery.of(data, split=None)


@pytest.fixture(scope="module")
def robots(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    data = drawn_dataset(tmp_path_factory.mktemp("robots") / "data", {"robots": 50})
    return Gallery.of(data, split=None)


def overlaps(tokens: Sequence[Token]) -> NDArray[np.float64]:
    return Phrases.of(tokens).overlaps(np.arange(len(tokens)))


RED, BLUE, CAPE = ("Hat", "Red"), ("Hat", "Blue"), ("Cape", "Long")


def test_rare_traits_weigh_more_in_an_overlap() -> None:
    tokens = [token(0, RED, CAPE), token(1, RED), token(2, CAPE), token(3, CAPE)]
    red, cape = math.log2(4 / 2), math.log2(4 / 3)
    first = overlaps(tokens)[0]
    assert first == pytest.approx([1, red / (red + cape), cape / (red + cape), cape / (red + cape)])
    assert first[1] > first[2]


def test_what_only_one_of_two_tokens_has_makes_them_less_alike() -> None:
    tokens = [token(0, RED), token(1, RED, CAPE), token(2, BLUE), token(3, BLUE)]
    assert overlaps(tokens)[0] == pytest.approx([1, 1 / (1 + 2), 0, 0])


def test_tokens_of_equal_traits_overlap_wholly_in_any_order_and_also_without_any() -> None:
    tokens = [token(0, RED, CAPE), token(1, CAPE, RED), token(2), token(3)]
    expected = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    assert overlaps(tokens).tolist() == expected


def test_a_trait_of_all_tokens_tells_none_apart() -> None:
    tokens = [token(0, CAPE, RED), token(1, CAPE, BLUE), token(2, CAPE)]
    assert overlaps(tokens)[0].tolist() == [1, 0, 0]
    assert overlaps(tokens)[2].tolist() == [0, 0, 1]


def test_numbers_and_absent_parts_do_not_count_and_the_same_words_count_once() -> None:
    tokens = [
        token(0, RED, ("Serial", "#17"), ("Glasses", "None")),
        token(1, ("hat", "red"), ("Serial", "#18"), RED),
        token(2, BLUE),
    ]
    assert Phrases.of(tokens).of_token == (("red hat",), ("red hat",), ("blue hat",))
    assert overlaps(tokens)[0].tolist() == [1, 1, 0]


def test_a_constant_embedder_scores_chance(gallery: Gallery) -> None:
    found = graded_overlap([constant(gallery)])
    for collection in ("robots", "owls", MACRO):
        ours = scores_of(found, "constant", collection)
        assert ours == pytest.approx(scores_of(found, CHANCE, collection))


def test_an_order_by_the_overlap_is_perfect(robots: Gallery) -> None:
    tokens = robots.tokens("robots")
    found = graded_overlap([scored(robots, overlaps(tokens))])
    ndcg, map_at_r, *_ = scores_of(found, "made")
    assert (ndcg, map_at_r) == pytest.approx((1, 1))


def test_the_reverse_order_is_worse_than_chance(robots: Gallery) -> None:
    found = graded_overlap([scored(robots, -overlaps(robots.tokens("robots")))])
    assert scores_of(found, "made")[0] < scores_of(found, CHANCE)[0]  # type: ignore[operator]


@pytest.mark.parametrize("k", [1, 5, 200])
def test_ndcg_is_that_of_scikit_learn(robots: Gallery, k: int) -> None:
    scores = np.random.default_rng(0).integers(0, 9, (50, 50)).astype(float)  # with ties
    found = graded_overlap([scored(robots, scores)], k=k)
    theirs = ndcg_score(overlaps(robots.tokens("robots")), scores, k=k)
    assert scores_of(found, "made")[0] == pytest.approx(theirs, abs=1e-6)


def test_all_tokens_of_a_caption_are_right(tmp_path: Path) -> None:
    tokens = [token(0, RED), token(1, RED), token(2, BLUE), token(3, CAPE)]
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"robots": tokens}))
    # The reds find each other but put one stranger between; the others are alone and first.
    scores = np.array([[9, 1, 5, 0], [1, 9, 5, 0], [0, 0, 9, 0], [0, 0, 0, 9]])
    found = graded_overlap([scored(gallery, scores)])
    assert scores_of(found, "made")[1] == pytest.approx((1 / 2 + 1 / 2 + 1 + 1) / 4)


def test_wrong_first_hits_are_looked_at_alone(tmp_path: Path) -> None:
    tokens = [token(0, RED, CAPE), token(1, RED), token(2, BLUE), token(3, BLUE, CAPE)]
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"robots": tokens}))
    # 0 finds 1, which shares a trait; 1 finds 2, which shares none; 2 and 3 find themselves.
    scores = np.array([[1, 9, 0, 0], [0, 1, 9, 0], [0, 0, 9, 0], [0, 0, 0, 9]])
    *_, wrong, overlap = scores_of(graded_overlap([scored(gallery, scores)]), "made")
    assert wrong == 2 / 4
    assert overlap == pytest.approx((1 / 2 + 0) / 2)


def test_a_first_place_that_is_tied_is_wrong_in_part(tmp_path: Path) -> None:
    tokens = [token(0, RED), token(1, BLUE), token(2, RED), token(3, CAPE)]
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"robots": tokens}))
    scores = np.eye(4)
    scores[0] = [1, 1, 1, 0]  # itself, one that shares nothing, and its equal
    *_, wrong, overlap = scores_of(graded_overlap([scored(gallery, scores)]), "made")
    assert wrong == pytest.approx((2 / 3) / 4)
    assert overlap == pytest.approx(1 / 2)


def test_where_no_first_hit_is_wrong_there_is_no_overlap_of_wrong_ones(robots: Gallery) -> None:
    found = graded_overlap([scored(robots, np.eye(50))])
    assert scores_of(found, "made")[2:] == [0, None]
    assert to_csv(found.tables()[0]).splitlines()[1].endswith(",0.0,")


def test_macro_is_the_mean_over_collections(gallery: Gallery) -> None:
    found = graded_overlap(embed_all([ColourEncoder()], gallery))
    parts = [scores_of(found, "colours", name) for name in ("robots", "owls")]
    means = np.mean(np.array(parts, dtype=float), axis=0)
    assert scores_of(found, "colours") == pytest.approx(means.tolist())


def test_an_encoder_that_sees_the_traits_is_far_above_chance(gallery: Gallery) -> None:
    found = graded_overlap(embed_all([ColourEncoder()], gallery))
    ours, chance = scores_of(found, "colours"), scores_of(found, CHANCE)
    assert ours[0] > 2 * chance[0]  # type: ignore[operator]
    assert ours[3] > 2 * chance[3]  # type: ignore[operator]


def test_another_model_beside_changes_nothing(gallery: Gallery) -> None:
    (colours,) = embed_all([ColourEncoder()], gallery)
    alone = graded_overlap([colours], max_queries=10)
    beside = graded_overlap([colours, constant(gallery), colours], max_queries=10)
    assert [row for row in beside.rows if row.model == CHANCE] == [
        row for row in alone.rows if row.model == CHANCE
    ]
    macro = [row for row in beside.rows if row.collection == MACRO]
    assert [row.model for row in macro] == ["colours", "constant", "colours", CHANCE]
    assert macro[0] == macro[2] == alone.rows[-2]


def test_no_more_queries_are_asked_than_wanted_and_the_seed_draws_them(gallery: Gallery) -> None:
    found = embed_all([ColourEncoder()], gallery)
    drawn = [graded_overlap(found, max_queries=7, seed=seed).rows for seed in (0, 0, 1)]
    assert {row.queries for row in drawn[0] if row.collection != MACRO} == {7}
    assert drawn[0] == drawn[1] != drawn[2]


def test_small_blocks_give_what_one_block_gives(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = embed_all([ColourEncoder()], gallery)
    whole = graded_overlap(found)
    monkeypatch.setattr("traitlens.diagnosis.overlap._CELLS", 150)
    for ours, theirs in zip(graded_overlap(found).rows, whole.rows, strict=True):
        assert [ours.ndcg, ours.map_at_r] == pytest.approx([theirs.ndcg, theirs.map_at_r])


def test_a_collection_without_telling_traits_is_named(tmp_path: Path) -> None:
    dumb = [token(n, ("Serial", f"#{n}"), CAPE, collection="dumb") for n in range(3)]
    robots = [token(n, [RED, BLUE][n % 2]) for n in range(4)]
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"dumb": dumb, "robots": robots}))
    found = graded_overlap([constant(gallery)])
    assert list(found.skipped) == ["dumb"]
    assert {row.collection for row in found.rows} == {"robots", MACRO}
    assert "dumb" in found.tables()[1].note


def test_without_any_collection_the_tables_are_empty(tmp_path: Path) -> None:
    dumb = [token(n, CAPE, collection="dumb") for n in range(3)]
    gallery = Gallery.of(write_dataset(tmp_path / "data", {"dumb": dumb}))
    found = graded_overlap([constant(gallery)])
    assert [table.rows for table in found.tables()] == [(), ()]


def names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def test_tables_have_every_model_and_every_collection(gallery: Gallery) -> None:
    found = graded_overlap([*embed_all([ColourEncoder()], gallery), constant(gallery)], k=5)
    short, whole = found.tables()
    assert [row[0] for row in short.rows] == ["colours", "constant", CHANCE]
    assert [row[:2] for row in whole.rows] == [
        (name, model) for name in ("robots", "owls") for model in ("colours", "constant", CHANCE)
    ]
    assert "nDCG@5" in names(short)
    assert "nDCG@5" in names(whole)


def test_the_record_is_json(gallery: Gallery) -> None:
    found = graded_overlap([constant(gallery)], max_queries=5)
    said = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert said["rows"][-1]["collection"] == MACRO
    assert (said["k"], said["max_queries"], said["skipped"]) == (10, 5, {})


@pytest.mark.parametrize("option", ["k", "max_queries"])
def test_numbers_below_one_are_refused(gallery: Gallery, option: str) -> None:
    with pytest.raises(ConfigError, match=f"{option} must be at least 1; got 0"):
        graded_overlap([constant(gallery)], **{option: 0})  # type: ignore[arg-type]

"""Two evaluations are compared on the same searches, and no more is concluded than may be."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import traitlens
from tests.helpers import ColourEncoder
from traitlens.errors import ConfigError, EvaluationError
from traitlens.evaluation import Comparison, compare, evaluate
from traitlens.evaluation.comparing import PRIMARY, SECONDARY
from traitlens.store import Dataset
from traitlens.tables import to_markdown

Document = dict[str, Any]


def row(model: str, direction: str, scope: str, gallery: str, n: int, score: float) -> Document:
    recall = {str(k): min(1.0, score * (1 + k / 100)) for k in (5, 10)} | {"1": score}
    return {
        "model": model,
        "direction": direction,
        "scope": scope,
        "gallery": gallery,
        "n": n,
        "queries": n,
        "recall": recall,
        "mrr": score,
    }


def document(scores: list[float], *, model: str = "first", fingerprint: str = "f1") -> Document:
    """Return an evaluation with a collection of each score; every third is of the family `cats`."""
    sizes = [100 + 10 * number for number in range(len(scores))]
    galleries = [f"c{number}" for number in range(len(scores))]
    rows = []
    for direction in ("text_to_image", "image_to_text"):
        for gallery, n, score in zip(galleries, sizes, scores, strict=True):
            rows.append(row(model, direction, "collection", gallery, n, score))
        rows.append(row(model, direction, "all", "all", sum(sizes), scores[0] / 2))
    return {
        "model": model,
        "model_fingerprint": fingerprint,
        "dataset": "data",
        "dataset_fingerprint": "d1",
        "split_rule": "by_token",
        "split": "test",
        "max_gallery": None,
        "seed": 0,
        "families": dict.fromkeys(galleries[::3], "cats"),
        "rows": rows,
    }


def moved(scores: list[float], *, by: float, spread: float, seed: int = 0) -> list[float]:
    noise = np.random.default_rng(seed).normal(by, spread, size=len(scores))
    return [float(score) for score in np.clip(np.array(scores) + noise, 0, 1)]


BASE = [0.2 + 0.5 * number / 40 for number in range(40)]


def pair(count: int = 40, *, by: float = 0.05, spread: float = 0.02) -> tuple[Document, Document]:
    base = BASE[:count]
    other = document(moved(base, by=by, spread=spread), model="second", fingerprint="f2")
    return document(base), other


def compared(*documents: Document, **options: Any) -> Comparison:
    return compare(*documents, **({"resamples": 500} | options))


def test_a_plain_gain_is_concluded_with_its_interval() -> None:
    found = compared(*pair())
    interval = found.primary.interval
    assert interval is not None
    assert 0.04 < interval.low < 0.05 < interval.high < 0.06
    assert found.conclusion.startswith("B (second) is better than A (first) by 4.9 points")
    assert "95% CI" in found.conclusion
    assert "27 families" in found.conclusion
    assert found.primary.p == pytest.approx(1 / 501)


def test_swapped_files_turn_the_conclusion_around() -> None:
    a, b = pair()
    found, swapped = compared(a, b), compared(b, a)
    assert swapped.primary.difference == -found.primary.difference
    assert swapped.conclusion.startswith("B (first) is worse than A (second) by 4.9 points")
    assert (swapped.better, swapped.worse) == (found.worse, found.better)


def test_noise_is_told_as_noise() -> None:
    found = compared(*pair(by=0.0, spread=0.05))
    assert found.primary.interval is not None
    assert 0 in found.primary.interval
    assert found.conclusion.startswith("No difference can be told from chance")


def test_the_means_are_those_over_collections_and_over_queries() -> None:
    a, b = pair(by=0.1, spread=0.1)
    found = compared(a, b)
    rows = [r for r in b["rows"] if r["scope"] == "collection"][:40]
    recalls, weights = [r["recall"]["1"] for r in rows], [r["queries"] for r in rows]
    by_name = {each.endpoint.name: each for each in found.endpoints}
    assert by_name["macro top-1, text to image"].b == pytest.approx(np.mean(recalls))
    micro = by_name["micro top-1, text to image"]
    assert micro.b == pytest.approx(np.average(recalls, weights=weights))


def test_the_primary_endpoint_is_first_and_holm_is_over_the_others() -> None:
    found = compared(*pair(by=0.01, spread=0.03))
    assert [each.endpoint for each in found.endpoints] == [PRIMARY, *SECONDARY]
    assert found.primary.adjusted_p == found.primary.p
    raw = [each.p for each in found.endpoints[1:]]
    adjusted = [each.adjusted_p for each in found.endpoints[1:]]
    assert all(p and a and a >= p for p, a in zip(raw, adjusted, strict=True))
    assert min(a for a in adjusted if a) == pytest.approx(min(1, 5 * min(p for p in raw if p)))


def test_below_20_families_there_is_no_interval_and_the_way_to_one_is_told() -> None:
    a, b = pair()
    for each in (a, b):
        each["families"] = {f"c{number}": f"family {number % 15}" for number in range(40)}
    found = compared(a, b)
    assert all(each.interval is None for each in found.endpoints)
    assert found.conclusion.startswith("15 families, fewer than the 20 that an interval needs")
    assert "better in 40, worse in 0, equal in 0" in found.conclusion
    assert any("`--by collection`" in warning for warning in found.warnings)
    single = compared(a, b, by="collection")
    assert single.primary.interval is not None
    assert any("40 collections are of 15 families" in warning for warning in single.warnings)


def test_with_few_collections_no_way_to_an_interval_is_offered() -> None:
    found = compared(*pair(5))
    assert "--by collection" not in " ".join(found.warnings)


def test_a_file_without_families_takes_each_collection_for_its_own() -> None:
    a, b = pair()
    del a["families"], b["families"]
    assert compared(a, b).clusters == 40
    a["families"] = {"c0": "cats", "c1": "cats"}
    assert compared(a, b).clusters == 39


def test_one_run_with_itself_is_told_to_be_the_same() -> None:
    a, _ = pair()
    for seed in range(5):
        found = compared(a, copy.deepcopy(a), seed=seed)
        assert found.same
        assert found.primary.interval is not None
        assert (found.primary.interval.low, found.primary.interval.high) == (0, 0)
        assert all(each.p == each.adjusted_p == 1 for each in found.endpoints)
        assert found.conclusion.startswith("The same numbers")


def test_last_bits_are_no_difference() -> None:
    a, b = document([0.3] * 25), document([0.1 + 0.2] * 25, fingerprint="f2")
    found = compared(a, b)
    assert (found.better, found.worse, found.equal) == (0, 0, 25)
    assert found.primary.p == 1


def test_one_model_against_itself_is_warned_of() -> None:
    a, b = pair()
    b["model_fingerprint"] = "f1"
    assert any("one model against itself" in warning for warning in compared(a, b).warnings)


def test_the_spread_between_seeds_is_not_known_from_one_run() -> None:
    assert any("training seeds" in warning for warning in compared(*pair()).warnings)


def test_one_gallery_of_all_has_a_difference_and_no_interval() -> None:
    found = compared(*pair())
    first = found.all_together[0]
    assert first.b - first.a == first.difference != 0
    assert first.interval is None
    assert first.p is None
    assert "no scores by collection" in found.tables()[1].note


def test_an_evaluation_without_one_gallery_of_all_is_compared_all_the_same() -> None:
    a, b = pair()
    for each in (a, b):
        each["rows"] = [r for r in each["rows"] if r["scope"] == "collection"]
    assert len(compared(a, b).tables()) == 2


def test_collections_are_sorted_by_what_they_gain() -> None:
    gains = [each.difference for each in compared(*pair()).collections]
    assert gains == sorted(gains, reverse=True)
    assert len(gains) == 40


def test_a_baseline_of_the_same_file_can_be_chosen() -> None:
    a, _ = pair()
    weaker = document(moved(BASE, by=-0.1, spread=0.01), model="raw pixels")
    a["rows"] += weaker["rows"]
    found = compared(a, a, model_b="raw pixels")
    assert found.b.model == "raw pixels"
    assert found.b.fingerprint is None
    assert "worse than A (first) by 1" in found.conclusion
    with pytest.raises(EvaluationError, match="no rows of a model 'pixels'; it has first, raw pix"):
        compared(a, a, model_a="pixels")


def change(name: str, value: object) -> Callable[[Document], None]:
    return lambda document: document.__setitem__(name, value)


def change_row(name: str, value: object) -> Callable[[Document], None]:
    return lambda document: document["rows"][1].__setitem__(name, value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (change("dataset_fingerprint", "d2"), "dataset_fingerprint is 'd1' in .* and 'd2' in"),
        (change("split", "train"), "split is 'test' in .* and 'train' in"),
        (change("split", None), "split is 'test' in .* and None in"),
        (change("split_rule", "by_collection"), "split_rule is 'by_token' in .* 'by_collection'"),
        (change("max_gallery", 50), "max_gallery is None in .* and 50 in"),
        (change("seed", 7), "seed is 0 in .* and 7 in"),
        (change("families", {"c0": "dogs"}), "family of 'c0' is 'cats' in .* and 'dogs' in"),
        (change_row("n", 90), "'c1' has 110 queries of 110 tokens in .* and 110 of 90 in"),
    ],
)
def test_what_did_not_search_the_same_is_refused_with_both_values(
    changed: Callable[[Document], None], said: str
) -> None:
    a, b = pair()
    changed(b)
    with pytest.raises(EvaluationError, match=said):
        compared(a, b)


def test_collections_of_one_side_alone_are_named() -> None:
    with pytest.raises(
        EvaluationError, match="the first evaluation alone has text_to_image in 'c38', 'c39'"
    ):
        compared(pair(40)[0], pair(38)[1])


def test_a_direction_that_one_side_lacks_is_refused_and_one_that_both_lack_is_left_out() -> None:
    a, b = pair()
    a["rows"] = [r for r in a["rows"] if r["direction"] == "text_to_image"]
    with pytest.raises(
        EvaluationError, match=r"the second evaluation alone has image_to_text in 'c0', .* and more"
    ):
        compared(a, b)
    directions = {each.endpoint.direction for each in compared(a, a).endpoints}
    assert directions == {"text_to_image"}


def test_many_mismatches_are_counted_rather_than_listed() -> None:
    a, b = pair()
    for searched in b["rows"]:
        searched["n"] += 1
    with pytest.raises(EvaluationError, match="; and 77 more") as caught:
        compared(a, b)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (change("rows", None), "rows is None, not a list"),
        (change("rows", []), "it has no rows"),
        (change("rows", "text"), "rows is 'text', not a list"),
        (change("rows", [3]), "a row is 3, not an object"),
        (change("model", 3), "model is 3, not text"),
        (change("model", "other"), "no rows of a model 'other'; it has first"),
        (change("model_fingerprint", None), "model_fingerprint is None, not text"),
        (change("split", 3), "split is 3"),
        (change("seed", True), "seed is True"),
        (change("seed", "0"), "seed is '0'"),
        (change("families", ["c0"]), "families is .*not an object"),
        (change("families", {"c0": None}), "a family is None, not text"),
        (change_row("recall", None), "recall is None, not an object"),
        (change_row("recall", {"1": 0.5}), "'5' is missing"),
        (change_row("recall", {"1": "0.5", "5": 1, "10": 1}), "top-1 of 'c1' is '0.5', not in"),
        (change_row("recall", {"1": float("nan"), "5": 1, "10": 1}), "top-1 of 'c1' is nan"),
        (change_row("mrr", 1.5), "MRR of 'c1' is 1.5, not in"),
        (change_row("mrr", True), "MRR of 'c1' is True"),
        (change_row("n", 0), "n of 'c1' is 0, not a number of tokens"),
        (change_row("n", 10**400), "n of 'c1' is 1000"),
        (change_row("queries", 5.5), "queries of 'c1' is 5.5"),
        (change_row("scope", "galaxy"), "scope is 'galaxy', not one of collection, macro"),
        (change_row("direction", ["x"]), "direction is .*, not one of text_to_image"),
        (change_row("gallery", "c0"), "'c0' has two rows of text_to_image"),
        (change_row("gallery", "x"), "are not of the same collections"),
        (change("rows", [row("first", "text_to_image", "all", "all", 9, 0.5)]), "it has no rows"),
        (change_row("gallery", "\x1b[2J"), r"gallery is '\\x1b\[2J', with letters that cannot"),
        (change_row("gallery", "\ud800"), r"gallery is '\\ud800', with letters that cannot"),
    ],
)
def test_a_hostile_file_is_one_sentence(
    broken: Callable[[Document], None], said: str, tmp_path: Path
) -> None:
    value = document(BASE)
    broken(value)
    (tmp_path / "a.json").write_text(json.dumps(value))
    with pytest.raises(EvaluationError, match=said) as caught:
        compare(tmp_path / "a.json", tmp_path / "a.json")
    assert "a.json" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5000, b"[]", b"3", b'{"rows": 1}']
)
def test_a_file_that_is_no_evaluation_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(EvaluationError, match=r"a\.json"):
        compare(tmp_path / "a.json", tmp_path / "a.json")


def test_a_path_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"none\.json: No such file"):
        compare(tmp_path / "none.json", tmp_path / "none.json")
    with pytest.raises(EvaluationError, match=r"cannot read .*: Is a directory"):
        compare(str(tmp_path), tmp_path)


def test_options_out_of_range_are_named() -> None:
    a, b = pair()
    with pytest.raises(ConfigError, match="by must be one of family, collection; got 'tribe'"):
        compared(a, b, by="tribe")
    with pytest.raises(ConfigError, match="level must be in"):
        compared(a, b, level=95)
    with pytest.raises(ConfigError, match="resamples must be in"):
        compared(a, b, resamples=0)


def test_a_comparison_is_plain_json_and_holds_no_nan() -> None:
    found = compared(*pair())
    value = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert value["endpoints"][0]["difference"] == found.primary.difference
    assert value["endpoints"][0]["interval"]["clusters"] == 27
    assert value["collections"][0]["collection"] == found.collections[0].collection
    assert value["conclusion"] == found.conclusion


def test_the_tables_name_both_models_and_the_split() -> None:
    endpoints, together, collections = map(to_markdown, compared(*pair()).tables())
    assert "A = first" in endpoints
    assert "B = second" in endpoints
    assert "test tokens of data, split by_token" in endpoints
    assert "one gallery of all tokens" in together
    assert "| c39 | cats | 490 |" in collections


def test_two_real_evaluations_compare(drawn: Dataset, tmp_path: Path) -> None:
    evaluation = evaluate(ColourEncoder(), drawn)
    (tmp_path / "a.json").write_text(json.dumps(evaluation.to_json()))
    found = traitlens.compare(evaluation.to_json(), tmp_path / "a.json", model_b="raw pixels")
    assert found.primary.a == pytest.approx(evaluation.row().recall[1])
    assert found.primary.b == pytest.approx(evaluation.row(model="raw pixels").recall[1])
    micro = next(each for each in found.endpoints if each.endpoint.scope == "micro")
    assert micro.a == pytest.approx(evaluation.row(scope="micro").recall[1])
    assert len(found.all_together) == 8
    assert "fewer than the 20" in found.conclusion

"""A reader is told what would otherwise mislead."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import ColourEncoder, drawn_dataset, drawn_token, write_dataset
from traitlens import files
from traitlens.evaluation import evaluate
from traitlens.evaluation.scoring import Clusters
from traitlens.models import Vectors
from traitlens.records import Split
from traitlens.store import MANIFEST, Dataset


def findings_of(
    data: Dataset, encoder: ColourEncoder | None = None, *, split: Split | None = None
) -> str:
    found = evaluate(encoder or ColourEncoder(), data, split=split, baselines=False)
    return "\n".join(found.findings)


def test_few_collections_give_no_intervals_and_one_says_nothing_of_others(tmp_path: Path) -> None:
    one = findings_of(drawn_dataset(tmp_path / "one", {"robots": 30}))
    assert "One collection only (robots)" in one
    two = findings_of(drawn_dataset(tmp_path / "two", {"robots": 30, "owls": 30}))
    assert "One collection only" not in two
    assert "No confidence intervals: 2 independent collections; an interval needs 20." in two


def test_captions_that_are_all_equal_are_told(tmp_path: Path) -> None:
    robots = [replace(drawn_token("robots", i), caption="a robot") for i in range(9)]
    owls = [drawn_token("owls", i) for i in range(9)]
    data = write_dataset(tmp_path / "data", {"robots": robots, "owls": owls})
    said = findings_of(data)
    assert "All 9 captions of robots are equal: no search by text can be better than chance" in said
    assert "of owls" not in said
    row = evaluate(ColourEncoder(), data, split=None, baselines=False).row(
        scope="collection", gallery="robots"
    )
    assert row.recall == pytest.approx(row.chance)
    assert row.recall == pytest.approx(row.ceiling)


class ForgetfulEncoder(ColourEncoder):
    """Reads the first two words of a text and no more."""

    name = "forgetful"

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return super().encode_texts([" ".join(text.split()[:2]) for text in texts])


class MuteEncoder(ColourEncoder):
    name = "mute"

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), self.dimension), np.float32)


def test_captions_that_a_model_cannot_tell_apart_are_told(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 30, "owls": 30})
    said = findings_of(data, ForgetfulEncoder())
    assert "different captions got the vector of another one" in said
    mute = findings_of(data, MuteEncoder())
    assert "captions became zero vectors, which tie with everything and score as chance" in mute
    row = evaluate(MuteEncoder(), data, split=None, baselines=False).row()
    assert row.recall == pytest.approx(row.chance)


def test_a_model_that_was_trained_on_the_gallery_is_told(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 30, "owls": 30})

    def trained(fingerprint: str) -> ColourEncoder:
        run = tmp_path / "run"
        trained_on = {"fingerprint": fingerprint, "collections": {"robots": 24}}
        files.write_json(run / "training.json", {"data": trained_on})
        encoder = ColourEncoder()
        encoder.name = str(run)
        return encoder

    same = trained(data.manifest.fingerprint)
    assert "was trained on tokens of this gallery" in findings_of(data, same)
    assert "trained on" not in findings_of(data, same, split="test")
    other = trained("another")
    assert "was trained on another build of robots: it may have seen" in findings_of(data, other)


def test_baselines_that_know_the_data_set_are_told_apart(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 60, "owls": 60})
    (said,) = (one for one in evaluate(ColourEncoder(), data).findings if "were fitted" in one)
    assert said.startswith("raw pixels and colour histogram were fitted on the train split of this")
    run = tmp_path / "run"
    trained_on = {"fingerprint": data.manifest.fingerprint, "collections": {}}
    files.write_json(run / "training.json", {"data": trained_on})
    trained = ColourEncoder()
    trained.name = str(run)
    assert not any("were fitted" in one for one in evaluate(trained, data).findings)


def test_intervals_over_siblings_are_called_too_narrow(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {f"c{number}": 10 for number in range(20)})
    manifest = files.read_json(data.path / MANIFEST)
    for number, entry in enumerate(manifest["collections"]):
        entry["family"] = f"family {number // 2}"
    files.write_json(data.path / MANIFEST, manifest)

    def said(clusters: Clusters) -> str:
        found = evaluate(ColourEncoder(), data.path, split=None, baselines=False, clusters=clusters)
        assert (found.row().interval is None) == (clusters == "family")
        return "\n".join(found.findings)

    assert "take 20 collections for independent, which are of 10 families" in said("collection")
    assert "No confidence intervals: 10 independent families in 20 collections" in said("family")

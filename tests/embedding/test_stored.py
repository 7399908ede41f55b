"""Vectors on disk: whole or not at all, the same after a kill, refused where they do not fit."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import ColourEncoder, drawn_dataset
from traitlens.embedding import Gallery, embed, embed_all, embed_arrays, open_embedded, stored
from traitlens.embedding.encoding import BATCH
from traitlens.errors import ConfigError, ModelError
from traitlens.models import Vectors
from traitlens.store import Dataset


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("stored") / "data", {"robots": 200, "owls": 150})


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_what_was_written_is_what_an_encoder_gives(
    data: Dataset, tmp_path: Path, dtype: str
) -> None:
    report = embed(ColourEncoder(), data, tmp_path / "emb", split=None, dtype=dtype)
    assert (report.tokens, report.dimension, report.dtype) == (350, 19, dtype)
    found = open_embedded(tmp_path / "emb", data)
    (direct,) = embed_all([ColourEncoder()], Gallery.of(data, split=None))
    assert found.images_ND.dtype == found.texts_ND.dtype == dtype
    assert np.array_equal(found.images_ND, direct.images_ND.astype(dtype))
    assert np.array_equal(found.texts_ND, direct.texts_ND.astype(dtype))
    assert (found.model, found.model_fingerprint) == ("colours", ColourEncoder().fingerprint)
    with pytest.raises(ModelError, match="known by its vectors alone and cannot read new texts"):
        found.encode_texts(["red hat"])


class StoppedError(Exception):
    pass


class TiringEncoder(ColourEncoder):
    """Stops after some pictures."""

    def __init__(self, pictures: int) -> None:
        super().__init__()
        self.left = pictures

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        self.left -= len(images)
        if self.left < 0:
            raise StoppedError
        return super().encode_images(images)


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "_SAVED_EVERY", BATCH)
    embed(ColourEncoder(), data, tmp_path / "whole", split=None)
    with pytest.raises(StoppedError):
        embed(TiringEncoder(150), data, tmp_path / "emb", split=None)
    assert not (tmp_path / "emb").exists()
    rest = TiringEncoder(10_000)
    embed(rest, data, tmp_path / "emb", split=None)
    assert rest.left >= 10_000 - 350 + BATCH  # the first batch was not encoded again
    for name in ("images.npy", "texts.npy"):
        assert (tmp_path / "emb" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["emb", "whole"]


def test_a_finished_folder_is_left_alone_and_another_needs_a_word(
    data: Dataset, tmp_path: Path
) -> None:
    embed(ColourEncoder(), data, tmp_path / "emb")
    idle = TiringEncoder(0)
    idle.fingerprint = ColourEncoder().fingerprint
    embed(idle, data, tmp_path / "emb")
    with pytest.raises(ModelError, match="holds other embeddings; choose another folder or pass"):
        embed(ColourEncoder(version="2"), data, tmp_path / "emb")
    embed(ColourEncoder(version="2"), data, tmp_path / "emb", replace=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear")
    with pytest.raises(ModelError, match="holds no embeddings; choose another folder"):
        embed(ColourEncoder(), data, tmp_path / "mine", replace=True)


def test_embeddings_of_another_data_set_or_model_are_refused(data: Dataset, tmp_path: Path) -> None:
    embed(ColourEncoder(), data, tmp_path / "emb")
    other = drawn_dataset(tmp_path / "other", {"robots": 30}, seed=1)
    with pytest.raises(ModelError, match="was made of the data set"):
        open_embedded(tmp_path / "emb", other)
    with pytest.raises(ModelError, match="was made with colours, not with colours"):
        open_embedded(tmp_path / "emb", data, encoder=ColourEncoder(version="2"))
    assert (
        open_embedded(tmp_path / "emb", data, encoder=ColourEncoder()).encode_texts(["red"]).any()
    )


def test_vectors_made_elsewhere_are_scaled_and_kept(data: Dataset, tmp_path: Path) -> None:
    rows_ND = np.random.default_rng(0).normal(size=(350, 8))
    np.save(tmp_path / "a.npy", 5 * rows_ND)
    np.save(tmp_path / "b.npy", rows_ND.astype(np.float32))
    files = (tmp_path / "a.npy", tmp_path / "b.npy")
    embed_arrays(*files, data, tmp_path / "emb", model="mine", split=None)
    found = open_embedded(tmp_path / "emb", data)
    expected = rows_ND / np.linalg.norm(rows_ND, axis=1, keepdims=True)
    assert np.allclose(found.images_ND, expected, atol=1e-6)
    assert np.allclose(found.texts_ND, expected, atol=1e-6)
    assert found.model == "mine"


def wrong(change: str) -> Vectors:
    rows_ND = np.ones((350, 8), np.float32)
    if change == "zero":
        rows_ND[200] = 0
    if change == "nan":
        rows_ND[7, 3] = np.nan
    if change == "short":
        return rows_ND[:-1]
    if change == "flat":
        return rows_ND[:, 0]
    if change == "narrow":
        return rows_ND[:, :4]
    return rows_ND.astype(int) if change == "integers" else rows_ND


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("zero", "row 200 of mine, images.npy is all zero"),
        ("nan", "row 7 of mine, images.npy is not finite"),
        ("short", r"has the shape \(349, 8\); expected \(350, D\), a row for each token"),
        ("flat", r"has the shape \(350,\); expected"),
        ("narrow", "has 4 dimensions and .* 8; pictures and texts must lie in one space"),
        ("integers", "must hold floating numbers"),
    ],
)
def test_wrong_vectors_are_named_and_nothing_is_written(
    data: Dataset, tmp_path: Path, change: str, message: str
) -> None:
    np.save(tmp_path / "a.npy", wrong(change))
    np.save(tmp_path / "b.npy", wrong(""))
    with pytest.raises(ModelError, match=message):
        embed_arrays(
            tmp_path / "a.npy",
            tmp_path / "b.npy",
            data,
            tmp_path / "emb",
            model="mine",
            split=None,
        )
    assert not (tmp_path / "emb").exists()


def test_a_pickle_is_never_opened(data: Dataset, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ModelError, match="is no array that can be read"):
        embed_arrays(tmp_path / "a.npy", tmp_path / "a.npy", data, tmp_path / "emb", model="mine")


def test_damaged_folders_are_named(data: Dataset, tmp_path: Path) -> None:
    out = tmp_path / "emb"
    embed(ColourEncoder(), data, out)
    summary = json.loads((out / "embedding.json").read_text())
    images = np.load(out / "images.npy")
    np.save(out / "images.npy", np.full_like(images, np.nan))
    with pytest.raises(ModelError, match="gave a vector with NaN for 'row 0'"):
        open_embedded(out, data)
    (out / "images.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(ModelError, match="is no array that can be read"):
        open_embedded(out, data)
    (out / "embedding.json").write_text("{")
    with pytest.raises(ModelError, match=r"embedding\.json is broken"):
        open_embedded(out, data)
    del summary["split"]
    (out / "embedding.json").write_text(json.dumps(summary))
    with pytest.raises(ModelError, match="does not say what its vectors are"):
        open_embedded(out, data)
    with pytest.raises(ModelError, match=r"holds no embeddings: it has no embedding\.json"):
        open_embedded(tmp_path, data)


def test_a_wrong_number_format_is_named(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="dtype must be one of float16, float32; got 'int8'"):
        embed(ColourEncoder(), data, tmp_path / "emb", dtype="int8")

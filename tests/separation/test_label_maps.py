"""Label maps: what one sees where, token by token, on disk."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import drawn_token, write_dataset
from tests.separation.layers import HAT, SIZE_PX, layered_tokens, separated
from traitlens.errors import DatasetError
from traitlens.separation import components, forget_values, write_label_maps
from traitlens.separation.label_maps import (
    NONE_COLOUR,
    label_colours,
    label_image,
    paint_labels,
    read_labels,
)
from traitlens.separation.masks import load_masks
from traitlens.store import Dataset

NAME = "layers"


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    made = write_dataset(tmp_path / "data", {NAME: layered_tokens()})
    components(made)
    return made


def stored(path: Path, token_id: str) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        data = archive.read(f"masks/{token_id}.png")
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_stored_map_holds_one_more_than_the_row_of_what_one_sees(data: Dataset) -> None:
    report = write_label_maps(data, NAME)
    masks = load_masks(data.path / "components", NAME)
    for token in data.tokens(collections=[NAME]):
        np.testing.assert_array_equal(
            stored(report.path, token.token_id).astype(int) - 1, masks.label_map(token)
        )


def test_the_names_say_what_the_numbers_mean(data: Dataset) -> None:
    report = write_label_maps(data, NAME)
    token = next(t for t in data.tokens() if t.traits[-1].value == "Cap")
    shown = stored(report.path, token.token_id)[HAT]
    assert len(np.unique(shown)) == 1
    assert read_labels(report.path)["labels"][shown[0, 0]] == ["Hat", "Cap"]


def test_counts_close_over_tokens_of_another_size(tmp_path: Path) -> None:
    other = drawn_token(NAME, 99)
    assert other.width != SIZE_PX
    data = write_dataset(tmp_path / "data", {NAME: [*layered_tokens(), other]})
    components(data)
    report = write_label_maps(data, NAME)
    assert (report.read, report.written, dict(report.skipped)) == (28, 27, {"another size": 1})


def test_maps_of_the_same_components_are_left_alone(data: Dataset) -> None:
    first = write_label_maps(data, NAME)
    before = first.path.stat().st_mtime_ns
    second = write_label_maps(data, NAME)
    assert not first.reused and second.reused
    assert first.path.stat().st_mtime_ns == before
    assert dataclasses.replace(second, reused=False) == first
    assert not write_label_maps(data, NAME, replace=True).reused


def test_equal_maps_are_equal_bytes(data: Dataset) -> None:
    path = write_label_maps(data, NAME).path
    before = path.read_bytes()
    write_label_maps(data, NAME, replace=True)
    assert path.read_bytes() == before


def test_a_damaged_file_is_written_anew(data: Dataset) -> None:
    path = write_label_maps(data, NAME).path
    path.write_bytes(b"no zip")
    with pytest.raises(DatasetError, match="no file of label maps"):
        read_labels(path)
    assert not write_label_maps(data, NAME).reused
    assert read_labels(path)["written"] == 27


def test_forgetting_values_takes_the_label_maps_too(data: Dataset) -> None:
    path = write_label_maps(data, NAME).path
    forget_values(path.parent, NAME, left=set())
    assert not path.exists()


def test_an_id_with_a_slash_stays_within_the_zip(tmp_path: Path) -> None:
    tokens = layered_tokens()
    tokens[0] = dataclasses.replace(tokens[0], token_id="../../1")
    data = write_dataset(tmp_path / "data", {NAME: tokens})
    components(data)
    with zipfile.ZipFile(write_label_maps(data, NAME).path) as archive:
        assert "masks/..%2F..%2F1.png" in archive.namelist()


def test_without_components_the_error_says_what_to_run(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {NAME: layered_tokens()})
    with pytest.raises(DatasetError, match="run `traitlens components`"):
        write_label_maps(data, NAME)


@pytest.mark.parametrize(("labels", "bits"), [(255, 8), (256, 16)])
def test_a_byte_holds_255_labels_and_none(labels: int, bits: int) -> None:
    labels_HW = np.array([[-1, labels - 1]], np.int16)
    image = label_image(labels_HW, labels=labels)
    assert image.mode == {8: "L", 16: "I;16"}[bits]
    assert np.asarray(image).tolist() == [[0, labels]]


def test_colours_are_all_different_and_none_is_dark() -> None:
    colours = label_colours(200)
    assert len(np.unique(colours, axis=0)) == 200
    painted = np.asarray(paint_labels(np.array([[-1, 3]], np.int16), colours))
    assert painted[0, 0].tolist() == list(NONE_COLOUR)
    np.testing.assert_array_equal(painted[0, 1], colours[3])


def test_a_map_without_any_component_is_all_none() -> None:
    masks = separated(layered_tokens())
    assert label_image(masks.label_map(drawn_token(NAME, 1)), labels=0).getextrema() == (0, 0)
    assert label_colours(0).shape == (0, 3)

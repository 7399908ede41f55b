"""The sheet by which a person judges components."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import write_dataset
from tests.separation.layers import (
    BODY,
    HAT,
    SIZE_PX,
    draw,
    layered_tokens,
    mask,
    separated,
)
from traitlens.errors import DatasetError
from traitlens.separation import ComponentMasks, components, write_component_sheet
from traitlens.separation.masks import Component
from traitlens.separation.sheet import alone, component_sheet, layer_lines, spotlight
from traitlens.store import Dataset

NAME = "layers"


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return write_dataset(tmp_path / "data", {NAME: layered_tokens()})


@pytest.fixture
def masks() -> ComponentMasks:
    return separated(layered_tokens())


def named(masks: ComponentMasks, value: str) -> Component:
    return next(c for c in masks.components if c.trait.value == value)


def colours(picture: Image.Image) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in np.asarray(picture.convert("RGB")).reshape(-1, 3).tolist()}


def test_the_spotlight_keeps_the_component_and_changes_all_else() -> None:
    picture = Image.fromarray(draw("Noon", "Red", "Cap"))
    lit = np.asarray(spotlight(picture, mask(HAT)))
    same = (lit == np.asarray(picture)[..., :3]).all(axis=2)
    np.testing.assert_array_equal(same, mask(HAT))


def test_a_component_alone_shows_its_colour_and_no_other_components(masks: ComponentMasks) -> None:
    shown = colours(alone(named(masks, "Red"), size=(SIZE_PX, SIZE_PX), cell_px=48))
    assert (220, 30, 30) in shown
    assert all(red == green or (red, green, blue) == (220, 30, 30) for red, green, blue in shown)


def test_a_small_component_is_enlarged(masks: ComponentMasks) -> None:
    hat, size = named(masks, "Cap"), (SIZE_PX, SIZE_PX)
    picture = np.asarray(alone(hat, size=size, cell_px=80))
    brown = (picture == (90, 60, 30)).all(axis=2).sum()
    whole = 80 * 80 * len(hat.region) / SIZE_PX**2
    assert brown > 2 * whole


def test_layers_are_listed_from_below_to_above(masks: ComponentMasks) -> None:
    layer = {"Noon": 0, "Dawn": 0, "Night": 0, "Red": 3, "Green": 1, "White": 1}
    found = [dataclasses.replace(c, layer=layer.get(c.trait.value, 2)) for c in masks.components]
    assert layer_lines(found) == [
        "layers, from below to above, with the number of values:",
        "0: Sky (3)",
        "1 to 3: Body (3)",
        "2: Hat (2)",
    ]


def test_one_layer_is_an_unknown_order(masks: ComponentMasks) -> None:
    flat = [dataclasses.replace(c, layer=0) for c in masks.components]
    assert layer_lines(flat) == ["which component lies above which is not known"]
    assert layer_lines([]) == []


def test_a_sheet_is_written_beside_the_components(data: Dataset) -> None:
    with pytest.raises(DatasetError, match="run `traitlens components`"):
        write_component_sheet(data, NAME)
    components(data)
    path = write_component_sheet(data, NAME)
    assert path == data.path / "components" / f"{NAME}.png"
    with Image.open(path) as sheet:
        assert sheet.width > 0 and sheet.height > 0


def test_a_sheet_shows_as_many_values_and_tokens_as_asked_for(
    data: Dataset, masks: ComponentMasks
) -> None:
    def height(values: int, tokens: int) -> int:
        sheet = component_sheet(data, masks, values=values, tokens=tokens, columns=3, cell_px=32)
        return sheet.height

    assert height(1, 0) < height(2, 0) < height(8, 0) == height(99, 0)
    assert height(1, 0) < height(1, 1) == height(1, 2) < height(1, 3)


def test_a_sheet_shows_the_pictures(data: Dataset, masks: ComponentMasks) -> None:
    sheet = component_sheet(data, masks, values=8, tokens=0, columns=3, cell_px=32)
    assert (220, 30, 30) in colours(sheet), mask(BODY)


def test_a_sheet_without_any_component_still_says_so(data: Dataset, masks: ComponentMasks) -> None:
    empty = dataclasses.replace(masks, components=())
    assert component_sheet(data, empty, columns=3, cell_px=32).height > 0

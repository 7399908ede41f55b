"""The sheet by which a person judges components."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import write_dataset
from tests.separation.layers import BODY, HAT, draw, layered_tokens, mask
from traitlens.errors import DatasetError
from traitlens.separation import components, write_component_sheet
from traitlens.separation.masks import load_masks
from traitlens.separation.sheet import component_sheet, spotlight


def test_the_spotlight_keeps_the_component_and_changes_all_else() -> None:
    picture = Image.fromarray(draw("Noon", "Red", "Cap"))
    lit = np.asarray(spotlight(picture, mask(HAT)))
    same = (lit == np.asarray(picture)[..., :3]).all(axis=2)
    np.testing.assert_array_equal(same, mask(HAT))


def test_a_sheet_is_written_beside_the_components(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"layers": layered_tokens()})
    with pytest.raises(DatasetError, match="run `traitlens components`"):
        write_component_sheet(data, "layers")
    components(data)
    path = write_component_sheet(data, "layers")
    assert path == data.path / "components" / "layers.png"
    with Image.open(path) as sheet:
        assert sheet.width > sheet.height > 0


def test_a_sheet_shows_as_many_values_as_asked_for(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"layers": layered_tokens()})
    components(data)
    masks = load_masks(data.path / "components", "layers")
    one = component_sheet(data, masks, values=1, columns=2, cell_px=16)
    four = component_sheet(data, masks, values=4, columns=2, cell_px=16)
    assert one.width == four.width and one.height < four.height
    red = np.asarray(four).reshape(-1, 3).tolist().count([220, 30, 30])
    assert red > 0, mask(BODY)

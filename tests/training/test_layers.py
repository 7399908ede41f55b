"""Components lie out of memory and come back as they were."""

from pathlib import Path

import numpy as np
import pytest

from tests.training.layered import layer
from traitlens.models.pixels import PixelConfig
from traitlens.records import Trait
from traitlens.separation.masks import Component, Variant
from traitlens.separation.pixels import Region
from traitlens.training.layers import Layers


@pytest.mark.parametrize("pixels", [16, 2**16 + 1])
def test_a_layer_comes_back_as_it_was_put_in(tmp_path: Path, pixels: int) -> None:
    bank = Layers(pixels, folder=tmp_path)
    put = [
        layer([0, 3, pixels - 1], [1, 2, 3, 255], 2),
        layer([], [0, 0, 0, 0], 0),
        layer([5], [9, 8, 7, 100], 1),
    ]
    assert [bank.add(one) for one in put] == [0, 1, 2]
    assert len(bank) == 3
    for row, one in enumerate(put):
        assert bank[row].where_M.tolist() == one.where_M.tolist()
        assert (bank[row].paint_M4 == one.paint_M4).all()
        assert bank[row].level == one.level
    assert list(tmp_path.iterdir()) == [], "the files have no names"


def test_a_component_has_a_shape_for_each_trait_that_changes_it() -> None:
    hat, red, green = Trait("Hat", "Cap"), Trait("Body", "Red"), Trait("Body", "Green")
    component = Component(
        trait=hat,
        support=5,
        visible=0.1,
        confidence=1.0,
        layer=3,
        region=_region([1, 2, 5]),
        variants=(Variant(red, _region([1, 2])), Variant(green, _region([1, 5]))),
    )
    bank = Layers(16)
    rows = bank.add_component(component, size=(4, 4), pixels=PixelConfig(height=4, width=4))
    shapes = {context: bank[row].where_M.tolist() for context, row in rows.items()}
    assert shapes == {None: [1, 2, 5], red: [1, 2], green: [1, 5]}
    assert {bank[row].level for row in rows.values()} == {3}


def _region(where: list[int]) -> Region:
    count = len(where)
    white = np.full((count, 4), 255, np.uint8)
    return Region(np.array(where), np.zeros(count, np.uint32), np.full(count, 255, np.uint8), white)


def test_a_pixel_takes_six_bytes() -> None:
    bank = Layers(64 * 64)
    bank.add(layer(range(1000), [1, 2, 3, 255], 0))
    assert bank.total_bytes == 6000


def test_there_may_be_none() -> None:
    assert len(Layers(16)) == 0
    assert Layers(16).total_bytes == 0
    assert np.zeros(0).size == 0

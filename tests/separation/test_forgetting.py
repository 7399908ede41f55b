"""Components of trait values that no token has any longer."""

from pathlib import Path

import numpy as np

from tests.helpers import drawn_dataset
from traitlens.separation import components, forget_values, load_masks, write_component_sheet
from traitlens.separation.masks import FOLDER

NAME = "robots"


def found(tmp_path: Path) -> Path:
    """Find the components of a small collection and return their folder."""
    data = drawn_dataset(tmp_path / "data", {NAME: 30})
    components(data)
    write_component_sheet(data, NAME)
    return data.path / FOLDER


def test_only_values_that_are_left_stay_and_are_as_they_were(tmp_path: Path) -> None:
    folder = found(tmp_path)
    before = load_masks(folder, NAME)
    values = [c.name for c in before.components] + [
        (m.trait.trait_type, m.trait.value) for m in before.missing
    ]
    gone = before.components[0].name
    assert forget_values(folder, NAME, left=set(values) - {gone}) == 1
    after = load_masks(folder, NAME)
    assert after.masks.keys() == before.masks.keys() - {gone}
    for name, mask in after.masks.items():
        np.testing.assert_array_equal(mask, before.masks[name])


def test_values_without_a_mask_are_forgotten_too(tmp_path: Path) -> None:
    folder = found(tmp_path)
    masks = load_masks(folder, NAME)
    assert masks.missing, "a pin is drawn nowhere, so it has no mask"
    left = {c.name for c in masks.components}
    assert forget_values(folder, NAME, left=left) == len(masks.missing)
    assert load_masks(folder, NAME).missing == ()


def test_the_sheet_goes_since_it_shows_tokens(tmp_path: Path) -> None:
    folder = found(tmp_path)
    masks = load_masks(folder, NAME)
    before = (folder / f"{NAME}.npz").read_bytes()
    left = {c.name for c in masks.components}
    left |= {(m.trait.trait_type, m.trait.value) for m in masks.missing}
    assert forget_values(folder, NAME, left=left) == 0
    assert not (folder / f"{NAME}.png").exists()
    assert (folder / f"{NAME}.npz").read_bytes() == before


def test_without_components_there_is_nothing_to_forget(tmp_path: Path) -> None:
    assert forget_values(tmp_path, NAME, left=()) == 0
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_read_go(tmp_path: Path) -> None:
    folder = found(tmp_path)
    (folder / f"{NAME}.npz").write_bytes(b"broken")
    assert forget_values(folder, NAME, left=()) == 0
    assert list(folder.iterdir()) == []

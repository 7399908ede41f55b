"""A component is trusted as far as the tokens that wear it look as if painted with it."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.layered import MEAN, PIXELS, TAGS, drawn, layer, layers
from traitlens.training.layering import Ground
from traitlens.training.layers import Layers
from traitlens.training.trust import component_trust

GROUND = Ground(np.full((PIXELS, 3), MEAN, np.uint8), np.zeros(PIXELS, np.bool_))
ROW = {value: tag.component for value, tag in TAGS.items()}


def trust(*tokens: Sequence[str], shown: Sequence[Sequence[str]] = ()) -> dict[int, float]:
    """Return the trust in the components of tokens that look as `shown`, else as they should."""
    frames = np.stack([drawn(*values) for values in shown or tokens])
    worn = [sorted(ROW[value] for value in values) for values in tokens]
    return component_trust(frames, worn, layers(), GROUND)


def twice(
    picture: NDArray[np.uint8], rows: Sequence[int], bank: Layers | None = None
) -> dict[int, float]:
    """Return the trust in the components of two tokens that look alike."""
    return component_trust(np.stack([picture] * 2), [rows] * 2, bank or layers(), GROUND)


def test_components_that_make_the_pictures_are_trusted_wholly() -> None:
    found = trust(*[("dawn", "red", "cap"), ("night", "green", "crown", "white")] * 2)
    assert found == dict.fromkeys(range(7), 1.0)


def test_a_component_of_a_single_token_is_not_trusted() -> None:
    found = trust(("dawn", "red"), ("dawn", "cap"))
    assert found == {ROW["dawn"]: 1.0, ROW["red"]: 0.0, ROW["cap"]: 0.0}


def test_a_part_that_another_trait_recolours_is_trusted_as_often_as_it_looks_so() -> None:
    found = trust(("dawn", "cap"), ("dawn", "cap"), shown=(("dawn", "cap"), ("dawn", "crown")))
    assert found == {ROW["dawn"]: 1.0, ROW["cap"]: 0.5}


def test_a_mask_that_reaches_too_far_is_trusted_where_it_does_not() -> None:
    bank = layers()
    row = bank.add(layer([0, 1, 2, 3], [90, 60, 30, 255], 2))  # a cap, and two pixels of the sky
    found = twice(drawn("dawn", "cap"), [ROW["dawn"], row], bank)
    assert found[row] == 0.5
    assert found[ROW["dawn"]] == pytest.approx(8 / 12), "the rest of the cap looks like no sky"


def test_what_a_higher_layer_covers_is_not_asked_about() -> None:
    bank = layers()
    hood = bank.add(layer(range(16), [9, 9, 9, 255], 3))
    found = twice(np.full((4, 4, 3), 9, np.uint8), [ROW["green"], hood], bank)
    assert found == {ROW["green"]: 0.0, hood: 1.0}, "and one that is never seen is not trusted"


def test_a_resized_edge_is_no_other_colour() -> None:
    picture = drawn("dawn")
    assert twice(picture + np.uint8(40), [ROW["dawn"]]) == {ROW["dawn"]: 1.0}
    assert twice(picture + np.uint8(55), [ROW["dawn"]]) == {ROW["dawn"]: 0.0}


def test_a_rare_component_is_looked_at_however_many_tokens_come_first() -> None:
    tokens = [("dawn",)] * 40 + [("dawn", "cap")] * 2
    assert trust(*tokens)[ROW["cap"]] == 1.0


def test_tokens_without_components_tell_nothing() -> None:
    assert component_trust(np.zeros((2, 4, 4, 3), np.uint8), [[], []], layers(), GROUND) == {}

"""What lies beneath all components is what shows where there are none."""

import numpy as np
from numpy.typing import NDArray

from tests.training.layered import layer
from traitlens.models.pixels import PixelConfig
from traitlens.training.grounds import bare_ground, based_ground

LIKELY = np.full((1, 4, 3), 9, np.uint8)
COVER = [layer([0], [1, 2, 3, 255], 0)]  # of the first pixel


def frames(*rows: list[int]) -> NDArray[np.uint8]:
    """Return grey pictures of one row of pixels."""
    return np.repeat(np.array(rows, np.uint8)[:, None, :, None], 3, axis=3)


def test_where_tokens_without_a_component_agree_their_colour_is_the_ground() -> None:
    pictures = frames([50, 70, 10, 0], [50, 71, 90, 0], [50, 69, 170, 0], [200, 70, 250, 0])
    bare = bare_ground(pictures, [[], [], [], COVER], LIKELY)
    assert bare.known_P.tolist() == [True, True, False, True]
    assert bare.colours_P3[:, 0].tolist() == [50, 70, 9, 0]


def test_two_tokens_are_too_few_to_know() -> None:
    pictures = frames([50] * 4, [50] * 4, [50] * 4)
    bare = bare_ground(pictures, [[], [], COVER], LIKELY)
    assert bare.known_P.tolist() == [False, True, True, True]


def test_a_few_that_differ_do_not_matter() -> None:
    pictures = frames(*[[50] * 4] * 4, [200] * 4)
    bare = bare_ground(pictures, [[]] * 5, LIKELY)
    assert bare.known_P.all()
    assert (bare.colours_P3 == 50).all()


def test_what_is_always_covered_is_not_known() -> None:
    bare = bare_ground(frames(*[[50] * 4] * 5), [COVER] * 5, LIKELY)
    assert bare.known_P.tolist() == [False, True, True, True]
    assert bare.colours_P3[0].tolist() == [9, 9, 9]


def test_the_collections_base_goes_before_what_shows() -> None:
    base = np.zeros((1, 4, 4), np.uint8)
    base[0, 0] = (60, 61, 62, 255)
    bare = bare_ground(frames(*[[50] * 4] * 5), [COVER] * 5, LIKELY)
    ground = based_ground(base, bare, PixelConfig(height=1, width=4))
    assert ground.colours_P3.tolist() == [[60, 61, 62], [50] * 3, [50] * 3, [50] * 3]
    assert ground.known_P.all()


def test_a_base_that_is_transparent_all_over_changes_nothing() -> None:
    bare = bare_ground(frames(*[[50] * 4] * 5), [COVER] * 5, LIKELY)
    ground = based_ground(np.zeros((1, 1, 4), np.uint8), bare, PixelConfig(height=1, width=4))
    assert (ground.colours_P3 == bare.colours_P3).all()
    assert (ground.known_P == bare.known_P).all()

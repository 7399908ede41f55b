"""The small steps of the method of layers: flats, shades, orders, grids."""

from __future__ import annotations

import numpy as np
from PIL import Image

from traitlens.separation.flats import averaged, flats
from traitlens.separation.grid import is_smooth, native_grid, nearest
from traitlens.separation.shades import CLEAR, NONE, commonest, counts, shades
from traitlens.separation.stacking import sorted_by
from traitlens.separation.values import values_of


def test_a_flat_is_what_neighbours_of_nearly_one_colour_form() -> None:
    picture = np.zeros((3, 8, 4), np.uint8)
    picture[:, 4:] = 200
    picture[0, 0] = 4  # near enough
    picture[2, 0] = 40
    numbers = flats(picture, step=5).reshape(3, 8)
    assert numbers[:, [0, 1, 4, 7]].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 0, 1, 1]]


def test_a_gradient_of_small_steps_is_one_flat() -> None:
    picture = np.repeat(np.arange(0, 200, 5, dtype=np.uint8)[None, :, None], 4, axis=2)
    assert set(flats(picture, step=5)) == {0}
    assert len(set(flats(picture, step=4))) == 40


def test_noise_within_a_part_makes_no_flats_of_its_own() -> None:
    noise_HW = np.random.default_rng(0).integers(-7, 8, (32, 32))
    noise_HW[:16] += 60
    noise_HW[16:] += 180
    picture = np.repeat(noise_HW[..., None], 4, axis=2).astype(np.uint8)
    numbers = flats(picture).reshape(32, 32)
    assert len(np.unique(numbers[1:15, 1:-1])) == 1
    assert len(np.unique(numbers)) < 8


def test_thin_lines_without_noise_stay() -> None:
    picture = np.full((9, 9, 4), 255, np.uint8)
    picture[4, :, :3] = 0
    assert flats(picture).reshape(9, 9)[:, 0].tolist() == [0] * 4 + [1] + [2] * 4


def test_each_pixel_gets_the_mean_of_its_flat() -> None:
    scores = np.array([[1.0, 3.0, 10.0]])
    assert averaged(scores, np.array([0, 0, 1])).tolist() == [[2, 2, 10]]


def test_near_colours_are_one_shade_and_clear_pixels_are_clear() -> None:
    column = [(10, 0, 0, 255), (13, 0, 0, 255), (99, 0, 0, 255), (10, 0, 0, 0)]
    rgba = np.array(column, np.uint8)[:, None]
    assert shades(rgba, tolerance=3).ravel().tolist() == [0, 0, 1, CLEAR]
    assert shades(rgba, tolerance=2).ravel().tolist() == [0, 1, 2, CLEAR]


def test_known_shades_count_down_from_clear() -> None:
    rgba = np.full((2, 1, 4), 255, np.uint8)
    known = np.array([[3], [0]], np.uint8)
    assert shades(rgba, tolerance=0, known_NP=known).ravel().tolist() == [CLEAR - 3, 0]


def test_the_commonest_shades_come_first_and_none_is_no_shade() -> None:
    column = np.array([[4], [7], [7], [NONE], [NONE], [NONE]], np.uint8)
    assert commonest(column, number=3).ravel().tolist() == [7, 4, NONE]
    assert counts(column)[0, [4, 7, NONE]].tolist() == [1, 2, 0]


def test_an_order_agrees_with_what_lies_above_what() -> None:
    above = np.zeros((4, 4))
    for high, low in ((2, 0), (0, 3), (3, 1), (2, 1)):
        above[high, low], above[low, high] = 1, -1
    assert sorted_by(above).tolist() == [2, 0, 3, 1]


def test_values_of_a_type_share_a_slot_unless_a_token_has_two_of_them() -> None:
    values = values_of([[("Hat", "a"), ("Pin", "x"), ("Pin", "y")], [("Hat", "b")]])
    assert values.names == (("Hat", "a"), ("Hat", "b"), ("Pin", "x"), ("Pin", "y"))
    slots = values.slots.tolist()
    assert slots[0] == slots[1] and len(set(slots)) == 3
    assert values.value_of(0).tolist() == [0, 1]


def test_only_enlarged_pixel_art_has_a_grid() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    large = Image.fromarray(noise).resize((200, 200), Image.Resampling.NEAREST)
    assert native_grid([large]) == (16, 16)
    y, x = np.mgrid[:200, :200]
    disc = Image.fromarray(((x - 90) ** 2 + (y - 100) ** 2 < 70**2).astype(np.uint8) * 255)
    assert native_grid([disc]) is None
    assert native_grid([large.crop((0, 0, 60, 60))]) is None
    assert native_grid([]) is None


def test_a_small_drawing_has_smooth_edges_and_pixel_art_has_not() -> None:
    rng = np.random.default_rng(0)
    art = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8))
    assert not is_smooth([art, art.resize((48, 48), Image.Resampling.NEAREST)])
    y, x = np.mgrid[:256, :256]
    disc_HW = np.hypot(x - 128, y - 120) < 90
    disc = Image.fromarray(np.where(disc_HW[..., None], (200, 30, 30), (20, 90, 120)).astype("u1"))
    assert is_smooth([disc.resize((48, 48), Image.Resampling.BOX)])
    assert not is_smooth([disc.resize((48, 48), Image.Resampling.NEAREST)])
    assert not is_smooth([Image.new("RGBA", (1, 1))])


def test_each_pixel_lies_in_a_pixel_of_the_grid() -> None:
    assert nearest(4, 4, (2, 2)).tolist() == [
        [0, 0, 1, 1],
        [0, 0, 1, 1],
        [2, 2, 3, 3],
        [2, 2, 3, 3],
    ]

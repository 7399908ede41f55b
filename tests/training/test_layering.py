"""A picture as a stack of layers: who covers whom, and what lies beneath."""

import numpy as np
from PIL import Image

from tests.training.layered import MEAN, PIXELS, SHAPES, drawn, layer, layers, material
from traitlens.models.pixels import PixelConfig, frame
from traitlens.training.layering import (
    Ground,
    Layer,
    all_visible,
    covered_to,
    fitted,
    painted,
    tied,
    visible,
)

SKY, BODY, HAT, GLOW = (0, 2, 4, 6)  # rows of dawn, red, cap and white
UNKNOWN = material([]).grounds[0]
KNOWN = material([], known=True).grounds[0]
ALL = np.arange(PIXELS)


def stack(*rows: int) -> list[Layer]:
    bank = layers()
    return [bank[row] for row in rows]


def test_one_sees_of_a_layer_what_no_higher_one_covers() -> None:
    levels = covered_to(stack(SKY, BODY, HAT), PIXELS)
    bank = layers()
    assert visible(bank[SKY], levels).tolist() == [0, 3, 4, 7]
    assert visible(bank[BODY], levels).tolist() == [8, 11, 12, 13, 14, 15]
    assert visible(bank[HAT], levels).tolist() == SHAPES["hat"][1]


def test_who_covers_whom_does_not_hang_on_the_order_in_which_layers_are_given() -> None:
    up, down = (covered_to(stack(*rows), PIXELS) for rows in ((SKY, BODY, HAT), (HAT, BODY, SKY)))
    assert up.tolist() == down.tolist()


def test_of_two_layers_of_one_level_neither_covers_the_other() -> None:
    low, same = layer([0, 1], [1, 1, 1, 255], 0), layer([1, 2], [2, 2, 2, 255], 0)
    levels = covered_to([low, same], 3)
    assert visible(low, levels).tolist() == [0, 1]
    assert visible(same, levels).tolist() == [1, 2]


def test_a_layer_that_is_mostly_transparent_covers_nothing() -> None:
    below, thin = layer([0, 1], [9, 9, 9, 255], 0), layer([1], [3, 3, 3, 100], 1)
    assert visible(below, covered_to([below, thin], 2)).tolist() == [0, 1]


def test_what_one_sees_of_several_layers_is_together_what_one_sees_of_each() -> None:
    seen = all_visible(stack(SKY, BODY, HAT), [0, 2], pixels=PIXELS)
    assert np.flatnonzero(seen).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 9, 10]


def test_a_whole_stack_paints_the_picture() -> None:
    colours, known = painted(stack(SKY, BODY, HAT), UNKNOWN, ALL)
    assert (colours.reshape(4, 4, 3) == drawn("dawn", "red", "cap")).all()
    assert known.all()


def test_the_order_in_which_layers_are_given_does_not_matter() -> None:
    up, _ = painted(stack(SKY, BODY, HAT), UNKNOWN, ALL)
    down, _ = painted(stack(HAT, BODY, SKY), UNKNOWN, ALL)
    assert (up == down).all()


def test_a_half_transparent_layer_lets_through_what_lies_beneath() -> None:
    colours, _ = painted(stack(SKY, GLOW), UNKNOWN, np.array([3]))
    # 128 of 255 white over (200, 100, 50): 127 / 255 of it and 128 of white
    assert np.abs(colours[0].astype(int) - [228, 178, 153]).max() <= 1


def test_through_an_edge_over_nothing_that_is_known_no_guess_shines() -> None:
    edge = [layer([0, 1], [100, 50, 0, 128], 1), layer([1], [0, 10, 0, 20], 2)]
    colours, known = painted(edge, UNKNOWN, np.arange(2))
    assert np.abs(colours[0].astype(int) - [199, 99, 0]).max() <= 1, "its own colour, not half"
    assert known.all()
    over_known, _ = painted(edge, KNOWN, np.arange(2))
    assert np.abs(over_known[0].astype(int) - [103, 54, 4]).max() <= 1
    faint, known = painted(edge[1:], UNKNOWN, np.array([1]))
    assert np.abs(faint[0].astype(int) - [6, 17, 8]).max() <= 1
    assert not known.any(), "what hardly covers does not stand for what lies beneath"


def test_two_layers_of_the_top_level_are_tied_where_both_cover() -> None:
    low, same = layer([0, 1, 2], [1, 1, 1, 255], 0), layer([1, 2, 3], [2, 2, 2, 255], 0)
    faint, high = layer([0], [3, 3, 3, 90], 0), layer([2], [4, 4, 4, 255], 1)
    stack = [low, same, faint, high]
    assert tied(stack, covered_to(stack, 5)).tolist() == [False, True, False, False, False]


def test_layers_of_different_levels_are_not_tied() -> None:
    assert not tied(stack(SKY, BODY, HAT, GLOW), covered_to(stack(SKY, BODY, HAT), PIXELS)).any()


def test_where_no_layer_is_the_ground_shows_and_is_said_to_be_guessed_or_not() -> None:
    colours, known = painted(stack(HAT), UNKNOWN, ALL)
    assert (colours[[0, 3, 15]] == MEAN).all()
    assert np.flatnonzero(known).tolist() == SHAPES["hat"][1]
    assert painted(stack(HAT), KNOWN, ALL)[1].all()


def test_only_the_pixels_that_are_asked_for_are_painted() -> None:
    some, known = painted(stack(SKY, BODY), UNKNOWN, np.array([15, 0]))
    assert some.tolist() == [[220, 30, 30], [200, 100, 50]]
    assert len(known) == 2


def test_at_its_own_size_a_component_keeps_its_pixels() -> None:
    rgba = np.array([[10, 20, 30, 255], [200, 100, 50, 128]], np.uint8)
    where, paint = fitted(
        rgba, np.array([1, 4]), size=(2, 3), pixels=PixelConfig(height=2, width=3)
    )
    assert where.tolist() == [1, 4]
    assert paint.tolist() == [[10, 20, 30, 255], [100, 50, 25, 128]]


def test_a_component_goes_where_the_frame_of_its_picture_has_it() -> None:
    config = PixelConfig(height=6, width=6, shortest_edge=8, resample=0)
    picture = np.zeros((4, 8, 4), np.uint8)
    picture[..., 3] = 255
    picture[1:3, 3:6, 0] = 255
    red = np.flatnonzero(picture[..., 0])
    where, paint = fitted(picture.reshape(-1, 4)[red], red, size=(4, 8), pixels=config)
    framed = frame(Image.fromarray(picture), config)
    assert where.tolist() == np.flatnonzero(framed[..., 0] == 255).tolist()
    assert (paint == [255, 0, 0, 255]).all()


def test_a_resized_picture_is_painted_from_its_resized_layers() -> None:
    config = PixelConfig(height=12, width=12)
    sky, body = np.arange(16), np.arange(8, 16)
    paints = [np.full((16, 4), (200, 100, 50, 255)), np.full((8, 4), (220, 30, 30, 255))]
    fits = [
        fitted(paint.astype(np.uint8), where, size=(4, 4), pixels=config)
        for paint, where in zip(paints, (sky, body), strict=True)
    ]
    below = Ground(np.zeros((144, 3), np.uint8), np.zeros(144, np.bool_))
    resized = [Layer(where, paint, level) for level, (where, paint) in enumerate(fits)]
    colours, _ = painted(resized, below, np.arange(144))
    framed = frame(Image.fromarray(drawn("dawn", "red")), config).reshape(-1, 3)
    # Resampling overshoots at edges, and what is clipped there differs.
    assert np.abs(colours.astype(int) - framed).max() <= 16
    assert np.abs(colours.astype(int) - framed).mean() < 2

"""A twin's picture is painted from components, and every pixel that may be wrong is counted."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tests.training.layered import TAGS, drawn, layer, layers, material
from traitlens.training.material import Material
from traitlens.training.tags import Tag
from traitlens.training.twins import Area, Change, Swap, Wearer, paint_twins, sketch

EVERY = material([TAGS["dawn"], TAGS["red"], TAGS["cap"]], [TAGS["night"], TAGS["green"]])


def wearer(tags: Sequence[Tag], *, row: int = 0) -> Wearer:
    return Wearer(row=row, collection=0, tags=tuple(tags))


def swap(tags: Sequence[Tag], *changes: Change, tokens: Material = EVERY) -> Swap:
    drawn_up = sketch(tokens, wearer(tags), changes)
    (painted,) = paint_twins([drawn_up])
    return painted


def test_all_changes_are_painted_at_once_and_beneath_what_covers_them() -> None:
    tags = [TAGS["dawn"], TAGS["red"], TAGS["cap"]]
    made = swap(tags, Change(0, TAGS["night"]), Change(1, TAGS["green"]))
    picture = drawn("dawn", "red", "cap")
    made.paint(picture)
    assert (picture == drawn("night", "green", "cap")).all()
    assert made.of_tags(tags) == (TAGS["night"], TAGS["green"], TAGS["cap"])
    assert made.where_R.tolist() == [0, 3, 4, 7, 8, 11, 12, 13, 14, 15], "not beneath the cap"


def test_each_change_has_the_pixels_at_which_one_sees_it() -> None:
    tags = [TAGS["dawn"], TAGS["red"], TAGS["cap"]]
    made = swap(tags, Change(0, TAGS["night"]), Change(1, TAGS["green"]))
    assert made.areas == (Area(4, 0), Area(6, 0))


def test_what_another_new_component_covers_is_not_counted() -> None:
    bank = layers()
    hood = Tag("hood hat", bank.add(layer(range(12), [9, 9, 9, 255], 2)), "Hat", "hat")
    tokens = dataclasses.replace(EVERY, layers=bank)
    tags = [TAGS["dawn"], TAGS["red"], TAGS["cap"]]
    made = swap(tags, Change(1, TAGS["green"]), Change(2, hood), tokens=tokens)
    assert [area.pixels for area in made.areas] == [4, 12], "of the body the lowest row is left"


def test_a_sketch_has_the_pixels_where_one_might_see_a_change_and_a_swap_those_where_one_does() -> (
    None
):
    bank = layers()
    bonnet = Tag("bonnet", bank.add(layer([1, 2, 5, 6, 9, 10], [92, 62, 28, 255], 2)), "Hat", "hat")
    tokens = dataclasses.replace(EVERY, layers=bank)
    drawn_up = sketch(tokens, wearer([TAGS["cap"]]), (Change(0, bonnet),))
    assert drawn_up.areas == (Area(6, 0),)
    (made,) = paint_twins([drawn_up])
    assert made.areas == (Area(0, 0),), "the bonnet looks nearly as the cap"


def test_where_the_order_of_two_components_is_not_known_their_overlap_is_guessed() -> None:
    tags = [TAGS["red"], TAGS["cap"]]
    assert swap(tags, Change(1, TAGS["crown"])).areas == (Area(6, 0),)
    bank = layers()
    beard = Tag("beard", bank.add(layer([9, 10, 11], [1, 1, 1, 255], 2)), "Beard", "beard")
    tokens = dataclasses.replace(EVERY, layers=bank)
    made = swap([*tags, beard], Change(1, TAGS["crown"]), tokens=tokens)
    assert made.areas == (Area(6, 2),), "the hat's lower two of six pixels"


def test_several_twins_at_once_are_those_of_each_alone() -> None:
    cases = [
        ([TAGS["red"], TAGS["cap"]], (Change(1, TAGS["crown"]), Change(0, TAGS["green"]))),
        ([TAGS["dawn"]], (Change(0, TAGS["night"]),)),
        ([TAGS["green"]], (Change(0, TAGS["red"]),)),
    ]
    sketches = [
        sketch(EVERY, wearer(tags, row=row % 2), changes)
        for row, (tags, changes) in enumerate(cases)
    ]
    for one, drawn_up in zip(paint_twins(sketches), sketches, strict=True):
        (alone,) = paint_twins([drawn_up])
        assert one.where_R.tolist() == alone.where_R.tolist()
        assert (one.colours_RC == alone.colours_RC).all()
        assert one.areas == alone.areas
    assert paint_twins([]) == []


def test_the_tokens_picture_is_left_alone_until_it_is_painted_on() -> None:
    before = EVERY.frames_NHWC.copy()
    swap([TAGS["dawn"], TAGS["red"], TAGS["cap"]], Change(0, TAGS["night"]))
    assert (np.asarray(EVERY.frames_NHWC) == before).all()

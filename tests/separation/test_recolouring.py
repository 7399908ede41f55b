"""Traits that recolour others: the ground, whose part a colour is, and which value a flat is of."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from traitlens.separation.flats import flats
from traitlens.separation.likelihood import owners
from traitlens.separation.recolouring import Recolouring, recolouring
from traitlens.separation.shades import apart, shades
from traitlens.separation.values import Values, values_of

SIZE = 32
SKINS = {"Pale": (240, 210, 190), "Brown": (140, 90, 60), "Green": (90, 170, 90)}
GROUNDS = {"Sand": (250, 250, 110), "Sea": (20, 90, 120), "Ink": (30, 30, 40)}
HEADS = {
    "Wide": (slice(18, 26), slice(6, 26)),
    "Tall": (slice(14, 30), slice(11, 21)),
    "Low": (slice(22, 30), slice(9, 23)),
}
BARE = ""  # no hat, and no trait that says so
HATS = {
    "Beret": (slice(4, 24), slice(12, 20)),
    "Brim": (slice(12, 22), slice(8, 24)),
    BARE: (slice(0, 0), slice(0, 0)),
}
HAT_COLOUR = (200, 0, 200)


def pictures() -> tuple[NDArray[np.uint8], Values]:
    """Return each head in each skin, under each hat, on each plain ground: (N, P, C)."""
    drawn, names = [], []
    for head, skin, ground, hat in itertools.product(HEADS, SKINS, GROUNDS, HATS):
        picture = np.full((SIZE, SIZE, 4), (*GROUNDS[ground], 255), np.uint8)
        picture[HEADS[head]] = (*SKINS[skin], 255)
        picture[HATS[hat]] = (*HAT_COLOUR, 255)
        drawn.append(picture.reshape(-1, 4))
        of_token = [("Head", head), ("Skin", skin), ("Ground", ground)]
        names.append(of_token if hat == BARE else [*of_token, ("Hat", hat)])
    return np.stack(drawn), values_of(names)


def frame() -> NDArray[np.bool_]:
    frame_HW = np.zeros((SIZE, SIZE), np.bool_)
    frame_HW[:2] = True
    return frame_HW.ravel()


@pytest.fixture(scope="module")
def found() -> Recolouring:
    rgba_NPC, values = pictures()
    return recolouring(rgba_NPC, values, frame(), tolerance=24)


def test_what_fills_the_frame_is_the_ground(found: Recolouring) -> None:
    _, values = pictures()
    assert found.ground is not None
    assert values.types[found.types[found.ground]] == "Ground"
    assert found.ground not in found.hosts, "nothing decides where one sees it at the frame"


def test_a_colour_belongs_to_the_outline_and_not_to_what_covers_it(found: Recolouring) -> None:
    """The hats hide much of the skin, but against the ground its outline is the head's."""
    _, values = pictures()
    skin = next(p for p, number in enumerate(found.types) if values.types[number] == "Skin")
    assert values.types[found.hosts[skin]] == "Head"
    assert found.explained > 0.9


def test_what_merely_covers_the_ground_and_a_face_is_the_host_of_neither() -> None:
    """One face, under hats of which one reaches the frame: nothing else varies."""
    drawn, names = [], []
    reaching = {**HATS, "Brim": (slice(0, 22), slice(14, 18))}
    for skin, ground, hat in itertools.product(SKINS, GROUNDS, HATS):
        picture = np.full((SIZE, SIZE, 4), (*GROUNDS[ground], 255), np.uint8)
        picture[HEADS["Tall"]] = (*SKINS[skin], 255)
        picture[reaching[hat]] = (*HAT_COLOUR, 255)
        picture[28:, 4:28] = (0, 0, 0, 255)
        drawn.append(picture.reshape(-1, 4))
        names.append([("Skin", skin), ("Ground", ground), ("Hat", hat or "None")])
    found = recolouring(np.stack(drawn), values_of(names), frame(), tolerance=24)
    assert found.ground == 0
    assert 0 not in found.hosts, "a hat is no backdrop"
    assert not found.hosts


def test_every_value_of_a_recolouring_type_has_the_same_mark(found: Recolouring) -> None:
    rgba_NPC, values = pictures()
    skin = next(p for p, number in enumerate(found.types) if values.types[number] == "Skin")
    for value in values.of_type(values.types.index("Skin")):
        colour = SKINS[values.names[value][1]]
        is_NP = (rgba_NPC[values.rows[value], :, :3] == colour).all(axis=2)
        assert (found.colours()[values.rows[value]][is_NP] == skin).all()


def test_the_ground_goes_to_its_value_and_the_skin_to_the_head(found: Recolouring) -> None:
    rgba_NPC, values = pictures()
    shades_NP = shades(rgba_NPC, tolerance=24, known_NP=found.marks_NP)
    flats_NP = np.stack([flats(x.reshape(SIZE, SIZE, 4)) for x in rgba_NPC]).astype(np.int32)
    rng = np.random.default_rng(0)
    own_NP = owners(shades_NP, flats_NP, found, values, rng=rng)
    for row, numbers in enumerate(values.of_token):
        named = {"Hat": (-1, BARE)} | {values.names[n][0]: (n, values.names[n][1]) for n in numbers}
        own_HW = own_NP[row].reshape(SIZE, SIZE)
        (ground, _), (head, shape) = named["Ground"], named["Head"]
        assert own_HW[0, 0] == ground
        bare_HW = np.zeros((SIZE, SIZE), np.bool_)
        bare_HW[HEADS[shape]] = True
        bare_HW[HATS[named["Hat"][1]]] = False
        assert (own_HW[bare_HW] == head).all()


def test_colours_that_no_two_tokens_share_are_learnt_without_a_warning() -> None:
    rng = np.random.default_rng(0)
    rgba_NPC = rng.integers(0, 256, (6, 64, 4), np.uint8)
    values = values_of([[("Group", "ab"[n % 2])] for n in range(6)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recolouring(rgba_NPC, values, np.ones(64, np.bool_), tolerance=0)


def test_a_colour_of_two_tones_at_the_ends_of_its_bin_has_a_median_without_a_warning() -> None:
    """Nothing is near the median of two tones, far apart, when no difference is tolerated."""
    rgba_NPC = np.full((8, 64, 4), 255, np.uint8)
    rgba_NPC[:4, :32, :3], rgba_NPC[:4, 32:, :3] = 64, 78
    rgba_NPC[4:, :, :3] = 200
    values = values_of([[("Group", "ab"[n // 4])] for n in range(8)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = recolouring(rgba_NPC, values, np.ones(64, np.bool_), tolerance=0)
    assert found.ground is not None or not found.types


def test_the_largest_difference_of_a_channel_does_not_wrap_round() -> None:
    one = np.array([[0, 255], [10, 3]], np.uint8)
    other = np.array([[255], [12]], np.uint8)
    assert apart(one, other).tolist() == [255, 9]

"""What few tokens say, outlines over outlines, and values drawn in several shapes."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.separation.layers import blank, mask, separated, token
from traitlens.records import Token, Trait
from traitlens.separation import ComponentMasks, forget_values
from traitlens.separation.filling import filled
from traitlens.separation.grid import centred, noise
from traitlens.separation.masks import from_bytes, load_masks, save_masks, to_bytes
from traitlens.separation.priors import claimed, plausible
from traitlens.separation.shades import NONE
from traitlens.separation.stacking import Stack, fit
from traitlens.separation.values import values_of
from traitlens.separation.variants import description_length, split, variants

CROP = (slice(1, 3), slice(2, 6))
LONG = (slice(1, 7), slice(0, 2))
HAIR = {"Black": (5, 5, 5), "Red": (220, 30, 30)}
SHAPES = {"Man": CROP, "Woman": LONG}


def test_a_pixel_of_two_single_tokens_goes_to_the_type_that_draws_there() -> None:
    """Both the head and the pin have one token; other heads draw at pixel 0, other pins at 1."""
    values = values_of(
        [[("Head", "new"), ("Pin", "new")]]
        + [[("Head", "a"), ("Pin", "b")]] * 3
        + [[("Head", "c"), ("Pin", "d")]] * 3
    )
    shades = np.zeros((7, 2), np.uint8)
    drawn = np.zeros((len(values), 2), np.uint8)
    drawn[[values.names.index(("Head", v)) for v in "ac"], 1] = NONE
    drawn[[values.names.index(("Pin", v)) for v in "bd"], 0] = NONE
    for found in (claimed(shades, drawn, values), plausible(drawn, values)):
        assert found[values.names.index(("Head", "new"))].tolist() == [0, NONE]
        assert found[values.names.index(("Pin", "new"))].tolist() == [NONE, 0]


def test_many_tokens_outweigh_what_the_type_does_elsewhere() -> None:
    """One head alone draws at the only pixel, but 20 tokens show it with 20 different pins."""
    values = values_of(
        [[("Head", "odd"), ("Pin", str(n))] for n in range(20)] + [[("Head", "plain")]] * 20
    )
    shades = np.r_[np.zeros(20), np.ones(20)].astype(np.uint8)[:, None]
    drawn = np.zeros((len(values), 1), np.uint8)
    drawn[values.names.index(("Head", "plain"))] = NONE
    found = claimed(shades, drawn, values)
    assert found[values.names.index(("Head", "odd"))].tolist() == [0]
    assert (found[[n for n, name in enumerate(values.names) if name[0] == "Pin"]] == NONE).all()


def stacked(picture: list[str]) -> tuple[Stack, np.ndarray]:
    """Return the stack of one value that draws the capital letters, and the only picture."""
    letters = np.array([list(row) for row in picture])
    rgba = np.zeros((1, letters.size, 4), np.uint8)
    rgba[0, :, 0] = [ord(letter.lower()) for letter in letters.ravel()]
    drawn = np.where(np.char.isupper(letters.ravel()), 0, NONE).astype(np.uint8)
    return Stack(drawn[None], np.zeros(1, np.intp)), rgba


def test_a_pixel_between_two_of_its_colour_is_filled() -> None:
    stack, rgba = stacked(["KKq", "kwq", "WKq"])
    values = values_of([[("Hat", "cap")]])
    found = filled(stack, np.zeros((1, 9), np.uint8), rgba, values, (3, 3), tolerance=0)
    assert (found.drawn_KP == NONE).reshape(3, 3).tolist() == [
        [False, False, True],
        [True, True, True],  # one black neighbour is not enough, nor two of other colours
        [False, False, True],
    ]
    stack, rgba = stacked(["KKq", "Kkq", "WWq"])
    found = filled(stack, np.zeros((1, 9), np.uint8), rgba, values, (3, 3), tolerance=0)
    assert found.drawn_KP.reshape(3, 3)[1].tolist() == [0, 0, NONE]


def test_what_only_some_tokens_show_is_not_filled() -> None:
    stack, rgba = stacked(["KKq", "Kkq"])
    shades = np.zeros((2, 6), np.uint8)
    shades[1, 4] = 1
    values = values_of([[("Hat", "cap")]] * 2)
    found = filled(stack, shades, np.repeat(rgba, 2, axis=0), values, (2, 3), tolerance=0)
    assert found.drawn_KP[0, 4] == NONE


def hair_tokens() -> list[Token]:
    """Return men and women with hair of two colours, or none, before nine skies: 108 tokens."""
    tokens: list[Token] = []
    for sky, sex, hair, _ in itertools.product(range(9), SHAPES, (None, *HAIR), range(2)):
        picture = blank((20 * sky + 40, 160, 250))
        traits = [Trait("Sky", str(sky)), Trait("Sex", sex)]
        if hair:
            picture[SHAPES[sex]] = (*HAIR[hair], 255)
            traits.append(Trait("Hair", hair))
        tokens.append(token(len(tokens), picture, traits))
    return tokens


@pytest.fixture(scope="module")
def hair() -> ComponentMasks:
    return separated(hair_tokens())


def test_a_value_of_two_shapes_has_a_variant_for_each(hair: ComponentMasks) -> None:
    for component in hair.components:
        shapes = {v.context: v.region for v in component.variants}
        if component.trait.trait_type == "Sky":
            continue
        assert set(shapes) == {Trait("Sex", "Man"), Trait("Sex", "Woman")}
        for sex, shape in SHAPES.items():
            where = np.flatnonzero(mask(shape))
            np.testing.assert_array_equal(shapes[Trait("Sex", sex)].where_M, where)
            assert component.region_for([Trait("Sex", sex)]) is shapes[Trait("Sex", sex)]
        assert component.region_for([]) is component.region


def test_the_mask_of_a_value_is_all_its_shapes_and_that_of_a_token_its_own(
    hair: ComponentMasks,
) -> None:
    np.testing.assert_array_equal(hair.masks["Hair", "Red"], mask(CROP, LONG))
    woman = next(
        t for t in hair_tokens() if Trait("Sex", "Woman") in t.traits and len(t.traits) > 2
    )
    trait = next(t for t in woman.traits if t.trait_type == "Hair")
    np.testing.assert_array_equal(hair.for_token(woman)[trait], mask(LONG))
    np.testing.assert_array_equal(hair.visible(woman)[trait], mask(LONG))


def test_variants_outlive_the_file(hair: ComponentMasks) -> None:
    again = from_bytes(to_bytes(hair))
    assert to_bytes(again) == to_bytes(hair)
    assert [len(c.variants) for c in again.components] == [len(c.variants) for c in hair.components]


def test_variants_go_with_their_context(hair: ComponentMasks, tmp_path: Path) -> None:
    save_masks(tmp_path, hair)
    left = {c.name for c in hair.components} - {("Sex", "Man")}
    forget_values(tmp_path, hair.collection, left=left | {("Sex", "Woman")})
    for component in load_masks(tmp_path, hair.collection).components:
        assert all(v.context != Trait("Sex", "Man") for v in component.variants)


def test_a_context_that_changes_nothing_is_refused() -> None:
    values = values_of([[("A", "xy"[n % 2]), ("B", "uv"[n // 20])] for n in range(40)])
    shades = np.array([[n % 2] * 4 for n in range(40)], np.uint8)
    found = variants(shades, values, share=0.5, margin=0.3)
    assert len(found.values) == len(values) and (found.context_V == -1).all()
    by_b = split(values, "B")
    assert [name for name in by_b.values.names if name[0] == "A"] == [("A", "x")] * 2 + [
        ("A", "y")
    ] * 2
    lengths = [
        description_length(fit(shades, v, share=0.5, margin=0.3), shades, v)
        for v in (values, by_b.values)
    ]
    assert lengths[0] < lengths[1]


def test_every_other_token_keeps_its_values() -> None:
    values = values_of([[("A", "x")], [("A", "y")], [("A", "x")], [("A", "z")], [("A", "z")]])
    half = values.every(2)
    assert half.tokens == 3 and half.names == (("A", "x"), ("A", "z"))
    assert [rows.tolist() for rows in half.rows] == [[0, 1], [2]]


def test_the_middle_of_a_cell_knows_nothing_of_its_neighbours() -> None:
    small = np.random.default_rng(0).integers(0, 256, (16, 16, 4), np.uint8)
    small[..., 3] = 255
    large = np.kron(small, np.ones((10, 10, 1), np.uint8))
    large[::10] = large[:, ::10] = 0
    np.testing.assert_array_equal(centred(large, (16, 16)), small)
    assert centred(small, (16, 16)) is small


def test_the_noise_of_equal_cells_is_measured() -> None:
    plain = np.full((1, 160, 160, 4), 100, np.uint8)
    rough = plain + np.random.default_rng(0).integers(0, 40, plain.shape, np.uint8)
    assert noise(plain, (16, 16)) == 2, "what rounding may do"
    assert noise(rough, (16, 16)) > 10


def test_colours_that_differ_by_more_than_the_noise_are_told_apart() -> None:
    """Two skies that are 12 apart, in smoothly enlarged pixel art."""
    skies = {"Cool": (213, 215, 225), "Warm": (225, 215, 213)}
    rng, tokens = np.random.default_rng(0), list[Token]()
    for number in range(24):
        sky = ("Cool", "Warm")[number % 2]
        picture = np.full((16, 16, 4), (*skies[sky], 255), np.uint8)
        picture[4:12, 4:12, :3] = rng.integers(0, 255, (8, 8, 3))
        large = Image.fromarray(picture).resize((256, 256), Image.Resampling.LANCZOS)
        one = token(number, np.asarray(large), [Trait("Sky", sky)])
        tokens.append(one)
    found = separated(tokens)
    assert found.reading.way == "grid" and found.reading.tolerance < 12
    for name in skies:
        assert found.masks["Sky", name][:32].all()

"""Layers: what lies over what, what is recoloured, and enlarged or compressed pictures."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.separation.layers import (
    BODIES,
    BODY,
    HAT,
    HATS,
    SKIES,
    blank,
    draw,
    layered_tokens,
    mask,
    separated,
    token,
)
from traitlens.errors import ConfigError
from traitlens.records import Token, Trait
from traitlens.separation import Component, ComponentMasks, LayersConfig, SeparationConfig
from traitlens.separation.masks import read_picture, to_bytes

BASE = (slice(7, 8), slice(0, 1))
GLASSES = (slice(4, 7), slice(1, 7))
EYES = (slice(5, 6), slice(3, 5))


@pytest.fixture(scope="module")
def masks() -> ComponentMasks:
    return separated(layered_tokens())


def test_every_layer_is_found_and_the_sky_goes_on_behind_the_hats(masks: ComponentMasks) -> None:
    for hat in HATS:
        np.testing.assert_array_equal(masks.masks["Hat", hat], mask(HAT))
    for body in BODIES:
        np.testing.assert_array_equal(masks.masks["Body", body], mask(BODY))
    for sky in SKIES:
        np.testing.assert_array_equal(masks.masks["Sky", sky], ~mask(BODY))


def test_what_covers_lies_above(masks: ComponentMasks) -> None:
    layer = {c.trait.trait_type: c.layer for c in masks.components}
    assert layer["Hat"] > layer["Sky"]


def test_a_label_map_names_the_component_that_one_sees(masks: ComponentMasks) -> None:
    one = token(
        0, draw("Noon", "Red", "Cap"), [Trait("Sky", "Noon"), Trait("Hat", "Cap"), Trait("A", "b")]
    )
    labels_HW = masks.label_map(one)
    names = [c.name for c in masks.components]
    assert labels_HW.dtype == np.int16
    assert (labels_HW[HAT] == names.index(("Hat", "Cap"))).all()
    assert (labels_HW[BODY] == -1).all(), "the token says nothing of its body"
    assert (labels_HW[0] == names.index(("Sky", "Noon"))).all()


def test_the_components_own_pixels_are_recovered(masks: ComponentMasks) -> None:
    for component in masks.components:
        colours = SKIES | BODIES | HATS
        expected = (*colours[component.trait.value], 255)
        assert (component.region.rgba_M4 == expected).all()


def test_all_is_surer_of_common_values(masks: ComponentMasks) -> None:
    assert {round(c.confidence, 3) for c in masks.components} == {0.9}  # 9 of 9 + 1 tokens


def test_what_no_value_draws_is_the_base() -> None:
    tokens: list[Token] = []
    for number, (sky, body) in enumerate(itertools.product(SKIES, BODIES)):
        picture = draw(sky, body, None)
        picture[BASE] = (7, 8, 9, 255)
        tokens.append(token(number, picture, [Trait("Sky", sky), Trait("Body", body)]))
    found = separated(tokens)
    assert found.base_HWC[BASE].tolist() == [[[7, 8, 9, 255]]]
    assert not found.base_HWC[0].any(), "the sky is there in every token"
    assert not found.masks["Sky", "Noon"][BASE]


def glasses(frame: Sequence[int] | None) -> NDArray[np.uint8]:
    picture = blank((9, 9, 9))
    if frame:
        picture[GLASSES] = (*frame, 255)
        picture[EYES] = (255, 255, 255, 255)
    return picture


def test_a_part_that_all_values_share_belongs_to_the_type_around_it() -> None:
    """Every token has glasses, and all glasses the same eyes: only the frame tells that."""
    frames = {"Red": (200, 0, 0), "Blue": (0, 0, 200), "Grey": (80, 80, 80)}
    tokens: list[Token] = []
    for number, (sky, frame) in enumerate(itertools.product(SKIES, frames)):
        picture = glasses(frames[frame])
        picture[:3] = (*SKIES[sky], 255)
        tokens.append(token(number, picture, [Trait("Sky", sky), Trait("Glasses", frame)]))
    found = separated(tokens)
    for frame in frames:
        np.testing.assert_array_equal(found.masks["Glasses", frame], mask(GLASSES))


def test_what_all_with_a_rival_show_does_not_belong_to_the_rarer_value() -> None:
    lips, bow = (slice(6, 7), slice(3, 5)), (slice(0, 1), slice(3, 5))
    tokens: list[Token] = []
    for number in range(20):
        picture, traits = blank((9, 9, 9)), [Trait("Gender", "Man" if number < 10 else "Woman")]
        if number >= 10:
            picture[lips] = (220, 30, 30, 255)
        if number >= 15:
            picture[bow] = (10, 10, 200, 255)
            traits.append(Trait("Bow", "Blue"))
        tokens.append(token(number, picture, traits))
    np.testing.assert_array_equal(separated(tokens).masks["Bow", "Blue"], mask(bow))


def enlarged(picture: Image.Image) -> Image.Image:
    return picture.resize((160, 160), Image.Resampling.LANCZOS)


def compressed(picture: Image.Image) -> Image.Image:
    sink = io.BytesIO()
    large = picture.convert("RGB").resize((160, 160), Image.Resampling.NEAREST)
    large.save(sink, "JPEG", quality=90)
    return Image.open(io.BytesIO(sink.getvalue()))


def finer(picture: Image.Image) -> Image.Image:
    """Return the picture on a grid of 16 x 16: finer ones only are looked for."""
    return picture.resize((16, 16), Image.Resampling.NEAREST)


@pytest.mark.parametrize("degrade", [enlarged, compressed])
def test_enlarged_and_compressed_pixel_art_is_read_on_its_own_grid(
    degrade: Callable[[Image.Image], Image.Image],
) -> None:
    tokens: list[Token] = []
    for one in layered_tokens():
        picture = degrade(finer(read_picture(one)))
        tokens.append(token(len(tokens), np.asarray(picture.convert("RGBA")), one.traits))
    found = separated(tokens)
    assert (found.reading.height, found.reading.width) == (16, 16)
    for value, area in (("Cap", HAT), ("Red", BODY)):
        (seen,) = {name for name in found.masks if name[1] == value}
        np.testing.assert_array_equal(found.masks[seen], np.kron(mask(area), np.ones((20, 20))))
    one = next(t for t in tokens if Trait("Hat", "Cap") in t.traits)
    shown_HW = found.visible(one)[Trait("Hat", "Cap")]
    np.testing.assert_array_equal(shown_HW, np.kron(mask(HAT), np.ones((20, 20))))


SKINS = {
    "Pale": (240, 210, 190),
    "Brown": (140, 90, 60),
    "Green": (90, 170, 90),
    "Blue": (90, 90, 220),
}
GROUNDS = {"Sand": (250, 230, 170), "Sea": (20, 90, 120), "Ink": (30, 30, 40)}


def heads() -> dict[str, NDArray[np.bool_]]:
    """Return the outlines of three heads, 64 x 64 px."""
    y, x = np.mgrid[:64, :64] - 32.0
    return {
        "Round": x**2 + y**2 < 20**2,
        "Long": (x / 12) ** 2 + (y / 26) ** 2 < 1,
        "Wide": (x / 28) ** 2 + (y / 12) ** 2 < 1,
    }


def recoloured_tokens() -> list[Token]:
    """Return each head in each skin on each ground, with one of two mouths: smooth pictures."""
    tokens: list[Token] = []
    for number, (head, skin, ground) in enumerate(itertools.product(heads(), SKINS, GROUNDS)):
        mouth = ("Line", "Dot")[number % 2]
        picture = np.zeros((64, 64, 4), np.uint8)
        picture[:] = (*GROUNDS[ground], 255)
        picture[heads()[head]] = (*SKINS[skin], 255)
        picture[36:40, (24 if mouth == "Line" else 30) : (40 if mouth == "Line" else 34)] = (
            0,
            0,
            0,
            255,
        )
        large = Image.fromarray(picture).resize((128, 128), Image.Resampling.BICUBIC)
        traits = [Trait("Head", head), Trait("Skin", skin), Trait("Ground", ground)]
        tokens.append(token(number, np.asarray(large), [*traits, Trait("Mouth", mouth)]))
    return tokens


@pytest.fixture(scope="module")
def recoloured() -> ComponentMasks:
    return separated(recoloured_tokens())


def test_a_recoloured_shape_is_found_in_all_its_colours(recoloured: ComponentMasks) -> None:
    """No two heads of one shape need have one colour; the skin owns nothing, the head its shape."""
    tokens, found = recoloured_tokens(), recoloured
    assert found.reading.way == "flats"
    for one in tokens[::5]:
        head = next(t for t in one.traits if t.trait_type == "Head")
        mouth_HW = np.zeros((128, 128), np.bool_)
        true_HW = np.kron(heads()[head.value], np.ones((2, 2))).astype(bool)
        for trait, seen_HW in found.visible(one).items():
            if trait.trait_type == "Mouth":
                mouth_HW = seen_HW
        seen_HW = found.visible(one)[head]
        true_HW &= ~mouth_HW
        assert (seen_HW & true_HW).sum() / (seen_HW | true_HW).sum() > 0.85
    assert not any(name[0] == "Skin" for name in found.masks)


def test_a_recoloured_part_is_known_in_colours_in_which_no_token_shows_it() -> None:
    """A long head is never blue here, but others are."""
    blue, long = Trait("Skin", "Blue"), Trait("Head", "Long")
    tokens = [one for one in recoloured_tokens() if not {blue, long} <= set(one.traits)]
    found = separated(tokens)
    head = next(c for c in found.components if c.trait == long)
    assert {v.context.value for v in head.variants} == set(SKINS)
    for skin, colour in SKINS.items():
        region = head.region_for([long, Trait("Skin", skin)])
        inner = heads()["Long"].copy()
        inner[34:42, 22:42] = False  # the mouth
        inside_M = np.kron(inner, np.ones((2, 2))).astype(bool).ravel()[region.where_M]
        off_M = np.abs(region.rgba_M4[inside_M, :3].astype(int) - colour).max(axis=1)
        assert (off_M <= LayersConfig().tolerance).mean() > 0.9
    assert region_colours(head, Trait("Skin", "Unknown")) == region_colours(head, long)


def region_colours(component: Component, *traits: Trait) -> bytes:
    return component.region_for(traits).rgba_M4.tobytes()


def test_the_same_tokens_give_the_same_bytes(
    masks: ComponentMasks, recoloured: ComponentMasks
) -> None:
    assert to_bytes(separated(layered_tokens())) == to_bytes(masks)
    assert to_bytes(separated(recoloured_tokens())) == to_bytes(recoloured)


@pytest.mark.parametrize(
    "traits",
    [[], [Trait("Only", "One")], [Trait("A", "b"), Trait("C", "d")]],
    ids=["none", "one", "two"],
)
@pytest.mark.parametrize("count", [1, 3])
def test_tokens_that_are_all_alike_have_nothing_of_their_own(
    traits: Sequence[Trait], count: int
) -> None:
    found = separated(
        [token(number, draw("Noon", "Red", "Cap"), traits) for number in range(count)]
    )
    labels_HW = found.label_map(token(0, draw("Noon", "Red", "Cap"), traits))
    assert labels_HW.shape == (8, 8)
    assert len(found.components) + len(found.missing) == len(traits)


def test_transparent_pictures_have_no_components() -> None:
    tokens = [token(n, blank(), [Trait("Group", "ab"[n % 2])]) for n in range(6)]
    assert separated(tokens).components == ()


@pytest.mark.parametrize(
    ("option", "value"), [("share", 1.5), ("margin", -1), ("working_px", 1), ("tolerance", 256)]
)
def test_a_wrong_option_is_refused(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"separation\.layers\.{option} must be"):
        SeparationConfig(layers=LayersConfig(**{option: value}))  # type: ignore[arg-type]

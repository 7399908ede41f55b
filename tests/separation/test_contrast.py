"""What sets the tokens with a value apart: hand-computed masks."""

from __future__ import annotations

import numpy as np
import pytest

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
from traitlens.separation import ContrastConfig, SeparationConfig

RED = (220, 30, 30, 255)


def contrast(**options: float | bool) -> SeparationConfig:
    return SeparationConfig(method="contrast", contrast=ContrastConfig(**options))  # type: ignore[arg-type]


def test_every_layer_is_found_exactly() -> None:
    masks = separated(layered_tokens(), contrast()).masks
    for hat in HATS:
        np.testing.assert_array_equal(masks["Hat", hat], mask(HAT))
    for body in BODIES:
        np.testing.assert_array_equal(masks["Body", body], mask(BODY))
    for sky in SKIES:
        np.testing.assert_array_equal(masks["Sky", sky], ~mask(BODY, HAT))


def test_a_part_that_is_mostly_covered_needs_a_small_share() -> None:
    # two thirds of the tokens wear a hat, so one third shows the sky behind it
    masks = separated(layered_tokens(), contrast(share=0.3)).masks
    np.testing.assert_array_equal(masks["Sky", "Noon"], ~mask(BODY))


def test_a_share_of_exactly_the_margin_is_enough() -> None:
    # 3 of 10 tokens with the value show it, and none of the others
    corner = (slice(0, 1), slice(0, 1))
    tokens: list[Token] = []
    for number in range(20):
        picture = blank((9, 9, 9))
        if number < 3:
            picture[corner] = RED
        tokens.append(token(number, picture, [Trait("Group", "a" if number < 10 else "b")]))
    assert separated(tokens, contrast(share=0, margin=0.3)).masks["Group", "a"].sum() == 1
    assert ("Group", "a") not in separated(tokens, contrast(share=0, margin=0.31)).masks


def test_what_all_with_a_rival_show_does_not_belong_to_the_rarer_value() -> None:
    """Five of ten women wear a bow: the lips are the women's, not the bow's."""
    lips, bow = (slice(6, 7), slice(3, 5)), (slice(0, 1), slice(3, 5))
    tokens: list[Token] = []
    for number in range(20):
        picture, traits = blank((9, 9, 9)), [Trait("Gender", "Man" if number < 10 else "Woman")]
        if number >= 10:
            picture[lips] = RED
        if number >= 15:
            picture[bow] = (10, 10, 200, 255)
            traits.append(Trait("Bow", "Blue"))
        tokens.append(token(number, picture, traits))
    careless = separated(tokens, contrast(rivals=False)).masks
    np.testing.assert_array_equal(careless["Bow", "Blue"], mask(bow, lips))
    careful = separated(tokens, contrast()).masks
    np.testing.assert_array_equal(careful["Bow", "Blue"], mask(bow))
    np.testing.assert_array_equal(careful["Gender", "Woman"] & ~mask(bow), mask(lips))


def test_a_value_that_every_token_has_cannot_be_contrasted() -> None:
    tokens = [token(n, blank(RED), [Trait("Type", "Blob")]) for n in range(4)]
    masks = separated(tokens)
    assert masks.masks == {}
    assert [m.reason for m in masks.missing] == ["nothing of its own"]


def test_a_value_of_a_single_token_gets_what_no_other_value_explains() -> None:
    tokens = layered_tokens()
    picture = draw("Dawn", "Red", "Cap")
    picture[0, 0] = RED
    pin = token(99, picture, [*tokens[1].traits, Trait("Pin", "Ruby")])
    assert tokens[1].traits == (Trait("Sky", "Dawn"), Trait("Body", "Red"), Trait("Hat", "Cap"))
    corner = (slice(0, 1), slice(0, 1))
    found = separated([*tokens, pin], contrast()).masks["Pin", "Ruby"]
    np.testing.assert_array_equal(found, mask(corner))
    strict = separated([*tokens, pin], SeparationConfig(method="contrast", min_tokens=2))
    assert [(m.trait.value, m.support, m.reason) for m in strict.missing] == [
        ("Ruby", 1, "too few tokens")
    ]


def test_transparent_pixels_belong_to_nothing_whatever_their_colour() -> None:
    """Half the tokens have a dot; the others have red under full transparency there."""
    tokens: list[Token] = []
    for number in range(12):
        picture = blank()
        picture[2, 2] = RED if number < 6 else (220, 30, 30, 0)
        picture[7, 7] = (1, 2, 3, 255)
        tokens.append(token(number, picture, [Trait("Dot", "Yes" if number < 6 else "No")]))
    masks = separated(tokens, contrast())
    dot = mask((slice(2, 3), slice(2, 3)))
    np.testing.assert_array_equal(masks.masks["Dot", "Yes"], dot)
    assert [m.trait.value for m in masks.missing] == ["No"]


def test_large_collections_are_counted_strip_by_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = separated(layered_tokens(), contrast())
    monkeypatch.setattr("traitlens.separation.contrast._CELLS_PER_STRIP", 27 * 5)
    strips = separated(layered_tokens(), contrast())
    assert strips.masks.keys() == whole.masks.keys()
    for name, mask_HW in whole.masks.items():
        np.testing.assert_array_equal(strips.masks[name], mask_HW)


def one_pixel(colours: dict[str, list[int]], config: SeparationConfig) -> dict[str, int]:
    """Return the red that was found at pixel (0, 0) for each group; tokens differ only there."""
    tokens: list[Token] = []
    for group, reds in colours.items():
        for red in reds:
            picture = blank((9, 9, 9))
            picture[0, 0] = (red, 0, 0, 255)
            tokens.append(token(len(tokens), picture, [Trait("Group", group)]))
    found = separated(tokens, config).components
    return {c.trait.value: int(c.region.colours_M[0]) & 0xFF for c in found}


def test_a_colour_that_the_others_show_nearly_as_often_is_no_ones_own() -> None:
    lists = {"a": [50] * 6 + [1, 2, 3, 4], "b": [50] * 4 + [5, 6, 7, 8, 9, 10]}
    assert one_pixel(lists, contrast(rivals=False)) == {}
    assert one_pixel(lists, contrast(rivals=False, margin=0.2)) == {"a": 50}


@pytest.mark.parametrize("common", [50, 150])
def test_of_two_colours_the_one_that_leads_by_more_is_taken(common: int) -> None:
    lists = {"a": [common] * 6 + [100] * 4, "b": list(range(200, 210))}
    assert one_pixel(lists, contrast()) == {"a": common}


@pytest.mark.parametrize("option", ["share", "margin"])
def test_a_share_above_one_is_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=rf"separation\.contrast\.{option} must be in \[0, 1\]"):
        ContrastConfig(**{option: 1.5})  # type: ignore[arg-type]

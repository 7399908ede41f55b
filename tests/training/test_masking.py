"""Dynamic masking hides components and their tags together, and never everything."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.layered import MEAN, SHAPES, drawn, layers, material
from traitlens.errors import ConfigError
from traitlens.training.layering import Ground, Layer
from traitlens.training.masking import (
    FILLS,
    MODES,
    MaskingConfig,
    Surroundings,
    choose_hidden,
    hide,
)
from traitlens.training.tags import NO_COMPONENT, Tag

TAGS = [Tag(f"tag {i}", i) for i in range(4)]
DAWN, NIGHT, RED, CAP, WHITE = 0, 1, 2, 4, 6  # rows of layers
HAT = SHAPES["hat"][1]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


OTHER = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def around() -> Surroundings:
    """Return what two pictures of one collection can be filled from."""
    return Surroundings(
        means_GHWC=np.full((1, 4, 4, 3), MEAN, np.uint8),
        grounds=material([]).grounds,
        collection_B=np.zeros(2, np.int64),
        frames_NHWC=np.stack([OTHER, np.full((4, 4, 3), 99, np.uint8)]),
        other_B=np.arange(2),
    )


def filled(
    picture: NDArray[np.uint8], hidden: list[Layer], left: list[Layer], *, fill: str
) -> NDArray[np.uint8]:
    """Return a picture without its hidden layers; it stands beside another one, which is left."""
    both = np.stack([picture, drawn("night")])
    pair = hide(both, [hidden, []], [left, rows(NIGHT)], fill=fill, around=around())
    assert (pair[1] == both[1]).all()
    assert (both[0] == picture).all(), "the picture itself is left alone"
    return np.asarray(pair[0], np.uint8)


def rows(*numbers: int) -> list[Layer]:
    bank = layers()
    return [bank[number] for number in numbers]


def without_hat(fill: str) -> NDArray[np.uint8]:
    """Return the pixels of a token whose hat was hidden."""
    picture = drawn("dawn", "red", "cap")
    return filled(picture, rows(CAP), rows(DAWN, RED), fill=fill).reshape(-1, 3)


def test_each_component_is_hidden_with_chance_p() -> None:
    draws = rng()
    hidden = [len(choose_hidden(TAGS, p=0.25, rng=draws)) for _ in range(4000)]
    # Of the 256 equally likely patterns of p = 1/4 one hides all four, and then one is kept.
    assert np.mean(hidden) == pytest.approx(1 - 1 / 256, abs=0.05)


def test_one_of_hides_a_single_component_with_chance_p_and_each_as_often() -> None:
    draws = rng()
    hidden = [choose_hidden(TAGS, p=0.25, mode="one_of", rng=draws) for _ in range(4000)]
    assert {len(some) for some in hidden} == {0, 1}
    assert np.mean([len(some) for some in hidden]) == pytest.approx(0.25, abs=0.03)
    counts = np.bincount([some[0] for some in hidden if some], minlength=4)
    assert counts / counts.sum() == pytest.approx(np.full(4, 0.25), abs=0.05)


@pytest.mark.parametrize("mode", MODES)
def test_at_least_one_trait_is_kept_even_when_all_are_drawn(mode: str) -> None:
    draws = rng()
    most = 3 if mode == "bernoulli" else 1
    assert all(len(choose_hidden(TAGS, p=1.0, mode=mode, rng=draws)) == most for _ in range(50))
    assert choose_hidden(TAGS[:1], p=1.0, mode=mode, rng=draws) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_tag_without_a_mask_is_never_hidden(mode: str) -> None:
    tags = [Tag("seen", 0), Tag("rank 7", NO_COMPONENT)]
    draws = rng()
    assert {tuple(choose_hidden(tags, p=1.0, mode=mode, rng=draws)) for _ in range(20)} == {(0,)}


@pytest.mark.parametrize("mode", MODES)
def test_tags_of_one_component_go_together(mode: str) -> None:
    tags = [Tag("a", 0), Tag("b", 0), Tag("c", 1)]
    draws = rng()
    for _ in range(100):
        hidden = choose_hidden(tags, p=0.5, mode=mode, rng=draws)
        assert (0 in hidden) == (1 in hidden)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_hidden_at_p_0_or_without_tags(mode: str) -> None:
    assert choose_hidden(TAGS, p=0.0, mode=mode, rng=rng()) == []
    assert choose_hidden([], p=1.0, mode=mode, rng=rng()) == []


@pytest.mark.parametrize("fill", FILLS)
def test_a_fill_changes_what_one_sees_of_the_hidden_layer_only(fill: str) -> None:
    picture = drawn("dawn", "red", "cap")
    result = filled(picture, rows(RED), rows(DAWN, CAP), fill=fill)
    seen = [8, 11, 12, 13, 14, 15]  # the body, less the hat's two pixels
    assert np.flatnonzero((result != picture).any(axis=2)).tolist() == seen


def test_zero_is_black() -> None:
    assert (without_hat("zero")[HAT] == 0).all()


def test_mean_is_the_collections_mean_picture() -> None:
    assert (without_hat("mean")[HAT] == MEAN).all()


def test_image_is_the_mean_colour_of_what_is_left() -> None:
    # Left are 4 pixels of the sky and 6 of the body.
    expected = (4 * np.array([200, 100, 50]) + 6 * np.array([220, 30, 30])) / 10
    assert (without_hat("image")[HAT] == np.rint(expected)).all()


def test_image_is_the_mean_colour_of_all_where_nothing_is_left() -> None:
    assert (filled(drawn("dawn"), rows(DAWN), [], fill="image") == (200, 100, 50)).all()


def test_other_is_the_same_place_in_another_picture() -> None:
    assert (without_hat("other")[HAT] == OTHER.reshape(16, 3)[HAT]).all()


def test_blur_is_a_mixture_of_the_pictures_own_colours() -> None:
    left, right = np.zeros((64, 32, 3), np.uint8), np.full((64, 32, 3), 200, np.uint8)
    picture = np.concatenate([left, right], axis=1)[None]
    everything = Layer(np.arange(64 * 64), np.full((64 * 64, 4), 255, np.uint8), 0)
    blurred = hide(picture, [[everything]], [[]], fill="blur", around=around())
    row = blurred[0, 30, :, 0].astype(int)
    assert row[0] == 0
    assert row[-1] == 200
    assert (np.diff(row) >= 0).all()
    assert np.diff(row).max() < 60, "the edge is gone"


def test_each_picture_is_filled_from_its_own_collection_and_its_own_other() -> None:
    pair = dataclasses.replace(
        around(),
        means_GHWC=np.stack([np.full((4, 4, 3), level, np.uint8) for level in (30, 60)]),
        grounds=[
            Ground(np.full((16, 3), level, np.uint8), np.ones(16, np.bool_)) for level in (40, 80)
        ],
        collection_B=np.array([1, 0]),
        other_B=np.array([1, 0]),
    )
    pictures = np.stack([drawn("dawn"), drawn("dawn")])

    def corners(fill: str) -> list[list[int]]:
        hidden = hide(pictures, [rows(DAWN)] * 2, [[]] * 2, fill=fill, around=pair)
        return [[int(level) for level in colour] for colour in hidden[:, 3, 3]]

    assert corners("mean") == [[60] * 3, [30] * 3]
    assert corners("beneath") == [[80] * 3, [40] * 3]
    assert corners("other") == [[99] * 3, [45, 46, 47]]


def test_beneath_is_the_picture_without_the_layer() -> None:
    assert (without_hat("beneath") == drawn("dawn", "red").reshape(-1, 3)).all()


def test_beneath_the_lowest_layer_is_the_ground() -> None:
    result = filled(drawn("dawn", "red"), rows(DAWN), rows(RED), fill="beneath")
    assert (result[:2] == MEAN).all()
    assert (result[2:] == (220, 30, 30)).all()


def test_beneath_a_half_transparent_layer_is_what_shone_through() -> None:
    picture = drawn("dawn", "red", "white")
    result = filled(picture, rows(WHITE), rows(DAWN, RED), fill="beneath")
    assert (result == drawn("dawn", "red")).all()


def test_a_layer_that_is_covered_all_over_is_hidden_without_a_trace() -> None:
    low = Layer(np.array([1, 2]), np.full((2, 4), 255, np.uint8), 1)
    picture = drawn("dawn", "cap")
    assert (filled(picture, [low], rows(DAWN, CAP), fill="zero") == picture).all()


def test_a_hidden_layer_is_hidden_where_another_hidden_one_covers_it_too() -> None:
    picture = drawn("dawn", "red", "cap")
    assert (filled(picture, rows(RED, CAP), rows(DAWN), fill="beneath") == drawn("dawn")).all()


def test_no_pictures_have_no_holes() -> None:
    none = np.zeros((0, 4, 4, 3), np.uint8)
    assert hide(none, [], [], fill="beneath", around=around()).shape == (0, 4, 4, 3)


def test_a_chance_beyond_1_an_unknown_fill_and_an_unknown_mode_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"masking.p must be in \[0, 1\]; got 1.5"):
        MaskingConfig(p=1.5)
    with pytest.raises(ConfigError, match="one of zero, mean, image, other, blur, beneath; got"):
        MaskingConfig(fill="blue")
    with pytest.raises(ConfigError, match="one of bernoulli, one_of; got 'all'"):
        MaskingConfig(mode="all")

"""A token's twin is the token with another value of one type, and nothing else."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from tests.training.layered import RANK, TAGS, drawn, layer, layers, material
from traitlens.errors import ConfigError
from traitlens.training.layering import Ground
from traitlens.training.material import Material
from traitlens.training.swapping import Swap, SwapConfig, Wearer, draw_swaps, paint_swaps
from traitlens.training.tags import Tag

CONFIG = SwapConfig(share=1.0)
EVERY = material(
    [TAGS["dawn"], TAGS["red"], TAGS["cap"]],
    [TAGS["night"], TAGS["green"], TAGS["crown"]],
    [TAGS["night"], TAGS["green"], RANK],
)


def wearer(tags: Sequence[Tag], *, hidden: tuple[int, ...] = ()) -> Wearer:
    return Wearer(row=0, collection=0, tags=tuple(tags), hidden=hidden)


def worn_by(*values: str) -> Material:
    """Return the material of all, in which the first token has these values."""
    return dataclasses.replace(EVERY, frames_NHWC=drawn(*values)[None])


def draw(
    tags: list[Tag],
    *,
    tokens: Material = EVERY,
    hidden: tuple[int, ...] = (),
    config: SwapConfig = CONFIG,
    seed: int = 0,
) -> Swap | None:
    (swap,) = draw_swaps(
        tokens,
        [wearer(tags, hidden=hidden)],
        config=config,
        rng=np.random.default_rng(seed),
    )
    return swap


@pytest.mark.parametrize("values", [("dawn", "red", "cap"), ("night", "green", "crown")])
def test_the_twins_picture_is_that_of_a_token_with_the_other_value(values: tuple[str, ...]) -> None:
    tags = [TAGS[value] for value in values]
    value_of = {tag: value for value, tag in TAGS.items()}
    seen = set()
    for seed in range(20):
        swap = draw(tags, tokens=worn_by(*values), seed=seed)
        assert swap is not None
        picture = drawn(*values)
        swap.paint(picture)
        assert (picture == drawn(*(value_of[tag] for tag in swap.of_tags(tags)))).all()
        seen.add(swap.position)
    assert seen == {0, 1, 2}, "each trait has its turn"


def test_only_one_tag_changes_and_it_keeps_its_type() -> None:
    tags = [TAGS["dawn"], TAGS["red"], TAGS["cap"]]
    swap = draw(tags)
    assert swap is not None
    twin = swap.of_tags(tags)
    assert [a == b for a, b in zip(tags, twin, strict=True)].count(False) == 1
    assert twin[swap.position].trait_type == tags[swap.position].trait_type


def test_a_value_under_a_cover_is_swapped_only_where_one_sees_it() -> None:
    swap = draw([TAGS["red"], TAGS["cap"]], hidden=(1,), tokens=EVERY)
    assert swap is not None
    assert swap.where_R.tolist() == [8, 11, 12, 13, 14, 15]


def test_a_hidden_trait_and_one_without_a_component_are_not_swapped() -> None:
    tags = [TAGS["dawn"], TAGS["red"], RANK]
    drawn_at = {s.position for seed in range(20) if (s := draw(tags, hidden=(0,), seed=seed))}
    assert drawn_at == {1}


def test_a_phrase_that_two_traits_say_is_not_swapped() -> None:
    same = dataclasses.replace(TAGS["red"], words=TAGS["cap"].words)
    assert draw([same, TAGS["cap"]]) is None


def test_a_type_with_one_value_has_no_swap() -> None:
    alone = material([TAGS["dawn"]], [TAGS["dawn"], TAGS["red"]])
    assert draw([TAGS["dawn"]], tokens=alone) is None


def test_a_value_that_the_token_has_already_is_not_drawn() -> None:
    # Two hats at once: the type is repeated, and both its values are worn.
    tags = [TAGS["cap"], TAGS["crown"]]
    assert draw(tags) is None


def test_a_value_that_no_training_token_has_is_not_drawn() -> None:
    no_crown = material([TAGS["cap"], TAGS["dawn"]], [TAGS["cap"], TAGS["night"]])
    drawn_at = {
        s.tag.words
        for seed in range(20)
        if (s := draw([TAGS["cap"], TAGS["dawn"]], tokens=no_crown, seed=seed))
    }
    assert drawn_at == {"night sky"}


def test_a_swap_that_hardly_changes_the_picture_is_not_made() -> None:
    tags = [TAGS["red"], TAGS["cap"]]
    changing = SwapConfig(share=1.0, least_change=5 / 16)
    assert draw(tags, hidden=(1,), config=changing) is not None, "6 of 16 pixels"
    assert draw(tags, hidden=(1,), config=SwapConfig(share=1.0, least_change=6 / 16)) is None


def test_what_looks_alike_is_no_change() -> None:
    bank = layers()
    twin = bank.add(layer([1, 2, 5, 6, 9, 10], [92, 62, 28, 255], 2))  # nearly the cap
    tags = [TAGS["cap"], Tag("bonnet", twin, "Hat", "hat")]
    tokens = dataclasses.replace(material([tags[0]], [tags[1]][:0]), layers=bank)
    tokens = dataclasses.replace(tokens, tags=((tags[0],), (tags[1],)))
    assert draw([tags[0]], tokens=tokens) is None


def test_a_swap_that_would_be_guessed_is_not_made() -> None:
    bank = layers()
    small = bank.add(layer([1], [240, 200, 40, 255], 2))
    tags = [TAGS["cap"], Tag("pin hat", small, "Hat", "hat")]
    tokens = dataclasses.replace(material([tags[0]], []), layers=bank)
    tokens = dataclasses.replace(tokens, tags=((tags[0],), (tags[1],)))
    assert draw([tags[0]], tokens=tokens) is None, "5 of 6 pixels have nothing beneath"
    assert draw([tags[0]], tokens=tokens, config=SwapConfig(share=1.0, most_guessed=1)) is not None
    grounds = (Ground(tokens.grounds[0].colours_P3, np.ones(16, np.bool_)),)
    assert draw([tags[0]], tokens=dataclasses.replace(tokens, grounds=grounds)) is not None


def test_where_the_order_of_two_components_is_not_known_their_overlap_is_guessed() -> None:
    tags = (TAGS["red"], TAGS["cap"])
    (sure,) = paint_swaps(EVERY, [wearer(tags)], [(1, TAGS["crown"])])
    assert (sure.changed, sure.guessed) == (6, 0)
    bank = layers()
    beard = Tag("beard", bank.add(layer([9, 10, 11], [1, 1, 1, 255], 2)), "Beard", "beard")
    tokens = dataclasses.replace(EVERY, layers=bank)
    (swap,) = paint_swaps(tokens, [wearer([*tags, beard])], [(1, TAGS["crown"])])
    assert (swap.changed, swap.guessed) == (6, 2), "the hat's lower two of six pixels"


def test_several_swaps_at_once_are_those_of_each_alone() -> None:
    wearers = [wearer([TAGS["red"], TAGS["cap"]]), wearer([TAGS["dawn"]]), wearer([TAGS["green"]])]
    tries = [(1, TAGS["crown"]), (0, TAGS["night"]), (0, TAGS["red"])]
    together = paint_swaps(EVERY, wearers, tries)
    for one, token, tried in zip(together, wearers, tries, strict=True):
        (alone,) = paint_swaps(EVERY, [token], [tried])
        assert one.where_R.tolist() == alone.where_R.tolist()
        assert (one.colours_RC == alone.colours_RC).all()
        assert (one.changed, one.guessed) == (alone.changed, alone.guessed)
    assert paint_swaps(EVERY, [], []) == []


def test_the_share_tells_how_many_tokens_are_to_get_a_twin() -> None:
    assert SwapConfig(share=0.25).wanted(10) == 2
    assert SwapConfig().wanted(10) == 0
    with pytest.raises(ConfigError, match=r"swaps.share must be in \[0, 1\]; got 2"):
        SwapConfig(share=2)

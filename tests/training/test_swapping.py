"""Which tokens get a twin, and by which traits: those whose twin one can see and trust."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from tests.training.layered import RANK, TAGS, drawn, layer, layers, material
from traitlens.errors import ConfigError
from traitlens.training.layering import Ground
from traitlens.training.layers import Layers
from traitlens.training.material import Material
from traitlens.training.swapping import SwapConfig, draw_swaps
from traitlens.training.tags import NO_COMPONENT, Tag, worn_together
from traitlens.training.twins import Swap, Wearer

CONFIG = SwapConfig(share=1.0)
ALL = SwapConfig(share=1.0, traits=99)
EVERY = material(
    [TAGS["dawn"], TAGS["red"], TAGS["cap"]],
    [TAGS["night"], TAGS["green"], TAGS["crown"]],
    [TAGS["night"], TAGS["green"], RANK],
)
TRUSTED = dict.fromkeys(range(20), 1.0)


def wearer(tags: Sequence[Tag], *, hidden: tuple[int, ...] = ()) -> Wearer:
    return Wearer(row=0, collection=0, tags=tuple(tags), hidden=hidden)


def worn_by(*values: str) -> Material:
    """Return the material of all, in which the first token has these values."""
    return dataclasses.replace(EVERY, frames_NHWC=drawn(*values)[None])


def one_of_each(tags: Sequence[Tag], bank: Layers) -> Material:
    """Return a token for each tag, in a material with these layers."""
    tokens = material(*([tag] for tag in tags))
    return dataclasses.replace(tokens, layers=bank, trust=TRUSTED)


def positions(swap: Swap) -> list[int]:
    return [change.position for change in swap.changes]


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
        seen.update(positions(swap))
    assert seen == {0, 1, 2}, "each trait has its turn"


def test_only_one_tag_changes_and_it_keeps_its_type() -> None:
    tags = [TAGS["dawn"], TAGS["red"], TAGS["cap"]]
    swap = draw(tags)
    assert swap is not None
    twin = swap.of_tags(tags)
    (changed,) = (at for at, tag in enumerate(tags) if twin[at] != tag)
    assert twin[changed].trait_type == tags[changed].trait_type


def test_a_value_under_a_cover_is_swapped_only_where_one_sees_it() -> None:
    swap = draw([TAGS["red"], TAGS["cap"]], hidden=(1,), tokens=EVERY)
    assert swap is not None
    assert swap.where_R.tolist() == [8, 11, 12, 13, 14, 15]


def test_a_hidden_trait_and_one_without_a_component_are_not_swapped() -> None:
    tags = [TAGS["dawn"], TAGS["red"], RANK]
    for seed in range(20):
        swap = draw(tags, hidden=(0,), config=ALL, seed=seed)
        assert swap is not None
        assert positions(swap) == [1]


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
    for seed in range(20):
        swap = draw([TAGS["cap"], TAGS["dawn"]], tokens=no_crown, config=ALL, seed=seed)
        assert swap is not None
        assert [change.tag.words for change in swap.changes] == ["night sky"]


def test_a_swap_that_hardly_changes_the_picture_is_not_made() -> None:
    tags = [TAGS["red"], TAGS["cap"]]
    changing = SwapConfig(share=1.0, least_change=5 / 16)
    assert draw(tags, hidden=(1,), config=changing) is not None, "6 of 16 pixels"
    assert draw(tags, hidden=(1,), config=SwapConfig(share=1.0, least_change=6 / 16)) is None


def test_what_looks_alike_is_no_change() -> None:
    bank = layers()
    twin = bank.add(layer([1, 2, 5, 6, 9, 10], [92, 62, 28, 255], 2))  # nearly the cap
    tags = [TAGS["cap"], Tag("bonnet", twin, "Hat", "hat")]
    assert draw([tags[0]], tokens=one_of_each(tags, bank)) is None


def test_a_swap_that_would_be_guessed_is_not_made() -> None:
    bank = layers()
    small = bank.add(layer([1], [240, 200, 40, 255], 2))
    tags = [TAGS["cap"], Tag("pin hat", small, "Hat", "hat")]
    tokens = one_of_each(tags, bank)
    assert draw([tags[0]], tokens=tokens) is None, "5 of 6 pixels have nothing beneath"
    assert draw([tags[0]], tokens=tokens, config=SwapConfig(share=1.0, most_guessed=1)) is not None
    grounds = (Ground(tokens.grounds[0].colours_P3, np.ones(16, np.bool_)),)
    assert draw([tags[0]], tokens=dataclasses.replace(tokens, grounds=grounds)) is not None


def test_a_component_that_is_not_trusted_is_neither_replaced_nor_put_on() -> None:
    tags = [TAGS["dawn"], TAGS["red"], TAGS["cap"]]
    for doubted in ("cap", "crown"):
        trust = {**EVERY.trust, TAGS[doubted].component: 0.7}
        tokens = dataclasses.replace(EVERY, trust=trust)
        for seed in range(10):
            swap = draw(tags, tokens=tokens, config=ALL, seed=seed)
            assert swap is not None
            assert 2 not in positions(swap)


def test_up_to_so_many_traits_change_and_every_number_of_them_is_as_likely() -> None:
    tags = [TAGS["dawn"], TAGS["red"], TAGS["cap"]]
    for traits, numbers in ((2, {1, 2}), (3, {1, 2, 3}), (99, {1, 2, 3})):
        config = SwapConfig(share=1.0, traits=traits)
        counts = Counter(
            len(swap.changes)
            for seed in range(300)
            if (swap := draw(tags, config=config, seed=seed)) is not None
        )
        assert set(counts) == numbers
        for count in counts.values():
            assert count / 300 == pytest.approx(1 / len(numbers), abs=0.09)


def test_a_token_put_together_anew_looks_as_if_it_had_been_drawn_so() -> None:
    values = ("dawn", "red", "cap")
    tags = [TAGS[value] for value in values]
    value_of = {tag: value for value, tag in TAGS.items()}
    for seed in range(30):
        swap = draw(tags, tokens=worn_by(*values), config=ALL, seed=seed)
        assert swap is not None
        picture = drawn(*values)
        swap.paint(picture)
        assert (picture == drawn(*(value_of[tag] for tag in swap.of_tags(tags)))).all()


def test_a_change_that_others_cover_is_left_out_and_the_others_stay() -> None:
    # A mask over the whole picture, in whose place comes another: no other change is seen.
    bank = layers()
    masks = [
        Tag(f"{name} mask", bank.add(layer(range(16), [level, 0, 0, 255], 5)), "Mask", "mask")
        for name, level in (("dim", 50), ("bright", 250))
    ]
    tokens = one_of_each([TAGS["red"], TAGS["green"], *masks], bank)
    for seed in range(10):
        swap = draw([TAGS["red"], masks[0]], tokens=tokens, config=ALL, seed=seed)
        assert swap is not None
        assert [change.tag for change in swap.changes] == [masks[1]]


def test_two_traits_of_one_type_do_not_change_to_the_same_value() -> None:
    bank = layers()
    pins = [
        Tag(f"pin {at}", bank.add(layer([at], [250, 10 * at, 0, 255], 3)), "Pin", "pin")
        for at in range(4)
    ]
    tokens = one_of_each([TAGS["dawn"], *pins], bank)
    seen = set()
    for seed in range(60):
        swap = draw([TAGS["dawn"], *pins[:2]], tokens=tokens, config=ALL, seed=seed)
        assert swap is not None
        twin = swap.of_tags([TAGS["dawn"], *pins[:2]])
        assert len({tag.words for tag in twin}) == 3
        seen.add(frozenset(tag.words for tag in twin[1:]))
    assert frozenset({"pin 2", "pin 3"}) in seen


def test_the_share_tells_how_many_tokens_are_to_get_a_twin() -> None:
    assert SwapConfig(share=0.25).wanted(10) == 2
    assert SwapConfig().wanted(10) == 0
    with pytest.raises(ConfigError, match=r"swaps.share must be in \[0, 1\]; got 2"):
        SwapConfig(share=2)


def test_a_twin_that_changes_nothing_is_refused_as_a_config() -> None:
    with pytest.raises(ConfigError, match=r"swaps.traits must be at least 1; got 0"):
        SwapConfig(traits=0)
    with pytest.raises(ConfigError, match=r"swaps.least_trust must be in \[0, 1\]; got 2"):
        SwapConfig(least_trust=2)


RED, GREEN = TAGS["red"].name, TAGS["green"].name


def bonnets() -> tuple[Tag, Layers]:
    """Return a hat that is white on a red body and black on a green one, and longer there."""
    bank = layers()
    rows = [
        bank.add(layer([1, 2, 5, 6], [9, 9, 250, 255], 2)),
        bank.add(layer([1, 2, 5, 6], [250, 250, 250, 255], 2)),
        bank.add(layer([1, 2, 5, 6, 9], [9, 9, 9, 255], 2)),
    ]
    looks = tuple(zip((None, RED, GREEN), rows, strict=True))
    return Tag("bonnet", rows[0], "Hat", "hat", looks=looks), bank


def test_what_looks_otherwise_beside_another_trait_is_put_on_as_it_looks_there() -> None:
    bonnet, bank = bonnets()
    tokens = one_of_each([*TAGS.values(), bonnet], bank)
    tags = [TAGS["dawn"], TAGS["red"], TAGS["cap"]]
    beside = set()
    for seed in range(60):
        swap = draw(tags, tokens=tokens, config=ALL, seed=seed)
        assert swap is not None
        _, body, hat = swap.of_tags(tags)
        if hat.words == "bonnet":
            beside.add((body.words, hat.context, hat.component))
    rows = dict(bonnet.looks)
    assert beside == {("red body", RED, rows[RED]), ("green body", GREEN, rows[GREEN])}


def test_a_trait_without_a_component_is_swapped_where_others_look_otherwise_by_it() -> None:
    bonnet, bank = bonnets()
    red, green = (dataclasses.replace(TAGS[v], component=NO_COMPONENT) for v in ("red", "green"))
    tokens = one_of_each([red, green, bonnet, TAGS["dawn"]], bank)
    worn = worn_together([red, bonnet])
    assert worn[1].context == RED
    swap = draw(list(worn), tokens=tokens)
    assert swap is not None
    assert [change.tag.words for change in swap.changes] == ["green body"]
    picture = drawn("dawn")
    swap.paint(picture)
    assert (picture.reshape(-1, 3)[[1, 2, 5, 6, 9]] == 9).all()
    assert draw(list(worn), tokens=tokens, hidden=(1,)) is None, "nobody would see it"
    distrusted = dataclasses.replace(tokens, trust={bonnet.component: 0.1})
    assert draw(list(worn), tokens=distrusted) is None

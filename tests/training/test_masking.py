"""Dynamic masking hides components and their tags together, and never everything."""

import numpy as np
import pytest

from traitlens.errors import ConfigError
from traitlens.training.masking import FILLS, MaskingConfig, choose_hidden, hide, union
from traitlens.training.material import NO_COMPONENT, Tag

TAGS = [Tag(f"tag {i}", i) for i in range(4)]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_each_component_is_hidden_with_chance_p() -> None:
    draws = rng()
    hidden = [len(choose_hidden(TAGS, p=0.25, rng=draws)) for _ in range(4000)]
    # Of the 256 equally likely patterns of p = 1/4 one hides all four, and then one is kept.
    assert np.mean(hidden) == pytest.approx(1 - 1 / 256, abs=0.05)


def test_at_least_one_trait_is_kept_even_when_all_are_drawn() -> None:
    draws = rng()
    assert all(len(choose_hidden(TAGS, p=1.0, rng=draws)) == 3 for _ in range(50))
    assert choose_hidden(TAGS[:1], p=1.0, rng=draws) == []


def test_a_tag_without_a_mask_is_never_hidden() -> None:
    tags = [Tag("seen", 0), Tag("rank 7", NO_COMPONENT)]
    draws = rng()
    assert {tuple(choose_hidden(tags, p=1.0, rng=draws)) for _ in range(20)} == {(0,)}


def test_tags_of_one_component_go_together() -> None:
    tags = [Tag("a", 0), Tag("b", 0), Tag("c", 1)]
    draws = rng()
    for _ in range(100):
        hidden = choose_hidden(tags, p=0.5, rng=draws)
        assert (0 in hidden) == (1 in hidden)


def test_nothing_is_hidden_at_p_0() -> None:
    assert choose_hidden(TAGS, p=0.0, rng=rng()) == []


@pytest.mark.parametrize("fill", FILLS)
def test_a_fill_changes_hidden_pixels_only(fill: str) -> None:
    frames = rng().integers(1, 256, (5, 4, 4, 3), np.uint8)
    hidden = np.zeros((5, 4, 4), np.bool_)
    hidden[:, :2] = True
    filled = hide(frames, hidden, fill=fill, rng=rng())
    assert (filled[~hidden] == frames[~hidden]).all()
    assert (filled[hidden] != frames[hidden]).any()


def test_zero_is_black_mean_is_the_mean_colour_and_other_is_another_tokens_pixels() -> None:
    frames = np.stack([np.full((2, 2, 3), value, np.uint8) for value in (10, 20, 60)])
    hidden = np.zeros((3, 2, 2), np.bool_)
    hidden[:, 0, 0] = True
    assert (hide(frames, hidden, fill="zero", rng=rng())[:, 0, 0] == 0).all()
    assert (hide(frames, hidden, fill="mean", rng=rng())[:, 0, 0] == 30).all()
    others = hide(frames, hidden, fill="other", rng=rng())[:, 0, 0, 0]
    assert sorted(others) == [10, 20, 60]


def test_the_hidden_region_is_the_union_of_the_chosen_masks() -> None:
    masks = np.zeros((3, 1, 3), np.bool_)
    masks[[0, 1, 2], 0, [0, 1, 2]] = True
    regions = union(masks, [[0, 2], [], [1]])
    assert regions[:, 0].tolist() == [[True, False, True], [False] * 3, [False, True, False]]


def test_a_chance_beyond_1_and_an_unknown_fill_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"masking.p must be in \[0, 1\]; got 1.5"):
        MaskingConfig(p=1.5)
    with pytest.raises(ConfigError, match="must be one of zero, mean, other; got 'blue'"):
        MaskingConfig(fill="blue")

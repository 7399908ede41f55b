"""Pictures are cropped, padded and lit anew, mildly and repeatably."""

import numpy as np
import pytest

from traitlens.errors import ConfigError
from traitlens.training.framing import Framing, FramingConfig, draw_framings

BLOCK = np.zeros((40, 40, 3), np.uint8)
BLOCK[10:30, 10:30] = 200
WHOLE = {"left": 0.0, "upper": 0.0, "right": 1.0, "lower": 1.0, "light": 1.0}


def test_the_whole_picture_stays_as_it_is() -> None:
    assert (Framing(**WHOLE).of(BLOCK) == BLOCK).all()


def test_a_crop_shows_less_and_larger() -> None:
    cropped = Framing(**{**WHOLE, "left": 0.25, "right": 0.75, "upper": 0.25, "lower": 0.75})
    assert (np.abs(cropped.of(BLOCK)[2:-2, 2:-2].astype(int) - 200) <= 20).all()


def test_a_margin_has_the_colour_of_the_corner() -> None:
    pink = BLOCK.copy()
    pink[0, 0] = (250, 100, 150)
    framed = Framing(**{**WHOLE, "left": -0.5}).of(pink)
    assert (framed[:, :12] == (250, 100, 150)).all()
    assert (framed[12:28, 30:38] == 200).any()


def test_light_scales_the_colours() -> None:
    lit = Framing(**{**WHOLE, "light": 1.5}).of(BLOCK)
    assert set(np.unique(lit)) == {0, 255}
    dim = Framing(**{**WHOLE, "light": 0.5}).of(BLOCK)
    assert set(np.unique(dim)) == {0, 100}


def test_a_share_is_framed_within_bounds_and_the_same_each_time() -> None:
    config = FramingConfig(share=0.5, crop=0.2, pad=0.1, light=0.1)
    drawn = draw_framings(1000, config, rng=np.random.default_rng(0))
    assert drawn == draw_framings(1000, config, rng=np.random.default_rng(0))
    assert 420 < len(drawn) < 580
    edges = np.array([(f.left, f.upper, 1 - f.right, 1 - f.lower) for f in drawn.values()])
    assert -0.1 <= edges.min() < -0.08 and 0.18 < edges.max() <= 0.2
    lights = [f.light for f in drawn.values()]
    assert 0.9 <= min(lights) < 0.92 and 1.08 < max(lights) <= 1.1


def test_nothing_is_drawn_where_nothing_is_framed() -> None:
    rng = np.random.default_rng(0)
    assert draw_framings(5, FramingConfig(), rng=rng) == {}
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize(
    ("field", "value"), [("share", 1.5), ("crop", 0.5), ("pad", -0.1), ("light", 2)]
)
def test_what_is_out_of_range_is_refused(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"framing\.{field}"):
        FramingConfig(**{field: value})

"""The study's control of twins: pictures as they are, words that do not follow the swap."""

import importlib
from typing import Any

import numpy as np
import pytest

from tests.training.layered import TAGS, material
from traitlens.training import loop
from traitlens.training.batch import Views
from traitlens.training.masking import MaskingConfig
from traitlens.training.swapping import SwapConfig
from traitlens.training.views import CaptionConfig, draw_views

# By name, as benchmarks are run and not installed.
controls: Any = importlib.import_module("benchmarks.masking.controls")

TOKENS = material(
    (TAGS["dawn"], TAGS["red"], TAGS["cap"]), (TAGS["night"], TAGS["green"], TAGS["crown"])
)


@pytest.fixture
def views() -> Views:
    return draw_views(
        TOKENS,
        np.arange(2),
        masking=MaskingConfig(),
        captions=CaptionConfig(partial=0.0, sub_captions=2),
        swaps=SwapConfig(share=1.0, traits=2),
        rng=np.random.default_rng(0),
    )


def test_a_twin_has_its_own_picture_and_the_words_of_its_token(views: Views) -> None:
    stale = controls.stale(views)
    assert views.swaps_S2.tolist() == [[0, 2], [1, 3]]
    assert (stale.frames_PHWC == views.frames_PHWC).all()
    assert stale.captions.texts[:4] == views.captions.texts[:2] * 2
    assert stale.captions.texts[4:] == views.captions.texts[4:8] * 2, "the sub-captions, too"
    assert stale.captions.of_T.tolist() == views.captions.of_T.tolist()


def test_what_is_true_of_a_token_is_said_to_be_true_of_its_twin(views: Views) -> None:
    stale = controls.stale(views)
    for texts in (stale.captions, stale.phrases):
        for values_TB in (texts.fits_TB, texts.overlap_TB, texts.weights_TB):
            assert (values_TB[:, :2] == values_TB[:, 2:]).all()
    rows = np.arange(len(stale.captions.texts))
    assert stale.captions.fits_TB[rows, stale.captions.of_T].all()
    assert stale.phrases.texts == views.phrases.texts
    assert (stale.phrases.fits_TB[:, :2] == views.phrases.fits_TB[:, :2]).all()


def test_views_without_twins_stay_as_they_are(views: Views) -> None:
    plain = draw_views(
        TOKENS,
        np.arange(2),
        masking=MaskingConfig(),
        captions=CaptionConfig(),
        rng=np.random.default_rng(0),
    )
    stale = controls.stale(plain)
    assert stale.captions.texts == plain.captions.texts
    assert (stale.captions.fits_TB == plain.captions.fits_TB).all()


def test_a_run_draws_stale_views_only_while_it_is_told_to() -> None:
    drawn = vars(loop)["draw_views"]
    with controls.stale_captions():
        assert vars(loop)["draw_views"] is not drawn
    assert vars(loop)["draw_views"] is drawn

"""The benchmark's scores, by hand: a wrong ruler measures nothing."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.separation.layers import BODY, HAT, SIZE_PX, draw, layered_tokens, mask
from traitlens.records import Token, Trait
from traitlens.separation import Component
from traitlens.separation.pixels import Region

# By name, as benchmarks are run and not installed.
scores: Any = importlib.import_module("benchmarks.separation.scores")
ordering: Any = importlib.import_module("benchmarks.separation.ordering")
truth: Any = importlib.import_module("benchmarks.separation.truth")
degrade: Any = importlib.import_module("benchmarks.separation.degrade")

WHOLE = (slice(0, SIZE_PX), slice(0, SIZE_PX))


def labels_of(token: Token, *, layers: Sequence[tuple[slice, slice]] = (WHOLE, BODY, HAT)) -> Any:
    """Return the truth of a token of the layered collection: its traits lie one on another."""
    labels_HW = np.zeros((SIZE_PX, SIZE_PX), np.uint8)
    for at, area in enumerate(layers[: len(token.traits)], 1):
        labels_HW[area] = at
    return truth.Labelled(token, labels_HW, token.traits, None)


def component(trait: Trait, where_M: NDArray[np.int32], rgba: Sequence[int]) -> Component:
    """Return a component of one colour."""
    rgba_M4 = np.tile(np.array(rgba, np.uint8), (len(where_M), 1))
    region = Region(where_M, np.ones(len(where_M), np.uint32), rgba_M4[:, 0], rgba_M4)
    return Component(trait, support=1, visible=0.1, confidence=1.0, layer=0, region=region)


class Found:
    """What a method that knows the truth finds, but for one value."""

    def __init__(self, labelled: Sequence[Any], without: tuple[str, str] | None = None) -> None:
        traits = dict.fromkeys(trait for one in labelled for trait in one.traits)
        nowhere = np.zeros(0, np.int32)
        made = [component(trait, nowhere, (0, 0, 0, 0)) for trait in traits]
        self.components = [one for one in made if one.name != without]
        self._truth = {one.token.token_id: one for one in labelled}

    def for_token(self, token: Token) -> dict[Trait, NDArray[np.bool_]]:
        labels_HW = self.label_map(token)
        rows = {one.trait: row for row, one in enumerate(self.components)}
        return {trait: labels_HW == rows[trait] for trait in token.traits if trait in rows}

    def label_map(self, token: Token) -> NDArray[np.int16]:
        one = self._truth[token.token_id]
        rows = {one.trait: row for row, one in enumerate(self.components)}
        rows_L = np.array([-1, *(rows.get(t, -1) for t in one.traits)], np.int16)
        return np.asarray(rows_L[one.labels_HW])


def layers_of(token: Token) -> NDArray[np.uint8]:
    """Return each component of a token drawn alone: RGBA (K, H, W, 4)."""
    picture = draw(*(trait.value for trait in token.traits), *[None] * (3 - len(token.traits)))
    areas = (WHOLE, BODY, HAT)[: len(token.traits)]
    return np.stack([np.where(mask(area)[..., None], picture, 0) for area in areas]).astype(
        np.uint8
    )


def test_iou_is_what_both_have_over_what_either_has() -> None:
    found = np.array([[True, True, False, False]])
    true = np.array([[False, True, True, True]])
    assert scores.iou(found, true) == pytest.approx(1 / 4)


def test_a_perfect_separation_scores_one() -> None:
    labelled = [labels_of(token) for token in layered_tokens()]
    score = scores.score(Found(labelled), labelled)
    assert (score.mask, score.seen, score.undetected) == (1, 1, 0)
    assert {value.name[0] for value in score.values} == {"Sky", "Body", "Hat"}


def test_a_value_without_a_component_scores_zero_and_is_undetected() -> None:
    labelled = [labels_of(token) for token in layered_tokens()]
    score = scores.score(Found(labelled, without=("Body", "Red")), labelled)
    (red,) = (value for value in score.values if value.name == ("Body", "Red"))
    assert red.seen == red.mask == 0 and red.confidence is None
    assert score.undetected == pytest.approx(1 / 8)
    assert score.seen == pytest.approx(7 / 8)


def test_values_weigh_alike_however_many_tokens_have_them() -> None:
    tokens = [t for t in layered_tokens() if len(t.traits) == 3]
    caps = [t for t in tokens if t.traits[2].value == "Cap"]
    crown = next(t for t in tokens if t.traits[2].value == "Crown")
    found = Found([labels_of(token) for token in tokens])
    half = (slice(1, 2), slice(2, 6))  # the truth of Cap is the upper half of what is found
    labelled = [labels_of(t, layers=(WHOLE, BODY, half)) for t in caps] + [labels_of(crown)]
    hats = {v.name[1]: v for v in scores.score(found, labelled).values if v.name[0] == "Hat"}
    assert hats["Cap"].tokens == 9 and hats["Crown"].tokens == 1
    assert hats["Cap"].seen == pytest.approx(0.5) and hats["Crown"].seen == 1


def test_what_is_wholly_covered_is_not_scored() -> None:
    (token,) = (t for t in layered_tokens() if t.token_id == "1")
    labelled = labels_of(token, layers=(WHOLE, WHOLE, HAT))
    assert [trait.trait_type for trait, _ in labelled.visible()] == ["Body", "Hat"]


def test_the_true_order_is_that_of_what_is_seen_where_two_overlap() -> None:
    tokens = layered_tokens()
    # Without its hat a token shows sky there, so both could be seen; hats and bodies never meet.
    pairs = ordering.true_order([labels_of(token) for token in tokens])
    upper = {(a[0], b[0]) for a, b in pairs}
    assert upper == {("Hat", "Sky")}


def test_order_agreement_counts_pairs_and_ties_are_not_right() -> None:
    labelled = [labels_of(token) for token in layered_tokens()]
    names = [("Sky", sky) for sky in ("Dawn", "Noon", "Night")]
    hats = [("Hat", hat) for hat in ("Cap", "Crown")]
    right = ordering.order_agreement(labelled, dict.fromkeys(names, 0) | dict.fromkeys(hats, 1))
    tied = ordering.order_agreement(labelled, dict.fromkeys([*names, *hats], 0))
    some = ordering.order_agreement(labelled, {names[0]: 0, hats[0]: 1})
    assert (right.pairs, right.right) == (6, 6)
    assert (tied.pairs, tied.right, tied.share) == (6, 0, 0)
    assert (some.pairs, some.right) == (1, 1)
    assert ordering.order_agreement(labelled, {}).share is None


def test_the_pixel_error_is_zero_for_the_true_colours_and_known_for_others() -> None:
    (token,) = (
        t for t in layered_tokens() if [x.value for x in t.traits] == ["Noon", "Red", "Cap"]
    )
    layers_KHWC = layers_of(token)
    labelled = [truth.Labelled(token, labels_of(token).labels_HW, token.traits, layers_KHWC)]
    where = np.flatnonzero(mask(HAT)).astype(np.int32)
    right = component(token.traits[2], where, (90, 60, 30, 255))
    darker = component(token.traits[2], where, (90, 30, 30, 255))
    clearer = component(token.traits[2], where, (90, 60, 30, 0))
    assert scores.pixel_error(labelled, {right.name: right}) == 0
    assert scores.pixel_error(labelled, {right.name: darker}) == pytest.approx(30 / 4)
    # What is transparent has no colour, so all four channels are off.
    assert scores.pixel_error(labelled, {right.name: clearer}) == (90 + 60 + 30 + 255) / 4
    assert scores.pixel_error([labels_of(token)], {right.name: right}) is None


@pytest.mark.parametrize("kind", degrade.KINDS)
def test_degraded_pixel_art_has_512_px_and_its_label_map_too(kind: str) -> None:
    sink = io.BytesIO()
    Image.fromarray(draw("Noon", "Red", None)).save(sink, "png")
    with Image.open(io.BytesIO(degrade.degraded(sink.getvalue(), kind, pixel_art=True))) as image:
        assert image.size == (512, 512)
        assert image.format == {"jpeg90": "JPEG", "lanczos512": "PNG"}[kind]
    labels = Image.fromarray(mask(BODY).astype(np.uint8))
    grown = np.asarray(degrade.enlarged(labels, (512, 512)))
    assert grown.sum() == mask(BODY).sum() * 64**2


def test_a_traced_drawing_shows_each_component_where_its_label_says_so() -> None:
    pytest.importorskip("dicebear")
    tracing: Any = importlib.import_module("benchmarks.separation.tracing")
    tracer = tracing.Tracer("dylan", size=64)
    traced = tracer.trace(3)
    layers_KHWC = tracer.layers(3, traced.kinds)
    assert traced.kinds == ("Background Color", "Mood", "Hair")
    for at, layer_HWC in enumerate(layers_KHWC, 1):
        seen_HW = traced.labels_HW == at
        assert seen_HW.any()
        assert (layer_HWC[seen_HW][:, 3] >= 120).all(), "covered by half at least"
        opaque_HW = seen_HW & (layer_HWC[..., 3] == 255)
        shown = traced.drawing.image_HWC[opaque_HW].astype(int) - layer_HWC[opaque_HW][:, :3]
        assert np.median(np.abs(shown)) <= 1
    assert (traced.labels_HW == 0).any(), "the bare head is the base"

"""What is true of which picture, how nearly, and what to learn from it; by hand."""

import numpy as np
import pytest

from tests.training.layered import plain_material
from traitlens.training.tags import Tag
from traitlens.training.truth import Said, Shown, judged, phrase_weights
from traitlens.training.vocabulary import Vocabulary

# Of 8 tokens 4 have a cap, 2 a red body, 1 a pipe: 1, 2 and 3 bits. Every one has a nose: 0 bits.
CAP, RED, PIPE, NOSE = (
    Tag("cap hat", 0, "Hat", "hat"),
    Tag("red body", 1, "Body", "body"),
    Tag("pipe", 2, "Mouth", "mouth"),
    Tag("nose", 3, "Nose", "nose"),
)
TOKENS = [(CAP, NOSE)] * 2 + [(CAP, RED, NOSE)] + [(CAP, RED, PIPE, NOSE)] + [(NOSE,)] * 4
SHOWN = [
    Shown(collection=0, phrases=frozenset({"cap hat", "red body"})),
    Shown(collection=0, phrases=frozenset({"cap hat", "pipe"})),
    Shown(collection=0, phrases=frozenset({"nose"}), hidden=frozenset({"cap hat"})),
]


def vocabulary(areas: dict[tuple[int, str], float] | None = None) -> Vocabulary:
    return Vocabulary(["apes"], np.zeros(8, np.int64), TOKENS, areas or {})


def test_a_whole_captions_overlap_is_the_weighted_jaccard_of_both_sets() -> None:
    said = [Said(text="", phrases=("cap hat", "red body"), whole=True, of=0)]
    overlap = judged(said, SHOWN, vocabulary()).overlap_TB
    # Both have the cap, 1 bit; either has cap, body or pipe, 1 + 2 + 3 bits.
    assert overlap[0].tolist() == pytest.approx([1, 1 / 6, 0])


def test_a_partial_captions_overlap_is_the_weighted_share_that_a_picture_shows() -> None:
    said = [Said(text="", phrases=("cap hat", "red body"), of=0)]
    overlap = judged(said, SHOWN, vocabulary()).overlap_TB
    assert overlap[0].tolist() == pytest.approx([1, 1 / 3, 0])


def test_what_tells_nothing_overlaps_only_where_it_fits() -> None:
    said = [
        Said(text="", phrases=("nose",), whole=True, of=2),
        Said(text="", phrases=("nose",), of=2),
    ]
    texts = judged(said, SHOWN, vocabulary())
    assert texts.overlap_TB.tolist() == [[0, 0, 1], [0, 0, 1]]
    assert np.isfinite(texts.overlap_TB).all()


def test_a_text_that_fits_but_for_what_is_hidden_weighs_nothing_there() -> None:
    said = [
        Said(text="", phrases=("cap hat",), of=0),
        Said(text="", phrases=("cap hat", "nose"), whole=True, of=0),
        Said(text="", phrases=("pipe",), of=1),
    ]
    texts = judged(said, SHOWN, vocabulary())
    assert texts.fits_TB.tolist() == [[True, True, False], [False] * 3, [False, True, False]]
    assert texts.weights_TB.tolist() == [[1, 1, 0], [1, 1, 0], [1, 1, 1]]


def phrases(*words: str) -> list[Said]:
    return [Said(text=said, phrases=(said,)) for said in words]


def test_phrases_weigh_their_bits_times_the_area_that_shows_them() -> None:
    known = vocabulary({(0, "cap hat"): 0.2, (0, "red body"): 0.4, (0, "pipe"): 0.1})
    texts = judged(phrases("cap hat", "pipe", "red body"), SHOWN[:1], known)
    weights = phrase_weights(texts, SHOWN[:1], known, area=1.0)[:, 0]
    mean = (1 * 0.2 + 3 * 0.1 + 2 * 0.4) / 3
    assert weights.tolist() == pytest.approx([0.2 / mean, 0.3 / mean, 0.8 / mean])


def test_without_the_area_phrases_weigh_their_bits() -> None:
    known = vocabulary({(0, "cap hat"): 0.2, (0, "red body"): 0.4, (0, "pipe"): 0.1})
    texts = judged(phrases("cap hat", "pipe", "red body"), SHOWN[:1], known)
    weights = phrase_weights(texts, SHOWN[:1], known, area=0.0)[:, 0]
    assert weights.tolist() == pytest.approx([1 / 2, 3 / 2, 2 / 2])


def test_weights_have_mean_1_over_what_is_known_and_are_0_only_where_nothing_is() -> None:
    known = vocabulary()
    texts = judged(phrases("cap hat", "nose", "pipe"), SHOWN, known)
    weights = phrase_weights(texts, SHOWN, known, area=1.0)
    assert (weights == 0).tolist() == [[False, False, True], [False] * 3, [False] * 3]
    assert weights[weights > 0].mean() == pytest.approx(1)


def test_a_phrase_is_known_only_where_the_collection_has_such_a_kind_of_trait() -> None:
    tokens = plain_material(
        (Tag("cap hat", kind="hat"), Tag("pipe", kind="mouth")),
        (Tag("crown hat", kind="hat"),),
        (Tag("pipe", kind="misc"),),
        collections=[0, 1, 2],
        names=3,
    )
    shown = [
        Shown(collection=number, phrases=frozenset(tag.words for tag in tags))
        for number, tags in enumerate(tokens.tags)
    ]
    texts = judged(phrases("cap hat", "pipe"), shown, tokens.vocabulary)
    weights = phrase_weights(texts, shown, tokens.vocabulary, area=1.0)
    # The second knows hats, if not this one, and no mouths; the third has the pipe as something.
    assert (weights > 0).tolist() == [[True, True, False], [True, False, True]]


def test_where_nothing_is_known_nothing_is_learnt() -> None:
    known = vocabulary()
    texts = judged(phrases("cap hat"), SHOWN[2:], known)
    assert phrase_weights(texts, SHOWN[2:], known, area=1.0).tolist() == [[0]]

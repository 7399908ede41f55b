"""A view's captions and its picture always say the same."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.layered import PAINTS, RANK, TAGS, drawn, material, plain_material
from traitlens.errors import ConfigError
from traitlens.training.batch import Views
from traitlens.training.framing import FramingConfig
from traitlens.training.masking import FILLS, MaskingConfig
from traitlens.training.material import Material
from traitlens.training.swapping import SwapConfig
from traitlens.training.tags import Tag
from traitlens.training.views import CaptionConfig, draw_views

DAWN, NIGHT, RED, GREEN, CAP, CROWN = (TAGS[value] for _, value, _, _ in PAINTS[:6])
VALUES = {tag.words: value for value, tag in TAGS.items()}
EVERY = material((DAWN, RED, CAP), (NIGHT, GREEN, CROWN), (DAWN, GREEN), (NIGHT, RED, CAP))
ALL_SWAPPED = SwapConfig(share=1.0)
MANY_SWAPPED = SwapConfig(share=1.0, traits=99)


def views(
    tokens: Material,
    *,
    masking: MaskingConfig | None = None,
    captions: CaptionConfig | None = None,
    swaps: SwapConfig | None = None,
    framing: FramingConfig | None = None,
    seed: int = 0,
    part: slice = slice(None),
) -> Views:
    return draw_views(
        tokens,
        np.arange(len(tokens)),
        masking=masking or MaskingConfig(),
        captions=captions or CaptionConfig(partial=0.0),
        swaps=swaps or SwapConfig(),
        framing=framing or FramingConfig(),
        rng=np.random.default_rng(seed),
        part=part,
    )


def picture_of(text: str) -> NDArray[np.uint8]:
    """Return the picture of a token of which a text tells everything."""
    return drawn(*(value for words, value in VALUES.items() if words in text))


def test_without_masking_the_frames_are_the_tokens_and_the_captions_name_all_they_show() -> None:
    made = views(EVERY)
    assert (made.frames_PHWC == EVERY.frames_NHWC).all()
    assert made.captions.texts[0] == "lil apes with dawn sky, red body and cap hat"
    assert made.captions.of_T.tolist() == [0, 1, 2, 3]
    assert made.swaps_S2.shape == (0, 2)
    assert made.pictures == 4


def test_equal_captions_are_positives_and_not_negatives() -> None:
    made = views(material((RED, CAP), (GREEN, CAP), (RED, CAP), (RED,)))
    assert made.captions.fits_TB.astype(int).tolist() == [
        [1, 0, 1, 0],
        [0, 1, 0, 0],
        [1, 0, 1, 0],
        [0, 0, 0, 1],
    ]


def test_a_partial_caption_fits_every_picture_that_shows_its_phrases() -> None:
    for seed in range(30):
        made = views(EVERY, captions=CaptionConfig(partial=1.0), seed=seed)
        for text, fits in zip(made.captions.texts, made.captions.fits_TB, strict=True):
            said = {words for words in VALUES if words in text}
            shows = [said <= {tag.words for tag in tags} for tags in EVERY.tags]
            assert fits.tolist() == shows


def test_half_of_the_partial_captions_leave_the_collections_name_out() -> None:
    config = CaptionConfig(partial=1.0, unnamed=0.5)
    texts = [t for s in range(100) for t in views(EVERY, captions=config, seed=s).captions.texts]
    assert np.mean(["lil apes" in text for text in texts]) == pytest.approx(0.5, abs=0.1)


def test_further_sub_captions_follow_the_captions_and_tell_whose_they_are() -> None:
    made = views(EVERY, captions=CaptionConfig(partial=0.0, sub_captions=2)).captions
    assert made.of_T.tolist() == [0, 1, 2, 3, 0, 0, 1, 1, 2, 2, 3, 3]
    assert made.fits_TB.shape == (12, 4)
    assert made.fits_TB[np.arange(12), made.of_T].all(), "each is true of its own picture"


def test_sub_captions_come_in_over_the_ramp() -> None:
    config = CaptionConfig(partial=0.6, ramp=0.5)
    assert [config.at(gone).partial for gone in (0.0, 0.25, 0.5, 1.0)] == [0.0, 0.3, 0.6, 0.6]


def test_every_phrase_is_there_once_with_the_pictures_that_show_it() -> None:
    made = views(material((RED, CAP), (GREEN, CAP), (RED,))).phrases
    assert made.texts == ["cap hat", "green body", "red body"]
    assert made.fits_TB.astype(int).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert made.of_T.tolist() == [-1, -1, -1]


def test_a_hidden_component_leaves_the_picture_the_caption_and_the_phrases() -> None:
    tokens = material((DAWN, RED, CAP), known=True)
    gone_together = set()
    for seed in range(40):
        made = views(tokens, masking=MaskingConfig(p=0.5, fill="beneath"), seed=seed)
        (text,) = made.captions.texts
        assert set(made.phrases.texts) == {words for words in VALUES if words in text}
        assert (made.frames_PHWC[0] == picture_of(text)).all()
        gone_together.add(text)
    assert len(gone_together) == 7, "every pattern but all three occurs"


def test_one_of_hides_one_component_at_most() -> None:
    config = MaskingConfig(p=1.0, mode="one_of", fill="beneath")
    for seed in range(20):
        made = views(EVERY, masking=config, seed=seed)
        said = [sum(words in text for words in VALUES) for text in made.captions.texts]
        assert said == [2, 2, 1, 2]


def test_a_hidden_trait_is_shown_by_no_picture_and_what_to_learn_of_it_is_not_known() -> None:
    tokens = material((RED, CAP), (RED, CROWN), (GREEN, CROWN))
    for seed in range(20):
        made = views(tokens, masking=MaskingConfig(p=0.5, fill="zero"), seed=seed)
        for of, tags in enumerate(tokens.tags):
            for phrase, fits, weights in zip(
                made.phrases.texts, made.phrases.fits_TB, made.phrases.weights_TB, strict=True
            ):
                has = phrase in {tag.words for tag in tags}
                said = phrase in made.captions.texts[of]
                assert fits[of] == said
                assert (weights[of] == 0) == (has and not said)


def test_a_caption_that_would_fit_a_hidden_trait_is_neither_learnt_nor_unlearnt() -> None:
    tokens = material((RED, CAP), (RED, CAP))
    for seed in range(30):
        made = views(tokens, masking=MaskingConfig(p=0.5, fill="zero"), seed=seed).captions
        both = "red body and cap hat"
        if both in made.texts[0] and both not in made.texts[1]:
            assert not made.fits_TB[0, 1]
            assert made.weights_TB.tolist() == [[1, 0], [1, 1]]
            return
    raise AssertionError("no such draw")


def test_the_control_drops_tags_and_leaves_the_pixels_alone() -> None:
    control = MaskingConfig(p=0.9, pixels=False)
    made = views(EVERY, masking=control)
    assert (made.frames_PHWC == EVERY.frames_NHWC).all()
    masked = views(EVERY, masking=MaskingConfig(p=0.9))
    assert made.captions.texts == masked.captions.texts
    assert sum(words in text for text in made.captions.texts for words in VALUES) < 11


def test_other_is_another_token_of_the_batch() -> None:
    tokens = material((DAWN, RED, CAP), (NIGHT, GREEN))
    made = views(tokens, masking=MaskingConfig(p=1.0, mode="one_of", fill="other"))
    for of in (0, 1):
        own, other = tokens.frames_NHWC[of], tokens.frames_NHWC[1 - of]
        taken = (made.frames_PHWC[of] != own).any(axis=2)
        assert (made.frames_PHWC[of][taken] == other[taken]).all()
        assert taken.any()


def test_tags_without_a_mask_are_kept_and_counted() -> None:
    tokens = material((RED, RANK), (GREEN, RANK))
    made = views(tokens, masking=MaskingConfig(p=1.0))
    assert made.captions.texts == ["lil apes with rank 7", "lil apes with rank 7"]
    assert tokens.without_mask() == 2


@pytest.mark.parametrize("fill", FILLS)
def test_parts_are_slices_of_the_whole(fill: str) -> None:
    config = MaskingConfig(p=0.5, fill=fill)
    whole = views(EVERY, masking=config, swaps=ALL_SWAPPED, seed=4)
    for part in (slice(0, 3), slice(3, None), slice(1, None, 2), slice(100, None)):
        some = views(EVERY, masking=config, swaps=ALL_SWAPPED, seed=4, part=part)
        assert (some.frames_PHWC == whole.frames_PHWC[part]).all()
        assert len(some.frames_PHWC) == len(whole.frames_PHWC[part])
        assert some.captions.texts == whole.captions.texts
        assert (some.phrases.weights_TB == whole.phrases.weights_TB).all()
        assert some.swaps_S2.tolist() == whole.swaps_S2.tolist()


def test_one_generator_gives_one_batch_and_another_another() -> None:
    first, second, third = (
        views(EVERY, masking=MaskingConfig(p=0.5), swaps=SwapConfig(share=0.5), seed=seed)
        for seed in (3, 3, 5)
    )
    assert first.captions.texts == second.captions.texts != third.captions.texts
    assert (first.frames_PHWC == second.frames_PHWC).all()


def test_the_material_itself_is_never_painted_on() -> None:
    before = EVERY.frames_NHWC.copy()
    for fill in FILLS:
        views(EVERY, masking=MaskingConfig(p=1.0, fill=fill), swaps=ALL_SWAPPED)
    assert (EVERY.frames_NHWC == before).all()


def test_a_twin_follows_with_its_picture_and_its_caption() -> None:
    made = views(EVERY, swaps=ALL_SWAPPED)
    assert made.swaps_S2.tolist() == [[0, 4], [1, 5], [2, 6], [3, 7]]
    assert made.pictures == len(made.frames_PHWC) == 8
    for text, picture in zip(made.captions.texts, made.frames_PHWC, strict=True):
        assert (picture == picture_of(text)).all()


def test_a_picture_and_its_twin_say_the_same_but_for_one_phrase_that_only_one_shows() -> None:
    for seed in range(20):
        made = views(EVERY, captions=CaptionConfig(partial=0.7), swaps=ALL_SWAPPED, seed=seed)
        for one, twin in made.swaps_S2.tolist():
            said, other = made.captions.texts[one].split(), made.captions.texts[twin].split()
            assert sum(a != b for a, b in zip(said, other, strict=True)) == 1
            assert not made.captions.fits_TB[one, twin]
            assert not made.captions.fits_TB[twin, one]


def test_a_twin_in_several_traits_shows_and_says_all_new_values() -> None:
    changed = set()
    for seed in range(20):
        made = views(EVERY, swaps=MANY_SWAPPED, seed=seed)
        for text, picture in zip(made.captions.texts, made.frames_PHWC, strict=True):
            assert (picture == picture_of(text)).all()
        for one, twin in made.swaps_S2.tolist():
            sides = [{w for w in VALUES if w in made.captions.texts[of]} for of in (one, twin)]
            changed.add((len(sides[0]), len(sides[1] - sides[0])))
    assert changed == {(3, 1), (3, 2), (3, 3), (2, 1), (2, 2)}


def test_partial_captions_of_twins_name_every_swapped_value_and_fit_one_of_both() -> None:
    captions = CaptionConfig(partial=1.0, unnamed=0.0)
    for seed in range(20):
        made = views(EVERY, captions=captions, swaps=MANY_SWAPPED, seed=seed)
        phrases, shown_TB = made.phrases.texts, made.phrases.fits_TB
        for one, twin in made.swaps_S2.tolist():
            for of, other in ((one, twin), (twin, one)):
                own = {p for p, fits in zip(phrases, shown_TB, strict=True) if fits[of]}
                new = {p for p, fits in zip(phrases, shown_TB, strict=True) if not fits[other]}
                assert own & new, "they differ"
                assert all(phrase in made.captions.texts[of] for phrase in own & new)
                assert made.captions.fits_TB[of, of]
                assert not made.captions.fits_TB[of, other]


def test_a_twin_hides_what_its_picture_hides() -> None:
    config = MaskingConfig(p=0.5, fill="beneath")
    for seed in range(20):
        made = views(EVERY, masking=config, swaps=ALL_SWAPPED, seed=seed)
        sides = [{w for w in VALUES if w in text} for text in made.captions.texts]
        for one, twin in made.swaps_S2.tolist():
            assert len(sides[one]) == len(sides[twin])
            kinds = [{words.split()[1] for words in sides[of]} for of in (one, twin)]
            assert kinds[0] == kinds[1]


def test_the_sub_captions_of_a_twin_name_its_own_value() -> None:
    config = CaptionConfig(partial=0.0, sub_captions=3)
    made = views(EVERY, captions=config, swaps=ALL_SWAPPED).captions
    assert made.of_T.tolist() == [*range(8), *np.repeat(range(8), 3)]
    assert made.fits_TB[np.arange(32), made.of_T].all()


def test_written_captions_stand_where_nothing_is_hidden_or_swapped() -> None:
    tokens = dataclasses.replace(EVERY, written=["A merry ape.", None, "Green at dawn.", None])
    config = CaptionConfig(partial=0.0, written="merry", written_share=1.0)
    made = views(tokens, captions=config).captions
    assert made.texts[::2] == ["A merry ape.", "Green at dawn."]
    assert made.texts[1] == "lil apes with night sky, green body and crown hat"
    assert made.fits_TB.tolist() == np.eye(4, dtype=bool).tolist()
    masked = views(tokens, captions=config, masking=MaskingConfig(p=1.0, fill="zero")).captions
    swapped = views(tokens, captions=config, swaps=ALL_SWAPPED).captions
    for text in (*masked.texts, *swapped.texts):
        assert text.startswith("lil apes with")


def test_a_share_of_the_written_captions_is_taken() -> None:
    tokens = dataclasses.replace(EVERY, written=["Mine."] * 4)
    config = CaptionConfig(partial=0.0, written="merry", written_share=0.3)
    texts = [t for s in range(100) for t in views(tokens, captions=config, seed=s).captions.texts]
    assert np.mean([text == "Mine." for text in texts]) == pytest.approx(0.3, abs=0.08)


def test_a_batch_of_one_token_and_tokens_without_words_are_fine() -> None:
    single = views(material((RED, CAP)), masking=MaskingConfig(p=1.0, fill="other"))
    assert single.captions.fits_TB.tolist() == [[True]]
    wordless = views(plain_material((), ()), captions=CaptionConfig(partial=1.0, sub_captions=1))
    assert wordless.captions.texts == ["c0"] * 4
    assert wordless.captions.fits_TB.all()
    assert wordless.phrases.fits_TB.shape == (0, 2)


def test_collections_do_not_take_one_anothers_captions() -> None:
    tokens = plain_material((Tag("red hat"),), (Tag("red hat"),), collections=[0, 1], names=2)
    made = views(tokens)
    assert made.captions.fits_TB.tolist() == [[True, False], [False, True]]
    assert made.phrases.fits_TB.tolist() == [[True, True]]


def test_numbers_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"captions\.sub_captions must be at least 0; got -1"):
        CaptionConfig(sub_captions=-1)
    with pytest.raises(ConfigError, match=r"captions.partial must be in \[0, 1\]; got 2"):
        CaptionConfig(partial=2)


def test_other_words_change_what_is_said_and_not_what_is_true() -> None:
    plain = views(EVERY)
    told = [
        views(EVERY, captions=CaptionConfig(partial=0.0, reworded=1.0), seed=seed)
        for seed in range(30)
    ]
    for made in told:
        assert (made.captions.fits_TB == plain.captions.fits_TB).all()
        assert (made.phrases.fits_TB == plain.phrases.fits_TB).all()
        assert (made.phrases.weights_TB == plain.phrases.weights_TB).all()
    said = {text for made in told for text in made.phrases.texts}
    assert {"cap hat", "cap", "baseball cap"} <= said
    assert any(text.startswith("lil apes wearing") for made in told for text in made.captions.texts)


def test_pictures_are_framed_after_all_else_and_each_part_is_what_it_is_in_the_whole() -> None:
    framing = FramingConfig(share=0.7, crop=0.3)
    whole = views(EVERY, swaps=ALL_SWAPPED, framing=framing)
    as_drawn = views(EVERY, swaps=ALL_SWAPPED)
    framed = (whole.frames_PHWC != as_drawn.frames_PHWC).any(axis=(1, 2, 3))
    assert framed.any() and not framed.all()
    for rank in range(2):
        part = slice(rank, None, 2)
        some = views(EVERY, swaps=ALL_SWAPPED, framing=framing, part=part)
        assert (some.frames_PHWC == whole.frames_PHWC[part]).all()
    assert whole.captions.texts == as_drawn.captions.texts

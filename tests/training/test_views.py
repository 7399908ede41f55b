"""A view's captions and its picture always say the same."""

import numpy as np

from traitlens.training.masking import MaskingConfig
from traitlens.training.material import Material, Tag
from traitlens.training.views import CaptionConfig, Views, draw_views

RED, BLUE, HAT, PIPE = Tag("red fur", 0), Tag("blue fur", 0), Tag("hat", 1), Tag("pipe", 2)


def material(*tags: tuple[Tag, ...]) -> Material:
    masks = np.zeros((3, 2, 2), np.bool_)
    masks[[0, 1, 2], [0, 0, 1], [0, 1, 0]] = True
    return Material(
        collections=("lil-apes",),
        collection_N=np.zeros(len(tags), np.int64),
        frames_NHWC=np.full((len(tags), 2, 2, 3), 200, np.uint8),
        tags=tags,
        masks_KHW=masks,
    )


def views(
    tokens: Material, *, p: float = 0.0, partial: float = 0.0, unnamed: float = 0.0, seed: int = 0
) -> Views:
    return draw_views(
        tokens,
        np.arange(len(tokens)),
        masking=MaskingConfig(p=p, fill="zero"),
        captions=CaptionConfig(partial=partial, unnamed=unnamed),
        rng=np.random.default_rng(seed),
    )


def test_equal_captions_are_positives_and_not_negatives() -> None:
    drawn = views(material((RED, HAT), (BLUE, HAT), (RED, HAT), (RED,)))
    assert drawn.captions.texts[0] == "lil apes with red fur and hat"
    assert drawn.captions.fits_TB.astype(int).tolist() == [
        [1, 0, 1, 0],
        [0, 1, 0, 0],
        [1, 0, 1, 0],
        [0, 0, 0, 1],
    ]


def test_a_partial_caption_fits_every_picture_that_shows_its_phrases() -> None:
    tokens = material((RED, HAT, PIPE), (BLUE, HAT), (RED,))
    for seed in range(30):
        drawn = views(tokens, partial=1.0, unnamed=0.5, seed=seed)
        for text, fits in zip(drawn.captions.texts, drawn.captions.fits_TB, strict=True):
            said = {tag.words for tag in (RED, BLUE, HAT, PIPE) if tag.words in text}
            for tags, true in zip(tokens.tags, fits, strict=True):
                shown = {tag.words for tag in tags}
                whole = not text.startswith("lil apes") or said != shown
                assert true == (said <= shown) or not whole


def test_every_phrase_is_there_once_with_the_pictures_that_show_it() -> None:
    drawn = views(material((RED, HAT), (BLUE, HAT), (RED,)))
    assert drawn.phrases.texts == ["blue fur", "hat", "red fur"]
    assert drawn.phrases.fits_TB.astype(int).tolist() == [[0, 1, 0], [1, 1, 0], [1, 0, 1]]


def test_a_hidden_component_leaves_the_picture_the_caption_and_the_phrases() -> None:
    tokens = material((RED, HAT, PIPE))
    seen = set()
    for seed in range(40):
        drawn = views(tokens, p=0.5, seed=seed)
        gone = {tag.words for tag in (RED, HAT, PIPE) if tag.words not in drawn.captions.texts[0]}
        assert set(drawn.phrases.texts) == {"red fur", "hat", "pipe"} - gone
        for tag in (RED, HAT, PIPE):
            where = tokens.masks_KHW[tag.component]
            assert (drawn.frames_BHWC[0][where] == (0 if tag.words in gone else 200)).all()
        seen.add(frozenset(gone))
    assert len(seen) == 7, "every pattern but all three occurs"


def test_the_material_itself_is_never_painted_on() -> None:
    tokens = material((RED, HAT, PIPE))
    views(tokens, p=1.0)
    assert (tokens.frames_NHWC == 200).all()


def test_one_generator_gives_one_batch() -> None:
    tokens = material((RED, HAT, PIPE), (BLUE, HAT), (RED,))
    first, second = (views(tokens, p=0.5, partial=0.5, seed=3) for _ in range(2))
    assert first.captions.texts == second.captions.texts
    assert (first.frames_BHWC == second.frames_BHWC).all()

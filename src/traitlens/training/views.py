"""What one step sees of its tokens: pictures, captions, and which caption fits which picture.

Axes: B tokens of a batch, T texts, P phrases in it, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from traitlens.captions import collection_words, draw_some, sentence
from traitlens.config import check_range
from traitlens.training.masking import MaskingConfig, choose_hidden, hide, union
from traitlens.training.material import Material, Tag, tag_words


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionConfig:
    """How captions vary.

    People type a few traits, not all of them, and seldom the collection's name; a sub-caption is
    that: some of the traits, with the picture untouched (DreamLIP's sub-captions).
    """

    partial: float = 0.5  # share of sub-captions, in [0, 1]
    unnamed: float = 0.5  # share of those without the collection's name, in [0, 1]
    # Whole captions tell tokens apart and so teach faster: sub-captions come in by and by, over
    # this share of the steps, in [0, 1].
    ramp: float = 0.3

    def __post_init__(self) -> None:
        check_range("captions.partial", self.partial, low=0, high=1)
        check_range("captions.unnamed", self.unnamed, low=0, high=1)
        check_range("captions.ramp", self.ramp, low=0, high=1)

    def at(self, gone: float) -> CaptionConfig:
        """Return the config that holds when `gone`, in [0, 1], of the steps are taken."""
        share = min(1.0, gone / self.ramp) if self.ramp else 1.0
        return replace(self, partial=self.partial * share, ramp=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Texts and whether text i fits frame j: `fits_TB[i, j]`."""

    texts: list[str]
    fits_TB: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """A batch: frames, one caption a frame, and every phrase that some frame shows, once."""

    frames_BHWC: NDArray[np.uint8]
    captions: Texts
    phrases: Texts


@dataclass(frozen=True, slots=True)
class _Said:
    """A caption and the phrases in it; a `whole` one names all that its picture shows."""

    text: str
    phrases: frozenset[str]
    whole: bool


def draw_views(
    material: Material,
    rows: NDArray[np.int64],
    *,
    masking: MaskingConfig,
    captions: CaptionConfig,
    rng: np.random.Generator,
) -> Views:
    """Return views of the tokens in `rows`: components hidden, tags dropped with them."""
    frames_BHWC = material.frames_NHWC[rows]
    chosen: list[list[int]] = []
    names: list[str] = []
    shown: list[frozenset[str]] = []
    said: list[_Said] = []
    for row in rows:
        tags, collection = material.tags[row], material.collections[material.collection_N[row]]
        hidden = choose_hidden(tags, p=masking.p, rng=rng) if masking.p else []
        visible = [tag for i, tag in enumerate(tags) if i not in hidden]
        chosen.append([tags[i].component for i in hidden])
        shown.append(frozenset(tag_words(visible)))
        names.append(collection_words(collection))
        said.append(_say(collection, visible, captions, rng=rng))
    if masking.p:
        hidden_BHW = union(material.masks_KHW, chosen)
        frames_BHWC = hide(frames_BHWC, hidden_BHW, fill=masking.fill, rng=rng)
    named = [words | {name} for words, name in zip(shown, names, strict=True)]
    phrases = [_Said(words, frozenset([words]), whole=False) for words in _once(shown)]
    return Views(
        frames_BHWC=frames_BHWC,
        captions=Texts(texts=[s.text for s in said], fits_TB=_fits(said, named)),
        phrases=Texts(texts=[s.text for s in phrases], fits_TB=_fits(phrases, shown)),
    )


def _once(sets: Sequence[frozenset[str]]) -> list[str]:
    return sorted(frozenset().union(*sets))


def _say(
    collection: str, visible: Sequence[Tag], config: CaptionConfig, *, rng: np.random.Generator
) -> _Said:
    name = collection_words(collection)
    words = tag_words(visible)
    if not words or rng.random() >= config.partial:
        return _Said(sentence(name, words), frozenset([name, *words]), whole=True)
    some = draw_some(words, rng=rng)
    if rng.random() < config.unnamed:
        return _Said(sentence("", some), frozenset(some), whole=False)
    return _Said(sentence(name, some), frozenset([name, *some]), whole=False)


def _fits(said: Sequence[_Said], shown: Sequence[frozenset[str]]) -> NDArray[np.bool_]:
    """Return which text is true of which picture: bool (T, B).

    A whole caption fits the pictures that show exactly its phrases, so equal captions are one
    another's positives; a partial one fits every picture that shows its phrases.
    """
    column = {words: i for i, words in enumerate(_once(shown))}
    said_TP = _indicator([s.phrases for s in said], column)
    shown_BP = _indicator(shown, column)
    included = said_TP @ shown_BP.T == said_TP.sum(1, keepdims=True)
    as_many = said_TP.sum(1)[:, None] == shown_BP.sum(1)[None, :]
    partial = np.array([not s.whole for s in said])[:, None]
    return np.asarray(included & (as_many | partial))


def _indicator(sets: Sequence[frozenset[str]], column: dict[str, int]) -> NDArray[np.float32]:
    result = np.zeros((len(sets), len(column)), np.float32)
    for row, words in zip(result, sets, strict=True):
        row[[column[word] for word in words]] = 1
    return result

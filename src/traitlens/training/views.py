"""What one step sees of its tokens: pictures, captions, and which text is true of which picture.

Axes: B pictures of a batch, S swaps, H height, W width, C colour channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from traitlens.captions import collection_words, draw_some, sentence
from traitlens.captions.rewording import retold, reworded
from traitlens.config import check_range
from traitlens.training.batch import Texts, Views
from traitlens.training.framing import Framing, FramingConfig, draw_framings
from traitlens.training.masking import MaskingConfig, Surroundings, choose_hidden, hide
from traitlens.training.material import Material
from traitlens.training.swapping import SwapConfig, draw_swaps
from traitlens.training.tags import Tag, tag_words
from traitlens.training.truth import Said, Shown, judged, phrase_weights
from traitlens.training.twins import Swap, Wearer


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
    sub_captions: int = 0  # that each picture has besides, at least 0
    # The power of the visible area in what is learnt from a phrase (`truth.phrase_weights`), at
    # least 0; at 0 the area does not count.
    phrase_area: float = 1.0
    # The captions of that name, which `traitlens caption` has written, in the place of some whole
    # ones: where nothing is hidden or swapped, since nobody knows which words tell which trait.
    written: str | None = None
    written_share: float = 0.5  # chance that a picture with such a caption gets it, in [0, 1]
    # Chance that a caption or a phrase is said as someone who searches might, in [0, 1]: in other
    # words (`captions.lexicon`), another order, without what goes without saying.
    reworded: float = 0.0

    def __post_init__(self) -> None:
        check_range("captions.partial", self.partial, low=0, high=1)
        check_range("captions.unnamed", self.unnamed, low=0, high=1)
        check_range("captions.ramp", self.ramp, low=0, high=1)
        check_range("captions.sub_captions", self.sub_captions, low=0)
        check_range("captions.phrase_area", self.phrase_area, low=0)
        check_range("captions.written_share", self.written_share, low=0, high=1)
        check_range("captions.reworded", self.reworded, low=0, high=1)

    def at(self, gone: float) -> CaptionConfig:
        """Return the config that holds when `gone`, in [0, 1], of the steps are taken."""
        share = min(1.0, gone / self.ramp) if self.ramp else 1.0
        return replace(self, partial=self.partial * share, ramp=0.0)


_NO_SWAPS, _AS_THEY_ARE = SwapConfig(), FramingConfig()


def draw_views(
    material: Material,
    rows: NDArray[np.int64],
    *,
    masking: MaskingConfig,
    captions: CaptionConfig,
    swaps: SwapConfig = _NO_SWAPS,
    framing: FramingConfig = _AS_THEY_ARE,
    rng: np.random.Generator,
    part: slice = slice(None),
) -> Views:
    """Return views of the tokens in `rows`: components hidden, tags dropped with them.

    Twins of some tokens follow, as `swaps` asks for; a twin that is not worth having is not made.
    At last pictures are framed as `framing` says, a token and its twin each by itself.
    Everything is drawn for the whole batch, so processes with the same generator agree on it;
    frames are painted for `part` of the pictures alone, twins included: `slice(rank, None, ranks)`
    shares out any number of them.
    """
    pictures = _draw_pictures(material, rows, masking, rng=rng)
    twins = _draw_twins(material, pictures, swaps, rng=rng)
    said = _draw_captions(pictures, twins, captions, material.kinds, rng=rng)
    swapped = [(of, len(pictures) + number) for number, of in enumerate(twins)]
    pictures += [pictures[of].twin(swap) for of, swap in twins.items()]
    framings = draw_framings(len(pictures), framing, rng=rng)
    pictures = [replace(one, framing=framings.get(of)) for of, one in enumerate(pictures)]
    shown = [picture.shown() for picture in pictures]
    named = [replace(s, phrases=s.phrases | {p.name}) for s, p in zip(shown, pictures, strict=True)]
    return Views(
        frames_PHWC=_painted(material, pictures[part], masking),
        part=part,
        captions=judged(said, named, material.vocabulary),
        phrases=_phrases(shown, material, captions, rng=rng),
        swaps_S2=np.array(swapped, np.int64).reshape(-1, 2),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """A token as a step sees it, before it is painted."""

    row: int
    collection: int
    name: str  # of the collection, in words
    tags: tuple[Tag, ...]
    hidden: tuple[int, ...]  # positions of tags
    other: int  # the row of the token that may fill the hole
    written: str | None  # a caption that tells what all its tags do
    swap: Swap | None = None
    framing: Framing | None = None

    @property
    def left(self) -> tuple[Tag, ...]:
        """The tags that are not hidden."""
        return tuple(tag for at, tag in enumerate(self.tags) if at not in self.hidden)

    def twin(self, swap: Swap) -> _Picture:
        return replace(self, tags=swap.of_tags(self.tags), swap=swap)

    def shown(self) -> Shown:
        gone = {self.tags[at].words for at in self.hidden}
        left = frozenset(tag_words(self.left))
        return Shown(collection=self.collection, phrases=left, hidden=frozenset(gone - left))


def _painted(
    material: Material, pictures: Sequence[_Picture], masking: MaskingConfig
) -> NDArray[np.uint8]:
    """Return the frames with swaps made, hidden parts filled, and framed: uint8 (B, H, W, C)."""
    frames_BHWC = material.frames_NHWC[[picture.row for picture in pictures]]
    for number, picture in enumerate(pictures):
        if picture.swap is not None:
            picture.swap.paint(frames_BHWC[number])
    holed = [number for number, picture in enumerate(pictures) if picture.hidden]
    if holed and masking.pixels:
        some = [pictures[number] for number in holed]
        frames_BHWC[holed] = _hidden(material, some, frames_BHWC[holed], fill=masking.fill)
    for frame_HWC, picture in zip(frames_BHWC, pictures, strict=True):
        if picture.framing is not None:
            frame_HWC[:] = picture.framing.of(frame_HWC)
    return frames_BHWC


def _hidden(
    material: Material,
    pictures: Sequence[_Picture],
    frames_BHWC: NDArray[np.uint8],
    *,
    fill: str,
) -> NDArray[np.uint8]:
    around = Surroundings(
        means_GHWC=material.means_GHWC,
        grounds=material.grounds,
        collection_B=np.array([picture.collection for picture in pictures]),
        frames_NHWC=material.frames_NHWC,
        other_B=np.array([picture.other for picture in pictures]),
    )
    gone = [tuple(picture.tags[at] for at in picture.hidden) for picture in pictures]
    return hide(
        frames_BHWC,
        [material.stack(tags) for tags in gone],
        [material.stack(picture.left) for picture in pictures],
        fill=fill,
        around=around,
    )


def _draw_pictures(
    material: Material,
    rows: NDArray[np.int64],
    masking: MaskingConfig,
    *,
    rng: np.random.Generator,
) -> list[_Picture]:
    pictures = []
    other_N = _others(len(rows), rng=rng)
    for row, other in zip(rows.tolist(), rows[other_N].tolist(), strict=True):
        tags, collection = material.tags[row], int(material.collection_N[row])
        hidden = choose_hidden(tags, p=masking.p, mode=masking.mode, rng=rng) if masking.p else []
        picture = _Picture(
            row=row,
            collection=collection,
            name=collection_words(material.collections[collection]),
            tags=tags,
            hidden=tuple(hidden),
            other=other,
            written=None if hidden else material.written[row],
        )
        pictures.append(picture)
    return pictures


def _others(count: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return another one for each of `count`, no two the same; with a single one, itself."""
    order = rng.permutation(count)
    other = np.empty(count, np.int64)
    other[order] = np.roll(order, 1)
    return other


def _draw_twins(
    material: Material,
    pictures: Sequence[_Picture],
    config: SwapConfig,
    *,
    rng: np.random.Generator,
) -> dict[int, Swap]:
    """Return the swaps of some of the pictures, by number."""
    chosen = sorted(rng.permutation(len(pictures))[: config.wanted(len(pictures))].tolist())
    wearers = [
        Wearer(row=one.row, collection=one.collection, tags=one.tags, hidden=one.hidden)
        for one in (pictures[of] for of in chosen)
    ]
    swaps = draw_swaps(material, wearers, config=config, rng=rng)
    return {of: swap for of, swap in zip(chosen, swaps, strict=True) if swap is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caption:
    """What a caption says: the collection's name, or "", and some phrases.

    `text` has the words in which it says so, where they are not the template's.
    """

    name: str
    words: tuple[str, ...]
    whole: bool = False
    text: str | None = None

    def said(self, of: int) -> Said:
        phrases = (self.name, *self.words) if self.name else self.words
        text = self.text or sentence(self.name, self.words)
        return Said(text=text, phrases=phrases, whole=self.whole, of=of)

    def told(self, kinds: Mapping[str, str], *, rng: np.random.Generator) -> _Caption:
        """Return the caption in other words."""
        return replace(self, text=retold(self.name, self.words, kinds, rng=rng))

    def saying(self, phrases: Iterable[str]) -> _Caption:
        """Return a caption of the template that says these phrases, too."""
        more = tuple(words for words in phrases if words not in self.words)
        return replace(self, words=self.words + more, text=None)

    def swapped(self, instead: Mapping[str, str]) -> _Caption:
        return replace(self, words=tuple(instead.get(words, words) for words in self.words))


def _draw_captions(
    pictures: Sequence[_Picture],
    twins: Mapping[int, Swap],
    config: CaptionConfig,
    kinds: Mapping[str, str],
    *,
    rng: np.random.Generator,
) -> list[Said]:
    """Return a caption for each picture, then for each twin, then all their sub-captions.

    A picture and its twin say the same but for the phrases that are swapped, and both say those.
    """
    drawn = [_draw_caption(picture, config, rng=rng) for picture in pictures]
    more = [
        [_draw_partial(picture, config, rng=rng) for _ in range(config.sub_captions)]
        for picture in pictures
    ]
    for of, swap in twins.items():
        tags = pictures[of].tags
        instead = {tags[change.position].words: change.tag.words for change in swap.changes}
        drawn[of] = drawn[of].saying(instead)
        drawn.append(drawn[of].swapped(instead))
        more.append([caption.swapped(instead) for caption in more[of]])
    captions = [*enumerate(drawn), *((of, c) for of, some in enumerate(more) for c in some)]
    return [
        (caption.told(kinds, rng=rng) if _happens(config.reworded, rng) else caption).said(of)
        for of, caption in captions
    ]


def _happens(chance: float, rng: np.random.Generator) -> bool:
    """Return whether something of a chance happens; what never does takes no random number."""
    return chance > 0 and rng.random() < chance


def _draw_caption(
    picture: _Picture, config: CaptionConfig, *, rng: np.random.Generator
) -> _Caption:
    if picture.left and rng.random() < config.partial:
        return _draw_partial(picture, config, rng=rng)
    written = picture.written if rng.random() < config.written_share else None
    words = tuple(tag_words(picture.left))
    return _Caption(name=picture.name, words=words, whole=True, text=written)


def _draw_partial(
    picture: _Picture, config: CaptionConfig, *, rng: np.random.Generator
) -> _Caption:
    """Return a caption of some of the phrases; of the name alone where there are none."""
    words = tag_words(picture.left)
    some = tuple(draw_some(words, rng=rng)) if words else ()
    unnamed = rng.random() < config.unnamed and bool(some)
    return _Caption(name="" if unnamed else picture.name, words=some)


def _phrases(
    shown: Sequence[Shown],
    material: Material,
    config: CaptionConfig,
    *,
    rng: np.random.Generator,
) -> Texts:
    """Return every phrase that some picture shows, once."""
    words = sorted(frozenset().union(*(s.phrases for s in shown)))
    texts = judged([Said(text=w, phrases=(w,)) for w in words], shown, material.vocabulary)
    weights_TB = phrase_weights(texts, shown, material.vocabulary, area=config.phrase_area)
    told = [
        reworded(w, material.kinds.get(w, ""), rng=rng) if _happens(config.reworded, rng) else w
        for w in words
    ]
    return replace(texts, texts=told, weights_TB=weights_TB)

"""Does the heat of a trait's words lie where the trait is? By true masks, beside chance.

    python -m benchmarks.explaining --pfp ../shared/pfp --skip 150

`--pfp` is a folder of collection zips with true masks (`benchmarks.separation.truth`). Of each
collection some tokens are drawn, of each token two traits that one sees on 0.3 to 40% of the
picture. For their words:

    hit     the hottest point lies in the visible mask (the pointing game, Zhang et al. 2018)
    inside  the share of the heat that lies in the mask
    chance  the mask's share of the picture; and a hit of whoever always points at the middle

Ways to paint over: windows with the border's colour (what `retrieval.heat` does), with the
picture's mean colour, or with the picture blurred; and RISE (Petsiuk et al. 2018) with the border's
colour. Scores: the fall of the cosine ("cosine"), and of what the words have beyond the mean of the
collection's words ("beyond usual"). `--skip` leaves out the tokens that a choice was made on.

The second table is about when to show a heat: words of a trait that the token has, of another value
of the same type, and of another type, which it has not. The third: questions of two traits.

Axes: K masks, D dimensions, H height, W width, S side of a small picture.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.separation.truth import Labelled, read
from traitlens.captions.words import phrase
from traitlens.models import load_encoder
from traitlens.models.encoder import Encoder
from traitlens.records import Trait
from traitlens.retrieval.heat import Looks, heat_of, look, opaque, painted_over
from traitlens.separation.masks import read_picture
from traitlens.tables import Column, Table, percents, to_markdown

COLLECTIONS = ("nouns", "lilnouns", "mfers", "avastars", "cryptopunks")
_S = 64
_RISE_MASKS, _RISE_CELLS = 300, 7
_AREA = (0.003, 0.4)  # of masks that are pointed at
_WAYS = ("windows, border", "windows, mean", "windows, blurred", "RISE, border")
_SHIPPED_WAY = "windows, border"
_KINDS = ("has", "other value", "other type")

Map = NDArray[np.float64]  # (S, S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointing:
    """One map beside one mask."""

    hit: float
    inside: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is known of one map before the truth is: whether it falls more, and is nearer."""

    kind: str  # of words, one of `_KINDS`
    clear: bool
    near: bool
    hit: float


def main() -> None:
    """Print the tables."""
    options = _options()
    encoder = load_encoder(options.model)
    pointing: dict[tuple[str, str, str], list[Pointing]] = defaultdict(list)
    shown: list[Shown] = []
    for name in COLLECTIONS:
        labelled = read(options.pfp / f"{name}.zip", limit=options.skip + options.pool)
        study = Study(name, labelled[options.skip :], encoder, seed=options.seed)
        for token, traits in study.drawn(options.tokens):
            study.measure(token, traits, pointing=pointing, shown=shown)
        print(f"{name}: {len(pointing[name, 'chance', ''])} pairs", flush=True)
    for table in (_pointing_table(pointing), _shown_table(shown), _question_table(pointing)):
        print("\n" + to_markdown(table))


class Study:
    """One collection: its words, and its tokens' vectors."""

    def __init__(
        self, name: str, labelled: Sequence[Labelled], encoder: Encoder, *, seed: int
    ) -> None:
        self._name = name
        self._labelled = labelled
        self._encoder = encoder
        self._rng = np.random.default_rng(seed)
        traits = {t for one in labelled for t in one.token.traits if phrase(t)}
        self._traits = sorted(traits, key=str)
        texts = sorted({phrase(trait) for trait in traits})
        self._words = dict(zip(texts, encoder.encode_texts(texts), strict=True))
        self._usual_D = np.mean(list(self._words.values()), axis=0)
        some = labelled[:: max(1, len(labelled) // 150)]
        self._some_ND = encoder.encode_images([read_picture(one.token) for one in some])
        self._rise_KSS = _rise_masks(self._rng)

    def drawn(self, count: int) -> Iterator[tuple[Labelled, list[tuple[Trait, Map]]]]:
        """Yield `count` tokens with two of their traits each, and these traits' masks."""
        left = count
        for at in self._rng.permutation(len(self._labelled)):
            one = self._labelled[at]
            seen = [
                (trait, _small(mask))
                for trait, mask in one.visible()
                if phrase(trait)
                and _AREA[0] < mask.mean() < _AREA[1]
                and "background" not in trait.trait_type.lower()
            ]
            if len(seen) >= 2 and left:
                left -= 1
                yield one, [seen[i] for i in self._rng.permutation(len(seen))[:2]]

    def measure(
        self,
        one: Labelled,
        traits: Sequence[tuple[Trait, Map]],
        *,
        pointing: dict[tuple[str, str, str], list[Pointing]],
        shown: list[Shown],
    ) -> None:
        """Add what one token says."""
        picture = read_picture(one.token)
        looks = {way: self._look(way, picture) for way in _WAYS}
        for trait, mask in traits:
            text_D = self._words[phrase(trait)]
            for way, found in looks.items():
                for score, direction_D in self._directions(text_D).items():
                    key = (self._name, way, score)
                    pointing[key].append(point(self._map(way, found, direction_D), mask))
            middle = Pointing(hit=float(mask[_S // 2, _S // 2] >= 0.5), inside=float(mask.mean()))
            pointing[self._name, "chance", ""].append(middle)
            for kind, words in self._asked(trait, one):
                shown.append(self._shown(kind, words, looks[_SHIPPED_WAY], mask))
        self._measure_question(traits, looks[_SHIPPED_WAY], pointing)

    def _directions(self, text_D: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {"cosine": text_D, "beyond usual": text_D - self._usual_D}

    def _look(self, way: str, picture: Image.Image) -> Looks:
        if way == _SHIPPED_WAY:
            return look(picture, self._encoder)
        whole_HWC = opaque(picture)
        border = np.concatenate([whole_HWC[0], whole_HWC[-1], whole_HWC[:, 0], whole_HWC[:, -1]])
        colour = np.median(border, axis=0) if way.startswith("RISE") else whole_HWC.mean((0, 1))
        fill_HWC = np.broadcast_to(colour.astype(np.uint8), whole_HWC.shape)
        if way == "windows, blurred":
            blur = ImageFilter.GaussianBlur(whole_HWC.shape[1] / 8)
            fill_HWC = np.asarray(Image.fromarray(whole_HWC).filter(blur))
        if way.startswith("RISE"):
            hidden = list(_mixed(whole_HWC, fill_HWC, self._rise_KSS))
        else:
            hidden = list(painted_over(whole_HWC, fill_HWC))
        vectors = self._encoder.encode_images(list(map(Image.fromarray, [whole_HWC, *hidden])))
        return Looks(whole_D=vectors[0], hidden_KD=vectors[1:])

    def _map(self, way: str, looks: Looks, direction_D: NDArray[np.float32]) -> Map:
        if not way.startswith("RISE"):
            return _enlarged(looks.falls(direction_D))
        fall_K = (looks.whole_D - looks.hidden_KD) @ direction_D
        return np.tensordot(fall_K - fall_K.mean(), self._rise_KSS, 1)

    def _asked(self, trait: Trait, one: Labelled) -> Iterator[tuple[str, str]]:
        """Yield words that the token has, and words that it has not."""
        own = {phrase(t) for t in one.token.traits}
        absent = [t for t in self._traits if phrase(t) not in own]
        same = [t for t in absent if t.trait_type == trait.trait_type]
        other = [t for t in absent if t.trait_type != trait.trait_type]
        yield "has", phrase(trait)
        for kind, some in (("other value", same), ("other type", other)):
            if some:
                yield kind, phrase(some[self._rng.integers(len(some))])

    def _shown(self, kind: str, words: str, looks: Looks, mask: Map) -> Shown:
        text_D = self._words[words]
        falls_GG = looks.falls(text_D)
        return Shown(
            kind=kind,
            clear=heat_of(falls_GG) is not None,
            near=bool(np.mean(self._some_ND @ text_D < looks.whole_D @ text_D) > 0.5),
            hit=point(_enlarged(falls_GG), mask).hit,
        )

    def _measure_question(
        self,
        traits: Sequence[tuple[Trait, Map]],
        looks: Looks,
        pointing: dict[tuple[str, str, str], list[Pointing]],
    ) -> None:
        """Add two traits asked for at once: the heat of all words, and that of each, added up."""
        phrases = [phrase(trait) for trait, _ in traits]
        union = np.maximum(*(mask for _, mask in traits))
        whole_D = self._encoder.encode_texts([" with ".join(phrases)])[0]
        parts = [looks.falls(self._words[words]) for words in phrases]
        maps = {
            "all words at once": looks.falls(whole_D),
            "each term, added up": sum(np.maximum(p, 0) / max(p.max(), 1e-9) for p in parts),
        }
        for how, found in maps.items():
            pointing[self._name, "question", how].append(point(_enlarged(found), union))
        chance = Pointing(hit=float(union[_S // 2, _S // 2] >= 0.5), inside=float(union.mean()))
        pointing[self._name, "question", "chance"].append(chance)


def point(found: Map, mask: Map) -> Pointing:
    """Return how a map lies to a mask."""
    positive = np.maximum(found, 0)
    hottest = np.unravel_index(found.argmax(), found.shape)
    inside = float((positive * mask).sum() / max(float(positive.sum()), 1e-9))
    return Pointing(hit=float(mask[hottest] >= 0.5), inside=inside)


def _small(mask_HW: NDArray[np.bool_]) -> Map:
    image = Image.fromarray(mask_HW.astype(np.uint8) * 255)
    return np.asarray(image.resize((_S, _S), Image.Resampling.BOX), np.float64) / 255


def _enlarged(grid: NDArray[np.float64]) -> Map:
    return grid.repeat(_S // len(grid), axis=0).repeat(_S // len(grid), axis=1)


def _rise_masks(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return random smooth masks, 1 where a picture is hidden: float32 (K, S, S)."""
    side = _S * (_RISE_CELLS + 1) // _RISE_CELLS
    masks = []
    for _ in range(_RISE_MASKS):
        cells = (rng.random((_RISE_CELLS + 1, _RISE_CELLS + 1)) < 0.5).astype(np.float32)
        large = np.asarray(Image.fromarray(cells).resize((side, side), Image.Resampling.BILINEAR))
        top, left = rng.integers(0, side - _S + 1, 2)
        masks.append(large[top : top + _S, left : left + _S])
    return np.stack(masks)


def _mixed(
    whole_HWC: NDArray[np.uint8], fill_HWC: NDArray[np.uint8], masks_KSS: NDArray[np.float32]
) -> Iterator[NDArray[np.uint8]]:
    size = (whole_HWC.shape[1], whole_HWC.shape[0])
    for mask_SS in masks_KSS:
        mask_HW = np.asarray(Image.fromarray(mask_SS).resize(size, Image.Resampling.BILINEAR))
        share_HW1 = mask_HW[..., None]
        yield (whole_HWC * (1 - share_HW1) + fill_HWC * share_HW1).astype(np.uint8)


def _table(
    title: str,
    pointing: Mapping[tuple[str, str, str], Sequence[Pointing]],
    rows: Sequence[tuple[str, str]],
) -> Table:
    """Return a row for each way and score: "hit / inside" for each collection, and the means."""
    columns = tuple(Column(name) for name in ("", *COLLECTIONS, "mean"))
    shown = []
    for way, score in rows:
        pairs = [_means(pointing[name, way, score]) for name in COLLECTIONS]
        cells = [f"{hit:.0%} / {inside:.0%}" for hit, inside in [*pairs, np.mean(pairs, axis=0)]]
        shown.append((f"{way}, {score}".rstrip(", "), *cells))
    return Table(title=title, columns=columns, rows=tuple(shown))


def _means(found: Sequence[Pointing]) -> tuple[float, float]:
    return float(np.mean([f.hit for f in found])), float(np.mean([f.inside for f in found]))


def _pointing_table(pointing: Mapping[tuple[str, str, str], Sequence[Pointing]]) -> Table:
    rows = [("chance", "")] + [(w, s) for w in _WAYS for s in ("cosine", "beyond usual")]
    return _table("Words of one trait, hit / inside", pointing, rows)


def _question_table(pointing: Mapping[tuple[str, str, str], Sequence[Pointing]]) -> Table:
    rows = [("question", how) for how in ("chance", "all words at once", "each term, added up")]
    return _table("Questions of two traits, hit / inside", pointing, rows)


def _shown_table(shown: Sequence[Shown]) -> Table:
    rules: dict[str, Callable[[Shown], bool]] = {
        "always": lambda s: True,
        "it falls more than it rises": lambda s: s.clear,
        "nearer than half of the collection": lambda s: s.near,
        "both": lambda s: s.clear and s.near,
    }
    rows: list[tuple[str | float, ...]] = []
    for name, rule in rules.items():
        shares = [np.mean([rule(s) for s in shown if s.kind == kind]) for kind in _KINDS]
        hit = np.mean([s.hit for s in shown if s.kind == "has" and rule(s)])
        rows.append((name, *map(float, shares), float(hit)))
    columns = ("shown: words it has", "another value", "another type", "hit, of those it has")
    return Table(
        title="When to show a heat", columns=(Column("rule"), *percents(columns)), rows=tuple(rows)
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pfp", type=Path, required=True, help="a folder of collection zips")
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--tokens", type=int, default=24, help="of each collection")
    parser.add_argument("--skip", type=int, default=0, help="tokens of each collection left out")
    parser.add_argument("--pool", type=int, default=150, help="tokens that are drawn from")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()

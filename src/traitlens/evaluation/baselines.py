"""Two baselines without a neural network, made as strong as such can be: pixels and colours.

A ridge regression, fitted on the train split, predicts a picture's features from the words of its
caption; a query is compared with the features of each picture by cosine. Both are Encoders, so
one code path scores them and the model.

Sizes and scaling were chosen on the validation split of five real collections (cryptoadz,
cryptopunks, moonbirds, moonrunners, nouns; macro top-1, N = 100 to 500): raw pixels 16 x 16 86%,
24 x 24 90%, 32 x 32 91%; square-rooted colour histograms of 4 bins a channel 81%, of 8 bins 92%
(without the root 84%; 192 bins of hue, saturation and value 86%).
"""

# Axes: B tokens of a batch, V words, F features

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.embedding import Embedded, Gallery, embed_all
from traitlens.embedding.encoding import BATCH, fill_texts
from traitlens.embedding.features import colour_roots, on_white, small_pixels
from traitlens.errors import DatasetError
from traitlens.evaluation.searching import search_collections
from traitlens.metrics import hits
from traitlens.models.encoder import Vectors, unit_rows
from traitlens.progress import Progress, silent
from traitlens.store import Dataset

PIXELS = 32  # px of a side: what most pixel art has or less

# What a fit may cost, whatever the data set: 39 real collections have 53,903 tokens to train on.
MAX_TRAIN = 200_000
MAX_WORDS = 5000

RIDGES = (0.3, 1.0, 3.0, 10.0, 100.0)
DEFAULT_RIDGE = 1.0  # where there is no validation split to choose on

# A feature that hardly varies must not be blown up to the size of the others. 0.3 is at most half
# a point below the best of 0 to 3 for either baseline; 0 costs the histogram 4 points.
_SCALE_FLOOR = 0.3

Array = NDArray[np.float64]


def raw_pixels(image: Image.Image) -> Array:
    """Return the picture on white as RGB values in [0, 1], of shape (PIXELS * PIXELS * 3,)."""
    return small_pixels(on_white(image), side=PIXELS) / 255


def colour_histogram(image: Image.Image) -> Array:
    """Return the square roots of the shares of BINS**3 colours, of the picture on white."""
    return colour_roots(on_white(image))


Features = Callable[[Image.Image], Array]
FEATURES: dict[str, Features] = {"raw pixels": raw_pixels, "colour histogram": colour_histogram}


@dataclass(frozen=True, slots=True)
class Words:
    """The vocabulary of the train captions; words beyond it are not seen."""

    column: dict[str, int]

    @staticmethod
    def of(captions: Iterable[str]) -> Words:
        """Return the words of captions, at most the `MAX_WORDS` that most of them have."""
        counts = Counter(word for caption in captions for word in _split(caption))
        kept = sorted(counts, key=lambda word: (-counts[word], word))[:MAX_WORDS]
        return Words({word: i for i, word in enumerate(sorted(kept))})

    def bags(self, texts: Sequence[str]) -> Array:
        """Return for each text which words are in it, 0 or 1, of shape (len(texts), V)."""
        bags_BV = np.zeros((len(texts), len(self.column)))
        for row, text in enumerate(texts):
            known = [self.column[word] for word in _split(text) if word in self.column]
            bags_BV[row, known] = 1
        return bags_BV


def _split(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """An Encoder: standardized picture features, and their prediction from words.

    A text or picture that is exactly average becomes a row of zeros.
    """

    name: str
    features: Features
    words: Words
    word_mean_V: Array
    mean_F: Array
    scale_F: Array
    weights_VF: Array
    ridge: float

    @property
    def dimension(self) -> int:
        return len(self.mean_F)

    @property
    def fingerprint(self) -> str:
        digest = hashlib.sha256(f"{self.name} {sorted(self.words.column)}".encode())
        for array in (self.word_mean_V, self.mean_F, self.scale_F, self.weights_VF):
            digest.update(array.tobytes())
        return digest.hexdigest()[:16]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return unit_rows((self.words.bags(texts) - self.word_mean_V) @ self.weights_VF)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        found_BF = np.stack([self.features(image) for image in images])
        return unit_rows((found_BF - self.mean_F) * self.scale_F)


class _Sums:
    """Running sums over the train split of one kind of features, enough for a regression."""

    def __init__(self, words: int) -> None:
        self.words = words
        self.y_F: Array = np.zeros(0)
        self.yy_F: Array = np.zeros(0)
        self.xy_VF: Array = np.zeros((0, 0))

    def add(self, bags_BV: Array, found_BF: Array) -> None:
        if not len(self.y_F):
            self.y_F, self.yy_F = np.zeros((2, found_BF.shape[1]))
            self.xy_VF = np.zeros((self.words, found_BF.shape[1]))
        self.y_F += found_BF.sum(axis=0)
        self.yy_F += (found_BF**2).sum(axis=0)
        self.xy_VF += bags_BV.T @ found_BF


def fit_baselines(data: Dataset, *, progress: Progress = silent) -> list[Baseline]:
    """Return the baselines, fitted on the train split alone.

    The strength of the ridge is the one with the best macro top-1 on the validation split.
    """
    train = _train(data)
    words = Words.of(caption for batch, _ in _batches(train) for caption in batch)
    n, n_words = len(train), len(words.column)
    x_V, xx_VV = np.zeros(n_words), np.zeros((n_words, n_words))
    sums = {name: _Sums(n_words) for name in FEATURES}
    for captions, rows in _batches(train):
        pictures = train.pictures(rows)
        bags_BV = words.bags(captions)
        x_V += bags_BV.sum(axis=0)
        xx_VV += bags_BV.T @ bags_BV
        for name, features in FEATURES.items():
            sums[name].add(bags_BV, np.stack([features(picture) for picture in pictures]))
        progress("fit baselines", rows.stop, n)
    mean_V = x_V / n
    covariance_VV = xx_VV / n - np.outer(mean_V, mean_V)
    return [
        _choose(data, _candidates(name, words, mean_V, covariance_VV, sums[name], n=n))
        for name in FEATURES
    ]


def _train(data: Dataset) -> Gallery:
    """Return the train tokens to fit on: all, or as many of each collection as `MAX_TRAIN` lets."""
    total = data.count(split="train")
    if not total:
        raise DatasetError(
            f"{data.path} has no train split to fit the baselines on; evaluate without baselines"
        )
    each = MAX_TRAIN // len(data.collections) if total > MAX_TRAIN else None
    return Gallery.of(data, split="train", max_gallery=each)


def _batches(train: Gallery) -> Iterator[tuple[list[str], range]]:
    """Yield captions and their rows, a batch at a time."""
    for name in train.collections:
        rows = train.rows(name)
        captions = [token.caption for token in train.tokens(name)]
        for start in range(0, len(captions), BATCH):
            batch = captions[start : start + BATCH]
            yield batch, range(rows.start + start, rows.start + start + len(batch))


def _candidates(
    name: str, words: Words, mean_V: Array, covariance_VV: Array, sums: _Sums, *, n: int
) -> Iterator[Baseline]:
    """Yield the closed-form ridge regression for each strength in `RIDGES`."""
    mean_F = sums.y_F / n
    deviation_F = np.sqrt(np.maximum(0.0, sums.yy_F / n - mean_F**2))
    typical = np.sqrt((deviation_F**2).mean())
    scale_F = 1 / np.maximum(deviation_F + _SCALE_FLOOR * typical, 1e-6)
    target_VF = (sums.xy_VF / n - np.outer(mean_V, mean_F)) * scale_F
    for ridge in RIDGES:
        # As if `ridge` were added to the sums of squares: it fades as tokens are added.
        penalized_VV = covariance_VV + ridge / n * np.eye(len(mean_V))
        yield Baseline(
            name=name,
            features=FEATURES[name],
            words=words,
            word_mean_V=mean_V,
            mean_F=mean_F,
            scale_F=scale_F,
            weights_VF=np.linalg.solve(penalized_VV, target_VF),
            ridge=ridge,
        )


def _choose(data: Dataset, candidates: Iterable[Baseline]) -> Baseline:
    """Return the candidate with the best macro top-1, text to image, on the validation split."""
    try:
        gallery = Gallery.of(data, split="validation")
    except DatasetError:  # nothing to choose on
        return next(c for c in candidates if c.ridge == DEFAULT_RIDGE)
    embedded: Embedded | None = None
    best: tuple[float, Baseline] | None = None
    for candidate in candidates:
        if embedded is None:
            (embedded,) = embed_all([candidate], gallery)
        else:  # the pictures' vectors do not depend on the ridge
            fill_texts(candidate, gallery, embedded.texts_ND)
        found = search_collections(embedded)
        tops = [hits(each["text_to_image"].instance, 1).mean() for each in found.values()]
        macro = float(np.mean(tops))
        if best is None or macro > best[0]:
            best = macro, candidate
    assert best is not None
    return best[1]

"""What the parts that put questions to a model share: one gallery, seeded draws, even wording."""

# Axes: Q questions, T texts, D dimensions

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens.captions import STYLES, CaptionConfig
from traitlens.digest import key_of
from traitlens.embedding import Embedded, Gallery
from traitlens.store import Dataset

# About a collection: a mean over collections weighs each alike, and fewer questions are a lottery.
MIN_QUESTIONS = 10

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


def one_gallery(found: Sequence[Embedded]) -> Gallery:
    """Return the gallery that all the models were put on."""
    gallery = found[0].gallery
    marks = {each.gallery.fingerprint for each in found}
    assert len(marks) == 1, f"models on {len(marks)} galleries cannot be compared"
    return gallery


def drawing(seed: int, part: str, collection: str) -> np.random.Generator:
    """Return what draws the questions of a part about a collection."""
    return np.random.default_rng(key_of(f"{seed}:{part}:{collection}"))


def too_few(questions: int, *, most: int) -> bool:
    """Return whether so few questions say nothing; `most` were to be asked, so they are enough."""
    return questions < min(MIN_QUESTIONS, most)


def even_wording(data: Dataset) -> CaptionConfig:
    """Return the style of a data set's captions, with the traits in the metadata's order.

    With the rarest trait first its place would tell how rare it is, and a question about two
    values could be answered without a look at the picture.
    """
    style = data.manifest.config.get("captions", {}).get("style")
    return CaptionConfig(style=style if style in STYLES else STYLES[0], order="metadata")


def scores_of(images_QD: NDArray[Any], texts_QTD: NDArray[Any]) -> Array:
    """Return each question's score of each of its texts, of shape (Q, T), in float64.

    Multiplied and summed number by number: a matrix product may give equal inputs other last bits.
    """
    scores: Array = (images_QD[:, None].astype(np.float64) * texts_QTD).sum(axis=2)
    return scores


def mean(values: Iterable[float]) -> float:
    """Return the mean of some numbers, of which there is at least one."""
    return float(np.mean(list(values)))


def skipped_note(skipped: Mapping[str, str]) -> str:
    """Return which collections were not measured, and why: "a: too few tokens. b: ..."."""
    return " ".join(f"Not measured: {name}, {reason}." for name, reason in skipped.items())

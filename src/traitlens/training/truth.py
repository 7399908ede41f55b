"""Which text is true of which picture, how nearly, and whether that is known.

Axes: T texts, B pictures, Q distinct phrases of a batch, G collections of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.training.batch import Texts
from traitlens.training.vocabulary import Vocabulary

NOBODY = -1  # whose text it is when it is of no picture

_LEAST_BITS = 0.01  # so that what all tokens of a collection have is still known of them

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A text and the phrases in it; a `whole` one names all that its picture shows."""

    text: str
    phrases: tuple[str, ...]
    whole: bool = False
    of: int = NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is true of a picture, and what is true of its token but hidden."""

    collection: int
    phrases: frozenset[str]
    hidden: frozenset[str] = frozenset()


def judged(said: Sequence[Said], shown: Sequence[Shown], vocabulary: Vocabulary) -> Texts:
    """Return the texts with what is true of them.

    A whole caption fits the pictures that show exactly its phrases, so equal captions are one
    another's positives; a partial one fits every picture that shows its phrases. Whether a text
    fits is not known where it would if nothing were hidden: traces may be left.
    """
    table = _Table(said, shown)
    fits_TB = table.fits(table.shown_BQ)
    hidden_TB = ~fits_TB & table.fits(table.shown_BQ + table.hidden_BQ)
    return Texts(
        texts=[s.text for s in said],
        fits_TB=fits_TB,
        of_T=np.array([s.of for s in said], np.int64),
        overlap_TB=table.overlap(fits_TB, vocabulary),
        weights_TB=np.asarray(~hidden_TB, np.float32),
    )


class _Table:
    """Texts and pictures as rows of zeros and ones, a column for each phrase."""

    def __init__(self, said: Sequence[Said], shown: Sequence[Shown]) -> None:
        sets = [s.phrases for s in said], [s.phrases for s in shown], [s.hidden for s in shown]
        self.words = sorted(set().union(*(words for rows in sets for words in rows)))
        column = {words: number for number, words in enumerate(self.words)}
        self.said_TQ, self.shown_BQ, self.hidden_BQ = (_indicator(rows, column) for rows in sets)
        self._whole_T1 = np.array([s.whole for s in said], np.bool_)[:, None]
        # A text of nobody is one phrase, whose share does not hang on what it weighs.
        owners = np.array([shown[max(s.of, 0)].collection for s in said], np.int64)
        self._collections, self._row_T = np.unique(owners, return_inverse=True)

    def fits(self, shown_BQ: Floats) -> NDArray[np.bool_]:
        """Return which text is true of which picture: bool (T, B)."""
        size_T1 = self.said_TQ.sum(axis=1, keepdims=True)
        included_TB = self.said_TQ @ shown_BQ.T == size_T1
        as_many_TB = size_T1 == shown_BQ.sum(axis=1)
        return np.asarray(included_TB & (as_many_TB | ~self._whole_T1))

    def overlap(self, fits_TB: NDArray[np.bool_], vocabulary: Vocabulary) -> Floats:
        """Return how much of a text a picture shows, in [0, 1]: (T, B); see `batch.Texts`.

        A phrase weighs what it tells of the tokens of the text's own collection.
        """
        numbers_Q = vocabulary.numbers(self.words)
        bits_GQ = np.zeros((len(self._collections), len(self.words)), np.float32)
        for bits_Q, collection in zip(bits_GQ, self._collections.tolist(), strict=True):
            bits_Q[:] = vocabulary.bits(collection, numbers_Q)
        said_TQ = self.said_TQ * bits_GQ[self._row_T]
        both_TB = said_TQ @ self.shown_BQ.T
        own_T1 = said_TQ.sum(axis=1, keepdims=True)
        either_TB = own_T1 + (bits_GQ @ self.shown_BQ.T)[self._row_T] - both_TB
        whole_TB = np.where(self._whole_T1, either_TB, own_T1)
        overlap_TB = np.zeros_like(both_TB)
        np.divide(both_TB, whole_TB, out=overlap_TB, where=whole_TB > 0)
        return np.where(fits_TB, np.float32(1), np.clip(overlap_TB, 0, 1))


def _indicator(sets: Sequence[Sequence[str] | frozenset[str]], column: dict[str, int]) -> Floats:
    result = np.zeros((len(sets), len(column)), np.float32)
    for row, words in zip(result, sets, strict=True):
        row[[column[word] for word in words]] = 1
    return result


def phrase_weights(
    texts: Texts, shown: Sequence[Shown], vocabulary: Vocabulary, *, area: float
) -> Floats:
    """Return how much to learn from each phrase of each picture: (T, B).

    It is `bits * visible_area ** area`, both as in the picture's collection: rare and large parts
    count more. It is 0 where the truth is not known and only there, that is where the collection
    has no such kind of trait and where the trait is hidden; over all others the mean is 1.
    """
    numbers_T = vocabulary.numbers(texts.texts)
    collections, row_B = np.unique([s.collection for s in shown], return_inverse=True)
    known_GT = np.stack([vocabulary.is_known(c, numbers_T) for c in collections.tolist()])
    weights_GT = np.stack(
        [
            np.maximum(vocabulary.bits(c, numbers_T), _LEAST_BITS)
            * vocabulary.areas(c, numbers_T) ** area
            for c in collections.tolist()
        ]
    )
    known_TB = known_GT[row_B].T & (texts.weights_TB > 0)
    weights_TB = np.where(known_TB, weights_GT[row_B].T, 0)
    total = weights_TB.sum(dtype=np.float64)
    scale = np.count_nonzero(known_TB) / total if total else 0.0
    return np.asarray(weights_TB * scale, np.float32)

"""Words against words: how far the metadata alone go, without looking at a picture.

What every marketplace has. It knows the traits of the gallery, so it stands in tables as what
metadata can do and not as a competitor on pixels.
"""

# Axes: N tokens

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from traitlens.captions.stems import stems, telling_stems

Floats = NDArray[np.float64]


class WordSearch:
    """The captions of a gallery by their words; a rare word counts more: log(1 + N / tokens)."""

    def __init__(self, captions: Sequence[str]) -> None:
        postings: dict[str, list[int]] = defaultdict(list)
        for row, caption in enumerate(captions):
            for word in stems(caption):
                postings[word].append(row)
        self._size = len(captions)
        self._rows = {word: np.array(rows) for word, rows in postings.items()}
        lengths_N = np.zeros(self._size)
        for word, rows in self._rows.items():
            lengths_N[rows] += self._weight(word) ** 2
        self._lengths_N = np.sqrt(np.maximum(lengths_N, 1e-12))

    def scores(self, query: str) -> Floats:
        """Return the cosine of a query with each token's words, up to the query's length: (N,)."""
        found_N = np.zeros(self._size)
        for word in sorted(telling_stems(query)):
            if word in self._rows:
                found_N[self._rows[word]] += self._weight(word) ** 2
        return np.asarray(found_N / self._lengths_N)

    def _weight(self, word: str) -> float:
        return math.log1p(self._size / len(self._rows[word]))

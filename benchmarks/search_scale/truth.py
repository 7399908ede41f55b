"""What the right answers are: every score, added up with NumPy in float32, block by block.

Axes: N tokens, Q queries, D numbers of a vector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.engines import Question, Where
from traitlens.engines.protocol import HALF_BM25
from traitlens.engines.where import COLLECTION, And, Equals, Not, Or
from traitlens.engines.words import document_words, query_words
from traitlens.store import Dataset
from traitlens.vector_files import VectorFiles

TOLERANCE = 1e-6  # scores that differ by less are ties
_BLOCK = 65_536  # tokens

Scores = NDArray[np.float32]
Rows = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """All tokens of an index as arrays; `rows` and `words` are postings, ascending."""

    token_uids: list[str]
    row_of: dict[str, int]
    vectors_ND: Scores
    rows: dict[Equals, Rows]  # with each value
    words: dict[int, tuple[Rows, Scores]]  # with each word, and its weight there

    @classmethod
    def read(cls, data: Dataset, vectors: VectorFiles, *, dimension: int) -> Truth:
        """Return what a data set and its vectors hold."""
        uids: list[str] = []
        vectors_ND = np.empty((data.count(), dimension), np.float32)
        rows: dict[Equals, list[int]] = defaultdict(list)
        words: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for row, token in enumerate(data.tokens(images=False, metadata=False)):
            uids.append(token.token_uid)
            vectors_ND[row] = vectors.get(token.pixels_sha256 or "")
            named = {Equals(trait.trait_type, trait.value) for trait in token.traits}
            for comparison in (Equals(COLLECTION, token.collection), *named):
                rows[comparison].append(row)
            for word, weight in document_words(token.caption).items():
                words[word].append((row, weight))
        return cls(
            token_uids=uids,
            row_of={uid: row for row, uid in enumerate(uids)},
            vectors_ND=vectors_ND,
            rows={name: np.array(found, np.int32) for name, found in rows.items()},
            words={word: _posting(found) for word, found in words.items()},
        )

    def __len__(self) -> int:
        return len(self.token_uids)

    def matching(self, where: Where | None) -> NDArray[np.bool_]:
        """Return which tokens satisfy a filter: (N,)."""
        match where:
            case None:
                return np.ones(len(self), np.bool_)
            case Equals():
                matching_N = np.zeros(len(self), np.bool_)
                matching_N[self.rows.get(where, np.empty(0, np.int32))] = True
                return matching_N
            case Not(part):
                return ~self.matching(part)
            case And(parts):
                return np.asarray(np.all([self.matching(part) for part in parts], axis=0))
            case Or(parts):
                return np.asarray(np.any([self.matching(part) for part in parts], axis=0))

    def cosines(self, queries_QD: Scores) -> Scores:
        """Return the cosines of all tokens: (Q, N)."""
        blocks = [
            queries_QD @ self.vectors_ND[start : start + _BLOCK].T
            for start in range(0, len(self), _BLOCK)
        ]
        return np.concatenate(blocks, axis=1)

    def scores(self, question: Question) -> Scores:
        """Return the score of all tokens, see `Question`: (N,)."""
        scores_N = np.zeros(len(self), np.float32)
        if question.vector is not None:
            scores_N += question.looks * self.cosines(question.vector[None])[0]
        if question.text:
            bm25_N = self._bm25(question.text)
            scores_N += question.words * bm25_N / (bm25_N + HALF_BM25)
        for wish in question.wishes:
            scores_N += np.float32(wish.weight) * self.matching(wish.where)
        return scores_N

    def _bm25(self, text: str) -> Scores:
        bm25_N = np.zeros(len(self), np.float32)
        for word, weight in query_words(text).items():
            if word in self.words:
                rows, weights = self.words[word]
                rarity = np.log1p((len(self) - len(rows) + 0.5) / (len(rows) + 0.5))
                bm25_N[rows] += np.float32(weight * rarity) * weights
        return bm25_N


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The `k` best scores of a question, or as many as there are."""

    wanted: int
    least: float  # the k-th best score

    @classmethod
    def of(cls, scores_N: Scores, matching_N: NDArray[np.bool_], *, k: int) -> Best:
        some = scores_N[matching_N]
        wanted = min(k, len(some))
        least = float(np.partition(some, -wanted)[-wanted]) if wanted else np.inf
        return cls(wanted=wanted, least=least)

    def recall(self, rows: Sequence[int], scores_N: Scores) -> float:
        """Return the share of what was wanted that was found; what ties with the last counts."""
        if not self.wanted:
            return 1.0
        good = sum(scores_N[row] >= self.least - TOLERANCE for row in set(rows))
        return float(min(good, self.wanted) / self.wanted)


def _posting(found: Sequence[tuple[int, float]]) -> tuple[Rows, Scores]:
    rows, weights = zip(*found, strict=True)
    return np.array(rows, np.int32), np.array(weights, np.float32)

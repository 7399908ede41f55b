"""Words as sparse vectors, whose dot product is BM25.

A document's vector has a number for each of its stems, how often it occurs with diminishing returns
and against the document's length; a query's has ones; the engine weighs each stem by its rarity,
ln(1 + (N - n + .5) / (n + .5)) for a stem of n of N documents. See Robertson and Zaragoza, The
Probabilistic Relevance Framework: BM25 and Beyond, 2009, equations 3.15 and 3.3.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from traitlens.captions.stems import stem_list, telling_stems

Sparse = Mapping[int, float]  # {number of a stem: weight}

_SATURATION = 1.2  # BM25's k1
_LENGTH_SHARE = 0.75  # BM25's b
# The length of an average caption is fixed, so that a token's vector does not hang on the others.
_AVERAGE_STEMS = 20


def document_words(text: str) -> Sparse:
    """Return the sparse vector of a document."""
    counts = Counter(stem_list(text))
    length = sum(counts.values()) / _AVERAGE_STEMS
    norm = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length)
    return {
        number_of(stem): count * (_SATURATION + 1) / (count + norm)
        for stem, count in counts.items()
    }


def query_words(text: str) -> Sparse:
    """Return the sparse vector of a query: its telling words, each once."""
    return {number_of(stem): 1.0 for stem in sorted(telling_stems(text))}


@lru_cache(maxsize=65_536)
def number_of(text: str) -> int:
    """Return a text's number below 2^32: of 10,000 texts, hardly two ever have the same."""
    return int.from_bytes(hashlib.blake2s(text.encode(), digest_size=4).digest(), "big")

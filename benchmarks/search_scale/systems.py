"""Who is measured: our engine, a NumPy scan, and FAISS, flat, as a graph, and as RaBitQ cells.

Each answers with rows. Filters are given to FAISS and NumPy as they like them best, made before the
clock starts; our engine gets the filter itself. FAISS keeps no traits, no words, and nothing safe
on disk.

Axes: N tokens, D numbers of a vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from traitlens.engines import Question, VectorEngine, Where

from .truth import Truth

Vector = NDArray[np.float32]
Answers = list[int]  # rows, the best first

_LINKS, _BUILDING = 32, 128  # of a node of HNSW, and candidates while it is built
_BREADTHS = (16, 32, 64, 128, 256, 512)
_PROBES = (4, 8, 16, 32, 64, 128)
_FURTHER = 16  # candidates of RaBitQ that are scored again, per answer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """A question without words, with its filter in each form; `rows` and `bits` None for all."""

    vector: Vector
    where: Where | None
    rows: NDArray[np.intp] | None
    bits: NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class System:
    """A name, and how it is asked; `settings` are those that it was tuned over."""

    name: str
    ask: Callable[[Asked, int], Answers]
    settings: tuple[int, ...] = ()
    tune: Callable[[int], None] = lambda _: None


def asked(truth: Truth, vector: Vector, where: Where | None) -> Asked:
    """Return a question in all forms."""
    if where is None:
        return Asked(vector=vector, where=None, rows=None, bits=None)
    matching_N = truth.matching(where)
    return Asked(
        vector=vector,
        where=where,
        rows=np.flatnonzero(matching_N),
        bits=np.packbits(matching_N, bitorder="little"),
    )


def ours(engine: VectorEngine, truth: Truth) -> System:
    """Return our engine as a system."""

    def ask(asked: Asked, k: int) -> Answers:
        found = engine.search(Question(vector=asked.vector), k=k, where=asked.where)
        return [truth.row_of[hit.token_uid] for hit in found]

    return System(name="traitlens, edge", ask=ask)


def scan(truth: Truth) -> System:
    """Return a NumPy scan of float32."""
    every = truth.vectors_ND

    def ask(asked: Asked, k: int) -> Answers:
        scores = (every if asked.rows is None else every[asked.rows]) @ asked.vector
        first = np.argpartition(-scores, min(k, len(scores)) - 1)[:k]
        ranked = first[np.argsort(-scores[first], kind="stable")]
        return list((ranked if asked.rows is None else asked.rows[ranked]).tolist())

    return System(name="NumPy scan", ask=ask)


def flat(truth: Truth) -> System:
    """Return FAISS's exact scan."""
    index = faiss.IndexFlatIP(truth.vectors_ND.shape[1])
    index.add(truth.vectors_ND)
    return System(name="FAISS flat", ask=_ask_faiss(index, faiss.SearchParameters))


def graph(truth: Truth) -> System:
    """Return FAISS's HNSW over float32."""
    index = faiss.IndexHNSWFlat(truth.vectors_ND.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = _BUILDING
    index.add(truth.vectors_ND)
    breadth = [_BREADTHS[0]]

    def parameters(**more: Any) -> Any:
        return faiss.SearchParametersHNSW(efSearch=breadth[0], **more)

    def tune(value: int) -> None:
        breadth[0] = value

    return System(
        name="FAISS HNSW", ask=_ask_faiss(index, parameters), settings=_BREADTHS, tune=tune
    )


def cells(truth: Truth) -> System:
    """Return FAISS's IVF of RaBitQ codes, whose best candidates are scored again in float32."""
    count, dimension = truth.vectors_ND.shape
    lists = max(16, round(4 * count**0.5))
    coarse = faiss.IndexFlatIP(dimension)
    codes = faiss.IndexIVFRaBitQ(coarse, dimension, lists, faiss.METRIC_INNER_PRODUCT)
    rotated = faiss.IndexPreTransform(faiss.RandomRotationMatrix(dimension, dimension), codes)
    index = faiss.IndexRefineFlat(rotated)
    index.train(truth.vectors_ND[:: max(1, count // (lists * 64))])
    index.add(truth.vectors_ND)
    probes = [_PROBES[0]]

    def parameters(sel: Any = None) -> Any:
        selected = {} if sel is None else {"sel": sel}
        inner = faiss.IVFRaBitQSearchParameters(nprobe=probes[0], **selected)
        outer = faiss.SearchParametersPreTransform(index_params=inner)
        return faiss.IndexRefineSearchParameters(k_factor=_FURTHER, base_index_params=outer)

    def tune(value: int) -> None:
        probes[0] = value

    return System(
        name="FAISS IVF, RaBitQ, refined",
        ask=_ask_faiss(index, parameters),
        settings=_PROBES,
        tune=tune,
    )


def _ask_faiss(index: Any, parameters: Callable[..., Any]) -> Callable[[Asked, int], Answers]:
    def ask(asked: Asked, k: int) -> Answers:
        if asked.bits is None:
            params = parameters()
        else:
            params = parameters(sel=faiss.IDSelectorBitmap(asked.bits))
        _, found = index.search(asked.vector[None], k, params=params)
        return [row for row in found[0].tolist() if row >= 0]

    return ask


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let FAISS take so many threads for a question."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)

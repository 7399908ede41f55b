"""How much of the truth an index finds: its answers beside a scan of all vectors."""

# Axes: N tokens, D numbers of a vector

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from traitlens.config import check_range
from traitlens.engines import Equals, Question, VectorEngine
from traitlens.engines.protocol import Vector
from traitlens.engines.where import COLLECTION
from traitlens.errors import IndexingError
from traitlens.models.encoder import Encoder
from traitlens.retrieval.manifest import TOKENS, VECTORS, IndexManifest, check_sizes
from traitlens.retrieval.token_table import TokenTable

if TYPE_CHECKING:
    from traitlens.vector_files import VectorFiles

GOOD = 0.99  # a recall below this is worth a warning
_TOLERANCE = 5e-4  # of a cosine: the engine's vectors are fp16, and so are sums of them


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallCheck:
    """Recall@k of an index, by what was searched with: the share of the true best k found.

    A found token counts whose true score ties with the k-th best one.
    """

    k: int
    queries: int  # of each kind
    pictures: float
    one_collection: float  # pictures, filtered by their collection
    words: float | None  # captions; None without an encoder

    @property
    def worst(self) -> float:
        """The least of them."""
        return min(r for r in (self.pictures, self.one_collection, self.words) if r is not None)


def check_index(
    index: str | Path,
    *,
    encoder: Encoder | None = None,
    sample: int = 200,
    k: int = 10,
    seed: int = 0,
) -> RecallCheck:
    """Return the recall of an index on a sample of its own tokens, pictures and captions."""
    from traitlens.vector_files import VectorFiles

    check_range("sample", sample, low=1)
    check_range("k", k, low=1)
    index = Path(index)
    manifest = IndexManifest.read_from(index)
    check_sizes(index, manifest)
    with (
        manifest.open_engine(index, read_only=True) as engine,
        TokenTable.open(index / TOKENS, read_only=True) as table,
    ):
        vectors = VectorFiles(
            index / VECTORS, encoder=manifest.encoder_fingerprint, dimension=manifest.dimension
        )
        truth = _Truth(table, vectors)
        drawn = truth.sample(sample, seed=seed)
        texts: Iterable[Vector] = ()
        if encoder is not None:
            texts = encoder.encode_texts([truth.caption(engine, row) for row in drawn])
        return RecallCheck(
            k=k,
            queries=len(drawn),
            pictures=fmean(truth.recall(engine, truth.vectors_ND[row], k=k) for row in drawn),
            one_collection=fmean(
                truth.recall(engine, truth.vectors_ND[row], k=k, collection=truth.collections[row])
                for row in drawn
            ),
            words=fmean(truth.recall(engine, t, k=k) for t in texts) if encoder else None,
        )


class _Truth:
    """All vectors of an index, to be scanned."""

    def __init__(self, table: TokenTable, vectors: VectorFiles) -> None:
        rows = sorted(table.pixels_and_collections())
        if not rows:
            raise IndexingError("the index has no tokens to check")
        self.token_uids = [uid for uid, _, _ in rows]
        self._place = {uid: row for row, uid in enumerate(self.token_uids)}
        self.collections = np.array([collection for _, _, collection in rows])
        self.vectors_ND = np.stack([vectors.get(pixels) for _, pixels, _ in rows])

    def sample(self, count: int, *, seed: int) -> list[int]:
        """Return some rows, drawn without repetition."""
        total = len(self.token_uids)
        drawn = np.random.default_rng(seed).choice(total, size=min(count, total), replace=False)
        return [int(row) for row in drawn]

    def caption(self, engine: VectorEngine, row: int) -> str:
        """Return the caption of a row's token."""
        point = engine.get(self.token_uids[row])
        if point is None:
            raise IndexingError(f"the engine lacks {self.token_uids[row]}; make the index anew")
        return point.caption

    def recall(
        self, engine: VectorEngine, vector: Vector, *, k: int, collection: str | None = None
    ) -> float:
        """Return which share of the best `k` an engine finds."""
        where = None if collection is None else Equals(COLLECTION, collection)
        found = engine.search(Question(vector=vector), k=k, where=where)
        scores_N = self.vectors_ND @ vector
        if collection is not None:
            scores_N = np.where(self.collections == collection, scores_N, -np.inf)
        wanted = min(k, int(np.isfinite(scores_N).sum()))
        least = float(np.partition(scores_N, -wanted)[-wanted]) - _TOLERANCE
        good = [hit for hit in found if scores_N[self._place[hit.token_uid]] >= least]
        return len(good) / wanted

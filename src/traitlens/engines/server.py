"""A Qdrant server or cluster, for many readers and writers: one collection an index.

What it keeps and how it searches is as in the embedded engine (`edge`). Deleted points leave the
server's disk when it next optimises their segment, not at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import qdrant_client
from qdrant_client import models
from qdrant_client.http.exceptions import ApiException

from traitlens.engines.dialect import KEYS, KEYWORDS, TRAITS, USED, VECTOR, WORDS, Dialect, Plan
from traitlens.engines.plan import By
from traitlens.engines.protocol import Point, point_id
from traitlens.engines.qdrant import BREADTH, OVERSAMPLING, PAGE, Kept, QdrantEngine, Row, kept
from traitlens.engines.words import Sparse
from traitlens.errors import IndexingError

API_KEY = "QDRANT_API_KEY"  # the environment variable that has the server's key, if it wants one
_ALL = 1_000_000  # a limit above any vocabulary
_TIMEOUT_S = 60
_OPTIMIZE_S = 3600.0  # a server that is still busy then goes on by itself
_POLL_S = 0.5


class _ServerDialect:
    """`Dialect` in the client's models."""

    def any_value(self, key: str, values: list[str]) -> Any:
        return models.FieldCondition(key=key, match=models.MatchAny(any=values))

    def is_any_of(self, names: Sequence[str]) -> Any:
        return models.HasIdCondition(has_id=list(names))

    def filter(
        self,
        *,
        must: Sequence[Any] = (),
        should: Sequence[Any] = (),
        must_not: Sequence[Any] = (),
    ) -> Any:
        return models.Filter(
            must=list(must) or None,
            should=list(should) or None,
            must_not=list(must_not) or None,
        )

    def holds(self, condition: Any) -> Any:
        return condition

    def score(self, place: int) -> Any:
        return f"$score[{place}]"

    def times(self, number: float, expression: Any) -> Any:
        return models.MultExpression(mult=[number, expression])

    def plus(self, expressions: Sequence[Any]) -> Any:
        return models.SumExpression(sum=list(expressions))

    def saturated(self, expression: Any, half: float) -> Any:
        total = self.plus([expression, half])
        return models.DivExpression(
            div=models.DivParams(left=expression, right=total, by_zero_default=0.0)
        )

    def prefetch(self, query: Any, *, by: By, size: int, where: Any, exactly: bool = False) -> Any:
        return models.Prefetch(
            limit=size,
            query=query,
            using=USED.get(by),
            params=_EXACTLY if exactly else _roughly(size),
            filter=where,
        )


class ServerEngine(QdrantEngine):
    """A `VectorEngine` on a Qdrant server; open it with `ServerEngine.open`."""

    _dialect: Dialect = _ServerDialect()

    def __init__(self, client: Any, collection: str, *, dimension: int, is_own: bool) -> None:
        self._client = client
        self._collection = collection
        self._dimension = dimension
        self._is_own = is_own

    @classmethod
    def open(
        cls,
        url: str,
        collection: str,
        *,
        dimension: int,
        read_only: bool = False,
        client: Any = None,
    ) -> Self:
        """Open a collection of the server at `url`, which is made unless `read_only`.

        A server that does not answer, or a collection of another dimension, raises IndexingError.
        `client` is one that is open already, and stays so.
        """
        is_own = client is None
        client = client or _connect(url)
        engine = cls(client, collection, dimension=dimension, is_own=is_own)
        try:
            with _asking(url):
                engine._prepare(read_only=read_only)
        except BaseException:
            engine.close()
            raise
        return engine

    def _prepare(self, *, read_only: bool) -> None:
        if not self._client.collection_exists(self._collection):
            if read_only:
                raise IndexingError(
                    f"{self._collection} holds no vectors: the server has no such collection"
                )
            self._create()
        found = self._client.get_collection(self._collection).config.params.vectors[VECTOR].size
        if found != self._dimension:
            raise IndexingError(
                f"{self._collection} has vectors of {found} numbers; "
                f"{self._dimension} were expected"
            )

    def _create(self) -> None:
        self._client.create_collection(
            self._collection,
            vectors_config={
                VECTOR: models.VectorParams(
                    size=self._dimension,
                    distance=models.Distance.COSINE,
                    datatype=models.Datatype.FLOAT16,
                    on_disk=True,
                    quantization_config=_quantization(),
                )
            },
            sparse_vectors_config={
                WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF),
                KEYWORDS: models.SparseVectorParams(),
            },
        )
        for key in (*KEYS.values(), TRAITS):
            keyword = models.PayloadSchemaType.KEYWORD
            self._client.create_payload_index(self._collection, key, field_schema=keyword)

    def upsert(self, points: Sequence[Point]) -> None:
        """Write the points, and wait until the server has them."""
        rows = [
            models.PointStruct(
                id=row.name,
                vector=_vectors(row),
                payload=row.payload,
            )
            for row in self._rows(points)
        ]
        with _asking(self._collection):
            for start in range(0, len(rows), PAGE):
                some = rows[start : start + PAGE]
                self._client.upsert(self._collection, some, wait=True)

    def delete(self, token_uids: Iterable[str]) -> int:
        """Delete the points; the server's optimiser takes them off its disk later."""
        before = self.count()
        ids: list[Any] = [point_id(uid) for uid in token_uids]
        with _asking(self._collection):
            for start in range(0, len(ids), PAGE):
                some = models.PointIdsList(points=ids[start : start + PAGE])
                self._client.delete(self._collection, some, wait=True)
        return before - self.count()

    def has_doubles(self) -> bool:
        """Return False: it is not the server that is killed."""
        return False

    def optimize(self) -> None:
        """Wait until the server has built its graph."""
        until = time.monotonic() + _OPTIMIZE_S
        with _asking(self._collection):
            while time.monotonic() < until:
                status = self._client.get_collection(self._collection).status
                if status == models.CollectionStatus.GREEN:
                    return
                time.sleep(_POLL_S)

    def close(self) -> None:
        """Close the connection, if it is its own."""
        if self._is_own:
            self._client.close()

    def _dense(self, vector: list[float]) -> Any:
        return models.NearestQuery(nearest=vector)

    def _sparse(self, numbers: Sparse, *, by: By) -> Any:
        return models.NearestQuery(nearest=_sparse(numbers))

    def _nearest(self, query: Any, *, by: By, where: Any, size: int) -> list[tuple[str, float]]:
        return self._query(
            query=query,
            using=USED.get(by),
            query_filter=where,
            limit=size,
            search_params=_roughly(size),
        )

    def _any(self, steps: Sequence[Any], *, size: int) -> list[str]:
        fusion = models.FusionQuery(fusion=models.Fusion.RRF)
        return [name for name, _ in self._query(query=fusion, prefetch=list(steps), limit=size)]

    def _run(self, plan: Plan, *, size: int) -> list[tuple[str, float]]:
        formula = models.FormulaQuery(
            formula=plan.formula, defaults={"$score[0]": 0.0, "$score[1]": 0.0}
        )
        return self._query(query=formula, prefetch=plan.prefetches, limit=size)

    def _query(self, **asked: Any) -> list[tuple[str, float]]:
        with _asking(self._collection):
            found = self._client.query_points(self._collection, with_payload=False, **asked)
        return [(str(hit.id), hit.score) for hit in found.points]

    def _retrieve(self, names: list[str], *, vectors: bool) -> list[Kept]:
        wanted = [VECTOR] if vectors else False
        with _asking(self._collection):
            found = self._client.retrieve(
                self._collection, names, with_payload=["entry"], with_vectors=wanted
            )
        return [kept(record) for record in found]

    def _scroll(self, keys: list[str], *, where: Any) -> Iterator[Kept]:
        offset = None
        while True:
            with _asking(self._collection):
                records, offset = self._client.scroll(
                    self._collection,
                    scroll_filter=where,
                    limit=PAGE,
                    offset=offset,
                    with_payload=keys,
                )
            yield from map(kept, records)
            if offset is None:
                return

    def _count(self, where: Any) -> int:
        with _asking(self._collection):
            found = self._client.count(self._collection, count_filter=where, exact=True)
        return int(found.count)

    def _facet(self, key: str, *, where: Any) -> dict[str, int]:
        with _asking(self._collection):
            found = self._client.facet(
                self._collection, key=key, facet_filter=where, limit=_ALL, exact=True
            )
        return {str(hit.value): hit.count for hit in found.hits}


def drop_collection(url: str, collection: str) -> None:
    """Remove a collection from a server, if it has it."""
    client = _connect(url)
    try:
        with _asking(url):
            client.delete_collection(collection)
    finally:
        client.close()


def _connect(url: str) -> Any:
    return qdrant_client.QdrantClient(
        url=url, api_key=os.environ.get(API_KEY), timeout=_TIMEOUT_S, check_compatibility=False
    )


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn the client's errors into one sentence, without the server's key."""
    try:
        yield
    except (ApiException, OSError) as error:
        said = " ".join(str(error).split())[:300]
        raise IndexingError(f"the Qdrant server did not do it ({what}): {said}") from error


def _quantization() -> Any:
    return models.TurboQuantization(
        turbo=models.TurboQuantQuantizationConfig(
            bits=models.TurboQuantBitSize.BITS4, always_ram=True
        )
    )


_EXACTLY = models.SearchParams(quantization=models.QuantizationSearchParams(ignore=True))


def _roughly(size: int) -> Any:
    """Return how the first `size` are found: in the graph, by 4 bits, then by fp16."""
    return models.SearchParams(
        hnsw_ef=max(BREADTH, size),
        quantization=models.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING),
    )


def _vectors(row: Row) -> dict[str, Any]:
    return {VECTOR: row.vector, WORDS: _sparse(row.words), KEYWORDS: _sparse(row.keywords)}


def _sparse(numbers: Sparse) -> Any:
    return models.SparseVector(indices=list(numbers), values=list(numbers.values()))

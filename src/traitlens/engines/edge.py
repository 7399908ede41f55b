"""The embedded engine: Qdrant Edge, the Qdrant engine in a wheel, without a server.

Vectors are kept as fp16 and searched as 4 bit, and the best candidates are scored again with fp16:
without that, near-duplicates lose a quarter of their neighbours (recall@10 .74, with it .99).

The engine's own log is off. A batch is acknowledged after `flush`, which is all that the log would
add, and the log's lock would keep a second reader out; `locks` has one writer or many readers.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Self

import qdrant_edge as qdrant

from traitlens import files
from traitlens.engines.dialect import KEYS, KEYWORDS, TRAITS, USED, VECTOR, WORDS, Dialect, Plan
from traitlens.engines.locks import lock
from traitlens.engines.plan import By
from traitlens.engines.protocol import Point, point_id
from traitlens.engines.qdrant import BREADTH, OVERSAMPLING, PAGE, Kept, QdrantEngine, Row, kept
from traitlens.engines.words import Sparse
from traitlens.errors import IndexingError

_CONFIG = "edge_config.json"
# Disk that must be free before a write. The engine writes through memory maps, so a full disk would
# end the process (SIGBUS) instead of raising an error.
_ROOM_BYTES = 64 << 20
_BYTES_A_POINT = 4096  # at most, without its vector
_ALL = 10_000_000  # a limit above any vocabulary
_EXACTLY = qdrant.SearchParams(quantization=qdrant.QuantizationSearchParams(ignore=True))


class _EdgeDialect:
    """`Dialect` in Qdrant Edge's classes."""

    def any_value(self, key: str, values: list[str]) -> Any:
        return qdrant.FieldCondition(key=key, match=qdrant.MatchAny(values))

    def is_any_of(self, names: Sequence[str]) -> Any:
        return qdrant.HasIdCondition(set(names))

    def filter(
        self,
        *,
        must: Sequence[Any] = (),
        should: Sequence[Any] = (),
        must_not: Sequence[Any] = (),
    ) -> Any:
        return qdrant.Filter(must=list(must), should=list(should) or None, must_not=list(must_not))

    def holds(self, condition: Any) -> Any:
        return qdrant.Expression.Condition(condition)

    def score(self, place: int) -> Any:
        return qdrant.Expression.Variable(f"$score[{place}]")

    def times(self, number: float, expression: Any) -> Any:
        return qdrant.Expression.Mult([qdrant.Expression.Constant(number), expression])

    def plus(self, expressions: Sequence[Any]) -> Any:
        return qdrant.Expression.Sum(list(expressions))

    def saturated(self, expression: Any, half: float) -> Any:
        total = self.plus([expression, qdrant.Expression.Constant(half)])
        return qdrant.Expression.Div(expression, total, 0.0)

    def prefetch(self, query: Any, *, by: By, size: int, where: Any, exactly: bool = False) -> Any:
        params = _EXACTLY if exactly else _roughly(size)
        return qdrant.Prefetch(limit=size, query=query, params=params, filter=where)


class EdgeEngine(QdrantEngine):
    """A `VectorEngine` on Qdrant Edge; open it with `EdgeEngine.open`."""

    _dialect: Dialect = _EdgeDialect()

    def __init__(self, path: Path, shard: Any, *, dimension: int, held: IO[bytes]) -> None:
        self._path = path
        self._shard = shard
        self._dimension = dimension
        self._held = held

    @classmethod
    def open(cls, path: Path, *, dimension: int, read_only: bool = False) -> Self:
        """Open the engine in the folder `path`, which need not be there yet.

        A folder that another process writes, or that has another dimension, raises IndexingError.
        """
        held = lock(path, shared=read_only)
        try:
            if not read_only:
                _check_room(path, 0)
            if not read_only and not (path / _CONFIG).is_file():
                _create(path, dimension=dimension)
            return cls(path, _load(path, dimension=dimension), dimension=dimension, held=held)
        except BaseException:
            held.close()
            raise

    def upsert(self, points: Sequence[Point]) -> None:
        """Write the points and flush, which takes .1 s however few there are."""
        rows = [qdrant.Point(row.name, _vectors(row), row.payload) for row in self._rows(points)]
        if rows:
            _check_room(self._path, len(rows) * (_BYTES_A_POINT + 8 * self._dimension))
            self._shard.update(qdrant.UpdateOperation.upsert_points(rows))
            self._shard.flush()

    def delete(self, token_uids: Iterable[str]) -> int:
        """Delete the points, and write the segments anew that held them: a second or two.

        The engine itself only marks points as deleted until a fifth of a segment is.
        """
        self._check_room_to_rewrite()
        before = self.count()
        ids: list[Any] = [point_id(uid) for uid in token_uids]
        for start in range(0, len(ids), PAGE):
            self._shard.update(qdrant.UpdateOperation.delete_points(ids[start : start + PAGE]))
        self._shard.flush()
        self._reload()
        self.optimize()
        return before - self.count()

    def optimize(self) -> None:
        """Build the HNSW graph and the 4-bit vectors: 3 s for 10,000 vectors of 192 numbers.

        Then open the files anew, which clears the engine's journals, so that no reader has to.
        """
        self._check_room_to_rewrite()
        self._shard.optimize()
        self._shard.flush()
        self._reload()

    def has_doubles(self) -> bool:
        """Return whether segments share points, as when `optimize` is killed between two of them.

        Searches name each point once, but the rarity of words counts all.
        """
        return int(self._shard.info().points_count) > self.count()

    def _reload(self) -> None:
        self._shard.close()
        # Indexes that were made before a threshold was in `_config` get it, too.
        self._shard = qdrant.EdgeShard.load(str(self._path), _config(dimension=self._dimension))

    def _check_room_to_rewrite(self) -> None:
        # Its files have holes, so what they take is not their size; Windows does not tell.
        stats = (file.stat() for file in self._path.rglob("*"))
        _check_room(self._path, sum(512 * getattr(stat, "st_blocks", 0) for stat in stats))

    def close(self) -> None:
        self._shard.close()
        self._held.close()

    def _dense(self, vector: list[float]) -> Any:
        return qdrant.Query.Nearest(vector, using=VECTOR)

    def _sparse(self, numbers: Sparse, *, by: By) -> Any:
        return qdrant.Query.Nearest(_sparse(numbers), using=USED[by])

    def _nearest(self, query: Any, *, by: By, where: Any, size: int) -> list[tuple[str, float]]:
        return self._query(limit=size, query=query, params=_roughly(size), filter=where)

    def _any(self, steps: Sequence[Any], *, size: int) -> list[str]:
        fusion = qdrant.Fusion.Rrf(k=2)  # any: all are taken
        return [name for name, _ in self._query(limit=size, query=fusion, prefetches=list(steps))]

    def _run(self, plan: Plan, *, size: int) -> list[tuple[str, float]]:
        formula = qdrant.Formula(plan.formula, defaults={"$score[0]": 0.0, "$score[1]": 0.0})
        return self._query(limit=size, query=formula, prefetches=plan.prefetches)

    def _query(self, **asked: Any) -> list[tuple[str, float]]:
        found = self._shard.query(qdrant.QueryRequest(**asked))
        return [(str(hit.id), hit.score) for hit in found]

    def _retrieve(self, names: list[str], *, vectors: bool) -> list[Kept]:
        found = self._shard.retrieve(list(names), with_payload=["entry"], with_vector=vectors)
        return [kept(record) for record in found]

    def _scroll(self, keys: list[str], *, where: Any) -> Iterator[Kept]:
        offset = None
        while True:
            request = qdrant.ScrollRequest(
                limit=PAGE, offset=offset, with_payload=keys, filter=where
            )
            records, offset = self._shard.scroll(request)
            yield from map(kept, records)
            if offset is None:
                return

    def _count(self, where: Any) -> int:
        return int(self._shard.count(qdrant.CountRequest(exact=True, filter=where)))

    def _facet(self, key: str, *, where: Any) -> dict[str, int]:
        request = qdrant.FacetRequest(key=key, limit=_ALL, exact=True, filter=where)
        return {hit.value: hit.count for hit in self._shard.facet(request).hits}


def _config(*, dimension: int) -> Any:
    quantization = qdrant.TurboQuantQuantizationConfig(
        bits=qdrant.TurboQuantBitSize.Bits4, memory=qdrant.Memory.Pinned
    )
    vectors = qdrant.EdgeVectorParams(
        size=dimension,
        distance=qdrant.Distance.Cosine,
        datatype=qdrant.VectorStorageDatatype.Float16,
        memory=qdrant.Memory.Cold,
        quantization_config=quantization,
    )
    return qdrant.EdgeConfig(
        vectors={VECTOR: vectors},
        sparse_vectors={
            WORDS: qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf),
            KEYWORDS: qdrant.EdgeSparseVectorParams(),
        },
        optimizers=qdrant.EdgeOptimizersConfig(
            indexing_threshold=100,  # kB of vectors
            deleted_threshold=0.0,  # a segment with any deleted point is written anew
            vacuum_min_vector_number=0,
        ),
        wal_enabled=False,
    )


def _create(path: Path, *, dimension: int) -> None:
    """Make an empty shard under a temporary name, so that a kill leaves no half of one."""
    with files.replacing_folder(path) as made:
        shard = qdrant.EdgeShard.create(str(made), _config(dimension=dimension))
        for key in (*KEYS.values(), TRAITS):
            keyword = qdrant.PayloadSchemaType.Keyword
            shard.update(qdrant.UpdateOperation.create_field_index(key, keyword))
        shard.flush()
        shard.close()


def _load(path: Path, *, dimension: int) -> Any:
    if not (path / _CONFIG).is_file():
        raise IndexingError(f"{path} holds no vectors: it has no {_CONFIG}")
    found = files.read_json(path / _CONFIG)["vectors"][VECTOR]["size"]
    if found != dimension:
        raise IndexingError(f"{path} has vectors of {found} numbers; {dimension} were expected")
    try:
        return qdrant.EdgeShard.load(str(path))
    except Exception as error:  # the engine raises nothing narrower
        raise IndexingError(f"{path} cannot be opened: {error}") from error


def _check_room(path: Path, size: int) -> None:
    """Raise IndexingError where the disk has not room for `size` more bytes and some to spare."""
    free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    if free < size + _ROOM_BYTES:
        raise IndexingError(
            f"the disk of {path} has {free >> 20:,} MB free, and the next write may need "
            f"{(size + _ROOM_BYTES) >> 20:,}; make room and run the same command again to go on"
        )


def _roughly(size: int) -> Any:
    """Return how the first `size` are found: in the graph, by 4 bits, then by fp16."""
    return qdrant.SearchParams(
        hnsw_ef=max(BREADTH, size),
        quantization=qdrant.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING),
    )


def _vectors(row: Row) -> dict[str, Any]:
    return {VECTOR: row.vector, WORDS: _sparse(row.words), KEYWORDS: _sparse(row.keywords)}


def _sparse(numbers: Sparse) -> Any:
    return qdrant.SparseVector(list(numbers), list(numbers.values()))

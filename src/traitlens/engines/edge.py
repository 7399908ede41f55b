"""The embedded engine: Qdrant Edge, the Qdrant engine in a wheel, without a server.

Each point has a dense vector, its caption's words as a sparse one, and its traits as keywords.

Vectors are kept as fp16 and searched as 4 bit, and the best candidates are scored again with fp16:
without that, near-duplicates lose a quarter of their neighbours (recall@10 .74, with it .99).

The engine's own log is off. A batch is acknowledged after `flush`, which is all that the log would
add, and the log's lock would keep a second reader out; `locks` has one writer or many readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import qdrant_edge as qdrant

from traitlens import files
from traitlens.engines.locks import lock
from traitlens.engines.plan import Way, ways, window
from traitlens.engines.protocol import (
    HALF_BM25,
    Entry,
    Point,
    Question,
    Scored,
    by_rank,
    check_vector,
    entry_to_json,
    fields_from_json,
    filterable,
    point_id,
)
from traitlens.engines.where import COLLECTION, TOKEN_ID, And, Equals, Not, Or, Where
from traitlens.engines.words import Sparse, document_words, query_words
from traitlens.errors import IndexingError
from traitlens.records import Trait

_CONFIG = "edge_config.json"
_VECTOR, _WORDS = "dense", "words"
# Where the payload has what filters compare: the entry's own fields, and one list for all traits.
_KEYS = {COLLECTION: "entry.collection", TOKEN_ID: "entry.token_id"}
_TRAITS = "traits"

_OVERSAMPLING = 4.0  # candidates scored again, per answer
_BREADTH = 128  # HNSW's ef: recall@10 .997 on 200,000 near-duplicates
_EXACTLY = qdrant.SearchParams(quantization=qdrant.QuantizationSearchParams(ignore=True))
_PAGE = 1_000
_ALL = 10_000_000  # a limit above any vocabulary


class EdgeEngine:
    """A `VectorEngine` on Qdrant Edge; open it with `EdgeEngine.open`."""

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
            if not read_only and not (path / _CONFIG).is_file():
                _create(path, dimension=dimension)
            return cls(path, _load(path, dimension=dimension), dimension=dimension, held=held)
        except BaseException:
            held.close()
            raise

    def upsert(self, points: Sequence[Point]) -> None:
        """Write the points and flush, which takes .1 s however few there are."""
        rows = [self._row(point) for point in points]
        if rows:
            self._shard.update(qdrant.UpdateOperation.upsert_points(rows))
            self._shard.flush()

    def delete(self, token_uids: Iterable[str]) -> int:
        """Delete the points, and write the segments anew that held them: a second or two.

        The engine itself only marks points as deleted until a fifth of a segment is.
        """
        before = self.count()
        ids: list[Any] = [point_id(uid) for uid in token_uids]
        for start in range(0, len(ids), _PAGE):
            self._shard.update(qdrant.UpdateOperation.delete_points(ids[start : start + _PAGE]))
        self._shard.flush()
        self._shard.close()
        # Indexes that were made before it was in `_config` get this threshold, too.
        self._shard = qdrant.EdgeShard.load(str(self._path), _config(dimension=self._dimension))
        self.optimize()
        return before - self.count()

    def optimize(self) -> None:
        """Build the HNSW graph and the 4-bit vectors: 3 s for 10,000 vectors of 192 numbers."""
        self._shard.optimize()
        self._shard.flush()

    def search(
        self, question: Question, *, k: int, where: Where | None = None, skip: int = 0
    ) -> list[Scored]:
        """Return the best `k`; approximate above some thousand points."""
        assert k > 0
        size = window(skip + k)
        found = self._shard.query(self._request(question, where, size=size))
        ranked = by_rank((str(hit.id), hit.score) for hit in found)[skip : skip + k]
        entries = self._entries([name for name, _ in ranked])
        return [Scored(**entries[name], score=score) for name, score in ranked]

    def _request(self, question: Question, where: Where | None, *, size: int) -> Any:
        """Return the request whose answers are the `size` best ones, without their payload."""
        queries = self._queries(question)
        params = _search_params(size)
        if question.is_plain:
            return qdrant.QueryRequest(
                limit=size, query=queries["looks"], params=params, filter=_filter(where)
            )
        candidates = [
            qdrant.Prefetch(
                limit=size,
                query=queries[way.by],
                params=params,
                filter=_filter_of_way(where, way),
            )
            for way in ways(question)
        ]
        most = size * len(candidates)
        # Each candidate's cosine is $score[0], its BM25 $score[1], whichever way it was found.
        scored = [
            qdrant.Prefetch(limit=most, query=queries[by], prefetches=candidates, params=_EXACTLY)
            for by in ("looks", "words")
            if queries[by] is not None
        ]
        return qdrant.QueryRequest(
            limit=size,
            query=_formula(question),
            prefetches=[*scored, *candidates],
        )

    def _queries(self, question: Question) -> dict[str, Any]:
        """Return what the engine is asked for each of the ways to look for candidates."""
        looks = words = None
        if question.vector is not None:
            vector = check_vector(question.vector, dimension=self._dimension, of="the query")
            looks = qdrant.Query.Nearest(vector.tolist(), using=_VECTOR)
        if question.text:
            words = qdrant.Query.Nearest(_sparse(query_words(question.text)), using=_WORDS)
        return {"looks": looks, "words": words, "id": None}

    def _entries(self, names: list[str]) -> dict[str, dict[str, Any]]:
        """Return the fields of the entries of some points, by the points' names."""
        found = self._shard.retrieve(names, with_payload=["entry"], with_vector=False)
        return {str(record.id): fields_from_json(record.payload["entry"]) for record in found}

    def get(self, token_uid: str) -> Point | None:
        found = self._shard.retrieve(
            [point_id(token_uid)], with_payload=["entry"], with_vector=True
        )
        if not found:
            return None
        vector = np.asarray(found[0].vector[_VECTOR], np.float32)
        # fp16 has moved its length a little off 1.
        unit = vector / np.linalg.norm(vector)
        return Point(**fields_from_json(found[0].payload["entry"]), vector=unit)

    def find(self, where: Where, *, limit: int) -> list[Entry]:
        found = self._payloads(["entry"], where=where)
        entries = [Entry(**fields_from_json(payload["entry"])) for payload in found]
        return sorted(entries, key=lambda entry: entry.token_uid)[:limit]

    def count(self, where: Where | None = None) -> int:
        request = qdrant.CountRequest(exact=True, filter=_filter(where))
        return int(self._shard.count(request))

    def vocabulary(self) -> dict[str, dict[str, int]]:
        vocabulary = {COLLECTION: self._facet(_KEYS[COLLECTION])}
        for keyword, tokens in self._facet(_TRAITS).items():
            name, value = _from_keyword(keyword)
            vocabulary.setdefault(name, {})[value] = tokens
        return {name: values for name, values in vocabulary.items() if values}

    def token_uids(self) -> set[str]:
        return {found["entry"]["token_uid"] for found in self._payloads(["entry.token_uid"])}

    def close(self) -> None:
        self._shard.close()
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _row(self, point: Point) -> Any:
        of = f"the vector of {point.token_uid}"
        vector = check_vector(point.vector, dimension=self._dimension, of=of)
        keywords = sorted({_to_keyword(trait) for trait in filterable(point.traits)})
        payload = {"entry": entry_to_json(point), _TRAITS: keywords}
        vectors = {_VECTOR: vector.tolist(), _WORDS: _sparse(document_words(point.caption))}
        return qdrant.Point(point_id(point.token_uid), vectors, payload)

    def _payloads(self, keys: list[str], *, where: Where | None = None) -> Iterator[dict[str, Any]]:
        offset = None
        while True:
            records, offset = self._shard.scroll(
                qdrant.ScrollRequest(
                    limit=_PAGE,
                    offset=offset,
                    with_payload=keys,
                    filter=_filter(where),
                )
            )
            yield from (record.payload for record in records)
            if offset is None:
                return

    def _facet(self, key: str) -> dict[str, int]:
        hits = self._shard.facet(qdrant.FacetRequest(key=key, limit=_ALL, exact=True)).hits
        return {hit.value: hit.count for hit in hits}


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
        vectors={_VECTOR: vectors},
        sparse_vectors={_WORDS: qdrant.EdgeSparseVectorParams(modifier=qdrant.Modifier.Idf)},
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
        for key in (*_KEYS.values(), _TRAITS):
            keyword = qdrant.PayloadSchemaType.Keyword
            shard.update(qdrant.UpdateOperation.create_field_index(key, keyword))
        shard.flush()
        shard.close()


def _load(path: Path, *, dimension: int) -> Any:
    if not (path / _CONFIG).is_file():
        raise IndexingError(f"{path} holds no vectors: it has no {_CONFIG}")
    found = files.read_json(path / _CONFIG)["vectors"][_VECTOR]["size"]
    if found != dimension:
        raise IndexingError(f"{path} has vectors of {found} numbers; {dimension} were expected")
    try:
        return qdrant.EdgeShard.load(str(path))
    except Exception as error:  # the engine raises nothing narrower
        raise IndexingError(f"{path} cannot be opened: {error}") from error


def _search_params(size: int) -> Any:
    return qdrant.SearchParams(
        hnsw_ef=max(_BREADTH, size),
        quantization=qdrant.QuantizationSearchParams(rescore=True, oversampling=_OVERSAMPLING),
    )


def _formula(question: Question) -> Any:
    """Return `Question`'s score as a formula over the prefetched scores."""
    number, score = qdrant.Expression.Constant, qdrant.Expression.Variable
    times, plus = qdrant.Expression.Mult, qdrant.Expression.Sum
    terms = [
        times([number(wish.weight), qdrant.Expression.Condition(_filter(wish.where))])
        for wish in question.wishes
    ]
    place = 0
    if question.vector is not None:
        terms.append(times([number(question.looks), score("$score[0]")]))
        place = 1
    if question.text:
        bm25 = score(f"$score[{place}]")
        share = qdrant.Expression.Div(bm25, plus([bm25, number(HALF_BM25)]), 0.0)
        terms.append(times([number(question.words), share]))
    return qdrant.Formula(plus(terms), defaults={"$score[0]": 0.0, "$score[1]": 0.0})


def _filter_of_way(where: Where | None, way: Way) -> Any:
    if not way.wishes:
        return _filter(where)
    wishes = qdrant.MinShould([_filter(wish) for wish in way.wishes], way.has)
    return qdrant.Filter(must=[] if where is None else [_filter(where)], min_should=wishes)


def _filter(where: Where | None) -> Any:
    match where:
        case None:
            return None
        case Equals():
            key, value = _key_and_value(where)
            return _all_of([qdrant.FieldCondition(key=key, match=qdrant.MatchValue(value))])
        case Not(part):
            return qdrant.Filter(must_not=[_filter(part)])
        case And(parts):
            return _all_of([_filter(part) for part in parts])
        case Or(parts) if all(isinstance(part, Equals) for part in parts):
            return qdrant.Filter(
                should=_any_of([part for part in parts if isinstance(part, Equals)])
            )
        case Or(parts):
            return qdrant.Filter(should=[_filter(part) for part in parts])


def _any_of(comparisons: list[Equals]) -> list[Any]:
    """Return a condition a field: a wish may have hundreds of values, and one look-up is quick."""
    values: dict[str, list[str]] = {}
    for comparison in comparisons:
        key, value = _key_and_value(comparison)
        values.setdefault(key, []).append(value)
    return [
        qdrant.FieldCondition(key=key, match=qdrant.MatchAny(found))
        for key, found in values.items()
    ]


def _key_and_value(comparison: Equals) -> tuple[str, str]:
    if comparison.name in _KEYS:
        return _KEYS[comparison.name], comparison.value
    return _TRAITS, _to_keyword(Trait(comparison.name, comparison.value))


def _all_of(conditions: list[Any]) -> Any:
    return qdrant.Filter(must=conditions)


def _sparse(words: Sparse) -> Any:
    return qdrant.SparseVector(list(words), list(words.values()))


def _to_keyword(trait: Trait) -> str:
    # "a=b" + "c" and "a" + "b=c" must differ.
    name = trait.trait_type.replace("%", "%25").replace("=", "%3D")
    return f"{name}={trait.value}"


def _from_keyword(keyword: str) -> tuple[str, str]:
    name, _, value = keyword.partition("=")
    return name.replace("%3D", "=").replace("%25", "%"), value

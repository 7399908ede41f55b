"""The exact reference: every vector in memory, every search a full scan.

    engine/vectors-00000.npy, points-00000.jsonl     the first batch
    engine/vectors-00001.npy, points-00001.jsonl     the second; replaces tokens of the first

A batch is there when its second file is, which is renamed into place after the first. To delete
points, those that stay are written as a new batch, and the earlier ones are removed. A search
of 10,000 vectors of 192 numbers takes .4 ms on one core, 30 ms with a filter: it asks each one.
"""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from traitlens import bounded_json, files
from traitlens.engines.locks import lock
from traitlens.engines.protocol import (
    HALF_BM25,
    SCORE_DIGITS,
    Entry,
    Point,
    Question,
    Scored,
    Vector,
    by_rank,
    check_vector,
    entry_to_json,
    fields_from_json,
    fields_of,
    fields_of_entry,
    point_id,
)
from traitlens.engines.where import TOKEN_ID, Where, matches
from traitlens.engines.words import Sparse, document_words, query_words
from traitlens.errors import IndexingError


class ExactEngine:
    """A `VectorEngine` on NumPy; open it with `ExactEngine.open`."""

    def __init__(self, path: Path, *, dimension: int, held: IO[bytes]) -> None:
        self._path = path
        self._held = held
        self._entries: list[Entry] = []
        self._fields: list[dict[str, set[str]]] = []
        self._rows: dict[str, int] = {}
        self._vectors_ND = np.empty((0, dimension), np.float32)  # grown by doubling
        self._words = _Postings()
        self._batches = 0

    @classmethod
    def open(cls, path: Path, *, dimension: int, read_only: bool = False) -> Self:
        """Open the engine in the folder `path`, which need not be there yet."""
        engine = cls(path, dimension=dimension, held=lock(path, shared=read_only))
        try:
            if read_only and not path.is_dir():
                raise IndexingError(f"{path} holds no vectors: no such folder")
            path.mkdir(exist_ok=True)
            for points in sorted(path.glob("points-*.jsonl")):
                engine._read(points)
        except BaseException:
            engine.close()
            raise
        return engine

    def upsert(self, points: Sequence[Point]) -> None:
        """Write the points as the next batch."""
        dimension = self._vectors_ND.shape[1]
        vectors = [
            check_vector(p.vector, dimension=dimension, of=f"the vector of {p.token_uid}")
            for p in points
        ]
        if not points:
            return
        self._write(points, vectors)
        for point, vector in zip(points, vectors, strict=True):
            self._put(Entry(**fields_of_entry(point)), vector)

    def delete(self, token_uids: Iterable[str]) -> int:
        """Write the points that stay as one batch, and remove all others from the disk."""
        gone = self._rows.keys() & set(token_uids)
        stay = [row for uid, row in self._rows.items() if uid not in gone]
        entries, vectors = [self._entries[row] for row in stay], [*self._vectors_ND[stay]]
        if gone:
            first_kept = self._batches
            self._forget()
            if entries:
                self._write(entries, vectors)
            for points in sorted(self._path.glob("points-*.jsonl")):
                if _number(points) < first_kept:
                    points.unlink()
            for entry, vector in zip(entries, vectors, strict=True):
                self._put(entry, vector)
        for strays in self._path.glob("vectors-*.npy"):
            if not strays.with_name(f"points-{_number(strays):05}.jsonl").is_file():
                strays.unlink()
        return len(gone)

    def _forget(self) -> None:
        self._entries, self._fields, self._rows, self._words = [], [], {}, _Postings()
        self._vectors_ND = np.empty((0, self._vectors_ND.shape[1]), np.float32)

    def _write(self, points: Sequence[Entry], vectors: Sequence[Vector]) -> None:
        """Write the next batch."""
        sink = io.BytesIO()
        np.save(sink, np.stack(vectors), allow_pickle=False)
        lines = [json.dumps(entry_to_json(point), ensure_ascii=False) for point in points]
        files.write_bytes(self._path / f"vectors-{self._batches:05}.npy", sink.getvalue())
        files.write_text(self._path / f"points-{self._batches:05}.jsonl", "\n".join(lines) + "\n")
        self._batches += 1

    def optimize(self) -> None:
        """Do nothing: a scan needs no preparation."""

    def has_doubles(self) -> bool:
        """Return False: what is written again takes the place of what was there."""
        return False

    def search(
        self, question: Question, *, k: int, where: Where | None = None, skip: int = 0
    ) -> list[Scored]:
        """Return the best `k` of a full scan."""
        assert k > 0
        rows = np.array(self._matching(where), dtype=np.intp)
        scores = np.round(self._scores(question, rows), SCORE_DIGITS)
        if question.vector is None:
            rows, scores = rows[scores > 0], scores[scores > 0]
        if len(rows) > skip + k:
            # All that tie with the last one stay in, so that their order decides, not the scan's.
            chosen = scores >= np.partition(scores, -skip - k)[-skip - k]
            rows, scores = rows[chosen], scores[chosen]
        names = {point_id(self._entries[row].token_uid): row for row in rows.tolist()}
        ranked = by_rank(zip(names, scores.tolist(), strict=True))[skip : skip + k]
        return [
            Scored(**fields_of_entry(self._entries[names[name]]), score=score)
            for name, score in ranked
        ]

    def _scores(self, question: Question, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the score of each of some rows, see `Question`: (rows,)."""
        scores = np.zeros(len(rows))
        if question.vector is not None:
            dimension = self._vectors_ND.shape[1]
            query_D = check_vector(question.vector, dimension=dimension, of="the query")
            scores += question.looks * (self._vectors_ND[: len(self._entries)] @ query_D)[rows]
        if question.text:
            bm25 = self._words.scores(query_words(question.text))[rows]
            scores += question.words * bm25 / (bm25 + HALF_BM25)
        for wish in question.wishes:
            scores += [wish.weight * matches(wish.where, self._fields[row]) for row in rows]
        return scores

    def get(self, token_uid: str) -> Point | None:
        row = self._rows.get(token_uid)
        if row is None:
            return None
        return Point(**fields_of_entry(self._entries[row]), vector=self._vectors_ND[row].copy())

    def points(self, token_uids: Sequence[str]) -> list[Point]:
        found = (self.get(token_uid) for token_uid in token_uids)
        return [point for point in found if point is not None]

    def find(self, where: Where, *, limit: int) -> list[Entry]:
        found = [self._entries[row] for row in self._matching(where)]
        return sorted(found, key=lambda entry: entry.token_uid)[:limit]

    def count(self, where: Where | None = None) -> int:
        return len(self._matching(where))

    def vocabulary(self, where: Where | None = None) -> dict[str, dict[str, int]]:
        counts: dict[str, Counter[str]] = {}
        for row in self._matching(where):
            for name, values in self._fields[row].items():
                if name != TOKEN_ID:
                    counts.setdefault(name, Counter()).update(values)
        return {name: dict(values) for name, values in counts.items()}

    def token_uids(self) -> set[str]:
        return set(self._rows)

    def close(self) -> None:
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _matching(self, where: Where | None) -> list[int]:
        every = range(len(self._entries))
        return [row for row in every if where is None or matches(where, self._fields[row])]

    def _read(self, points: Path) -> None:
        number = _number(points)
        vectors_BD = np.load(points.with_name(f"vectors-{number:05}.npy"), allow_pickle=False)
        if vectors_BD.shape[1] != self._vectors_ND.shape[1]:
            raise IndexingError(
                f"{self._path} has vectors of {vectors_BD.shape[1]} numbers; "
                f"{self._vectors_ND.shape[1]} were expected"
            )
        # Not `splitlines`: it also splits at characters that a trait may have, such as U+2028.
        lines = points.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        for line, vector in zip(lines, vectors_BD, strict=True):
            self._put(Entry(**fields_from_json(bounded_json.loads(line))), vector)
        self._batches = number + 1

    def _put(self, entry: Entry, vector: Vector) -> None:
        row = self._rows.setdefault(entry.token_uid, len(self._entries))
        if row == len(self._entries):
            self._entries.append(entry)
            self._fields.append(fields_of(entry))
        if row == len(self._vectors_ND):
            grown = np.empty((max(256, 2 * row), self._vectors_ND.shape[1]), np.float32)
            grown[:row] = self._vectors_ND
            self._vectors_ND = grown
        self._entries[row], self._fields[row] = entry, fields_of(entry)
        self._words.put(row, document_words(entry.caption))
        self._vectors_ND[row] = vector


class _Postings:
    """Which rows have which words."""

    def __init__(self) -> None:
        self._words: list[Sparse] = []  # of each row
        self._rows: dict[int, set[int]] = {}

    def put(self, row: int, words: Sparse) -> None:
        """Set the words of a row, the next one or one that has some already."""
        if row == len(self._words):
            self._words.append({})
        for word in self._words[row]:
            self._rows[word].discard(row)
        self._words[row] = words
        for word in words:
            self._rows.setdefault(word, set()).add(row)

    def scores(self, query: Sparse) -> NDArray[np.float64]:
        """Return the BM25 of each row: (rows,)."""
        scores = np.zeros(len(self._words))
        for word, weight in query.items():
            rows = self._rows.get(word, set())
            rarity = math.log1p((len(scores) - len(rows) + 0.5) / (len(rows) + 0.5))
            for row in rows:
                scores[row] += weight * rarity * self._words[row][word]
        return scores


def _number(file: Path) -> int:
    """Return which batch a file belongs to."""
    return int(file.stem.rpartition("-")[2])

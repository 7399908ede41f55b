"""Queries as people type them, written from a picture: where does the meant token rank?

A query file has one JSON object a line, with any further keys ignored:

    {"collection": "cryptopunks", "token_id": "122", "query": "punk smoking a cigarette"}

A query may fit other tokens as well, so a rank above 1 is not always an error. The same model's
score on the template captions of the same tokens stands beside, and so does chance.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from traitlens import metrics
from traitlens.errors import QueryError
from traitlens.evaluation.encoding import check_encoder, encode_pictures, encode_texts
from traitlens.evaluation.retrieval import (
    KS,
    RetrievalRow,
    Scope,
    Searched,
    number,
    rows_within,
    search,
)
from traitlens.evaluation.scoring import split_rule
from traitlens.metrics import Counts
from traitlens.models.encoder import Encoder, Vectors
from traitlens.progress import Progress, silent
from traitlens.records import Split, Token
from traitlens.store import Dataset

Side = Literal["free_text", "template", "chance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeTextQuery:
    """A query, the token that was meant, and where it was read: "queries.jsonl:3"."""

    collection: str
    token_id: str
    query: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedQuery:
    """What came of a query: the expected rank, from 1, of the meant token among `n`.

    `hits` are expected hits at k, in [0, 1]; both are whole numbers where nothing ties.
    """

    collection: str
    token_id: str
    query: str
    n: int
    rank: float
    template_rank: float
    hits: dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeTextEvaluation:
    """Ranks query by query, and the rows of the model's `free_text`, its `template` and `chance`.

    `template` is the score on the template captions of the same tokens, in the same galleries.
    `read` = the number of `ranked` + the sum of `skipped`.
    """

    model: str
    model_fingerprint: str
    dataset: str
    dataset_fingerprint: str
    split_rule: str | None
    split: Split | None
    read: int
    skipped: dict[str, int]
    ranked: tuple[RankedQuery, ...]
    rows: dict[Side, tuple[RetrievalRow, ...]]

    def row(
        self, side: Side, *, scope: Scope = "macro", gallery: str | None = None
    ) -> RetrievalRow:
        """Return one row, by default macro; KeyError when there is none."""
        for row in self.rows[side]:
            if row.scope == scope and gallery in (None, row.gallery):
                return row
        raise KeyError((side, scope, gallery))

    def to_json(self) -> dict[str, Any]:
        rows = {side: [row.to_json() for row in rows] for side, rows in self.rows.items()}
        return {**asdict(self), "rows": rows}


def read_queries(path: str | Path) -> tuple[FreeTextQuery, ...]:
    """Return the queries of a JSON lines file; raise QueryError with the file and the line."""
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise QueryError(f"cannot read the query file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise QueryError(f"the query file {path} is not UTF-8 text: {error.reason}") from error
    queries = [
        _read_query(line, where=f"{path}:{count}")
        for count, line in enumerate(lines, start=1)
        if line.strip()
    ]
    if not queries:
        raise QueryError(f"the query file {path} is empty")
    return tuple(queries)


def _read_query(line: str, *, where: str) -> FreeTextQuery:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"{where}: broken JSON: {error}") from error
    if not isinstance(value, dict):
        raise QueryError(f"{where}: expected a JSON object, got {line.strip()[:60]!r}")
    return FreeTextQuery(
        collection=_text(value, "collection", where),
        token_id=_text(value, "token_id", where),
        query=_text(value, "query", where),
        where=where,
    )


def _text(value: dict[str, Any], key: str, where: str) -> str:
    if key not in value:
        raise QueryError(f"{where}: no {key!r}; a query has collection, token_id and query")
    found = value[key]
    if key == "token_id" and isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    if not isinstance(found, str) or not found.strip():
        raise QueryError(f"{where}: {key!r} must be text, got {found!r}")
    return found.strip()


def evaluate_free_text(
    encoder: Encoder,
    data: Dataset | str | Path,
    queries: str | Path | Sequence[FreeTextQuery],
    *,
    split: Split | None = None,
    progress: Progress = silent,
) -> FreeTextEvaluation:
    """Return where the meant tokens rank within their collections, among the tokens of `split`.

    Queries about collections or tokens outside that gallery are skipped and counted; a token that
    the data set does not have at all is a QueryError.
    """
    check_encoder(encoder)
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    if isinstance(queries, str | Path):
        queries = read_queries(queries)
    asked, galleries, skipped = _match(data, queries, split=split)
    gallery = [token for tokens in galleries.values() for token in tokens]
    (images,) = encode_pictures([encoder], data, gallery, progress=progress)
    free: dict[str, Searched] = {}
    template: dict[str, Searched] = {}
    ranked: list[RankedQuery] = []
    start = 0
    for name, tokens in galleries.items():
        mine, images_ND = asked[name], images[start : start + len(tokens)]
        start += len(tokens)
        free[name], template[name] = _search(encoder, tokens, images_ND, mine)
        ranked += _ranked(mine, free[name], template[name])
    return FreeTextEvaluation(
        model=encoder.name,
        model_fingerprint=encoder.fingerprint,
        dataset=str(data.path),
        dataset_fingerprint=data.manifest.fingerprint,
        split_rule=split_rule(data),
        split=split,
        read=len(queries),
        skipped=dict(skipped),
        ranked=tuple(ranked),
        rows=_rows(encoder.name, free, template),
    )


def _match(
    data: Dataset, queries: Iterable[FreeTextQuery], *, split: Split | None
) -> tuple[dict[str, list[FreeTextQuery]], dict[str, list[Token]], Counter[str]]:
    """Return the answerable queries and the gallery of each collection, and what was skipped."""
    asked: dict[str, list[FreeTextQuery]] = {}
    skipped: Counter[str] = Counter()
    known = set(data.collections)
    for query in queries:
        if query.collection in known:
            asked.setdefault(query.collection, []).append(query)
        else:
            skipped["collection not in the data set"] += 1
    galleries: dict[str, list[Token]] = {}
    for name, mine in list(asked.items()):
        tokens = list(data.tokens(collections=[name], images=False, rejected=True))
        _refuse_unknown(mine, {token.token_id for token in tokens}, data)
        gallery = [t for t in tokens if t.status == "kept" and split in (None, t.split)]
        ids = {token.token_id for token in gallery}
        asked[name] = [query for query in mine if query.token_id in ids]
        skipped["token not in the gallery"] += len(mine) - len(asked[name])
        if asked[name]:
            galleries[name] = gallery
    if not galleries:
        listed = ", ".join(f"{count} x {reason}" for reason, count in skipped.items() if count)
        raise QueryError(f"none of the queries can be asked of {data.path}: {listed}")
    return asked, galleries, +skipped


def _refuse_unknown(queries: Iterable[FreeTextQuery], ids: set[str], data: Dataset) -> None:
    for query in queries:
        if query.token_id not in ids:
            raise QueryError(
                f"{query.where}: {data.path} has no token {query.token_id!r} in {query.collection}"
            )


def _search(
    encoder: Encoder, tokens: Sequence[Token], images_ND: Vectors, queries: Sequence[FreeTextQuery]
) -> tuple[Searched, Searched]:
    """Return what came of the free-text queries and of the template captions of the same tokens."""
    place = {token.token_id: i for i, token in enumerate(tokens)}
    meant = np.array([place[query.token_id] for query in queries])
    captions = [token.caption for token in tokens]
    free = search(
        encode_texts(encoder, [query.query for query in queries]),
        images_ND,
        classes=np.arange(len(tokens)),  # free text may tell tokens of one caption apart
        meant=meant,
    )
    template = search(
        encode_texts(encoder, [captions[i] for i in meant]),
        images_ND,
        classes=number(captions),
        meant=meant,
    )
    return free, template


def _ranked(
    queries: Sequence[FreeTextQuery], free: Searched, template: Searched
) -> list[RankedQuery]:
    hits = {k: metrics.hits(free.instance, k) for k in KS}
    return [
        RankedQuery(
            collection=query.collection,
            token_id=query.token_id,
            query=query.query,
            n=free.n,
            rank=float(free.instance.ranks[i]),
            template_rank=float(template.instance.ranks[i]),
            hits={k: float(hits[k][i]) for k in KS},
        )
        for i, query in enumerate(queries)
    ]


def _rows(
    model: str, free: dict[str, Searched], template: dict[str, Searched]
) -> dict[Side, tuple[RetrievalRow, ...]]:
    chance = {name: _constant(found) for name, found in free.items()}

    def rows(found: dict[str, Searched], name: str) -> tuple[RetrievalRow, ...]:
        return tuple(rows_within(found, model=name, direction="text_to_image"))

    return {
        "free_text": rows(free, model),
        "template": rows(template, model),
        "chance": rows(chance, "chance"),
    }


def _constant(found: Searched) -> Searched:
    """Return what an encoder scores that gives one vector to everything."""
    level = Counts(np.zeros_like(found.gallery_size), found.gallery_size - 1)
    return Searched(
        instance=level,
        same_class=level,
        gallery_size=found.gallery_size,
        same_caption=found.same_caption,
    )

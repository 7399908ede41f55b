"""Where the meant token ranks for queries as people type them (see `queries`).

A query may fit other tokens as well, so a rank above 1 is not always an error. The same model's
score on the template captions of the same tokens stands beside, and so do chance, the baselines,
and a search of the metadata's words.
"""

# Axes: Q queries, N gallery items

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from traitlens import metrics
from traitlens.captions.stems import JOINING, stem_list
from traitlens.embedding import Embedded, Gallery
from traitlens.embedding.gallery import Numbers
from traitlens.errors import QueryError
from traitlens.evaluation.queries import FreeTextQuery, read_queries
from traitlens.evaluation.retrieval import KS, RetrievalRow, Scope, row_of_all, rows_within
from traitlens.evaluation.searching import Searched, search
from traitlens.evaluation.word_search import WordSearch
from traitlens.metrics import Counts
from traitlens.models.encoder import Vectors
from traitlens.progress import Progress, silent
from traitlens.records import Split, Token
from traitlens.store import Dataset

TEMPLATE, CHANCE, WORDS = "template captions", "chance", "words of the metadata"

SHOWN = 6  # hits of a query that are named for a page


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedQuery:
    """What came of a query: the expected rank, from 1, of the meant token.

    `rank` is that among the `n` tokens of its collection, `rank_in_all` among those of all. `hits`
    are expected hits at k, in [0, 1]. `unseen` are its words that no train caption has. `first`
    are the ids of the first tokens of its collection, as the model ranks them.
    """

    collection: str
    token_id: str
    query: str
    n: int
    rank: float
    rank_in_all: float
    template_rank: float
    hits: dict[int, float]
    unseen: tuple[str, ...]
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeTextEvaluation:
    """Ranks query by query, and rows of the model and of what stands beside it.

    `rows` has by name: the model; the model on the `TEMPLATE` captions of the same tokens, in the
    same galleries; each baseline; a search of the `WORDS` of the metadata; `CHANCE`. `known_words`
    and `unseen_words` are the model's rows for queries of which every word, or not every word, is
    in a train caption. `read` = the number of `ranked` + the sum of `skipped`.
    """

    model: str
    dataset: str
    split: str | None
    read: int
    skipped: dict[str, int]
    ranked: tuple[RankedQuery, ...]
    rows: dict[str, tuple[RetrievalRow, ...]]
    known_words: tuple[RetrievalRow, ...]
    unseen_words: tuple[RetrievalRow, ...]

    def row(
        self, name: str | None = None, *, scope: Scope = "macro", gallery: str | None = None
    ) -> RetrievalRow:
        """Return one row, by default the model's macro row; KeyError when there is none."""
        for row in self.rows[name or self.model]:
            if row.scope == scope and gallery in (None, row.gallery):
                return row
        raise KeyError((name, scope, gallery))

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "rows": {name: _json(rows) for name, rows in self.rows.items()},
            "known_words": _json(self.known_words),
            "unseen_words": _json(self.unseen_words),
        }


def _json(rows: Iterable[RetrievalRow]) -> list[dict[str, Any]]:
    return [row.to_json() for row in rows]


def evaluate_free_text(
    found: Sequence[Embedded],
    queries: str | Path | Sequence[FreeTextQuery],
    *,
    progress: Progress = silent,
) -> FreeTextEvaluation:
    """Return where the meant tokens rank, within their collections and among all tokens.

    `found[0]` is the model, the others stand beside; all have the same gallery. Queries about
    collections or tokens outside it are skipped and counted; a token that the data set does not
    have at all is a QueryError.
    """
    read = read_queries(queries) if isinstance(queries, str | Path) else tuple(queries)
    model, gallery = found[0], found[0].gallery
    asked, skipped = _match(gallery, read)
    names = (*(each.model for each in found), TEMPLATE, WORDS, CHANCE)
    within: dict[str, dict[str, Searched]] = {name: {} for name in names}
    ranked: list[RankedQuery] = []
    known = _known_stems(gallery.data)
    texts = [query.query for mine, _ in asked.values() for query in mine]
    vectors = {each.model: each.encode_texts(texts) for each in found}
    for name, (mine, tokens) in asked.items():
        part = slice(len(ranked), len(ranked) + len(mine))
        for each in found:
            within[each.model][name] = _ask(each, vectors[each.model][part], mine, tokens)
        within[TEMPLATE][name] = _ask_templates(model, mine, tokens)
        within[WORDS][name] = _ask_words(mine, tokens)
        within[CHANCE][name] = _constant(within[WORDS][name])
        searched = {side: within[side][name] for side in (model.model, TEMPLATE)}
        ranked += _ranked(model, vectors[model.model][part], mine, tokens, searched, known)
        progress("ask queries", part.stop, len(texts))
    in_all = {each.model: _ask_all(each, vectors[each.model], asked) for each in found}
    in_all[CHANCE] = _constant(in_all[model.model])
    ranks = in_all[model.model].instance.ranks.tolist()
    ranked = [replace(one, rank_in_all=rank) for one, rank in zip(ranked, ranks, strict=True)]
    return FreeTextEvaluation(
        model=model.model,
        dataset=str(gallery.data.path),
        split=gallery.split,
        read=len(read),
        skipped=skipped,
        ranked=tuple(ranked),
        rows={
            name: _rows(name, within[name], in_all.get(name), len(gallery.collections))
            for name in names
        },
        known_words=_chosen(model.model, within[model.model], ranked, unseen=False),
        unseen_words=_chosen(model.model, within[model.model], ranked, unseen=True),
    )


Asked = dict[str, tuple[list[FreeTextQuery], list[Token]]]


def _match(gallery: Gallery, queries: Iterable[FreeTextQuery]) -> tuple[Asked, dict[str, int]]:
    """Return the answerable queries and the tokens of each collection, and what was skipped."""
    by_collection: dict[str, list[FreeTextQuery]] = {}
    skipped: Counter[str] = Counter()
    for query in queries:
        if query.collection in gallery.data.collections:
            by_collection.setdefault(query.collection, []).append(query)
        else:
            skipped["collection not in the data set"] += 1
    asked: Asked = {}
    # In the order of the gallery, which is that of the ranks among all tokens
    for name in sorted(by_collection, key=gallery.data.collections.index):
        mine = by_collection[name]
        tokens = gallery.tokens(name) if name in gallery.collections else []
        ids = {token.token_id for token in tokens}
        answerable = [query for query in mine if query.token_id in ids]
        elsewhere = [query for query in mine if query.token_id not in ids]
        if elsewhere:
            _refuse_unknown(elsewhere, gallery.data, name)
        skipped["token not in the gallery"] += len(elsewhere)
        if answerable:
            asked[name] = answerable, tokens
    if not asked:
        listed = ", ".join(f"{count} x {reason}" for reason, count in skipped.items() if count)
        raise QueryError(
            f"none of the queries can be asked of {gallery.data.path}, split "
            f"{gallery.split or 'all'}: {listed}"
        )
    return asked, dict(+skipped)


def _refuse_unknown(queries: Iterable[FreeTextQuery], data: Dataset, name: str) -> None:
    tokens = data.tokens(collections=[name], images=False, metadata=False, rejected=True)
    ids = {token.token_id for token in tokens}
    for query in queries:
        if query.token_id not in ids:
            raise QueryError(
                f"{query.where}: {data.path} has no token {query.token_id!r} in {name}"
            )


def _places(queries: Iterable[FreeTextQuery], tokens: Iterable[Token]) -> Numbers:
    """Return the row of each query's token among `tokens`."""
    place = {token.token_id: row for row, token in enumerate(tokens)}
    return np.array([place[query.token_id] for query in queries], np.int64)


def _ask(
    each: Embedded,
    vectors_QD: Vectors,
    queries: Sequence[FreeTextQuery],
    tokens: Sequence[Token],
) -> Searched:
    """Return what comes of the queries of one collection; `tokens` are all of it."""
    return search(
        vectors_QD,
        each.images_ND[each.gallery.rows(queries[0].collection)],
        classes=np.arange(len(tokens)),  # free text may tell tokens of one caption apart
        meant=_places(queries, tokens),
    )


def _ask_templates(
    each: Embedded, queries: Sequence[FreeTextQuery], tokens: Sequence[Token]
) -> Searched:
    """Return what comes of the template captions of the same tokens."""
    rows, meant = each.gallery.rows(queries[0].collection), _places(queries, tokens)
    classes = each.gallery.caption_of[rows]
    return search(each.texts_ND[rows][meant], each.images_ND[rows], classes=classes, meant=meant)


def _ask_all(each: Embedded, vectors_QD: Vectors, asked: Asked) -> Searched:
    """Return what comes of all queries in one gallery of all tokens."""
    gallery = each.gallery
    meant = [
        gallery.rows(name).start + _places(mine, tokens) for name, (mine, tokens) in asked.items()
    ]
    return search(
        vectors_QD,
        each.images_ND,
        classes=np.arange(len(gallery)),
        collections=gallery.collection_of,
        meant=np.concatenate(meant),
    )


def _ask_words(queries: Sequence[FreeTextQuery], tokens: Sequence[Token]) -> Searched:
    """Return what a search of the captions' words finds."""
    words = WordSearch([token.caption for token in tokens])
    scores_QN = np.stack([words.scores(query.query) for query in queries])
    meant = _places(queries, tokens)
    counts = metrics.count(scores_QN, meant[:, None] == np.arange(len(tokens)))
    return Searched(
        instance=counts,
        same_class=counts,
        gallery_size=np.full(len(queries), len(tokens)),
        same_caption=np.ones(len(queries), np.int64),
    )


def _ranked(
    model: Embedded,
    vectors_QD: Vectors,
    queries: Sequence[FreeTextQuery],
    tokens: Sequence[Token],
    searched: dict[str, Searched],
    known: frozenset[str],
) -> list[RankedQuery]:
    free, template = searched[model.model], searched[TEMPLATE]
    hits = {k: metrics.hits(free.instance, k) for k in KS}
    images_ND, _ = model.of(queries[0].collection)
    best = np.argsort(-(vectors_QD @ images_ND.T), axis=1, kind="stable")[:, :SHOWN]
    return [
        RankedQuery(
            collection=query.collection,
            token_id=query.token_id,
            query=query.query,
            n=free.n,
            rank=float(free.instance.ranks[i]),
            rank_in_all=0.0,
            template_rank=float(template.instance.ranks[i]),
            hits={k: float(hits[k][i]) for k in KS},
            unseen=_unseen(query.query, known),
            first=tuple(tokens[row].token_id for row in best[i]),
        )
        for i, query in enumerate(queries)
    ]


def _known_stems(data: Dataset) -> frozenset[str]:
    """Return the stems of all words of the train captions, or of all captions without a split."""
    split: Split | None = "train" if data.count(split="train") else None
    found: set[str] = set()
    for token in data.tokens(split=split, images=False, metadata=False):
        found.update(stem_list(token.caption))
    return frozenset(found)


def _unseen(query: str, known: frozenset[str]) -> tuple[str, ...]:
    said = dict.fromkeys(stem_list(query))
    return tuple(word for word in said if word not in known and word not in JOINING)


def _rows(
    name: str, within: dict[str, Searched], in_all: Searched | None, collections: int
) -> tuple[RetrievalRow, ...]:
    rows = rows_within(within, model=name, direction="text_to_image")
    if in_all:
        rows.append(row_of_all(in_all, model=name, collections=collections))
    return tuple(rows)


def _chosen(
    model: str, within: dict[str, Searched], ranked: Sequence[RankedQuery], *, unseen: bool
) -> tuple[RetrievalRow, ...]:
    """Return the rows of the queries with, or without, words that are in no train caption."""
    chosen = {}
    for name, searched in within.items():
        mine = [bool(one.unseen) == unseen for one in ranked if one.collection == name]
        if any(mine):
            chosen[name] = searched.of(np.flatnonzero(mine))
    return tuple(rows_within(chosen, model=model, direction="text_to_image")) if chosen else ()


def _constant(found: Searched) -> Searched:
    """Return what an encoder scores that gives one vector to everything."""
    level = Counts(np.zeros_like(found.gallery_size), found.gallery_size - 1)
    return replace(found, instance=level, same_class=level, same_collection=None)

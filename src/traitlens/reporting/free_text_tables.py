"""Free-text scores as tables: within collections and over all, unseen words apart."""

from __future__ import annotations

from collections.abc import Iterator

from traitlens.evaluation import FreeTextEvaluation, RetrievalRow
from traitlens.evaluation.free_text import TEMPLATE
from traitlens.evaluation.retrieval import KS
from traitlens.reporting.retrieval_tables import (
    SCOPES,
    TIE_RULE,
    row_table,
    short_name,
    skipped_words,
    with_interval,
)
from traitlens.tables import Cell, Column, Table, percents

_SCORES = (
    *percents([*(f"top-{k}" for k in KS), "MRR"]),
    Column("median rank", "number", digits=1),
)


def free_text_tables(found: FreeTextEvaluation) -> tuple[Table, ...]:
    """Return the means, known and unseen words apart, and a table with every collection."""
    return (_summary(found), _by_words(found), _by_collection(found))


def query_table(found: FreeTextEvaluation) -> Table:
    """Return every query with its ranks, a line each."""
    return Table(
        title="Free text, query by query",
        columns=(
            *(Column(name) for name in ("collection", "token", "query")),
            Column("N", "count"),
            *(Column(n, "number") for n in ("rank", "rank in all", "rank of the caption")),
            *percents([f"top-{k}" for k in KS]),
            Column("unseen words"),
            Column("first hits"),
        ),
        rows=tuple(
            (
                one.collection,
                one.token_id,
                one.query,
                one.n,
                one.rank,
                one.rank_in_all,
                one.template_rank,
                *(one.hits[k] for k in KS),
                " ".join(one.unseen),
                " ".join(one.first),
            )
            for one in found.ranked
        ),
    )


def free_text_row_table(found: FreeTextEvaluation) -> Table:
    """Return every number of every row, a line each."""
    return row_table("Free text, rows", (row for rows in found.rows.values() for row in rows))


def _summary(found: FreeTextEvaluation) -> Table:
    searched = "all tokens" if found.split is None else f"{found.split} tokens"
    rows: list[tuple[Cell, ...]] = []
    for scope in SCOPES:
        for name, mine in found.rows.items():
            shown = f"{found.model} on {TEMPLATE}" if name == TEMPLATE else name
            rows += [(scope, shown, *_scores(row)) for row in mine if row.scope == scope]
    asked = found.row()
    galleries = "; ".join(f"{scope}: {words}" for scope, words in SCOPES.items())
    note = (
        f"{len(found.ranked):,} of {found.read:,} queries in {asked.collections} collections. "
        f"{galleries}. A query may fit other tokens too: a rank above 1 is not always an error. "
        f"{TIE_RULE} {skipped_words(found.skipped)}"
    )
    return Table(
        title=f"Free text to image, {searched} of {short_name(found.dataset)}",
        columns=(Column("gallery"), Column("by"), *_SCORES),
        rows=tuple(rows),
        note=note.strip(),
    )


def _by_words(found: FreeTextEvaluation) -> Table:
    sides = {"all known": found.known_words, "some unseen": found.unseen_words}
    return Table(
        title=f"Free text by its words, {found.model}",
        columns=(Column("words"), Column("gallery"), Column("queries", "count"), *_SCORES),
        rows=tuple(
            (words, row.scope, row.queries, *_scores(row))
            for words, rows in sides.items()
            for row in rows
            if row.scope in SCOPES
        ),
        note="Known: the word is in a caption of the train split, or in any where there is none.",
    )


def _by_collection(found: FreeTextEvaluation) -> Table:
    return Table(
        title=f"Free text, collection by collection, {found.model}",
        columns=(
            Column("collection"),
            Column("N", "count"),
            Column("queries", "count"),
            *percents(["top-1", "top-10", "chance top-10"]),
            Column("median rank", "number", digits=1),
            Column("captions top-1", "percent"),
        ),
        rows=tuple(_collection_rows(found)),
    )


def _collection_rows(found: FreeTextEvaluation) -> Iterator[tuple[Cell, ...]]:
    captions = {row.gallery: row for row in found.rows[TEMPLATE] if row.scope == "collection"}
    for row in found.rows[found.model]:
        if row.scope == "collection":
            shares = (row.recall[1], row.recall[10], row.chance[10])
            of_captions = captions[row.gallery].recall[1]
            yield (row.gallery, row.n, row.queries, *shares, row.median_rank, of_captions)


def _scores(row: RetrievalRow) -> tuple[Cell, ...]:
    return (*(with_interval(row, k) for k in KS), row.mrr, row.median_rank)

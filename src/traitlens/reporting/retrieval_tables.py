"""Retrieval scores as tables, and the three numbers that a release is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from traitlens.evaluation import Evaluation, RetrievalRow
from traitlens.evaluation.retrieval import KS, Scope
from traitlens.evaluation.searching import DIRECTIONS, Direction
from traitlens.tables import Cell, Column, Table, percents

CHANCE = "chance"
STRUCTURED = "structured search (metadata)"

TIE_RULE = (
    "Shares in %. Ties are broken at random, in expectation: a constant model scores exactly "
    "chance."
)
CEILING_RULE = (
    "Structured search reads the metadata instead of the picture: it finds every token of the "
    "caption, which is the ceiling where tokens share one. Class: any token of the caption counts."
)

SCOPES: dict[Scope, str] = {
    "macro": "own collection, mean over collections",
    "micro": "own collection, mean over queries",
    "all": "all collections together",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """An evaluation in three numbers, from the macro rows, text to image.

    Recalls are shares of their ceilings. `ratio` is the model's top-1 over the best baseline's;
    None without baselines, or where that baseline finds nothing.
    """

    top1_of_ceiling: float
    top10_of_ceiling: float
    best_baseline: str | None
    ratio: float | None


def headline(evaluation: Evaluation) -> Headline:
    """Return the three numbers that a release is judged by."""
    row = evaluation.row()
    best = best_baseline(evaluation)
    other = evaluation.row(model=best).recall[1] if best else 0.0
    return Headline(
        top1_of_ceiling=row.of_ceiling(1),
        top10_of_ceiling=row.of_ceiling(10),
        best_baseline=best,
        ratio=row.recall[1] / other if other else None,
    )


def headline_line(found: Headline) -> str:
    """Return the headline as one line of text."""
    show = Column("", "percent").show
    line = (
        f"Macro top-1 is {show(found.top1_of_ceiling)}% of its ceiling, "
        f"top-10 {show(found.top10_of_ceiling)}%"
    )
    if found.ratio is None:
        return line
    return f"{line}; top-1 is {found.ratio:.2f} times that of {found.best_baseline}"


def best_baseline(evaluation: Evaluation) -> str | None:
    """Return what stands beside the model with the best macro top-1, text to image."""
    others = [evaluation.row(model=name) for name in evaluation.models[1:]]
    best = max(others, key=lambda row: row.recall[1], default=None)
    return best.model if best else None


def retrieval_tables(evaluation: Evaluation) -> tuple[Table, ...]:
    """Return a table for each direction, ranks and sums of both, and one with every collection."""
    first, *others = (_recall_table(evaluation, direction) for direction in DIRECTIONS)
    return (
        replace(first, note=_note(evaluation)),
        *others,
        _rank_table(evaluation),
        _sum_table(evaluation),
        collection_table(evaluation),
    )


def collection_table(evaluation: Evaluation) -> Table:
    """Return the scores of every collection beside those of the other models, text to image."""
    model, *others = evaluation.models
    names = [f"{model} top-1", "top-10", *(f"{name} top-1" for name in others)]
    beside = [evaluation.collection_rows(model=name) for name in others]
    return Table(
        title=f"Text to image, collection by collection, {searched(evaluation)}",
        columns=(
            Column("collection"),
            Column("N", "count"),
            *percents([*names, "chance top-1", "ceiling top-1"]),
        ),
        rows=tuple(
            (
                name,
                row.n,
                row.recall[1],
                row.recall[10],
                *(rows[name].recall[1] for rows in beside),
                row.chance[1],
                row.ceiling[1],
            )
            for name, row in evaluation.collection_rows().items()
        ),
    )


def row_table(title: str, rows: Iterable[RetrievalRow]) -> Table:
    """Return every number of some rows, a line each, for whoever computes with them."""
    names = [
        f"{what} {k}" for what in ("top", "chance", "ceiling", "class top", "class chance")
        for k in KS
    ]  # fmt: skip
    bounds = [f"top {k} {end}" for k in KS for end in ("low", "high")]
    counts = [Column(name, "count") for name in ("collections", "N", "queries")]
    return Table(
        title=title,
        columns=(
            *(Column(name) for name in ("model", "direction", "scope", "gallery")),
            *counts,
            *percents(names),
            *percents(["MRR"]),
            *(Column(name, "number") for name in ("median rank", "mean rank")),
            *percents(["right collection", *bounds]),
        ),
        rows=tuple(_all_of(row) for row in rows),
    )


def searched(evaluation: Evaluation) -> str:
    """Return what was searched: the split's rule is always said, since rules never mix."""
    split = "all tokens" if evaluation.split is None else f"{evaluation.split} tokens"
    rule = f", split {evaluation.split_rule}" if evaluation.split_rule else ""
    return f"{split} of {short_name(evaluation.dataset)}{rule}"


def short_name(dataset: str) -> str:
    """Return the last part of a data set's path."""
    return Path(dataset).name or dataset


def skipped_words(skipped: dict[str, int]) -> str:
    """Return how many were left out and why, a sentence for each reason."""
    return " ".join(f"Left out: {count:,} x {reason}." for reason, count in skipped.items())


def with_interval(row: RetrievalRow, k: int) -> Cell:
    """Return the share of hits at k, as text "97.1 [96.0, 98.2]" where its interval is known."""
    interval = (row.interval or {}).get(k)
    if interval is None:
        return row.recall[k]
    show = Column("", "percent", digits=1).show
    low, high = interval
    return f"{show(row.recall[k])} [{show(low)}, {show(high)}]"


def _recall_table(evaluation: Evaluation, direction: Direction) -> Table:
    columns = [f"top-{k}" for k in KS] + ["class top-1"]
    return Table(
        title=f"{_words(direction).capitalize()}, {searched(evaluation)}",
        columns=(Column("gallery"), Column("by"), *percents(columns)),
        rows=tuple(row for scope in SCOPES for row in _recalls(evaluation, direction, scope)),
    )


def _words(direction: Direction) -> str:
    return direction.replace("_", " ")


def _recalls(
    evaluation: Evaluation, direction: Direction, scope: Scope
) -> Iterator[tuple[Cell, ...]]:
    rows = [row for row in evaluation.rows if (row.direction, row.scope) == (direction, scope)]
    for row in rows:
        yield (scope, row.model, *(with_interval(row, k) for k in KS), row.class_recall[1])
    for row in rows[:1]:  # the same for all models
        yield (scope, CHANCE, *row.chance.values(), row.class_chance[1])
        yield (scope, STRUCTURED, *row.ceiling.values(), 1.0)


def _rank_table(evaluation: Evaluation) -> Table:
    return Table(
        title="Ranks of the meant one",
        columns=(
            *(Column(name) for name in ("direction", "gallery", "by")),
            Column("MRR", "percent"),
            *(Column(f"{name} rank", "number", digits=1) for name in ("median", "mean")),
        ),
        rows=tuple(
            (_words(direction), scope, row.model, row.mrr, row.median_rank, row.mean_rank)
            for direction in DIRECTIONS
            for scope in SCOPES
            for row in evaluation.rows
            if (row.direction, row.scope) == (direction, scope)
        ),
        note="MRR: the mean of 1 / rank, in %.",
    )


def _sum_table(evaluation: Evaluation) -> Table:
    return Table(
        title="Both directions",
        columns=(Column("gallery"), Column("by"), *percents(["rsum", "right collection"])),
        rows=tuple(row for scope in SCOPES for row in _sums(evaluation, scope)),
        note=(
            "rsum: top-1, top-5 and top-10 of both directions added up, of 600. Right collection: "
            "the first hit of a text in the gallery of all is of the meant token's collection."
        ),
    )


def _sums(evaluation: Evaluation, scope: Scope) -> Iterator[tuple[Cell, ...]]:
    for name in evaluation.models:
        right = evaluation.row(scope=scope, model=name).right_collection
        yield scope, name, evaluation.rsum(scope=scope, model=name), right
    mine = [evaluation.row(scope=scope, direction=direction) for direction in DIRECTIONS]
    guessed = _guessed_collection(evaluation) if scope == "all" else None
    yield scope, CHANCE, sum(sum(row.chance.values()) for row in mine), guessed
    yield scope, STRUCTURED, sum(sum(row.ceiling.values()) for row in mine), None


def _guessed_collection(evaluation: Evaluation) -> float:
    """Return how often a token drawn from all is of the query's collection."""
    sizes = [row.n for row in evaluation.collection_rows().values()]
    return sum(size**2 for size in sizes) / sum(sizes) ** 2


def _note(evaluation: Evaluation) -> str:
    collections = len(evaluation.families)
    galleries = "; ".join(f"{scope}: {words}" for scope, words in SCOPES.items())
    said = [
        f"{evaluation.tokens:,} tokens in {collections} collections. {galleries}.",
        TIE_RULE,
        CEILING_RULE,
    ]
    if any(row.interval for row in evaluation.rows):
        by = "families" if evaluation.clusters == "family" else "collections"
        said.append(f"In brackets: the 95% interval of a bootstrap over {by}.")
    if evaluation.skipped:
        said.append(skipped_words(evaluation.skipped))
    return " ".join(said)


def _all_of(row: RetrievalRow) -> tuple[Cell, ...]:
    shares = (row.recall, row.chance, row.ceiling, row.class_recall, row.class_chance)
    bounds = [end for k in KS for end in (row.interval or {}).get(k, (None, None))]
    return (
        row.model,
        row.direction,
        row.scope,
        row.gallery,
        row.collections,
        row.n,
        row.queries,
        *(share[k] for share in shares for k in KS),
        row.mrr,
        row.median_rank,
        row.mean_rank,
        row.right_collection,
        *bounds,
    )

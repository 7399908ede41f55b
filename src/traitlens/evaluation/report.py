"""Evaluations as tables for the terminal; `to_json` of the records is the form for files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from traitlens.evaluation.retrieval import DIRECTIONS, KS, PerK, RetrievalRow, Scope
from traitlens.evaluation.scoring import Evaluation

TIE_RULE = (
    "All in %. Ties are broken at random, in expectation: a constant model scores exactly chance. "
    "The ceiling is below 100 where tokens share a caption. Class: any token of the caption counts."
)

_SCOPES: dict[Scope, str] = {
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
    baselines = [evaluation.row(model=name) for name in evaluation.models[1:]]
    best = max(baselines, key=lambda baseline: baseline.recall[1], default=None)
    return Headline(
        top1_of_ceiling=row.of_ceiling(1),
        top10_of_ceiling=row.of_ceiling(10),
        best_baseline=best.model if best else None,
        ratio=row.recall[1] / best.recall[1] if best and best.recall[1] else None,
    )


def tables(evaluation: Evaluation) -> list[Table]:
    """Return a table for each direction and one with every collection."""
    made = [_summary(evaluation, number) for number in range(len(DIRECTIONS))]
    return [*made, _by_collection(evaluation)]


def headline_line(found: Headline) -> str:
    """Return the headline as one line of text."""
    line = (
        f"Macro top-1 is {_percent(found.top1_of_ceiling)}% of its ceiling, "
        f"top-10 {_percent(found.top10_of_ceiling)}%"
    )
    if found.ratio is None:
        return line
    return f"{line}; top-1 is {found.ratio:.2f} times that of {found.best_baseline}"


def _summary(evaluation: Evaluation, number: int) -> Table:
    direction = DIRECTIONS[number]
    table = Table(
        title=f"{direction.replace('_', ' ')}, {_where(evaluation)}",
        caption=f"{TIE_RULE}{_skipped(evaluation.skipped)}",
    )
    _columns(
        table, "gallery", "N", "", *(f"top-{k}" for k in KS), "class top-1", "MRR", "median rank"
    )
    for scope, words in _SCOPES.items():
        rows = [r for r in evaluation.rows if (r.direction, r.scope) == (direction, scope)]
        first = rows[0]
        heads = [(words, f"{first.n:,} in {first.collections}")] + [("", "")] * len(rows)
        for head, row in zip(heads, rows, strict=False):
            table.add_row(*head, escape(row.model), *_scores(row))
        table.add_row("", "", "chance", *_by_k(first.chance), _percent(first.class_chance[1]))
        table.add_row("", "", "ceiling", *_by_k(first.ceiling), "100.0", end_section=True)
    return table


def _by_collection(evaluation: Evaluation) -> Table:
    table = Table(title=f"text to image, collection by collection, {_where(evaluation)}")
    model, *baselines = evaluation.models
    names = [f"{escape(model)} top-1", "top-10", *(f"{escape(n)} top-1" for n in baselines)]
    _columns(table, "collection", "N", *names, "chance top-1", "ceiling top-1")
    for row in _text_rows(evaluation.rows, model):
        others = [
            evaluation.row(scope="collection", model=b, gallery=row.gallery) for b in baselines
        ]
        shares = [row.recall[1], row.recall[10], *(other.recall[1] for other in others)]
        table.add_row(
            escape(row.gallery),
            f"{row.n:,}",
            *(_percent(share) for share in (*shares, row.chance[1], row.ceiling[1])),
        )
    return table


def _text_rows(rows: Iterable[RetrievalRow], model: str) -> list[RetrievalRow]:
    wanted = (model, "text_to_image", "collection")
    return [row for row in rows if (row.model, row.direction, row.scope) == wanted]


def _columns(table: Table, first: str, *others: str) -> None:
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right" if name else "left")


def _where(evaluation: Evaluation) -> str:
    """Return what was searched: the split's rule is always said, since rules never mix."""
    split = "all tokens" if evaluation.split is None else f"{evaluation.split} tokens"
    rule = f", split {evaluation.split_rule}" if evaluation.split_rule else ""
    return escape(f"{split} of {evaluation.dataset}{rule}")


def _skipped(skipped: dict[str, int]) -> str:
    return "".join(f" Left out: {count:,} x {reason}." for reason, count in skipped.items())


def _scores(row: RetrievalRow) -> list[str]:
    recalls = [*_by_k(row.recall), _percent(row.class_recall[1]), _percent(row.mrr)]
    return [*recalls, f"{row.median_rank:,.1f}"]


def _by_k(shares: PerK) -> list[str]:
    return [_percent(shares[k]) for k in KS]


def _percent(share: float) -> str:
    """Return 0.1234 as "12.3", and a small share with two digits that count: "0.00012"."""
    percent = 100 * share
    return f"{percent:.1f}" if percent >= 1 or percent == 0 else f"{percent:.2g}"

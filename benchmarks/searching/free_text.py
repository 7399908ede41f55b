"""Where the meant token is among the first ten of its collection, by mode; report only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from traitlens.engines import Equals
from traitlens.evaluation.queries import FreeTextQuery
from traitlens.progress import Progress
from traitlens.retrieval import MODES, Index
from traitlens.tables import Cell, Column, Table, percents

KS = (1, 5, 10)

# The rank of the meant token by mode, None where it is not among the first.
Ranks = Mapping[str, list[int | None]]


def measure(index: Index, queries: Iterable[FreeTextQuery], *, progress: Progress) -> Ranks:
    """Return the rank of the meant token of each query, by mode."""
    asked = list(queries)
    ranks: dict[str, list[int | None]] = {mode: [] for mode in MODES}
    for done, query in enumerate(asked, start=1):
        for mode in MODES:
            hits = index.search(
                query.query,
                where=Equals("collection", query.collection),
                mode=mode,
                k=max(KS),
            ).hits
            places = (hit.rank for hit in hits if hit.token_id == query.token_id)
            ranks[mode].append(next(places, None))
        progress("free text", done, len(asked))
    return ranks


def table(ranks: Ranks) -> Table:
    """Return a row for each mode: top-1, top-5, top-10, and the reciprocal rank within those."""
    rows: list[tuple[Cell, ...]] = [
        (
            mode,
            *(sum(r is not None and r <= k for r in mine) / len(mine) for k in KS),
            sum(1 / r for r in mine if r is not None) / len(mine),
        )
        for mode, mine in ranks.items()
    ]
    columns = (Column("mode"), *percents([f"top-{k}" for k in KS]), *percents(["MRR@10"]))
    return Table(title="Free-text queries", columns=columns, rows=tuple(rows))

"""From what share of what is asked for on a token fits: chosen on some families, shown on others.

The share is `Understood.met` of the token that has most. Each collection is taken as an index of
its own. Questions that have answers should not be refused, whatever slips and strange words are in
them; queries about anything else should. Free-text queries are about the collection and should
never be refused; nothing is chosen by them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from traitlens.engines.protocol import entry_of
from traitlens.engines.where import COLLECTION
from traitlens.evaluation.queries import FreeTextQuery
from traitlens.progress import Progress
from traitlens.records import Token
from traitlens.retrieval.answering import LEAST_MET
from traitlens.retrieval.trait_finder import TraitFinder
from traitlens.retrieval.understanding import understand
from traitlens.tables import Cell, Column, Table

from .questions import MANNERS, SIZES, elsewhere, questions

CUTS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35)
ELSEWHERE, FREE = "about anything else", "free text"

# The best share of each query, by kind of query, by collection.
Shares = Mapping[str, Mapping[str, Sequence[float]]]


def measure(
    tokens: Mapping[str, Sequence[Token]],
    free: Iterable[FreeTextQuery],
    *,
    per_size: int,
    seed: int,
    progress: Progress,
) -> Shares:
    """Return the best share that any token of the collection has of each query."""
    typed: dict[str, list[str]] = defaultdict(list)
    for query in free:
        typed[query.collection].append(query.query)
    found: dict[str, Mapping[str, Sequence[float]]] = {}
    for name, mine in tokens.items():
        gallery = _Gallery(mine)
        asked: dict[str, list[str]] = {ELSEWHERE: elsewhere(), FREE: typed[name]}
        for one in questions(mine, per_size=per_size, seed=seed):
            asked.setdefault(_kind(one.traits, one.manner), []).append(one.words)
        found[name] = {
            kind: [share for words in said if (share := gallery.best(words)) is not None]
            for kind, said in asked.items()
        }
        progress("cut-off", len(found), len(tokens), name)
    return found


def _kind(traits: int, manner: str) -> str:
    return f"{traits} trait{'s' if traits > 1 else ''} {manner}"


class _Gallery:
    """The tokens of a collection, each set of traits once."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._size = len(tokens)
        self._finder = TraitFinder(_vocabulary(tokens))
        self._entries = list({token.traits: entry_of(token) for token in tokens}.values())

    def best(self, words: str) -> float | None:
        """Return the best share; None for words that say nothing."""
        understood = understand(words, self._finder)
        if not (understood.wanted or understood.unknown):
            return None
        return max(understood.met(entry, size=self._size) for entry in self._entries)


def _vocabulary(tokens: Iterable[Token]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for token in tokens:
        found[COLLECTION][token.collection] += 1
        for trait in token.traits:
            found[trait.trait_type][trait.value] += 1
    return found


def table(found: Shares, names: Collection[str], *, title: str) -> Table:
    """Return the share of each kind of query that each cut-off refuses, in some collections."""
    kinds = [_kind(size, manner) for size in SIZES for manner in MANNERS]
    rows: list[tuple[Cell, ...]] = []
    for kind in (ELSEWHERE, *kinds, FREE):
        shares = [one for name in names if name in found for one in found[name].get(kind, ())]
        if shares:
            rows.append((kind, len(shares), *_refused(np.array(shares))))
    columns = (
        Column("queries"),
        Column("n", "count"),
        *(Column(f"below {cut:g}", "percent") for cut in CUTS),
    )
    note = f"the cut-off in use is {LEAST_MET:g}"
    return Table(title=title, columns=columns, rows=tuple(rows), note=note)


def _refused(shares: NDArray[np.float64]) -> list[float]:
    return [float((shares < cut).mean()) for cut in CUTS]

"""Precision at 10 of words within a collection, by mode, with metadata and without."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import fmean

from traitlens.engines import Equals
from traitlens.progress import Progress
from traitlens.records import Token
from traitlens.retrieval import MODES, Index
from traitlens.tables import Column, Table

from .questions import PLAIN, SIZES, Question, questions

K = 10
BEST = "at best"

# Of a collection: means by (index, mode, manner, traits).
Means = Mapping[tuple[str, str, str, int], float]


def measure(
    indexes: Mapping[str, Index],
    tokens: Mapping[str, Sequence[Token]],
    *,
    per_size: int,
    seed: int,
    progress: Progress,
) -> dict[str, Means]:
    """Return the means of each collection; every index is asked the same."""
    found: dict[str, Means] = {}
    for name, mine in tokens.items():
        asked = list(questions(mine, per_size=per_size, seed=seed))
        found[name] = _of_collection(indexes, asked)
        progress("precision", len(found), len(tokens), name)
    return found


def _of_collection(indexes: Mapping[str, Index], asked: Iterable[Question]) -> Means:
    scores: dict[tuple[str, str, str, int], list[float]] = defaultdict(list)
    for question in asked:
        best = min(K, len(question.right)) / K
        scores[BEST, "", question.manner, question.traits].append(best)
        for name, index in indexes.items():
            # Without metadata every manner is the same to the traits: nothing is called anything.
            for mode in MODES if question.manner == PLAIN or name == "metadata" else ():
                key = (name, mode, question.manner, question.traits)
                scores[key].append(_precision(index, question, mode))
    return {key: fmean(values) for key, values in scores.items()}


def _precision(index: Index, question: Question, mode: str) -> float:
    answer = index.search(
        question.words,
        where=Equals("collection", question.collection),
        mode=mode,  # type: ignore[arg-type]
        k=K,
    )
    return sum(hit.token_id in question.right for hit in answer.hits) / K


def table(found: Mapping[str, Means], names: Collection[str], *, title: str) -> Table:
    """Return a row for each index, mode and manner: the means over some collections."""
    mine = [means for name, means in found.items() if name in names]
    keys = dict.fromkeys(key[:3] for means in mine for key in means)
    rows = [
        (*key, *(_mean(mine, (*key, size)) for size in SIZES)) for key in sorted(keys, key=_place)
    ]
    columns = (
        *(Column(name) for name in ("index", "mode", "words")),
        *(Column(f"{size} trait{'s' if size > 1 else ''}", "percent") for size in SIZES),
    )
    return Table(title=title, columns=columns, rows=tuple(rows), note=f"{len(mine)} collections")


def _place(key: tuple[str, str, str]) -> tuple[str, bool, str]:
    index, mode, manner = key
    return manner, index != BEST, f"{index}{mode}"


def _mean(found: Iterable[Means], key: tuple[str, str, str, int]) -> float | None:
    values = [means[key] for means in found if key in means]
    return fmean(values) if values else None

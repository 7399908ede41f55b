"""Numbers out of outcomes, and what may be said of their differences.

Axes: C clusters (collections, each of a family or style of its own).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from traitlens.metrics import Interval, cluster_interval, sign_flip_p

from .art import style_collection
from .protocol import STYLES

Outcome = Mapping[str, Any]

DRAWN = frozenset(style_collection(style) for style in STYLES)


# Yields a number for each collection of an evaluation that has it, in [0, 1].
Reader = Callable[[Mapping[str, Any]], Iterator[tuple[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number that an outcome has for each of its collections."""

    name: str
    read: Reader
    part: str = "test"  # of the outcome: validation, test or unseen

    def of(self, outcome: Outcome) -> dict[str, float]:
        """Return the number of each collection that has it, in [0, 1]."""
        return dict(self.read(outcome[self.part]))


def top(k: int) -> Reader:
    """Return a reader of top-k of text to image within a collection."""

    def read(measured: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
        for row in measured["rows"]:
            if (row["direction"], row["scope"]) == ("text_to_image", "collection"):
                yield row["gallery"], row["recall"][str(k)]

    return read


def _rows(measured: Mapping[str, Any], part: str) -> Iterator[Mapping[str, Any]]:
    """Yield a part's rows of the model and its collections: others stand beside, and a mean."""
    for row in measured["parts"][part]["rows"]:
        if row["model"] == measured["model"] and row["collection"] != "macro":
            yield row


def short_queries(traits: int) -> Reader:
    """Return a reader of precision at 10 of queries of so many traits."""

    def read(measured: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
        for row in _rows(measured, "short queries"):
            if row["traits"] == traits and row["precision"]:
                yield row["collection"], row["precision"]["10"]

    return read


def field_of(part: str, field: str) -> Reader:
    """Return a reader of one field of a part's rows over all trait types."""

    def read(measured: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
        for row in _rows(measured, part):
            if not row.get("trait_type") and row[field] is not None:
                yield row["collection"], row[field]

    return read


def right_collection(measured: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield how often the first hit in all collections together is of the right one."""
    for row in measured["rows"]:
        if (row["direction"], row["scope"]) == ("text_to_image", "all"):
            yield "all", row["right_collection"]


CHOSEN_BY = Measure(name="top-1, validation", read=top(1), part="validation")
PRIMARY = Measure(name="top-1", read=top(1))
SECONDARY = (
    Measure(name="top-10", read=top(10)),
    Measure(name="P@10, 1 trait", read=short_queries(1)),
    Measure(name="P@10, 2 traits", read=short_queries(2)),
    Measure(name="P@10, 3 traits", read=short_queries(3)),
    Measure(name="nDCG@10", read=field_of("overlap", "ndcg")),
    Measure(name="one trait swapped", read=field_of("swaps", "accuracy")),
    Measure(name="top-1, unseen art", read=top(1), part="unseen"),
    Measure(name="top-10, unseen art", read=top(10), part="unseen"),
    Measure(name="P@10, 1 trait, unseen art", read=short_queries(1), part="unseen"),
)
RIGHT_COLLECTION = Measure(name="right collection", read=right_collection)


def by_cluster(outcomes: Iterable[Outcome], measure: Measure) -> dict[str, float]:
    """Return each cluster's mean over the trials that have it."""
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        for cluster, value in measure.of(outcome).items():
            found.setdefault(cluster, []).append(value)
    return {cluster: fmean(values) for cluster, values in sorted(found.items())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much higher one arm is than another, on the clusters that both have; shares in [0, 1]."""

    mean: float
    interval: Interval | None  # None below 20 clusters
    p: float  # of a sign-flip test over clusters, not corrected
    clusters: int
    real: float | None  # the mean over real collections
    drawn: float | None  # the mean over drawn styles
    wins: int  # clusters where it is higher


def difference(ours: Sequence[Outcome], theirs: Sequence[Outcome], measure: Measure) -> Difference:
    """Return `ours` less `theirs`, paired by cluster."""
    mine, other = by_cluster(ours, measure), by_cluster(theirs, measure)
    both = [cluster for cluster in mine if cluster in other]
    assert both, "arms are compared on the same groups"
    gains = {cluster: mine[cluster] - other[cluster] for cluster in both}
    values_C = list(gains.values())
    return Difference(
        mean=fmean(values_C),
        interval=cluster_interval(values_C, within=(-1, 1)),
        p=sign_flip_p(values_C),
        clusters=len(both),
        real=_mean(gain for cluster, gain in gains.items() if cluster not in DRAWN),
        drawn=_mean(gain for cluster, gain in gains.items() if cluster in DRAWN),
        wins=sum(gain > 0 for gain in values_C),
    )


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return fmean(known) if known else None

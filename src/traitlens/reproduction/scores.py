"""What a table takes from one search of one gallery, and how it lies on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from traitlens.evaluation import RetrievalRow
from traitlens.evaluation.retrieval import KS

PerK = dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """Top-k from text to image in one gallery, or a mean over galleries, in [0, 1] by k."""

    gallery: str
    n: int
    recall: PerK
    chance: PerK
    ceiling: PerK

    @staticmethod
    def of(row: RetrievalRow) -> Searched:
        return Searched(
            gallery=row.gallery,
            n=row.n,
            recall=row.recall,
            chance=row.chance,
            ceiling=row.ceiling,
        )

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Searched:
        shares = {name: _per_k(value[name]) for name in ("recall", "chance", "ceiling")}
        return Searched(gallery=value["gallery"], n=value["n"], **shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """How a model searched a test split: in one gallery of all tokens, and within collections."""

    all: Searched
    macro: Searched
    micro: Searched
    collections: tuple[Searched, ...]

    @staticmethod
    def of(rows: Iterable[RetrievalRow]) -> Scores:
        """Return what is from text to image; the paper prints nothing else."""
        forward = [row for row in rows if row.direction == "text_to_image"]
        means = {
            row.scope: Searched.of(row) for row in forward if row.scope in ("all", "macro", "micro")
        }
        own = tuple(Searched.of(row) for row in forward if row.scope == "collection")
        return Scores(collections=own, **means)

    def own(self, collection: str) -> Searched:
        """Return how a collection's own gallery was searched."""
        return next(each for each in self.collections if each.gallery == collection)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Scores:
        means = {name: Searched.from_json(value[name]) for name in ("all", "macro", "micro")}
        own = tuple(map(Searched.from_json, value["collections"]))
        return Scores(collections=own, **means)


def named(shares: PerK) -> dict[str, float]:
    """Return shares by the names that tables have: {"top-1": ...}."""
    return {f"top-{k}": shares[k] for k in KS}


def _per_k(value: Mapping[str, float]) -> PerK:
    """Return shares by k; JSON has made text of the numbers."""
    return {int(k): share for k, share in value.items()}

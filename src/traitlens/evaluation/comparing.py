"""Two evaluations side by side: the differences, how sure they are, and what may be concluded.

One endpoint is primary and named before any number is seen; the others are secondary and their p
values are Holm's. The same collections are searched on both sides, so all differences are paired.
"""

# Axes: C collections

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from traitlens.config import check_choice, check_range
from traitlens.errors import EvaluationError
from traitlens.evaluation.differences import (
    CollectionDifference,
    Comparison,
    Difference,
    Endpoint,
    Side,
    snap,
)
from traitlens.evaluation.reading import MEASURES, SETTING, Run, Search, read_run
from traitlens.evaluation.scoring import CLUSTERS, Clusters
from traitlens.evaluation.searching import DIRECTIONS, Direction
from traitlens.metrics import cluster_interval, holm, sign_flip_p

PRIMARY = Endpoint("top-1", "text_to_image", "macro")
SECONDARY = (
    Endpoint("top-5", "text_to_image", "macro"),
    Endpoint("top-10", "text_to_image", "macro"),
    Endpoint("MRR", "text_to_image", "macro"),
    Endpoint("top-1", "text_to_image", "micro"),
    Endpoint("top-1", "image_to_text", "macro"),
)

_NAMED = 3  # what a message names; the rest is counted


def compare(
    a: str | Path | Mapping[str, Any],
    b: str | Path | Mapping[str, Any],
    *,
    model_a: str | None = None,
    model_b: str | None = None,
    by: Clusters = "family",
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Return how model b differs from model a on the same searches.

    `a` and `b` are files that `traitlens evaluate --json` wrote, or what they hold; `model_a` and
    `model_b` choose what stood beside the model. Units of the bootstrap are families, or single
    collections. Raises EvaluationError for what is no evaluation and where the two did not search
    the same; ConfigError for options.
    """
    check_choice("by", by, CLUSTERS)
    check_range("level", level, low=0.5, high=0.999)
    check_range("resamples", resamples, low=100, high=1_000_000)
    runs = (
        read_run(a, where="the first evaluation", model=model_a),
        read_run(b, where="the second evaluation", model=model_b),
    )
    _check_comparable(*runs)
    families = _families(runs)
    clusters = families if by == "family" else {name: name for name in families}
    has = {key.direction for key in runs[0].rows if key.scope == "collection"}
    endpoints = [
        _difference(runs, endpoint, clusters=clusters, level=level, resamples=resamples, seed=seed)
        for endpoint in (PRIMARY, *SECONDARY)
        if endpoint.direction in has
    ]
    return Comparison(
        a=_side(runs[0]),
        b=_side(runs[1]),
        dataset=runs[0].dataset,
        setting=runs[0].setting,
        by=by,
        clusters=len(set(clusters.values())),
        families=len(set(families.values())),
        level=level,
        resamples=resamples,
        seed=seed,
        same=all(runs[1].rows.get(key) == row for key, row in runs[0].rows.items()),
        endpoints=_adjusted(endpoints),
        all_together=tuple(_all_together(runs)),
        collections=_by_collection(runs, families),
    )


def _side(run: Run) -> Side:
    return Side(model=run.model, where=run.where, fingerprint=run.fingerprint)


def _check_comparable(a: Run, b: Run) -> None:
    """Raise EvaluationError, with both values of what differs, unless both searched the same."""
    said = [
        f"{name} is {a.setting[name]!r} in {a.where} and {b.setting[name]!r} in {b.where}"
        for name in SETTING
        if a.setting[name] != b.setting[name]
    ]
    for direction in DIRECTIONS:
        said += _unlike_galleries(a, b, direction)
    said += [
        f"the family of {name!r} is {a.families[name]!r} in {a.where} and {family!r} in {b.where}"
        for name, family in b.families.items()
        if a.families.get(name, family) != family
    ]
    if said:
        more = f"; and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
        raise EvaluationError(f"these cannot be compared: {'; '.join(said[:_NAMED])}{more}")


def _unlike_galleries(a: Run, b: Run, direction: Direction) -> Iterator[str]:
    rows_a, rows_b = a.within(direction), b.within(direction)
    for mine, names in ((a, rows_a.keys() - rows_b), (b, rows_b.keys() - rows_a)):
        if names:
            shown = ", ".join(map(repr, sorted(names)[:_NAMED]))
            more = " and more" if len(names) > _NAMED else ""
            yield f"{mine.where} alone has {direction} in {shown}{more}"
    for name in sorted(rows_a.keys() & rows_b):
        one, other = rows_a[name], rows_b[name]
        if (one.n, one.queries) != (other.n, other.queries):
            yield (
                f"{name!r} has {one.queries:,} queries of {one.n:,} tokens in {a.where} "
                f"and {other.queries:,} of {other.n:,} in {b.where}"
            )


def _families(runs: Sequence[Run]) -> dict[str, str]:
    """Return the family of each collection; one that no file gives a family is its own."""
    known = runs[0].families | runs[1].families
    return {name: known.get(name, name) for name in runs[0].within(PRIMARY.direction)}


def _difference(
    runs: Sequence[Run],
    endpoint: Endpoint,
    *,
    clusters: Mapping[str, str],
    level: float,
    resamples: int,
    seed: int,
) -> Difference:
    rows_a, rows_b = (run.within(endpoint.direction) for run in runs)
    a_C, b_C = (
        np.array([rows[name].scores[endpoint.measure] for name in rows_a])
        for rows in (rows_a, rows_b)
    )
    weights_C = np.array([row.queries for row in rows_a.values()], dtype=np.float64)
    if endpoint.scope == "macro":
        weights_C = np.ones(len(rows_a))
    moved_C = np.array([snap(each) for each in b_C - a_C])
    groups = [clusters[name] for name in rows_a]
    return Difference(
        endpoint=endpoint,
        a=float(np.average(a_C, weights=weights_C)),
        b=float(np.average(b_C, weights=weights_C)),
        interval=cluster_interval(
            moved_C,
            weights_C=weights_C,
            clusters=groups,
            level=level,
            resamples=resamples,
            seed=seed,
            within=(-1.0, 1.0),
        ),
        p=sign_flip_p(moved_C, weights_C=weights_C, clusters=groups, draws=resamples, seed=seed),
    )


def _adjusted(endpoints: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return the endpoints with Holm's p values; the primary one, the first, stands alone."""
    primary, *secondary = endpoints
    adjusted = holm({each.endpoint.name: each.p for each in secondary if each.p is not None})
    return (
        replace(primary, adjusted_p=primary.p),
        *(replace(each, adjusted_p=adjusted[each.endpoint.name]) for each in secondary),
    )


def _all_together(runs: Sequence[Run]) -> Iterator[Difference]:
    for direction in DIRECTIONS:
        rows = [run.rows.get(Search(direction, "all", "all")) for run in runs]
        for measure in MEASURES:
            if rows[0] and rows[1]:
                yield Difference(
                    endpoint=Endpoint(measure, direction, "all"),
                    a=rows[0].scores[measure],
                    b=rows[1].scores[measure],
                )


def _by_collection(
    runs: Sequence[Run], families: Mapping[str, str]
) -> tuple[CollectionDifference, ...]:
    """Return the collections, those that gain most first."""
    rows_a, rows_b = (run.within(PRIMARY.direction) for run in runs)
    found = [
        CollectionDifference(
            collection=name,
            family=families[name],
            n=row.n,
            a=row.scores[PRIMARY.measure],
            b=rows_b[name].scores[PRIMARY.measure],
        )
        for name, row in rows_a.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.difference, each.collection)))

"""The confidence of means over collections."""

# Axes: C collections

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from traitlens.evaluation.retrieval import KS, RetrievalRow, Scope
from traitlens.metrics import cluster_interval

MEANS: tuple[Scope, ...] = ("macro", "micro")


def with_intervals(
    rows: Sequence[RetrievalRow], groups: Mapping[str, str], *, seed: int = 0
) -> list[RetrievalRow]:
    """Return the rows of one model, the means with intervals where there are enough groups.

    `groups` names what each collection belongs to; collections of one group are drawn together.
    """
    made = []
    for row in rows:
        if row.scope not in MEANS:
            made.append(row)
            continue
        parts = [r for r in rows if (r.direction, r.scope) == (row.direction, "collection")]
        sizes = np.array([part.queries for part in parts], float)
        found = {
            k: cluster_interval(
                np.array([part.recall[k] for part in parts]),
                weights_C=sizes if row.scope == "micro" else None,
                clusters=[groups[part.gallery] for part in parts],
                seed=seed,
                within=(0, 1),
            )
            for k in KS
        }
        known = {k: (each.low, each.high) for k, each in found.items() if each}
        made.append(replace(row, interval=known or None))
    return made

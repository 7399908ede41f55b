"""Means have an interval where there are enough independent collections, and only there."""

import numpy as np

from tests.evaluation.bare import bare
from traitlens.evaluation import RetrievalRow, score_retrieval
from traitlens.evaluation.intervals import with_intervals
from traitlens.metrics import cluster_interval
from traitlens.models.encoder import unit_rows

COLLECTIONS = 24
EACH = 10


def scored() -> tuple[RetrievalRow, ...]:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(COLLECTIONS * EACH, 6))
    texts = images + rng.normal(size=images.shape)
    names = [f"c{i // EACH}" for i in range(len(images))]
    captions = [str(i) for i in range(len(images))]
    return score_retrieval(bare(unit_rows(images), unit_rows(texts), names, captions))


def test_means_and_nothing_else_get_intervals_that_hold_them() -> None:
    groups = {f"c{i}": f"c{i}" for i in range(COLLECTIONS)}
    rows = with_intervals(scored(), groups)
    for row in rows:
        if row.scope not in ("macro", "micro"):
            assert row.interval is None
            continue
        assert row.interval is not None
        for k, (low, high) in row.interval.items():
            assert 0 <= low <= row.recall[k] <= high <= 1
        assert row.interval[1][0] < row.recall[1] < row.interval[1][1]


def test_they_are_those_of_the_collections_recalls() -> None:
    groups = {f"c{i}": f"c{i}" for i in range(COLLECTIONS)}
    rows = with_intervals(scored(), groups)
    mine = [r for r in rows if (r.scope, r.direction) == ("collection", "image_to_text")]
    direct = cluster_interval([row.recall[5] for row in mine], within=(0, 1))
    (macro,) = [r for r in rows if (r.scope, r.direction) == ("macro", "image_to_text")]
    assert direct is not None
    assert macro.interval is not None
    assert macro.interval[5] == (direct.low, direct.high)


def test_families_count_once() -> None:
    families = {f"c{i}": f"f{i // 2}" for i in range(COLLECTIONS)}
    assert all(row.interval is None for row in with_intervals(scored(), families))

"""Ours is what torchmetrics, scikit-learn and ranx compute, wherever they compute the same thing.

Where they do something else, the comment beside the missing comparison says what. Divergence and
rank correlation are compared with scipy in `test_divergence`.
"""

# Axes: Q queries, N items

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    dcg_score,
    label_ranking_average_precision_score,
    ndcg_score,
    top_k_accuracy_score,
)
from torchmetrics.functional import retrieval

from traitlens import metrics

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

Q, N = 25, 80
KS = (1, 5, 10, 200)


def distinct_scores() -> Array:
    """Return scores without a tie, all above 0: torchmetrics takes others for "not returned"."""
    rng = np.random.default_rng(0)
    return (np.array([rng.permutation(N) for _ in range(Q)]) + 1.0) / (N + 1)


def tied_scores() -> Array:
    return np.random.default_rng(1).integers(1, 12, (Q, N)) / 12


def some_right() -> Flags:
    """Return between 1 and N right items a query."""
    right = np.random.default_rng(2).random((Q, N)) < np.linspace(0, 0.9, Q)[:, None]
    right[:, 7] = True
    return right


def some_gains() -> NDArray[np.int64]:
    """Return whole gains, as torchmetrics and ranx want them."""
    gains = np.random.default_rng(3).integers(0, 6, (Q, N))
    return gains * (np.random.default_rng(4).random((Q, N)) < 0.4)


def one_by_one(
    score: Callable[..., torch.Tensor], scores_QN: Array, truth_QN: NDArray[Any], **options: Any
) -> list[float]:
    """Return a torchmetrics score, which knows one query at a time, of each query."""
    rows = zip(torch.from_numpy(scores_QN), torch.from_numpy(truth_QN), strict=True)
    return [float(score(preds, target, **options)) for preds, target in rows]


def agrees(expected: Any) -> Any:
    return pytest.approx(expected, abs=1e-6, rel=0)


@pytest.mark.parametrize("k", KS)
def test_cuts_at_k_are_those_of_torchmetrics(k: int) -> None:
    scores, right = distinct_scores(), some_right()
    precisions = one_by_one(retrieval.retrieval_precision, scores, right, top_k=k)
    recalls = one_by_one(retrieval.retrieval_recall, scores, right, top_k=k)
    hits = one_by_one(retrieval.retrieval_hit_rate, scores, right, top_k=k)
    assert metrics.precision_at_k(scores, right, k) == agrees(precisions)
    assert metrics.recall_at_k(scores, right, k) == agrees(recalls)
    assert metrics.hit_at_k(scores, right, k) == agrees(hits)
    assert metrics.hits(metrics.count(scores, right), k) == agrees(hits)


def test_scores_of_whole_rankings_are_those_of_torchmetrics() -> None:
    # With `top_k` its average precision divides by the right items within the first k, not by R:
    # cut at R it is no mAP@R, so only the uncut one is compared.
    scores, right = distinct_scores(), some_right()
    reciprocal = one_by_one(retrieval.retrieval_reciprocal_rank, scores, right)
    average = one_by_one(retrieval.retrieval_average_precision, scores, right)
    r_precision = one_by_one(retrieval.retrieval_r_precision, scores, right)
    assert metrics.reciprocal_ranks(metrics.count(scores, right)) == agrees(reciprocal)
    assert metrics.average_precision(scores, right) == agrees(average)
    assert metrics.r_precision(scores, right) == agrees(r_precision)


def test_a_search_by_vectors_is_what_torchmetrics_makes_of_their_cosines() -> None:
    rng = np.random.default_rng(6)
    queries, gallery = (rng.normal(size=(rows, 32)).astype(np.float32) for rows in (Q, N))
    asked, lying = np.arange(Q) % 9, np.arange(N) % 9  # several right items a query
    counts = metrics.count_matches(queries, gallery, query_keys=asked, gallery_keys=lying)
    cosines = metrics.Items.of(gallery).scores(queries)
    scores, right = cosines - cosines.min() + 1, asked[:, None] == lying  # all above 0
    hits = one_by_one(retrieval.retrieval_hit_rate, scores, right, top_k=5)
    reciprocal = one_by_one(retrieval.retrieval_reciprocal_rank, scores, right)
    assert metrics.hits(counts, 5) == agrees(hits)
    assert metrics.reciprocal_ranks(counts) == agrees(reciprocal)


@pytest.mark.parametrize("k", KS)
def test_ndcg_is_that_of_torchmetrics(k: int) -> None:
    # Its ties within the cut are averaged as ours, so they are compared as well. Its other scores
    # leave ties to the sort, which is no rule.
    gains = some_gains()
    for scores in (distinct_scores(), tied_scores()):
        theirs = one_by_one(retrieval.retrieval_normalized_dcg, scores, gains, top_k=k)
        assert metrics.ndcg(scores, gains.astype(float), k) == agrees(theirs)


@pytest.mark.parametrize("k", KS)
def test_gains_are_those_of_scikit_learn_also_where_scores_tie(k: int) -> None:
    gains = some_gains().astype(float)
    for scores in (distinct_scores(), tied_scores()):
        # It knows the mean over queries alone.
        assert metrics.dcg(scores, gains, k).mean() == agrees(dcg_score(gains, scores, k=k))
        assert metrics.ndcg(scores, gains, k).mean() == agrees(ndcg_score(gains, scores, k=k))
        row = metrics.ndcg(scores[:1], gains[:1], k)
        assert row.tolist() == agrees([ndcg_score(gains[:1], scores[:1], k=k)])


def test_average_precision_is_that_of_scikit_learn() -> None:
    # Tied items are one threshold there: each gets the precision behind the whole group, which is
    # neither an order's nor the mean over orders. So without ties alone.
    scores, right = distinct_scores(), some_right()
    theirs = [average_precision_score(truth, row) for truth, row in zip(right, scores, strict=True)]
    assert metrics.average_precision(scores, right) == agrees(theirs)
    mean = label_ranking_average_precision_score(right, scores)
    assert metrics.average_precision(scores, right).mean() == agrees(mean)


@pytest.mark.parametrize("k", [1, 5, 10])
def test_hits_of_one_right_item_are_the_top_k_accuracy_of_scikit_learn(k: int) -> None:
    scores = distinct_scores()
    meant = np.random.default_rng(5).integers(0, N, Q)
    right = meant[:, None] == np.arange(N)
    theirs = top_k_accuracy_score(meant, scores, k=k, labels=np.arange(N))
    assert metrics.hits(metrics.count(scores, right), k).mean() == agrees(theirs)
    assert metrics.hit_at_k(scores, right, k).mean() == agrees(theirs)


# Importing ranx compiles for a minute unless numba is told not to before it is imported.
ASK_RANX = """
import json, sys
from ranx import Qrels, Run, evaluate

asked = json.load(sys.stdin)
found = evaluate(Qrels(asked["truth"]), Run(asked["run"]), asked["names"], return_mean=False)
print(json.dumps({name: values.tolist() for name, values in found.items()}))
"""


def ask_ranx(scores_QN: Array, gains_QN: NDArray[Any], names: list[str]) -> dict[str, list[float]]:
    """Return each query's scores by name; an item with a gain above 0 is a right one."""
    truth = {
        f"{q:03}": {str(item): int(gains[item]) for item in np.flatnonzero(gains)}
        for q, gains in enumerate(gains_QN)
    }
    run = {
        f"{q:03}": {str(item): float(score) for item, score in enumerate(row)}
        for q, row in enumerate(scores_QN)
    }
    answer = subprocess.run(
        [sys.executable, "-c", ASK_RANX],
        input=json.dumps({"truth": truth, "run": run, "names": names}),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[float]] = json.loads(answer.stdout)
    return found


def test_without_ties_ranx_says_the_same() -> None:
    # Its ties are left to the sort, and it has no mAP@R.
    scores, gains = distinct_scores(), some_gains()
    right, counts = gains > 0, metrics.count(scores, gains > 0)
    ours = {
        "mrr": metrics.reciprocal_ranks(counts),
        "map": metrics.average_precision(scores, right),
        "r-precision": metrics.r_precision(scores, right),
        "hit_rate@5": metrics.hits(counts, 5),
        "precision@5": metrics.precision_at_k(scores, right, 5),
        "recall@10": metrics.recall_at_k(scores, right, 10),
        "ndcg@10": metrics.ndcg(scores, gains.astype(float), 10),
    }
    theirs = ask_ranx(scores, gains, list(ours))
    for name, values in ours.items():
        assert values == agrees(theirs[name]), name

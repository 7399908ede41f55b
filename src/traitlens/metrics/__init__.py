"""Scores as pure functions on arrays, with one rule for ties."""

from traitlens.metrics.blocks import Blocks
from traitlens.metrics.confidence import (
    MIN_CLUSTERS,
    Interval,
    cluster_interval,
    holm,
    sign_flip_p,
)
from traitlens.metrics.counts import Counts, count, group_equal
from traitlens.metrics.divergence import (
    AlphaSweep,
    alpha_sweep,
    jensen_shannon_divergence,
    kendall_correlation,
    partial_rank_correlation,
    rank_correlation,
)
from traitlens.metrics.graded import (
    Items,
    Order,
    average_precision,
    average_precision_at_r,
    chance_average_precision_at_r,
    chance_ndcg,
    dcg,
    hit_at_k,
    ideal_dcg,
    ndcg,
    precision_at_k,
    r_precision,
    recall_at_k,
)
from traitlens.metrics.numpy_blocks import NumpyBlocks
from traitlens.metrics.questions import Keys
from traitlens.metrics.ranking import Ranking, count_matches, rank
from traitlens.metrics.scores import ceiling, chance, hits, lift, reciprocal_ranks
from traitlens.metrics.variance import (
    TokenHardness,
    VarianceTerms,
    comprehensive_variance_index,
    token_hardness,
    variance_terms,
)

__all__ = [
    "AlphaSweep",
    "Blocks",
    "Counts",
    "Interval",
    "Items",
    "Keys",
    "MIN_CLUSTERS",
    "NumpyBlocks",
    "Order",
    "Ranking",
    "TokenHardness",
    "VarianceTerms",
    "alpha_sweep",
    "average_precision",
    "average_precision_at_r",
    "ceiling",
    "chance",
    "chance_average_precision_at_r",
    "chance_ndcg",
    "cluster_interval",
    "comprehensive_variance_index",
    "count",
    "count_matches",
    "dcg",
    "group_equal",
    "hit_at_k",
    "hits",
    "holm",
    "ideal_dcg",
    "jensen_shannon_divergence",
    "kendall_correlation",
    "lift",
    "ndcg",
    "partial_rank_correlation",
    "precision_at_k",
    "r_precision",
    "rank",
    "rank_correlation",
    "recall_at_k",
    "reciprocal_ranks",
    "sign_flip_p",
    "token_hardness",
    "variance_terms",
]

"""How well a model finds what was meant: beside chance, ceiling and baselines, never alone."""

from traitlens.evaluation.baselines import Baseline, fit_baselines
from traitlens.evaluation.comparing import compare
from traitlens.evaluation.differences import Comparison
from traitlens.evaluation.difficulty import Difficulty, score_difficulty
from traitlens.evaluation.free_text import FreeTextEvaluation, RankedQuery, evaluate_free_text
from traitlens.evaluation.parts import PARTS, Part
from traitlens.evaluation.queries import FreeTextQuery, read_queries
from traitlens.evaluation.retrieval import RetrievalRow, score_retrieval
from traitlens.evaluation.scoring import (
    Evaluation,
    embed_beside,
    evaluate,
    evaluate_embedded,
    split_rule,
)
from traitlens.metrics import (
    AlphaSweep,
    TokenHardness,
    VarianceTerms,
    alpha_sweep,
    comprehensive_variance_index,
    jensen_shannon_divergence,
    token_hardness,
    variance_terms,
)

__all__ = [
    "PARTS",
    "AlphaSweep",
    "Baseline",
    "Comparison",
    "Difficulty",
    "Evaluation",
    "FreeTextEvaluation",
    "FreeTextQuery",
    "Part",
    "RankedQuery",
    "RetrievalRow",
    "TokenHardness",
    "VarianceTerms",
    "alpha_sweep",
    "compare",
    "comprehensive_variance_index",
    "embed_beside",
    "evaluate",
    "evaluate_embedded",
    "evaluate_free_text",
    "fit_baselines",
    "jensen_shannon_divergence",
    "read_queries",
    "score_difficulty",
    "score_retrieval",
    "split_rule",
    "token_hardness",
    "variance_terms",
]

"""How well a model finds what was meant: beside chance, ceiling and baselines, never alone."""

from traitlens.evaluation.baselines import Baseline, fit_baselines
from traitlens.evaluation.free_text import (
    FreeTextEvaluation,
    FreeTextQuery,
    RankedQuery,
    evaluate_free_text,
    read_queries,
)
from traitlens.evaluation.report import (
    Headline,
    free_text_tables,
    headline,
    headline_line,
    tables,
)
from traitlens.evaluation.retrieval import RetrievalRow, score_retrieval
from traitlens.evaluation.scoring import Evaluation, evaluate, split_rule

__all__ = [
    "evaluate",
    "Evaluation",
    "split_rule",
    "evaluate_free_text",
    "FreeTextEvaluation",
    "FreeTextQuery",
    "RankedQuery",
    "read_queries",
    "score_retrieval",
    "RetrievalRow",
    "fit_baselines",
    "Baseline",
    "tables",
    "free_text_tables",
    "headline",
    "headline_line",
    "Headline",
]

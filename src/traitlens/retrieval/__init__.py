"""A data set becomes an index, a question becomes ranked tokens, answers become a page."""

from traitlens.retrieval.answers import MODES, Answer, Hit, Mode, Query, Timings
from traitlens.retrieval.building import IndexConfig, index
from traitlens.retrieval.checking import RecallCheck, check_index
from traitlens.retrieval.explaining import ExplainedTerm, Explanation
from traitlens.retrieval.manifest import IndexManifest, StageSeconds
from traitlens.retrieval.page import Section, answers_page
from traitlens.retrieval.searching import Index, explain, search
from traitlens.retrieval.sheet import answers_sheet

__all__ = [
    "Answer",
    "ExplainedTerm",
    "Explanation",
    "Hit",
    "Index",
    "IndexConfig",
    "RecallCheck",
    "check_index",
    "IndexManifest",
    "MODES",
    "Mode",
    "Query",
    "Section",
    "StageSeconds",
    "Timings",
    "answers_page",
    "answers_sheet",
    "explain",
    "index",
    "search",
]

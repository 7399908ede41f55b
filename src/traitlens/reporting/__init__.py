"""Evaluations for people and for other programs: tables, charts, one page, JSON and CSV."""

from traitlens.reporting.confusion import Confusion, confusion
from traitlens.reporting.free_text_tables import free_text_tables
from traitlens.reporting.page import report_page
from traitlens.reporting.report import Report, csv_tables, measure_report, plain, write_csv
from traitlens.reporting.retrieval_tables import (
    Headline,
    headline,
    headline_line,
    retrieval_tables,
)

__all__ = [
    "Confusion",
    "Headline",
    "Report",
    "confusion",
    "csv_tables",
    "free_text_tables",
    "headline",
    "headline_line",
    "measure_report",
    "plain",
    "report_page",
    "retrieval_tables",
    "write_csv",
]

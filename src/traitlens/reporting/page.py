"""A report as one page that needs nothing else: what must be known first, then the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from traitlens.description.texts import count
from traitlens.embedding import Embedded
from traitlens.evaluation import Difficulty, Evaluation, FreeTextEvaluation
from traitlens.pages import html_page
from traitlens.plain_text import one_line
from traitlens.reporting.charts import Bar, Point, bar_chart, heat_map, scatter
from traitlens.reporting.confusion import CollectionConfusion, Confusion, Matrix
from traitlens.reporting.example_cards import free_text_cards, standing_cards
from traitlens.reporting.free_text_tables import free_text_tables
from traitlens.reporting.part_words import part_words
from traitlens.reporting.report import Report, plain
from traitlens.reporting.retrieval_tables import (
    best_baseline,
    collection_table,
    headline,
    headline_line,
    retrieval_tables,
    short_name,
)
from traitlens.reporting.said import said
from traitlens.tables import Column, Table, to_html

_FOLDED = 30  # rows above which a table opens on a click
_ROWS = 1000  # of a table; CSV has all
_BARS = 100  # collections; of more, the best and the worst
_MATRICES = 6


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of the page; `mark` is where the table of contents leads."""

    mark: str
    heading: str
    body: str


def report_page(report: Report, embedded: Embedded) -> str:
    """Return the HTML page of a report on the model whose vectors `embedded` holds.

    Pictures are read from the data set.
    """
    style = resources.files("traitlens.reporting").joinpath("page.css").read_text("utf-8")
    evaluation = report.evaluation
    sections = [section for section in _sections(report, embedded) if section.body]
    links = "".join(f'<li><a href="#{s.mark}">{escape(s.heading)}</a></li>' for s in sections)
    parts = [
        f"<h1>{said(evaluation.model)}</h1>",
        f'<p class="lead">{_lead(evaluation)}</p>',
        _findings(evaluation.findings),
        _tiles(evaluation),
        f'<nav aria-label="Contents"><ol>{links}</ol></nav>',
        *(
            f'<section id="{s.mark}">\n<h2>{escape(s.heading)}</h2>\n{s.body}\n</section>'
            for s in sections
        ),
    ]
    title = f"{one_line(evaluation.model)}: evaluation"
    return html_page(title, "\n".join(parts), style=style)


def _sections(report: Report, embedded: Embedded) -> Iterator[_Section]:
    evaluation = report.evaluation
    *summaries, _ = retrieval_tables(evaluation)
    body = f'<div class="pair">{_tables(summaries)}</div>'
    yield _Section("retrieval", "Retrieval", body)
    yield _Section("collections", "Collection by collection", collection_section(evaluation))
    yield _Section("examples", "Best and worst queries", standing_cards(embedded, evaluation))
    if report.confusion:
        yield _Section("confusion", "What is confused", _confusion(report.confusion))
    if report.free_text:
        body = _free_text(report.free_text, embedded)
        yield _Section("free-text", "Free-text queries", body)
    for number, (name, part) in enumerate(evaluation.parts.items(), start=1):
        words = part_words(name)
        chart = _difficulty_charts(part) if isinstance(part, Difficulty) else ""
        body = f"{_note(words.reading)}{chart}{_tables(part.tables())}"
        yield _Section(f"part-{number}", words.heading, body)
    yield _Section("setting", "What was measured", _setting(evaluation))


def _lead(evaluation: Evaluation) -> str:
    rule = f" ({said(evaluation.split_rule)})" if evaluation.split_rule else ""
    what = "All tokens" if evaluation.split is None else f"The {evaluation.split} split{rule}"
    collections = len(evaluation.families)
    many = "collection" if collections == 1 else "collections"
    return (
        f"{what} of {said(short_name(evaluation.dataset))}: {count(evaluation.tokens)} tokens in "
        f"{count(collections)} {many}, found by their captions and the reverse."
    )


def _findings(findings: Sequence[str]) -> str:
    if not findings:
        return ""
    items = "".join(f"<li>{said(one, max_chars=600)}</li>" for one in findings)
    return f'<aside class="findings"><h2>To know first</h2><ul>{items}</ul></aside>'


def _tiles(evaluation: Evaluation) -> str:
    row, found = evaluation.row(), headline(evaluation)
    show = Column("", "percent").show
    tiles = {
        "top-1, own collection": f"{show(row.recall[1])}%",
        "of its ceiling": f"{show(found.top1_of_ceiling)}%",
        "top-10": f"{show(row.recall[10])}%",
        "chance top-1": f"{show(row.chance[1])}%",
    }
    if found.ratio is not None:
        tiles[f"over {found.best_baseline}"] = f"{found.ratio:.2f}x"
    made = "".join(
        f"<div><dt>{said(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in tiles.items()
    )
    line = said(headline_line(found))
    return f'<dl class="tiles">{made}</dl>\n<p class="headline">{line}.</p>'


def collection_section(evaluation: Evaluation) -> str:
    """Return a bar for each collection, or for the best and worst of very many, and the table."""
    other = best_baseline(evaluation)
    beside = evaluation.collection_rows(model=other) if other else {}
    bars = [
        Bar(
            name=name,
            value=row.recall[1],
            beside=beside[name].recall[1] if other else None,
            chance=row.chance[1],
            ceiling=row.ceiling[1],
        )
        for name, row in evaluation.collection_rows().items()
    ]
    bars.sort(key=lambda bar: (-bar.value, bar.name))
    left_out = len(bars) - _BARS
    if left_out > 0:
        bars = [*bars[: _BARS // 2], *bars[-_BARS // 2 :]]
    alt = f"top-1 of {len(bars)} collections, text to image; the table below has the numbers"
    more = f" The {count(left_out)} in the middle are in the table alone." if left_out > 0 else ""
    return (
        f"{_note(f'Top-1, text to image, the best collections first.{more}')}"
        f"{_legend(evaluation.model, other)}{bar_chart(bars, alt=alt, beside=other)}"
        f"{_table(collection_table(evaluation))}"
    )


def _legend(model: str, beside: str | None) -> str:
    keys = {"model": model, "beside": beside, "chance": "chance", "ceiling": "ceiling"}
    items = "".join(
        f'<li><span class="key {kind}"></span>{said(name)}</li>'
        for kind, name in keys.items()
        if name
    )
    return f'<ul class="legend">{items}</ul>'


def _difficulty_charts(found: Difficulty) -> str:
    full = [Point(name=r.collection, x=r.index, y=r.recall[1]) for r in found.rows]
    equal = [
        Point(name=r.collection, x=r.at_equal_n.index, y=r.at_equal_n.recall[1])
        for r in found.rows
        if r.at_equal_n
    ]
    charts = {
        "Every collection in full": full,
        f"Each cut to {count(found.equal_n)} tokens": equal,
    }
    made = "".join(
        f"<figure><figcaption>{title}</figcaption>"
        f"{scatter(points, x_name='CVI', y_name='top-1', alt=f'CVI against top-1. {title}')}"
        "</figure>"
        for title, points in charts.items()
        if points
    )
    return f'<div class="pair">{made}</div>' if made else ""


def _confusion(found: Confusion) -> str:
    intro = (
        "Where the first hit is another token: which traits it has wrong. Each square shows a "
        "collection's trait type that is confused most: of the queries that meant a row's value, "
        "how many in 100 found a column's."
    )
    drawn = sorted((one for one in found.collections if one.matrix), key=lambda one: -one.errors)[
        :_MATRICES
    ]
    squares = "".join(_square(one, one.matrix) for one in drawn if one.matrix)
    shown = f'<div class="squares">{squares}</div>' if squares else ""
    return f"{_note(intro)}{shown}{_tables(found.tables())}"


def _square(one: CollectionConfusion, matrix: Matrix) -> str:
    shares = [[number / sum(row) if sum(row) else None for number in row] for row in matrix.queries]
    title = f"{one.collection}: {matrix.trait_type}"
    chart = heat_map(matrix.values, shares, alt=f"{title}, meant by found")
    return f"<figure><figcaption>{said(title)}</figcaption>{chart}</figure>"


def _free_text(found: FreeTextEvaluation, embedded: Embedded) -> str:
    intro = (
        "Queries as people type them. The template captions of the same tokens, a search of the "
        "metadata's words and chance stand beside."
    )
    cards = free_text_cards(embedded, found)
    return f"{_note(intro)}{_tables(free_text_tables(found))}{cards}"


def _setting(evaluation: Evaluation) -> str:
    facts = {
        "model": evaluation.model,
        "model fingerprint": evaluation.model_fingerprint,
        "beside it": ", ".join(evaluation.models[1:]) or "nothing",
        "data set": evaluation.dataset,
        "data set fingerprint": evaluation.dataset_fingerprint,
        "split": evaluation.split or "all tokens",
        "split rule": evaluation.split_rule or "not stated",
        "tokens": count(evaluation.tokens),
        "collections": count(len(evaluation.families)),
        "families": count(len(set(evaluation.families.values()))),
        "most tokens of a collection": (
            "no limit" if evaluation.max_gallery is None else count(evaluation.max_gallery)
        ),
        "seed": str(evaluation.seed),
        **{f"left out: {why}": count(number) for why, number in evaluation.skipped.items()},
    }
    rows = "".join(f"<dt>{said(name)}</dt><dd>{said(fact)}</dd>" for name, fact in facts.items())
    return f'<dl class="facts">{rows}</dl>'


def _tables(tables: Sequence[Table]) -> str:
    return "\n".join(map(_table, tables))


def _table(table: Table) -> str:
    """Return a table; one of many rows opens on a click."""
    shown = plain(table, rows=_ROWS)
    made = f'<div class="scroll">{to_html(shown)}</div>'
    if len(table.rows) <= _FOLDED:
        return made
    summary = f"{escape(shown.title)} ({count(len(table.rows))} rows)"
    return f"<details><summary>{summary}</summary>{made}</details>"


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""

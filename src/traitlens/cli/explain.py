"""`traitlens explain`: why a token answers some words, and which part of its picture does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traitlens.cli.console import console

if TYPE_CHECKING:
    from traitlens.retrieval import ExplainedTerm, Explanation


def explain(
    token: Annotated[str, typer.Argument(help="Its token_uid, or collection/token_id.")],
    words: Annotated[str, typer.Argument(help="What was asked for.")],
    index: Annotated[
        Path, typer.Option("-i", "--index", help="An index that `traitlens index` made.")
    ] = Path("idx"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a PNG: where each term is, and the components.")
    ] = None,
) -> None:
    """Say what a token has of some words, how close it looks, and where in its picture."""
    from traitlens import files
    from traitlens.retrieval import Index
    from traitlens.retrieval.explanation_sheet import explanation_sheet
    from traitlens.standardization import png_bytes

    with Index.open(index) as opened:
        found = opened.explain(token, words)
    if sheet:
        files.write_bytes(sheet, png_bytes(explanation_sheet(found)))
    if as_json:
        print(json.dumps(as_dict(found), indent=1, ensure_ascii=False))
    else:
        print_explanation(found)


def print_explanation(found: Explanation) -> None:
    """Print an explanation as a table of its terms."""
    from rich.markup import escape
    from rich.table import Table

    closer = "" if found.closer_than is None else f", closer than {found.closer_than:.1%}"
    table = Table(
        title=escape(f"{found.hit.collection} {found.hit.token_id}: {found.words}"),
        title_justify="left",
        caption=f"cosine {found.cosine:.3f}{closer} of the index",
        caption_justify="left",
    )
    for column in ("term", "", "by", "hottest at"):
        table.add_column(column)
    for term in found.terms:
        has = "has it" if term.met_by else "lacks it"
        by = ", ".join(map(str, term.met_by))
        table.add_row(
            escape(term.meant if term.wanted else f"no {term.meant}"),
            has if term.is_met else f"[yellow]{has}[/]",
            escape(by),
            _hottest(term),
        )
    out = console()
    out.print(table)
    if found.note:
        out.print(f"note: {escape(found.note)}", soft_wrap=True)


def _hottest(term: ExplainedTerm) -> str:
    if term.hottest is None:
        return ""
    left, top = term.hottest
    return f"{left:.0%} from the left, {top:.0%} from the top"


def as_dict(found: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON-ready values, without the pictures."""
    return {
        "token_uid": found.hit.token_uid,
        "words": found.words,
        "cosine": found.cosine,
        "closer_than": found.closer_than,
        "note": found.note,
        "heat": None if found.heat_GG is None else found.heat_GG.round(3).tolist(),
        "terms": [
            {
                "meant": term.meant,
                "wanted": term.wanted,
                "met": term.is_met,
                "by": [str(trait) for trait in term.met_by],
                "heat": None if term.heat_GG is None else term.heat_GG.round(3).tolist(),
            }
            for term in found.terms
        ],
        "components": [str(trait) for trait in found.masks],
    }

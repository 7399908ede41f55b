"""The report as a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources

from PIL import Image

from traitlens.captions.report import CaptionReport, Example, KindTotals, Piece, Said
from traitlens.pages import html_page, img, isolated
from traitlens.records import Trait
from traitlens.standardization import decode

_TEXT_CHARS = 1200  # shown of a caption

_SAID = {
    "ok": "says all",
    "dropped": "leaves out",
    "invented": "invents",
    "both": "leaves out and invents",
    "failed": "no caption",
}


def report_page(report: CaptionReport, *, title: str = "Captions side by side") -> str:
    """Return the HTML page of a report."""
    style = resources.files("traitlens.captions").joinpath("report.css").read_text("utf-8")
    sections = "\n".join(_section(name, shown) for name, shown in report.examples.items() if shown)
    body = f"""<h1>{escape(title)}</h1>
<p class="meta">{report.tokens:,} tokens that have a caption of every kind; some drawn at random,
and one that the check marked</p>
{_totals(report.totals)}
<p class="legend"><mark class="tells">a trait of the token</mark>
<mark class="wrong">what it does not have</mark></p>
{sections or '<p class="empty">No token has a caption of every kind.</p>'}"""
    return html_page(title, body, style=style)


def _totals(totals: Sequence[KindTotals]) -> str:
    heads = ("captions", "say all", "leave out", "invent", "both", "failed", "words", "distinct")
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    rows = "\n".join(_total(row) for row in totals)
    return f"""<div class="wide"><table>
<thead><tr><th scope="col">kind</th>{cells}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>"""


def _total(row: KindTotals) -> str:
    statuses = [row.statuses[name] for name in ("ok", "dropped", "invented", "both", "failed")]
    counts = [f"{count:,}" for count in (row.captions, *statuses)]
    cells = "".join(f"<td>{c}</td>" for c in (*counts, f"{row.words_each:.1f}"))
    share = f"{row.distinct:,} ({100 * row.distinct / max(1, row.captions):.0f}%)"
    return f'<tr><th scope="row">{isolated(row.kind)}</th>{cells}<td>{share}</td></tr>'


def _section(collection: str, examples: Sequence[Example]) -> str:
    cards = "\n".join(_card(example) for example in examples)
    return f"<section>\n<h2>{isolated(collection)}</h2>\n{cards}\n</section>"


def _card(example: Example) -> str:
    name = f"{example.token.collection} #{example.token.token_id}"
    picture = _img(example.picture or b"", alt=name) or '<div class="none">no picture</div>'
    captions = "\n".join(_caption(said) for said in example.said)
    return f"""<article>
<div class="picture">{picture}</div>
<div class="about">
<h3>{isolated(name)}</h3>
<dl>
{captions}
</dl>
</div>
</article>"""


def _caption(said: Said) -> str:
    status = "" if said.status == "ok" else f' <span class="status">{_SAID[said.status]}</span>'
    text = f"<p>{_pieces(said.pieces)}</p>" if said.pieces else ""
    problem = f'<p class="problem">{isolated(said.problem)}</p>' if said.problem else ""
    return f"""<dt>{isolated(said.kind)}{status}</dt>
<dd>{text}{problem}{_chips("left out", said.dropped)}{_chips("invented", said.invented)}</dd>"""


def _pieces(pieces: Sequence[Piece]) -> str:
    shown, room = [], _TEXT_CHARS
    for piece in pieces:
        text = escape(piece.text[:room])
        room -= len(piece.text)
        title = f' title="{escape(piece.title)}"' if piece.title else ""
        shown.append(f'<mark class="{piece.mark}"{title}>{text}</mark>' if piece.mark else text)
        if room <= 0:
            return f"<bdi>{''.join(shown)}…</bdi>"
    return f"<bdi>{''.join(shown)}</bdi>"


def _chips(label: str, traits: Sequence[Trait]) -> str:
    if not traits:
        return ""
    chips = "".join(f"<li>{isolated(str(trait))}</li>" for trait in traits)
    kind = "dropped" if label == "left out" else "invented"
    return f'<div class="chips {kind}"><span>{label}</span><ul>{chips}</ul></div>'


def _img(image: bytes, *, alt: str) -> str | None:
    picture = decode(image)
    return img(picture, alt=alt) if isinstance(picture, Image.Image) else None

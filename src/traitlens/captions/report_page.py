"""The report as one HTML file that needs nothing else, not even the network.

Metadata were written by strangers and captions by a model: all of it is escaped, and a content
security policy forbids the page everything but its own style and pictures.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from importlib import resources

from PIL import Image

from traitlens.captions.report import CaptionReport, Example, KindTotals, Piece, Said
from traitlens.records import Trait
from traitlens.standardization import decode

_PIXEL_ART_PX = 128  # pictures up to this size are enlarged without smoothing
_PICTURE_PX = 400  # larger ones are made smaller
_TEXT_CHARS = 1200  # shown of a caption

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
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
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(title)}</title>
<style>
{style}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p class="meta">{report.tokens:,} tokens that have a caption of every kind; some drawn at random,
and one that the check marked</p>
{_totals(report.totals)}
<p class="legend"><mark class="tells">a trait of the token</mark>
<mark class="wrong">what it does not have</mark></p>
{sections or '<p class="empty">No token has a caption of every kind.</p>'}
</body>
</html>
"""


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
    return f'<tr><th scope="row">{_said(row.kind)}</th>{cells}<td>{share}</td></tr>'


def _section(collection: str, examples: Sequence[Example]) -> str:
    cards = "\n".join(_card(example) for example in examples)
    return f"<section>\n<h2>{_said(collection)}</h2>\n{cards}\n</section>"


def _card(example: Example) -> str:
    name = f"{example.token.collection} #{example.token.token_id}"
    picture = _img(example.picture or b"", alt=name) or '<div class="none">no picture</div>'
    captions = "\n".join(_caption(said) for said in example.said)
    return f"""<article>
<div class="picture">{picture}</div>
<div class="about">
<h3>{_said(name)}</h3>
<dl>
{captions}
</dl>
</div>
</article>"""


def _caption(said: Said) -> str:
    status = "" if said.status == "ok" else f' <span class="status">{_SAID[said.status]}</span>'
    text = f"<p>{_pieces(said.pieces)}</p>" if said.pieces else ""
    problem = f'<p class="problem">{_said(said.problem)}</p>' if said.problem else ""
    return f"""<dt>{_said(said.kind)}{status}</dt>
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
    chips = "".join(f"<li>{_said(str(trait))}</li>" for trait in traits)
    kind = "dropped" if label == "left out" else "invented"
    return f'<div class="chips {kind}"><span>{label}</span><ul>{chips}</ul></div>'


def _said(text: str) -> str:
    # <bdi> keeps right-to-left text and direction marks from reordering what is around them.
    return f"<bdi>{escape(text)}</bdi>"


def _img(image: bytes, *, alt: str) -> str | None:
    picture = decode(image)
    if not isinstance(picture, Image.Image):
        return None
    kind, style = "png", ' class="pixels"'
    if max(picture.size) > _PIXEL_ART_PX:
        kind, style = "webp", ""
        picture.thumbnail((_PICTURE_PX, _PICTURE_PX), Image.Resampling.LANCZOS)
        sink = io.BytesIO()
        picture.save(sink, format="WEBP", quality=85)
        image = sink.getvalue()
    data = base64.b64encode(image).decode()
    return f'<img{style} src="data:image/{kind};base64,{data}" alt="{escape(alt)}" loading="lazy">'

"""Answers as HTML for a notebook: pictures in the cell's output, nothing fetched.

A notebook's theme is not the system's, and what shows a saved one (GitHub, nbviewer) drops style
sheets. So styles are inline, and each colour is the cell's own or lies over it, light or dark. Only
pictures have a ground of their own, as many are black lines on nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape

from traitlens.pages import PIXEL_ART_PX, isolated
from traitlens.retrieval.answers import Answer, Hit

MOST_HITS = 50
_MOST_TRAITS = 8  # beside those that were asked for
_MOST_CHARACTERS = 60  # of a name, a value, a term
_PNG = b"\x89PNG\r\n\x1a\n"

_CELL = "width:160px;padding:8px;border:1px solid rgba(128,128,128,.4);border-radius:8px"
_PICTURE = "width:144px;height:144px;object-fit:contain;background:#d5d3cf"
_FAINT = "opacity:.7;font-size:12px"
_CHIP = "display:inline-block;margin:2px 3px 0 0;padding:0 5px;border-radius:5px;font-size:12px"
_MATCHED = f"{_CHIP};background:rgba(40,160,90,.3)"
_MISSING = f"{_CHIP};border:1px dashed rgba(220,80,60,.9)"
_OTHER = f"{_CHIP};background:rgba(128,128,128,.16)"


def answer_html(answer: Answer) -> str:
    """Return what was asked, and the first 50 hits side by side."""
    more = len(answer.hits) - MOST_HITS
    facts = [f"{answer.matching:,} tokens satisfy the filter" if answer.query.where else ""]
    facts += [answer.note or "", f"{more:,} more in .hits[{MOST_HITS}:]" if more > 0 else ""]
    said = " · ".join(_short(fact, 300) for fact in facts if fact)
    cells = "".join(map(hit_html, answer.hits[:MOST_HITS])) or "No answers."
    return (
        f'<div style="color:inherit;overflow-wrap:anywhere">'
        f"<div><b>{_short(str(answer.query), 300)}</b></div>"
        f'<div style="{_FAINT}">{said}</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:8px;margin-top:6px">{cells}</div></div>'
    )


def hit_html(hit: Hit) -> str:
    """Return a hit as a card: picture, rank and score, what it has of what was asked, and lacks."""
    others = [trait for trait in hit.traits if trait not in hit.matched]
    more = len(others) - _MOST_TRAITS
    chips = [
        *_chips(_MATCHED, (f"{t.trait_type}: {t.value}" for t in hit.matched[:_MOST_TRAITS])),
        *_chips(_MISSING, (f"lacks {term}" for term in hit.missing[:_MOST_TRAITS])),
        *_chips(_OTHER, (f"{t.trait_type}: {t.value}" for t in others[:_MOST_TRAITS])),
        *_chips(_FAINT, [f"and {more:,} more"] if more > 0 else []),
    ]
    return (
        f'<div style="{_CELL};color:inherit;overflow-wrap:anywhere;text-align:left">'
        f"{_picture(hit)}"
        f"<div><b>{_short(f'{hit.collection} #{hit.token_id}')}</b></div>"
        f'<div style="{_FAINT}">{hit.rank}. score {hit.score:.3f}</div>'
        f"<div>{''.join(chips)}</div></div>"
    )


def _chips(style: str, texts: Iterable[str]) -> list[str]:
    return [f'<span style="{style}">{_short(text)}</span>' for text in texts]


def _picture(hit: Hit) -> str:
    if hit.image is None:
        return f'<div style="{_PICTURE}"></div>'
    is_png = hit.image.startswith(_PNG)
    # Pixel art is enlarged without smoothing; a PNG says its width and height in bytes 16 to 24.
    side = max(int.from_bytes(hit.image[at : at + 4]) for at in (16, 20)) if is_png else 0
    look = ";image-rendering:pixelated" if 0 < side <= PIXEL_ART_PX else ""
    kind, data = "png" if is_png else "webp", base64.b64encode(hit.image).decode()
    alt = escape(hit.caption[:_MOST_CHARACTERS])
    return f'<img style="{_PICTURE}{look}" src="data:image/{kind};base64,{data}" alt="{alt}">'


def _short(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Return a stranger's text, cut, escaped, and unable to reorder what is around it."""
    return isolated(text if len(text) <= most else f"{text[: most - 1]}…")

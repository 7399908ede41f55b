"""Answers as one picture: the page's little sister, for READMEs, chats and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from traitlens.retrieval.page import Section, as_section, filter_chips, summary
from traitlens.retrieval.searching import Answer, Hit
from traitlens.sheets import INK, PAPER, clip, contact_sheet
from traitlens.standardization import decode

_CELL_PX = 160
_FAINT = (111, 107, 100)
_MARGIN_PX = 8
_HEADER_PX = 72
_EMPTY_PX = 600  # the width of a header without pictures


def answers_sheet(
    sections: Sequence[Section | Answer],
    *,
    columns: int = 5,
    labels: Mapping[str, str] | None = None,
) -> Image.Image:
    """Return a contact sheet: each query, its filter, and below it the pictures of its answers."""
    rows = [_row(as_section(section), columns=columns, labels=labels or {}) for section in sections]
    width = max((row.width for row in rows), default=_CELL_PX)
    sheet = Image.new("RGB", (width, max(1, sum(row.height for row in rows))), PAPER)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def _row(section: Section, *, columns: int, labels: Mapping[str, str]) -> Image.Image:
    hits = section.answer.hits
    spare = -len(hits) % columns  # empty cells, for one width of all rows
    pictures = [*map(_picture, hits), *[None] * spare]
    names = [*(_name(hit, labels) for hit in hits), *[""] * spare]
    cells = contact_sheet(pictures, names, columns=columns, cell_px=_CELL_PX)
    size = (cells.width, _HEADER_PX + cells.height) if hits else (_EMPTY_PX, _HEADER_PX)
    row = Image.new("RGB", size, PAPER)
    if hits:
        row.paste(cells, (0, _HEADER_PX))
    _write_header(row, section)
    return row


def _write_header(row: Image.Image, section: Section) -> None:
    answer = section.answer
    below = " · ".join([*filter_chips(answer.query.where), summary(answer), answer.note or ""])
    draw, width_px = ImageDraw.Draw(row), row.width - 2 * _MARGIN_PX
    large, small = ImageFont.load_default(size=26), ImageFont.load_default(size=14)
    title = clip(answer.query.title, large, width_px=width_px)
    draw.text((_MARGIN_PX, 10), title, fill=INK, font=large)
    line = clip(below.rstrip(" ·"), small, width_px=width_px)
    draw.text((_MARGIN_PX, 46), line, fill=_FAINT, font=small)


def _picture(hit: Hit) -> Image.Image | None:
    picture = None if hit.image is None else decode(hit.image)
    return picture if isinstance(picture, Image.Image) else None


def _name(hit: Hit, labels: Mapping[str, str]) -> str:
    label = labels.get(hit.collection)
    return f"{hit.collection} #{hit.token_id}" + (f"\n{label}" if label else "")

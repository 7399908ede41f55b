"""Answers as one picture: the page's little sister, for READMEs, chats and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from traitlens.retrieval.answers import Answer, Hit
from traitlens.retrieval.page import Section, as_section, filter_chips, summary
from traitlens.sheets import INK, PAPER, clip, contact_sheet, paste_fitted, width_px
from traitlens.standardization import decode

_CELL_PX = 160
_FAINT = (111, 107, 100)
_MARGIN_PX = 8
_HEADER_PX = 92
_ICON_PX = 72  # the picture that was searched with


def answers_sheet(
    sections: Sequence[Section | Answer],
    *,
    columns: int = 5,
    labels: Mapping[str, str] | None = None,
) -> Image.Image:
    """Return a contact sheet: each query, its filter, and below it the pictures of its answers."""
    rows = [_row(as_section(section), columns=columns, labels=labels or {}) for section in sections]
    size = (width_px(columns, cell_px=_CELL_PX), max(1, sum(row.height for row in rows)))
    sheet = Image.new("RGB", size, PAPER)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def _row(section: Section, *, columns: int, labels: Mapping[str, str]) -> Image.Image:
    """Return a header and, where there are hits, their pictures below it."""
    hits = section.answer.hits
    pictures, names = list(map(_picture, hits)), [_name(hit, labels) for hit in hits]
    cells = contact_sheet(pictures, names, columns=columns, cell_px=_CELL_PX) if hits else None
    height = _HEADER_PX + (cells.height if cells else 0)
    row = Image.new("RGB", (width_px(columns, cell_px=_CELL_PX), height), PAPER)
    if cells:
        row.paste(cells, (0, _HEADER_PX))
    _write_header(row, section)
    return row


def _write_header(row: Image.Image, section: Section) -> None:
    answer, left = section.answer, _MARGIN_PX
    if section.picture is not None:
        paste_fitted(row, section.picture, corner=(left, 12), cell_px=_ICON_PX)
        left += _ICON_PX + _MARGIN_PX
    below = [*filter_chips(answer.query.where), summary(answer), answer.note or ""]
    lines = (
        (section.heading, 14, _FAINT, 10),
        (answer.query.title, 26, INK, 28),
        (" · ".join(below).rstrip(" ·"), 14, _FAINT, 66),
    )
    draw = ImageDraw.Draw(row)
    for text, size, colour, top in lines:
        font = ImageFont.load_default(size=size)
        room_px = row.width - left - _MARGIN_PX
        draw.text((left, top), clip(text, font, width_px=room_px), fill=colour, font=font)


def _picture(hit: Hit) -> Image.Image | None:
    picture = None if hit.image is None else decode(hit.image)
    return picture if isinstance(picture, Image.Image) else None


def _name(hit: Hit, labels: Mapping[str, str]) -> str:
    label = labels.get(hit.collection)
    return f"{hit.collection} #{hit.token_id}" + (f"\n{label}" if label else "")

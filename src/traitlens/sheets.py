"""Contact sheets: many pictures in one, each with its label below it."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

PAPER = (250, 249, 246)
INK = (40, 40, 38)
_GAP_PX = 8
_CLIPPED = "…"  # Pillow's built-in font has it


def contact_sheet(
    pictures: Sequence[Image.Image | None],
    labels: Sequence[str],
    *,
    columns: int,
    cell_px: int,
) -> Image.Image:
    """Return the pictures in rows of `columns`, each fitted into a square of `cell_px` px.

    Small pictures grow without smoothing, so pixel art stays pixel art; a label may have two lines,
    and what is wider than its cell is clipped; a picture that is None leaves its cell empty.
    """
    assert len(pictures) == len(labels), "one label a picture"
    assert columns > 0 and cell_px > 0
    font = ImageFont.load_default(size=font_px(cell_px))
    line_px = round(font_px(cell_px) * 1.4)
    lines = [label.split("\n")[:2] for label in labels]
    below_px = line_px * max(map(len, lines), default=0)
    across, down = min(columns, max(1, len(pictures))), max(1, -(-len(pictures) // columns))
    height_px = down * (cell_px + below_px + _GAP_PX) + _GAP_PX
    sheet = Image.new("RGB", (width_px(across, cell_px=cell_px), height_px), PAPER)
    draw = ImageDraw.Draw(sheet)
    for at, (picture, texts) in enumerate(zip(pictures, lines, strict=True)):
        x = _GAP_PX + (at % columns) * (cell_px + _GAP_PX)
        y = _GAP_PX + (at // columns) * (cell_px + below_px + _GAP_PX)
        if picture is not None:
            paste_fitted(sheet, picture, corner=(x, y), cell_px=cell_px)
        for number, text in enumerate(texts):
            below = (x, y + cell_px + number * line_px)
            draw.text(below, clip(text, font, width_px=cell_px), fill=INK, font=font)
    return sheet


def width_px(columns: int, *, cell_px: int) -> int:
    """Return the width of a sheet of so many columns, in px."""
    return columns * (cell_px + _GAP_PX) + _GAP_PX


def font_px(cell_px: int) -> int:
    """Return a readable letter size for labels under cells of `cell_px` px."""
    return min(18, max(9, cell_px // 8))


def fit(picture: Image.Image, cell_px: int) -> Image.Image:
    """Return the picture as large as a square of `cell_px` px allows, its shape kept.

    It grows by a whole factor and without smoothing, and shrinks with it.
    """
    longest = max(picture.size)
    if longest <= cell_px:
        factor = float(cell_px // longest)
        method = Image.Resampling.NEAREST
    else:
        factor = cell_px / longest
        method = Image.Resampling.LANCZOS
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture if size == picture.size else picture.resize(size, method)


def paste_fitted(
    sheet: Image.Image, picture: Image.Image, *, corner: tuple[int, int], cell_px: int
) -> None:
    """Draw the picture in the middle of the cell whose upper left is `corner`."""
    fitted = fit(picture.convert("RGBA"), cell_px)
    x = corner[0] + (cell_px - fitted.width) // 2
    y = corner[1] + (cell_px - fitted.height) // 2
    sheet.paste(fitted, (x, y), mask=fitted)


def clip(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, *, width_px: float) -> str:
    """Return as much of `text` as fits into one line of `width_px`."""
    line = " ".join(text.split())[:500]
    if font.getlength(line) <= width_px:
        return line
    while line and font.getlength(line + _CLIPPED) > width_px:
        line = line[:-1]
    return line.rstrip() + _CLIPPED

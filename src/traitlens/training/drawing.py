"""Line charts, one above the other, as a picture.

All lengths are in px.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from traitlens.sheets import INK, PAPER

_WIDTH, _PLOT_HEIGHT = 960, 150
_LEFT, _RIGHT, _HEAD, _FOOT = 76, 20, 44, 26  # around a plot; its name and legend are in the head
_TITLE = 40
_LINE, _DOT = 2, 3
_MOST_TICKS = 5
_GRID, _QUIET = (222, 218, 208), (110, 107, 100)
_COLOURS = ((30, 95, 116), (180, 84, 10), (107, 63, 160), (60, 122, 30), (160, 40, 80))
_FINER = 2  # lines are drawn larger and made smaller, so that they are smooth

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through (x, y) points, which are in the order of x."""

    name: str
    points: Points


@dataclass(frozen=True, slots=True)
class Panel:
    """The lines of one plot; `marks` draws their points, besides."""

    name: str
    lines: Sequence[Line]
    marks: bool = False


def draw_panels(panels: Sequence[Panel], *, title: str, x_name: str) -> Image.Image:
    """Return the panels below one another, all over the same x axis; each y axis begins at 0.

    Only finite points are drawn. Up to five lines of a panel have colours of their own.
    """
    xs = [x for panel in panels for line in panel.lines for x, _ in line.points]
    each = _HEAD + _PLOT_HEIGHT + _FOOT
    sheet = Image.new("RGB", (_WIDTH * _FINER, (_TITLE + each * len(panels)) * _FINER), PAPER)
    pen = _Pen(ImageDraw.Draw(sheet))
    pen.text(_LEFT, 12, title, size=17)
    for number, panel in enumerate(panels):
        plot = _Plot(panel, top=_TITLE + each * number + _HEAD, low=min(xs), high=max(xs))
        plot.draw(pen, x_name=x_name)
    return sheet.resize((sheet.width // _FINER, sheet.height // _FINER), Image.Resampling.BOX)


class _Pen:
    """Draws in px of the picture that is handed out."""

    def __init__(self, draw: ImageDraw.ImageDraw) -> None:
        self._draw = draw

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 12,
        fill: tuple[int, int, int] = INK,
        anchor: str = "la",
    ) -> float:
        """Write a text and return its width."""
        font = ImageFont.load_default(size=size * _FINER)
        self._draw.text((x * _FINER, y * _FINER), text, fill=fill, font=font, anchor=anchor)
        return self._draw.textlength(text, font=font) / _FINER

    def line(self, points: Points, *, fill: tuple[int, int, int], width: int) -> None:
        scaled = [(x * _FINER, y * _FINER) for x, y in points]
        self._draw.line(scaled, fill=fill, width=width * _FINER, joint="curve")

    def dot(self, x: float, y: float, *, fill: tuple[int, int, int]) -> None:
        self._draw.circle((x * _FINER, y * _FINER), _DOT * _FINER, fill=fill)


class _Plot:
    """A panel and where its values lie."""

    def __init__(self, panel: Panel, *, top: int, low: float, high: float) -> None:
        self._panel, self._top, self._low, self._high = panel, top, low, high
        ys = [y for line in panel.lines for _, y in line.points if math.isfinite(y)]
        self._ticks = ticks(max(ys, default=1.0))

    def draw(self, pen: _Pen, *, x_name: str) -> None:
        self._draw_axes(pen, x_name)
        x = _LEFT + pen.text(_LEFT, self._top - 26, self._panel.name, size=13) + 24
        for number, line in enumerate(self._panel.lines):
            colour = _COLOURS[number % len(_COLOURS)]
            self._draw_line(pen, line, colour)
            if len(self._panel.lines) > 1:
                x += pen.text(x, self._top - 25, line.name, fill=colour) + 16

    def _draw_axes(self, pen: _Pen, x_name: str) -> None:
        for value in self._ticks:
            y = self._y(value)
            pen.line([(_LEFT, y), (_WIDTH - _RIGHT, y)], fill=_GRID, width=1)
            pen.text(_LEFT - 8, y, f"{value:.3g}", fill=_QUIET, anchor="rm")
        below = self._top + _PLOT_HEIGHT + 6
        pen.text(_LEFT, below, f"{x_name} {self._low:g}", fill=_QUIET)
        pen.text(_WIDTH - _RIGHT, below, f"{self._high:g}", fill=_QUIET, anchor="ra")

    def _draw_line(self, pen: _Pen, line: Line, colour: tuple[int, int, int]) -> None:
        places = [(self._x(x), self._y(y)) for x, y in line.points if math.isfinite(y)]
        if len(places) > 1:
            pen.line(places, fill=colour, width=_LINE)
        if self._panel.marks or len(places) == 1:
            for x, y in places:
                pen.dot(x, y, fill=colour)

    def _x(self, value: float) -> float:
        wide = (self._high - self._low) or 1.0
        return _LEFT + (value - self._low) / wide * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        return self._top + _PLOT_HEIGHT * (1 - max(0.0, value) / self._ticks[-1])


def ticks(most: float) -> list[float]:
    """Return round numbers from 0 to above `most`, evenly spaced; up to 1 where it is not above 0.

    There are at most six of them.
    """
    most = most if most > 0 else 1.0
    unit = 10.0 ** math.floor(math.log10(most))
    step = next(s * unit for s in (0.2, 0.5, 1, 2) if s * unit * _MOST_TICKS >= most)
    return [step * number for number in range(math.ceil(most / step) + 1)]

"""Lines in one SVG file of its own, for paper and screen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 64, 48
_COLOURS = ("#1e5f74", "#b4540a", "#6b3fa0", "#3c7a1e")
_DASHES = ("", "7 4", "2 3", "9 3 2 3")  # tells lines apart without colour
_MOST_TICKS = 6


def line_chart(
    series: Mapping[str, Points], *, title: str, x_label: str, y_label: str, marks: bool = True
) -> str:
    """Return the series as lines, each with its name above; the y axis begins at 0.

    `marks` draws each point besides.
    """
    points = [point for line in series.values() for point in line]
    assert points, "nothing to draw"
    scale = _Scale(
        low=min(x for x, _ in points),
        high=max(x for x, _ in points),
        most=max(y for _, y in points) or 1.0,
    )
    drawn = [
        _line(name, line, number, scale, marks=marks)
        for number, (name, line) in enumerate(series.items())
    ]
    said = f"{title}: {', '.join(series)}. {y_label} over {x_label}."
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" role="img" '
            'font-family="system-ui, sans-serif" font-size="12" fill="#1d1c1a">',
            f"<title>{escape(title)}</title><desc>{escape(said)}</desc>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
            *_axes(scale, x_label, y_label),
            *drawn,
            "</svg>\n",
        ]
    )


class _Scale:
    """Where values lie in the drawing, in px; the y axis ends at a round number above `most`."""

    def __init__(self, *, low: float, high: float, most: float) -> None:
        self.low, self.high = low, high
        unit = 10.0 ** math.floor(math.log10(most))
        step = next(s * unit for s in (0.2, 0.5, 1, 2) if s * unit * (_MOST_TICKS - 1) >= most)
        self.ticks = [step * number for number in range(math.ceil(most / step) + 1)]
        self.top = self.ticks[-1]

    def x(self, value: float) -> float:
        wide = (self.high - self.low) or 1.0
        return round(_LEFT + (value - self.low) / wide * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - _BOTTOM - value / self.top * (HEIGHT - _TOP - _BOTTOM), 1)


def _axes(scale: _Scale, x_label: str, y_label: str) -> list[str]:
    parts = [
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{scale.y(value)}" '
        f'y2="{scale.y(value)}" stroke="#d8d4cb"/>'
        f'<text x="{_LEFT - 8}" y="{scale.y(value) + 4}" text-anchor="end">{value:.3g}</text>'
        for value in scale.ticks
    ]
    for value, anchor in ((scale.low, "start"), (scale.high, "end")):
        parts.append(
            f'<text x="{scale.x(value)}" y="{HEIGHT - _BOTTOM + 18}" '
            f'text-anchor="{anchor}">{value:g}</text>'
        )
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_label)}</text>'
        f'<text transform="translate(16 {HEIGHT / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_label)}</text>'
    )
    return parts


def _line(name: str, line: Points, number: int, scale: _Scale, *, marks: bool) -> str:
    colour, dash = _COLOURS[number % len(_COLOURS)], _DASHES[number % len(_DASHES)]
    path = " ".join(f"{scale.x(x)},{scale.y(y)}" for x, y in line)
    dots = "".join(
        f'<circle cx="{scale.x(x)}" cy="{scale.y(y)}" r="3" fill="{colour}"/>' for x, y in line
    )
    left = _LEFT + 170 * number
    stroke = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
    return (
        f'<polyline points="{path}" {stroke}/>{dots if marks else ""}'
        f'<line x1="{left}" x2="{left + 28}" y1="40" y2="40" {stroke}/>'
        f'<text x="{left + 34}" y="44">{escape(name)}</text>'
    )

"""Charts as SVG within the page: no script, readable in print, and in words for who cannot see.

Lengths are in px of a drawing that the page scales. Colours are classes, and the page's style says
what they are in light and in dark; nothing is told by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from traitlens.plain_text import one_line
from traitlens.tables import Column

_WIDTH = 760
_LABEL = 190  # for names on the left of bars
_VALUE = 56  # for the number on the right of bars
_ROW = 26
_LABEL_CHARS = 26

_SCATTER_WIDTH, _SCATTER_HEIGHT = 480, 320
_LEFT, _BOTTOM, _TOP, _RIGHT = 52, 44, 10, 24
_TICKS = 4

_CELL, _CELL_CHARS = 36, 16
_LETTER = 6.6  # about what a letter of a label takes


Place = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A collection's shares in [0, 1]: the model's, what stands beside, and the two limits."""

    name: str
    value: float
    beside: float | None
    chance: float
    ceiling: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A named point of a scatter plot; `y` is a share in [0, 1]."""

    name: str
    x: float
    y: float


def bar_chart(bars: Sequence[Bar], *, alt: str, beside: str | None = None) -> str:
    """Return horizontal bars: the value thick, what stands beside it thin below, limits as marks.

    `beside` names what the thin bars are. `alt` says what the chart shows.
    """
    height = _ROW * len(bars) + 4
    drawn = "".join(_bar(bar, at * _ROW, beside) for at, bar in enumerate(bars))
    return _svg(_WIDTH, height, alt, drawn, kind="bar-chart")


def scatter(points: Sequence[Point], *, x_name: str, y_name: str, alt: str) -> str:
    """Return a point for each, named where the mouse rests; the y axis is in percent."""
    low, high = _padded([point.x for point in points])
    plot_width = _SCATTER_WIDTH - _LEFT - _RIGHT
    plot_height = _SCATTER_HEIGHT - _TOP - _BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + plot_width * (x - low) / (high - low),
            _TOP + plot_height * (1 - y),
        )

    parts = list(_grid(low, high, place))
    for point in points:
        x, y = place(point.x, point.y)
        title = f"{point.name}: {x_name} {point.x:.4g}, {y_name} {100 * point.y:.1f}%"
        parts.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5">{_title(title)}</circle>'
        )
    middle = _TOP + plot_height / 2
    parts.append(_text(_LEFT + plot_width / 2, _SCATTER_HEIGHT - 6, x_name, "name", "middle"))
    parts.append(
        f'<text class="name" text-anchor="middle" transform="translate(12 {middle:.0f}) '
        f'rotate(-90)">{escape(y_name)}, %</text>'
    )
    return _svg(_SCATTER_WIDTH, _SCATTER_HEIGHT, alt, "".join(parts), kind="scatter")


def heat_map(names: Sequence[str], shares: Sequence[Sequence[float | None]], *, alt: str) -> str:
    """Return a square of shares in [0, 1], rows and columns of the same names; None stays empty.

    Each cell has its number in percent.
    """
    short = [one_line(name, max_chars=_CELL_CHARS) for name in names]
    letters = _LETTER * max(map(len, short))
    left, top, right = letters + 16, letters * 0.87 + 20, letters * 0.5  # slanted by 60 degrees
    parts = []
    for at, name in enumerate(names):
        middle = _CELL * (at + 0.5) + 4
        parts.append(_text(left - 8, top + middle, short[at], "label", "end", title=name))
        parts.append(
            f'<text class="label" transform="translate({left + middle:.0f} {top - 8:.0f}) '
            f'rotate(-60)">{escape(short[at])}{_title(name)}</text>'
        )
        parts += [
            _cell(share, left + _CELL * column, top + _CELL * at, name, other)
            for column, (share, other) in enumerate(zip(shares[at], names, strict=True))
            if share is not None
        ]
    size = _CELL * len(names)
    return _svg(left + size + right, top + size, alt, "".join(parts), kind="heat-map")


def _svg(width: float, height: float, alt: str, drawn: str, *, kind: str) -> str:
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    words = escape(one_line(alt))
    return f'<svg class="{kind}" {size} role="img" aria-label="{words}">{drawn}</svg>'


def _bar(bar: Bar, top: float, beside: str | None) -> str:
    full = _WIDTH - _LABEL - _VALUE
    name = one_line(bar.name, max_chars=_LABEL_CHARS)
    parts = [
        _title(_bar_words(bar, beside)),
        _text(_LABEL - 10, top + 17, name, "label", "end"),
        _rect("well", _LABEL, top + 3, full, 19),
        _rect("model", _LABEL, top + 3, full * bar.value, 12),
        _text(_WIDTH - 4, top + 17, _percent(bar.value), "value", "end"),
    ]
    if bar.beside is not None:
        parts.append(_rect("beside", _LABEL, top + 16, full * bar.beside, 6))
    for kind, share in (("chance", bar.chance), ("ceiling", bar.ceiling)):
        x = _LABEL + full * share
        parts.append(_line(kind, x, top + 1, x, top + 24))
    return f"<g>{''.join(parts)}</g>"


def _bar_words(bar: Bar, beside: str | None) -> str:
    said = {"chance": bar.chance, "ceiling": bar.ceiling}
    if bar.beside is not None:
        said = {str(beside): bar.beside, **said}
    others = "".join(f", {name} {_percent(share)}" for name, share in said.items())
    return f"{bar.name}: {_percent(bar.value)}{others}"


def _grid(low: float, high: float, place: Place) -> Iterator[str]:
    """Yield the lines and numbers of both axes."""
    for step in range(_TICKS + 1):
        x, y = place(low, step / _TICKS)
        yield _line("grid", x, y, place(high, 0)[0], y)
        yield _text(x - 8, y + 4, f"{100 * step / _TICKS:.0f}", "tick", "end")
    for value in _round_values(low, high):
        x, y = place(value, 0)
        yield _line("grid", x, y, x, y + 5)
        yield _text(x, y + 19, f"{value:.6g}", "tick", "middle")


def _round_values(low: float, high: float) -> list[float]:
    """Return a few round numbers from `low` to `high`, evenly spaced."""
    wanted = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(wanted))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= wanted * 0.999)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)]


def _cell(share: float, x: float, y: float, meant: str, found: str) -> str:
    title = f"meant {meant}, found {found}: {_percent(share)}"
    return (
        f'<g>{_title(title)}<rect class="cell" x="{x + 1:.0f}" y="{y + 1:.0f}" '
        f'width="{_CELL - 2}" height="{_CELL - 2}" fill-opacity="{0.06 + 0.74 * share:.2f}"></rect>'
        f"{_text(x + _CELL / 2, y + _CELL / 2 + 4, f'{100 * share:.0f}', 'value', 'middle')}</g>"
    )


def _text(
    x: float, y: float, text: str, kind: str, anchor: str, *, title: str | None = None
) -> str:
    more = "" if title is None else _title(title)
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(text)}{more}</text>"
    )


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"></rect>'
    )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"></line>'


def _title(text: str) -> str:
    return f"<title>{escape(one_line(text))}</title>"


def _percent(share: float) -> str:
    return f"{Column('', 'percent').show(share)}%"


def _padded(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis that holds all values with some room."""
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or abs(low) * 0.1 or 1.0
    return low - room, high + room

"""What drawing an SVG would cost, counted before it is drawn.

One unit is about one small shape. What is referred to (`<use>`, patterns, markers, masks) counts
each time, as deep as references go, and filters count by what they do. A bound of 300,000 units is
a few seconds; what slips through is stopped by the time limit of the process that decodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from traitlens.standardization.svg_size import svg_size

MAX_COST = 300_000
MAX_DEPTH = 96  # nested elements, references followed; the renderer takes 40 kB of stack for each
MAX_ATTRIBUTES = 100  # an element; the time for them grows with their square
MAX_NUMBER = 1e6  # coordinates beyond make the renderer fail; 9999 as "everything" is common

# The renderer copies the canvas once or more for each; measured on 512 x 512 px.
SLOW_ATTRIBUTES = frozenset(["filter", "mask", "clip-path", "opacity"])
SLOW = 100
FILTER_STEP = 5_000
OCTAVE = 3_000  # of turbulence
PATH_BYTES = 10  # of path data a unit
RULES = 100  # of CSS, x elements, a unit
MAX_OCTAVES, MAX_ORDER = 10.0, 9.0
CANVAS_PX = 512  # about as wide as documents are drawn; these are bounds in px
MAX_RADIUS_PX = 24.0
MAX_TILE_PX = 4_096.0  # a pattern's tile is a canvas of its own
MAX_TILES = 8.0  # the same, as a multiple of the shape

_LOCAL = re.compile(r"url\(\s*['\"]?\s*#([^'\")\s]+)")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_MANY_DIGITS = re.compile(r"\d{8}|[eE]\+?\d")
_GEOMETRIC = """
    x y width height cx cy r rx ry x1 y1 x2 y2 fx fy dx dy transform gradientTransform
    patternTransform viewBox stroke-width font-size markerWidth markerHeight
"""
_GEOMETRY = frozenset(_GEOMETRIC.split())
_BYTES_A_VERTEX = 8  # of path data, roughly; a marker is drawn at each


class TooComplex(Exception):  # noqa: N818 - an outcome inside this package, told as a Rejection
    """Drawing it would take too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    """That an element draws another one, so many times."""

    target: str
    times: int
    depth: int = 0


@dataclass(slots=True)
class _Element:
    units: int = 0
    depth: int = 0  # of its own elements below it
    references: list[_Reference] = field(default_factory=list)


@dataclass(slots=True)
class Cost:
    """Adds up while elements are entered and left."""

    total: int = 0
    stack: list[str | None] = field(default_factory=list)
    by_id: dict[str, _Element] = field(default_factory=dict)
    root: _Element = field(default_factory=_Element)
    rules: int = 0
    px_a_unit: float = 1.0

    def enter(self, name: str, attributes: dict[str, str]) -> None:
        """Count one element; raise TooComplex where a bound is passed."""
        if len(attributes) > MAX_ATTRIBUTES:
            raise TooComplex
        if not self.stack and (size := svg_size(attributes)):
            self.px_a_unit = CANVAS_PX / size.box_width
        units = 1 + _slowness(name, attributes, px_a_unit=self.px_a_unit)
        self.total += units
        identity = attributes.get("id")
        self.stack.append(identity)
        if len(self.stack) > MAX_DEPTH or self.total > MAX_COST:
            raise TooComplex
        if identity is not None:
            self.by_id.setdefault(identity, _Element())
        references = _references(attributes)
        for owner, depth in self._owners():
            owner.units += units
            owner.depth = max(owner.depth, depth)
            owner.references += [
                _Reference(target=target, times=times, depth=depth) for target, times in references
            ]

    def leave(self) -> None:
        """Tell that the innermost element is complete."""
        self.stack.pop()

    def style(self, css: str) -> None:
        """Count the rules of a style sheet, each of which is tried on every element."""
        self.rules += css.count("{")

    def check(self) -> None:
        """Raise TooComplex where the references, followed, would cost too much."""
        if self.rules * self.total > RULES * MAX_COST:
            raise TooComplex
        self._expanded(self.root, {}, frozenset())

    def _owners(self) -> list[tuple[_Element, int]]:
        """Return the elements with an id that enclose the innermost one, and how far above."""
        depth = len(self.stack)
        owners = [
            (self.by_id[identity], depth - level)
            for level, identity in enumerate(self.stack)
            if identity is not None
        ]
        return [(self.root, depth), *owners]

    def _expanded(
        self, element: _Element, known: dict[int, tuple[int, int]], path: frozenset[int]
    ) -> tuple[int, int]:
        """Return units and depth of an element with all that it refers to; cycles count once."""
        if id(element) in known:
            return known[id(element)]
        if len(path) > MAX_DEPTH:
            raise TooComplex
        units, deepest = element.units, element.depth
        for reference in element.references:
            target = self.by_id.get(reference.target)
            if target is None or target is element or id(target) in path:
                continue
            more, below = self._expanded(target, known, path | {id(element)})
            units += reference.times * more
            deepest = max(deepest, reference.depth + below)
            if units > MAX_COST or deepest > MAX_DEPTH:
                raise TooComplex
        known[id(element)] = units, deepest
        return units, deepest


def _references(attributes: dict[str, str]) -> list[tuple[str, int]]:
    """Return the ids that an element draws with, and how often each."""
    found = []
    for attribute, value in attributes.items():
        if "url" in value:
            drawn = attributes.get("d", "") or attributes.get("points", "")
            times = 1 + len(drawn) // _BYTES_A_VERTEX if attribute.startswith("marker") else 1
            found += [(target, times) for target in _LOCAL.findall(value)]
    href = attributes.get("href", "")
    return [*found, (href[1:], 1)] if href.startswith("#") else found


def _slowness(name: str, attributes: dict[str, str], *, px_a_unit: float) -> int:
    """Return the units of an element beyond the one for a small shape."""
    if name.startswith("fe"):
        _check_below(attributes, "order", MAX_ORDER)
        _check_below(attributes, "radius", MAX_RADIUS_PX / px_a_unit)
        octaves = _check_below(attributes, "numOctaves", MAX_OCTAVES)
        return FILTER_STEP + int(OCTAVE * octaves)
    for attribute in _GEOMETRY & attributes.keys():
        if _MANY_DIGITS.search(attributes[attribute]):
            _check_below(attributes, attribute, MAX_NUMBER)
    if name == "pattern":
        in_units = attributes.get("patternUnits") == "userSpaceOnUse"
        most = MAX_TILE_PX / px_a_unit if in_units else MAX_TILES
        _check_below(attributes, "width", most)
        _check_below(attributes, "height", most)
    style = attributes.get("style", "")
    slow = sum(1 for name in SLOW_ATTRIBUTES if name in attributes or name in style)
    return SLOW * slow + len(attributes.get("d", "")) // PATH_BYTES


def _check_below(attributes: dict[str, str], name: str, limit: float) -> float:
    """Return the largest number in an attribute; raise TooComplex where it is beyond `limit`."""
    numbers = [abs(float(number)) for number in _NUMBER.findall(attributes.get(name, ""))]
    largest = max(numbers, default=0.0)
    if largest > limit:
        raise TooComplex
    return largest

"""How large an SVG is, and in which units it draws (SVG 2, sections 7 and 8)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

# CSS pixels a unit (CSS Values 3, section 5.2)
UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4}
UNITS |= {"em": 16.0, "ex": 8.0, "q": 96 / 101.6}

_LENGTH = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([a-z]*)\s*$")
_SEPARATOR = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SvgSize:
    """The box that a document draws in, in its own units, and the aspect of its picture."""

    left: float
    top: float
    box_width: float
    box_height: float
    aspect: float  # width / height

    @property
    def view_box(self) -> str:
        """Return the box as the attribute has it."""
        return f"{self.left:g} {self.top:g} {self.box_width:.9g} {self.box_height:.9g}"


def svg_size(root: dict[str, str]) -> SvgSize | None:
    """Return the size that the root's attributes tell, or None where they tell none.

    A `viewBox` alone, or `width` and `height` alone, are enough.
    """
    width, height = _length(root.get("width")), _length(root.get("height"))
    box = _box(root.get("viewBox"))
    if box is None:
        if width is None or height is None:
            return None
        box = (0.0, 0.0, width, height)
    aspect = width / height if width and height else box[2] / box[3]
    if not 1e-6 < aspect < 1e6:
        return None
    return SvgSize(left=box[0], top=box[1], box_width=box[2], box_height=box[3], aspect=aspect)


def _length(text: str | None) -> float | None:
    """Return CSS pixels, or None for percentages and what is no length."""
    found = _LENGTH.match((text or "").lower())
    if not found or found[2] not in UNITS:
        return None
    value = float(found[1]) * UNITS[found[2]]
    return value if 0 < value < 1e9 else None


def _box(text: str | None) -> tuple[float, float, float, float] | None:
    try:
        numbers = [float(part) for part in _SEPARATOR.split((text or "").strip())]
    except ValueError:
        return None
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        return None
    left, top, width, height = numbers
    return (left, top, width, height) if 0 < width < 1e9 and 0 < height < 1e9 else None

"""Colours that metadata give as hexadecimal numbers, by the names that people search with."""

from __future__ import annotations

import re

_HEX = re.compile(r"(#?)([0-9a-f]{6})(?:[0-9a-f]{2})?", re.IGNORECASE)
_TYPE_OF_COLOUR = re.compile(r"background|colou?r|\bbg\b", re.IGNORECASE)

_NAMES = {
    "black": (0, 0, 0),
    "dark gray": (75, 75, 75),
    "gray": (135, 135, 135),
    "light gray": (205, 205, 205),
    "white": (255, 255, 255),
    "dark red": (125, 15, 20),
    "red": (225, 30, 35),
    "orange": (255, 145, 30),
    "brown": (125, 75, 35),
    "beige": (240, 220, 185),
    "yellow": (250, 225, 50),
    "olive": (125, 125, 35),
    "light green": (155, 230, 150),
    "green": (45, 165, 60),
    "dark green": (20, 80, 35),
    "teal": (20, 130, 130),
    "turquoise": (65, 215, 205),
    "light blue": (155, 205, 245),
    "blue": (45, 95, 210),
    "dark blue": (20, 45, 105),
    "purple": (125, 45, 160),
    "lavender": (195, 175, 240),
    "magenta": (225, 35, 200),
    "pink": (250, 170, 200),
}


def colour_words(value: str, trait_type: str) -> str | None:
    """Return "light blue" for "#9bcdf5", or None for what is no colour.

    Without the "#" six hex digits are a colour only where the type speaks of one, and "facade" is
    none there.
    """
    found = _HEX.fullmatch(value)
    if found is None:
        return None
    if not found[1] and (found[2].isalpha() or not _TYPE_OF_COLOUR.search(trait_type)):
        return None
    rgb = tuple(bytes.fromhex(found[2]))
    return min(_NAMES, key=lambda name: _distance(_NAMES[name], rgb))


def _distance(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Return how unlike two colours look ("redmean", a weighted Euclidean distance in RGB)."""
    red, green, blue = (a - b for a, b in zip(one, other, strict=True))
    mean = (one[0] + other[0]) / 2
    return (2 + mean / 256) * red**2 + 4 * green**2 + (2 + (255 - mean) / 256) * blue**2

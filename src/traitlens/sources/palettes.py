"""Named colours, and the palette that a sample collection draws from them.

Distances are Euclidean in OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab/), where
about 0.02 is just noticeable; black and white are 1 apart.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

NAMED_COLORS: dict[str, str] = {
    # skin
    "Pale": "#f8dfcf",
    "Peach": "#f2b893",
    "Beige": "#e3c196",
    "Tan": "#d2a06d",
    "Caramel": "#b9783f",
    "Bronze": "#9c6234",
    "Brown": "#7d4f30",
    "Chestnut": "#63341f",
    "Espresso": "#40271c",
    "Zombie Green": "#8fb569",
    "Alien Green": "#5fcb46",
    "Ice Blue": "#a5d2ec",
    # hair
    "Black": "#1b1a1d",
    "Auburn": "#8c2f1f",
    "Copper": "#bd5a2a",
    "Ginger": "#dd772b",
    "Golden Blonde": "#dcb25a",
    "Platinum Blonde": "#f0e3bb",
    # vivid
    "Red": "#d8322f",
    "Crimson": "#b0163d",
    "Coral": "#ff7759",
    "Salmon": "#fa9c8b",
    "Orange": "#f58a1f",
    "Gold": "#e0b020",
    "Yellow": "#fbd933",
    "Lemon": "#fbec7d",
    "Lime": "#a9d92f",
    "Green": "#3aa648",
    "Emerald": "#11956a",
    "Mint": "#8fe3b8",
    "Turquoise": "#35c9c3",
    "Cyan": "#36dff2",
    "Teal": "#13808a",
    "Sky Blue": "#74bff2",
    "Electric Blue": "#2f7bff",
    "Blue": "#2d55d2",
    "Indigo": "#4a38ad",
    "Violet": "#9466ee",
    "Purple": "#7a36b0",
    "Lavender": "#b8a1ea",
    "Lilac": "#dbb0ef",
    "Magenta": "#d02cb0",
    "Hot Pink": "#f4458f",
    "Pink": "#f79cc0",
    # earth
    "Terracotta": "#c4765a",
    "Ochre": "#cb9748",
    "Sand": "#d5c48a",
    "Olive": "#7d7f36",
    "Sage": "#a6b58c",
    "Moss": "#728a4d",
    "Slate Blue": "#7088b0",
    "Dusty Blue": "#93b3c6",
    "Mauve": "#a585b2",
    "Dusty Rose": "#cd8ea2",
    "Denim Blue": "#46689a",
    "Rust": "#b34a1e",
    # deep
    "Maroon": "#701c31",
    "Plum": "#762a68",
    "Forest Green": "#1f6537",
    "Petrol": "#0f566c",
    "Navy": "#1f2f66",
    "Midnight": "#151a36",
    "Dark Green": "#11331f",
    "Dark Purple": "#30184f",
    "Dark Red": "#480f17",
    # light and grey
    "White": "#fafaf8",
    "Cream": "#f9f0d8",
    "Light Gray": "#d9dce0",
    "Silver": "#b6bcc4",
    "Gray": "#868b92",
    "Charcoal": "#3d4249",
    "Pale Pink": "#fbd0dc",
    "Pale Orange": "#ffd9b0",
    "Pale Yellow": "#fdf2ae",
    "Pale Green": "#cdebc6",
    "Pale Mint": "#bdf0e0",
    "Pale Blue": "#c5def8",
    "Pale Purple": "#ddcff4",
}


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


# What is coloured -> (the usual colours, the odd ones of which a collection gets one or two).
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "skin": (
        _names("Pale, Peach, Beige, Tan, Caramel, Bronze, Brown, Chestnut, Espresso"),
        _names("Zombie Green, Alien Green, Ice Blue, Lavender, Pink, Gold, Silver, Red, Turquoise"),
    ),
    "hair": (
        _names(
            "Black, Espresso, Brown, Auburn, Copper, Ginger, Golden Blonde, Platinum Blonde, Gray, "
            "White"
        ),
        _names("Hot Pink, Electric Blue, Purple, Mint, Turquoise, Lime, Red, Lilac"),
    ),
    "clothes": (
        _names(
            "Red, Coral, Orange, Yellow, Lime, Green, Emerald, Teal, Turquoise, Sky Blue, "
            "Electric Blue, Blue, Indigo, Violet, Purple, Magenta, Hot Pink, Pink, Maroon, Navy"
        ),
        _names("White, Charcoal, Gold, Silver, Black, Cream"),
    ),
    "trousers": (
        _names("Denim Blue, Navy, Charcoal, Brown, Olive, Gray, Sand, Black, Maroon, Forest Green"),
        _names("White, Hot Pink, Yellow, Purple, Red, Turquoise"),
    ),
    "soft": (
        _names(
            "Sky Blue, Mint, Pink, Lavender, Lilac, Peach, Salmon, Coral, Orange, Yellow, Lemon, "
            "Lime, Turquoise, Light Gray, Ice Blue"
        ),
        _names("Gold, White, Alien Green, Hot Pink, Violet"),
    ),
    "earth": (
        _names(
            "Terracotta, Ochre, Sand, Sage, Moss, Slate Blue, Dusty Blue, Mauve, Dusty Rose, "
            "Tan, Salmon"
        ),
        _names("Gold, Turquoise, Coral, Lavender, Cream"),
    ),
    "plant": (
        _names("Green, Emerald, Lime, Mint, Alien Green, Sage, Moss, Turquoise"),
        _names("Lavender, Pink, Yellow, Salmon"),
    ),
    "glow": (
        _names("Cyan, Lime, Yellow, Coral, Pink, Orange, Lilac, Sky Blue, Mint, White"),
        _names("Red, Hot Pink, Electric Blue, Gold"),
    ),
    "light": (
        _names(
            "White, Cream, Light Gray, Pale Pink, Pale Orange, Pale Yellow, Pale Green, "
            "Pale Mint, Pale Blue, Pale Purple, Ice Blue, Lemon, Sand"
        ),
        _names("Sky Blue, Pink, Mint, Lavender, Yellow, Coral"),
    ),
    "bold": (
        _names(
            "Sky Blue, Mint, Yellow, Orange, Coral, Pink, Lavender, Turquoise, Lime, Salmon, "
            "Ice Blue, Lemon, Pale Orange, Pale Purple, Sage"
        ),
        _names("White, Gold, Violet, Light Gray"),
    ),
    "deep": (
        _names(
            "Navy, Blue, Indigo, Purple, Plum, Crimson, Rust, Forest Green, Emerald, Teal, "
            "Petrol, Maroon"
        ),
        _names("Charcoal, Midnight, Magenta, Brown"),
    ),
    "dark": (
        _names("Black, Midnight, Dark Green, Dark Purple, Dark Red, Charcoal, Petrol, Espresso"),
        _names("Navy, Maroon"),
    ),
}

_MIN_DISTANCE = 0.05  # between two colours of one palette: enough to tell their names apart

_LINEAR = np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
                    for v in (i / 255 for i in range(256))])  # fmt: skip
_RGB_TO_LMS = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
_LMS_TO_LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip


def oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return sRGB bytes of shape (..., 3) as OKLab: L in [0, 1], a and b about [-0.4, 0.4]."""
    lms = np.cbrt(_LINEAR[rgb] @ _RGB_TO_LMS.T)
    return np.asarray(lms @ _LMS_TO_LAB.T)


def rgb_of(name: str) -> NDArray[np.uint8]:
    """Return the sRGB bytes, of shape (3,), of a named colour."""
    return np.frombuffer(bytes.fromhex(NAMED_COLORS[name].removeprefix("#")), dtype=np.uint8)


@cache
def distance(name: str, other: str) -> float:
    """Return how far two named colours are apart in OKLab."""
    return float(np.linalg.norm(oklab(rgb_of(name)) - oklab(rgb_of(other))))


def draw_palette(table: str, rng: random.Random) -> dict[str, float]:
    """Return 4 to 8 colour names with the weight each is used with; no two look alike.

    One or two of them are odd ones, and the last is the rarest.
    """
    usual, odd = (list(names) for names in TABLES[table])
    rng.shuffle(usual)
    rng.shuffle(odd)
    usual_count, odd_count = rng.randint(4, 6), rng.randint(1, 2)
    names = _distinct(usual, usual_count, beside=())
    names += _distinct(odd, odd_count, beside=names)
    return dict(zip(names, rarity_weights(len(names)), strict=True))


def rarity_weights(count: int) -> list[float]:
    """Return weights that fall like a rank's power, so that the last of many is rare."""
    return [rank**-0.7 for rank in range(1, count + 1)]


def choose_colors(
    palettes: Mapping[str, Mapping[str, float]], rng: random.Random, *, contrast: float
) -> dict[str, str]:
    """Return one colour name for each palette, drawn by weight.

    Each is at least `contrast` from those before it, or else the farthest that its palette has.
    """
    chosen: dict[str, str] = {}
    for option, palette in palettes.items():
        order = sorted(palette, key=lambda name: -(rng.random() ** (1 / palette[name])))
        nearest = {name: _nearest(name, chosen.values()) for name in order}
        apart = (name for name in order if nearest[name] >= contrast)
        chosen[option] = next(apart, max(order, key=lambda name: nearest[name]))
    return chosen


def _distinct(names: Sequence[str], count: int, *, beside: Iterable[str]) -> list[str]:
    """Return the first `count` of `names` that look unlike one another and those `beside`."""
    found: list[str] = []
    for name in names:
        if len(found) < count and _nearest(name, [*found, *beside]) >= _MIN_DISTANCE:
            found.append(name)
    return found


def _nearest(name: str, others: Iterable[str]) -> float:
    return min((distance(name, other) for other in others), default=float("inf"))

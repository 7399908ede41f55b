"""The DiceBear styles that samples are drawn in: what varies, how it is called, whose art it is.

Every component of a style with more than one look is a trait; a style's profile adds the colours,
and better words where the style's own are misspelt, private or wrong.

Not here are the styles whose variants are only numbered, so that their names say nothing
(adventurer, big-ears, croodles, glyphs, lorelei, notionists, pixel-art, thumbs), the patterns
without a figure, marbles (its colours run into one another, and it takes five times as long),
pixelbot (two components), and avataaars and bottts, whose licence is no standard one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from traitlens.config import nearest
from traitlens.errors import ConfigError, TraitlensError

if TYPE_CHECKING:
    from dicebear import Style
    from dicebear.style.element import Element

DEMO_STYLES = (
    "open-peeps",
    "voxel-art",
    "voxel-bot",
    "clay",
    "critters",
    "sprouts",
    "cutouts",
)

# By the licence that each style's own metadata states, which a test compares.
CC0_STYLES = (*DEMO_STYLES, "cameo", "gaze", "moods", "planets", "shadows")
CC_BY_STYLES = (
    "big-smile",
    "dylan",
    "fun-emoji",
    "miniavs",
    "micah",
    "personas",
    "toon-head",
)
STYLES = CC0_STYLES + CC_BY_STYLES

# Never trained on, so that the demo shows what a model makes of unseen art: people in ink lines and
# robots in blocks. (voxel-art shares the view and the blocks of voxel-bot, but no part.)
HELD_OUT_STYLES = ("open-peeps", "voxel-bot")
TRAINING_STYLES = tuple(name for name in STYLES if name not in HELD_OUT_STYLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleProfile:
    """What varies in a style besides its components, and the words for it."""

    colors: Mapping[str, str]  # the style's colour -> the table that its palette is drawn from
    labels: Mapping[str, str] = field(default_factory=dict)  # component, or colour + "Color"
    values: Mapping[str, str] = field(default_factory=dict)  # "component.variant"
    left_out: frozenset[str] = frozenset()  # components, and "component.variant"

    def label(self, key: str) -> str:
        """Return the trait type of a component, or of a colour with "Color" behind it."""
        return self.labels.get(key, words(key))

    def value(self, component: str, variant: str) -> str:
        """Return the trait value of a component's variant."""
        return self.values.get(f"{component}.{variant}", words(variant))


_PERSON = {"skin": "skin", "hair": "hair"}

PROFILES: dict[str, StyleProfile] = {
    "open-peeps": StyleProfile(
        colors={
            "background": "bold",
            "skin": "skin",
            "clothing": "clothes",
            "headContrast": "hair",
        },
        labels={"headContrastColor": "Hair Color"},
        left_out=frozenset({"facialHair.full4", "facialHair.moustache9"}),  # in the hair's colour
        values={
            "head.grayBun": "Side Bun",  # grey only in the style's own palette
            "head.grayMedium": "Parted Bob",
            "head.grayShort": "Short Quiff",
            "head.hatHip": "Wide Brim Hat",
            "head.hatBeanie": "Beanie",
            "head.pomp": "Pompadour",
        },
    ),
    "voxel-art": StyleProfile(
        colors={
            "background": "light",
            **_PERSON,
            "shirt": "clothes",
            "jacket": "clothes",
            "hat": "clothes",
            "pants": "trousers",
            "shoes": "trousers",
        }
    ),
    "voxel-bot": StyleProfile(
        colors={
            "background": "light",
            "body": "soft",
            "accent": "trousers",
            "screen": "dark",
            "glow": "glow",
        }
    ),
    "clay": StyleProfile(
        colors={"background": "light", "body": "earth", "accent": "earth"},
        values={"mouth.o": "Round", "mouth.uu": "Curvy"},
    ),
    "critters": StyleProfile(
        colors={"background": "deep", "body": "soft", "accent": "soft"},
        values={"body.wedgeInv": "Inverted Wedge"},
    ),
    "sprouts": StyleProfile(
        colors={"background": "deep", "pot": "soft", "plant": "plant", "bloom": "soft"}
    ),
    "cutouts": StyleProfile(
        colors={
            "background": "light",
            "paperFace": "earth",
            "paperHair": "deep",
            "paperBack": "clothes",
            "paperMouth": "clothes",
        },
        labels={
            "paperFaceColor": "Face Color",
            "paperHairColor": "Hair Color",
            "paperBackColor": "Nose Color",
            "paperMouthColor": "Mouth Color",
        },
        left_out=frozenset({"nose.tornTriangle"}),  # in the hair's colour
    ),
    "cameo": StyleProfile(colors={"background": "light", "body": "clothes"}),
    "gaze": StyleProfile(colors={"background": "light", "body": "soft"}),
    "moods": StyleProfile(colors={"background": "deep", "face": "soft"}),
    "planets": StyleProfile(
        colors={"background": "dark", "planet": "clothes", "moon": "light"},
        left_out=frozenset({"star"}),
    ),
    "shadows": StyleProfile(
        colors={"background": "light", "ink": "deep"},
        labels={"inkColor": "Silhouette Color", "heads": "Head", "tops": "Top"},
    ),
    "big-smile": StyleProfile(
        colors={"background": "bold", **_PERSON},
        values={"accessories.sailormoonCrown": "Tiara"},
    ),
    "dylan": StyleProfile(
        colors={"background": "bold", **_PERSON}, values={"facialHair.default": "Stubble"}
    ),
    "fun-emoji": StyleProfile(
        colors={"background": "bold"}, values={"eyes.pissed": "Annoyed", "mouth.pissed": "Annoyed"}
    ),
    "miniavs": StyleProfile(
        colors={"background": "light", **_PERSON, "body": "clothes"},
        labels={"bodyColor": "Clothes Color"},
        values={
            "hair.balndess": "Balding",
            "hair.classic01": "Classic Short",
            "hair.classic02": "Classic Full",
            "hair.elvis": "Pompadour",
            "hair.slaughter": "Bald Top",
            "mustache.freddy": "Chevron",
            "mustache.horshoe": "Horseshoe",
            "mouth.default": "Grin",
            "blush.default": "Rosy",
            "glasses.normal": "Round",
            "body.golf": "Rolled Collar",
        },
    ),
    "micah": StyleProfile(
        colors={
            "background": "light",
            "base": "skin",
            "hair": "hair",
            "shirt": "clothes",
            "glasses": "clothes",
            "earring": "clothes",
        },
        labels={"baseColor": "Skin Color"},
        values={
            "hair.dannyPhantom": "Swept Bangs",
            "hair.dougFunny": "Few Strands",
            "hair.fonze": "Quiff",
            "hair.full": "Long",
            "hair.mrClean": "Bald",
            "hair.mrT": "Mohawk",
            "nose.tound": "Round",
            "eyes.eyes": "Open",
            "eyes.eyesShadow": "Open Shadow",
        },
    ),
    "personas": StyleProfile(
        colors={"background": "light", "hair": "hair", "clothing": "clothes", "facialHair": "hair"}
    ),
    "toon-head": StyleProfile(
        colors={"background": "bold", **_PERSON, "clothes": "clothes"},
        values={"hair.sideComed": "Side Combed", "eyes.bow": "Curved"},
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleCredit:
    """Whose art a style is, and on what terms; `attribution` is the line to show beside it."""

    style: str
    title: str
    url: str
    creator: str
    creator_url: str
    licence: str
    licence_url: str
    attribution: str


def style_credit(name: str) -> StyleCredit:
    """Return whose art a style is, from the metadata in its own definition."""
    meta = read_definition(name)["meta"]
    source, creator, licence = meta["source"], meta["creator"], meta["license"]
    return StyleCredit(
        style=name,
        title=source["name"],
        url=source["url"],
        creator=creator["name"],
        creator_url=creator["url"],
        licence=licence["name"],
        licence_url=licence["url"],
        attribution=f"{licence['text']}; recombined, with other colours.",
    )


def check_style(name: str) -> None:
    """Raise ConfigError unless samples can be drawn in the style `name`."""
    if name not in STYLES:
        guess = nearest(name, STYLES)
        hint = f"did you mean {guess!r}? " if guess else ""
        raise ConfigError(
            f"no sample style is called {name!r}; {hint}accepted are {', '.join(STYLES)}"
        )


def read_definition(name: str) -> dict[str, Any]:
    """Return the definition of a style as its package ships it."""
    check_style(name)
    try:
        text = files("dicebear_styles").joinpath(f"{name}.json").read_text(encoding="utf-8")
    except ModuleNotFoundError as error:
        raise missing_library(error) from error
    definition: dict[str, Any] = json.loads(text)
    return definition


def load_style(name: str) -> Style:
    """Return a style, checked against its schema, which takes .1 to 1.6 s."""
    try:
        from dicebear import Style
    except ModuleNotFoundError as error:
        raise missing_library(error) from error
    return Style(read_definition(name))


def missing_library(error: ModuleNotFoundError) -> TraitlensError:
    """Return the error that says how to install what samples need."""
    return TraitlensError(
        f"drawing samples needs {error.name}; install it with: pip install 'traitlens[samples]'"
    )


def varying_components(name: str, style: Style) -> dict[str, tuple[str, ...]]:
    """Return the variants of the components that are traits.

    These have several looks or may be missing.
    """
    left_out = PROFILES[name].left_out | {"animation"}  # which is invisible in a still picture
    return {
        key: tuple(v for v in component.variants() if f"{key}.{v}" not in left_out)
        for key, component in style.components().items()
        if component.extends_name() is None
        and key not in left_out
        and (len(component.variants()) > 1 or component.probability() < 100)
    }


def painted_components(style: Style, variants: Mapping[str, str]) -> tuple[str, ...]:
    """Return the components drawn with `variants`, from bottom to top, a parent before its parts.

    A component that is placed twice counts where it comes last.
    """
    found = list(_walk(style, variants, style.canvas().elements()))
    return tuple(reversed(dict.fromkeys(reversed(found))))


def _walk(style: Style, variants: Mapping[str, str], elements: list[Element]) -> Iterator[str]:
    for element in elements:
        name = element.name()
        if element.type() != "component":
            yield from _walk(style, variants, element.children())
        elif name is not None and name in variants:
            yield name
            variant = style.components()[name].variants()[variants[name]]
            yield from _walk(style, variants, variant.elements())


def words(name: str) -> str:
    """Return an identifier as title-case words.

    >>> words("longHairBangs2")
    'Long Hair Bangs 2'
    """
    parts = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|-", " ", name).split()
    return " ".join(part[0].upper() + part[1:] for part in parts)

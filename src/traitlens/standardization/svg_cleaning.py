"""An SVG from a stranger becomes one that draws, and does nothing else.

The document is parsed as a stream and written anew from an allowed list: drawing elements and their
attributes. Scripts, event handlers, foreign content, animations and every reference to something
outside the document are left out, so that a renderer cannot be made to read files. Entities are
refused (no billion laughs); depth and number of elements are bounded, also after `<use>` and
patterns are expanded.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from traitlens.standardization.picture import Rejection
from traitlens.standardization.svg_cost import Cost, TooComplex

# Of SVG 2 and Filter Effects 1, what the renderer draws or draws with.
_DRAWN = """
    a circle clipPath defs ellipse g image line linearGradient marker mask path pattern polygon
    polyline radialGradient rect stop style svg switch symbol text textPath tspan use filter feBlend
    feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDistantLight
    feDisplacementMap feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feImage
    feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile
    feTurbulence
"""
DRAWN = frozenset(_DRAWN.split())
WITH_TEXT = frozenset(["text", "textPath", "tspan", "style", "a"])
MAY_HOLD_MEDIA = frozenset(["image", "feImage"])
MAX_TEXT = 10_000  # characters drawn

_OUTSIDE = re.compile(r"url\(\s*(?!['\"]?\s*#)[^)]*\)?", re.IGNORECASE)
_CURVE = re.compile("[CcSsQqTtAa]")
_IMPORT = re.compile(r"@import[^;]*;?", re.IGNORECASE)

# Takes the href of an image; returns the one to write, or None to leave the image out.
EmbedRule = Callable[[str], str | None]


class Refused(Exception):  # noqa: N818 - an outcome inside this package, told as a Rejection
    """The document is not drawn, for the reason given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanSvg:
    """A harmless SVG: the root's attributes, and all it holds as XML.

    `elements` has the names that occur; a path that is not all straight counts as "curve".
    `root_style` is the root's CSS as it was, not harmless: a background may stand in it.
    """

    root: dict[str, str]
    root_style: str
    body: str
    elements: frozenset[str]

    def written(self, changes: dict[str, str], *, behind: str = "") -> str:
        """Return the document with some of the root's attributes replaced."""
        return f"<svg {written(self.root | changes)}>{behind}{self.body}</svg>"


@dataclass(slots=True, kw_only=True)
class _Writer:
    """What expat's events are gathered in."""

    embed: EmbedRule
    cost: Cost = field(default_factory=Cost)
    root: dict[str, str] | None = None
    root_style: str = ""
    parts: list[str] = field(default_factory=list)
    open_elements: list[str] = field(default_factory=list)
    skipped_depth: int = 0
    text_length: int = 0
    seen: set[str] = field(default_factory=set)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.removeprefix("svg:")
        if self.skipped_depth or (name not in DRAWN and self.root is not None):
            self.skipped_depth += 1
            return
        kept = self._kept(name, attributes)
        self.cost.enter(name, kept)
        self.open_elements.append(name)
        if self.root is None:
            self._begin(name, kept)
            self.root_style = attributes.get("style", "")
            return
        self.seen.add("curve" if _CURVE.search(kept.get("d", "")) else name)
        self.parts.append(f"<{name} {written(kept)}>")

    def end(self, _name: str) -> None:
        if self.skipped_depth:
            self.skipped_depth -= 1
            return
        name = self.open_elements.pop()
        self.cost.leave()
        if self.open_elements:
            self.parts.append(f"</{name}>")

    def text(self, text: str) -> None:
        if self.skipped_depth or not self.open_elements or self.open_elements[-1] not in WITH_TEXT:
            return
        if self.open_elements[-1] == "style":
            self.cost.style(text)
            text = _without_outside(text)
        else:
            self.text_length += len(text)
            if self.text_length > MAX_TEXT:
                raise TooComplex
        self.parts.append(escape(text))

    def _begin(self, name: str, kept: dict[str, str]) -> None:
        if name != "svg":
            raise Refused("unsupported media type")
        self.root = {"xmlns": "http://www.w3.org/2000/svg"} | kept

    def _kept(self, name: str, attributes: dict[str, str]) -> dict[str, str]:
        kept: dict[str, str] = {}
        for attribute, value in attributes.items():
            if attribute.removeprefix("xlink:") == "href":
                href = value.strip() if value.strip().startswith("#") else None
                if href is None and name in MAY_HOLD_MEDIA:
                    href = self.embed(value)
                if href is not None:
                    kept["href"] = href
            elif attribute == "xml:space" or _is_plain(attribute):
                kept[attribute] = _without_outside(value)
        return kept


def clean_svg(document: bytes, *, embed: EmbedRule) -> CleanSvg | Rejection:
    """Return the drawing parts of an SVG, or why it is not drawn; nothing outside is read."""
    writer = _Writer(embed=embed)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.specified_attributes = True  # a DTD's defaults would multiply
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(document.lstrip(), True)
        writer.cost.check()
    except (expat.ExpatError, UnicodeError, LookupError, ValueError):
        return Rejection("broken SVG")
    except TooComplex:
        return Rejection("SVG too complex")
    except Refused as refused:
        return Rejection(str(refused))
    assert writer.root is not None, "a well-formed document has a root"
    return CleanSvg(
        root=writer.root,
        root_style=writer.root_style,
        body="".join(writer.parts),
        elements=frozenset(writer.seen),
    )


def data_href(media: bytes, media_type: str) -> str:
    """Return media as a `data:` URI for an image's href."""
    return f"data:{media_type};base64,{base64.b64encode(media).decode()}"


def _refuse_entities(*_declaration: object) -> None:
    raise Refused("SVG declares entities")


def _is_plain(attribute: str) -> bool:
    """Return whether an attribute draws: no handler, no namespace, nothing of another one."""
    return ":" not in attribute and not attribute.lower().startswith(("on", "xmlns"))


def _without_outside(text: str) -> str:
    """Return CSS, or an attribute's value, without references to anything but `#id`."""
    if "url" not in text.lower() and "@" not in text and "\\" not in text:
        return text
    unescaped = text.replace("\\", "")  # u\72l( is url( to a CSS parser
    return _IMPORT.sub("", _OUTSIDE.sub("none", unescaped))


def written(attributes: dict[str, str]) -> str:
    """Return attributes as they stand in a tag."""
    return " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())

"""Attributes as they occur, read as traits."""

from __future__ import annotations

from typing import Any

from traitlens.records import Trait, storable

NOT_AN_OBJECT = "metadata is no JSON object"
NO_ATTRIBUTES = "no attributes"

_MAX_TRAITS = 256
_MAX_CHARS = 512


def read_traits(metadata: Any) -> tuple[Trait, ...] | str:
    """Return the traits of a metadata document, in its order, or why it has none.

    Read are the OpenSea list `attributes` (or `traits`) of {trait_type, value, display_type} and a
    plain object {type: value}. An attribute without a usable value is left out.
    """
    if not isinstance(metadata, dict):
        return NOT_AN_OBJECT
    attributes = metadata.get("attributes") or metadata.get("traits")
    if isinstance(attributes, dict):
        attributes = [{"trait_type": name, "value": value} for name, value in attributes.items()]
    if not isinstance(attributes, list):
        return NO_ATTRIBUTES
    traits = [trait for item in attributes[:_MAX_TRAITS] if (trait := _trait(item)) is not None]
    return tuple(traits) if traits else NO_ATTRIBUTES


def _trait(item: Any) -> Trait | None:
    if not isinstance(item, dict):
        item = {"value": item}
    value = _text(item.get("value"))
    if not value:
        return None
    return Trait(
        trait_type=_text(item.get("trait_type")) or "Attribute",
        value=value,
        display_type=_text(item.get("display_type")) or None,
    )


def _text(value: Any) -> str:
    """Return a JSON scalar as one line of text; "" for null, a list or an object."""
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return storable(" ".join(str(value).split())[:_MAX_CHARS])

"""Attributes as they occur, read as traits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from traitlens.records import Trait, storable

NOT_AN_OBJECT = "metadata is no JSON object"
NO_ATTRIBUTES = "no attributes"

_MAX_TRAITS = 256
_MAX_CHARS = 512
_MAX_NESTING = 4  # lists in lists, as a generator's bug writes them

# Where traits stand, the standard's own key first; `features` is what Art Blocks writes.
_LISTS = ("attributes", "traits", "features")
# What the type of a trait is called, the standard's own word first.
_TYPES = ("trait_type", "key", "name")


def read_traits(metadata: Any) -> tuple[Trait, ...] | str:
    """Return the traits of a metadata document, in its order, or why it has none.

    Read are the OpenSea list `attributes` (or `traits`, or `features`) of {trait_type, value,
    display_type}, where `key` or `name` may stand for `trait_type` and lists may lie in the list,
    and a plain object {type: value}. An attribute without a usable value is left out.
    """
    if not isinstance(metadata, dict):
        return NOT_AN_OBJECT
    attributes = next((metadata[key] for key in _LISTS if metadata.get(key)), None)
    if isinstance(attributes, dict):
        attributes = [{"trait_type": name, "value": value} for name, value in attributes.items()]
    if not isinstance(attributes, list):
        return NO_ATTRIBUTES
    items = islice(_flat(attributes, 0), _MAX_TRAITS)
    traits = [trait for item in items if (trait := _trait(item)) is not None]
    return tuple(traits) if traits else NO_ATTRIBUTES


def _flat(items: list[Any], depth: int) -> Iterator[Any]:
    """Yield the items of a list and of the lists in it."""
    for item in items:
        if isinstance(item, list) and depth < _MAX_NESTING:
            yield from _flat(item, depth + 1)
        else:
            yield item


def _trait(item: Any) -> Trait | None:
    if not isinstance(item, dict):
        item = {"value": item}
    value = _text(item.get("value"))
    if not value:
        return None
    return Trait(
        trait_type=next(filter(None, (_text(item.get(key)) for key in _TYPES)), "Attribute"),
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

"""What a metadata document says beside its traits: a name, and sometimes the picture itself."""

from __future__ import annotations

import json
from typing import Any

from traitlens.records import storable
from traitlens.standardization import data_uri_bytes

_MAX_CHARS = 65_536  # of a stored document; real ones have some hundred
_MAX_NAME_CHARS = 512
_INLINE_CHARS = 1_024  # a longer data URI is media, not words
_SHOWN_CHARS = 64
_MAX_DEPTH = 16

# Where the OpenSea standard and its precursors put pictures, the still one first.
_MEDIA_KEYS = ("image_data", "image", "image_url", "animation_url")


def read_name(metadata: Any) -> str | None:
    """Return the token's own name, on one line, or None; some collections write a number."""
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, bool) or not isinstance(name, str | int | float):
        return None
    return storable(" ".join(str(name).split())[:_MAX_NAME_CHARS]) or None


def document_text(metadata: Any) -> str | None:
    """Return the document as compact JSON, in its order; None when there is none.

    Pictures inside it are cut to their beginning, as the media are kept on their own; a document
    that is still larger than 64 KiB is left out.
    """
    if metadata is None:
        return None
    text = json.dumps(_without_media(metadata, 0), ensure_ascii=False, separators=(",", ":"))
    return storable(text) if len(text) <= _MAX_CHARS else None


def _without_media(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {key: _without_media(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_media(item, depth + 1) for item in value]
    if isinstance(value, str) and len(value) > _INLINE_CHARS and value.startswith(("data:", "<")):
        return f"{value[:_SHOWN_CHARS]}… ({len(value)} characters)"
    return value


def inline_media(metadata: Any) -> bytes | None:
    """Return the media that a document carries in itself, as a data URI or as SVG, or None."""
    if not isinstance(metadata, dict):
        return None
    for key in _MEDIA_KEYS:
        value = metadata.get(key)
        if isinstance(value, str) and value.lstrip().startswith(("data:", "<svg", "<?xml")):
            media = data_uri_bytes(value)
            if isinstance(media, bytes):
                return media
    return None

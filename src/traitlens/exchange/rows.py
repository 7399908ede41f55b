"""A row of the data set as JSON-ready values and back, and what a row from elsewhere must be.

The pictures go beside the JSON, as files. What comes from elsewhere is hostile: a row that is not
what it says becomes a rejected one, with a reason, so that counts close.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from typing import Any

from traitlens.records import SPLITS, Token, Trait, storable
from traitlens.standardization.limits import Limits

BROKEN_RECORD = "broken record"
NOT_AS_DESCRIBED = "picture is not as described"
NO_PICTURE = "no picture"
TOO_LARGE = "file too large"
TOO_MANY_PIXELS = "too many pixels"

MAX_TEXT_BYTES = 4 * 2**20  # of the JSON of one row

_BINARY = {"image", "more_images", "location"}
_STORED = tuple(field for field in fields(Token) if field.name not in _BINARY)
_TEXTS = ("token_uid", "collection", "token_id", "caption", "source_uri")
_MAYBE_TEXTS = ("name", "metadata", "media_type", "reason")
_NUMBERS = ("width", "height", "frame", "frame_count")
_HASHES = {"sha256": 64, "pixels_sha256": 64, "perceptual_hash": 16}  # hex digits
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def to_values(token: Token, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return what is not the default in the fields of a token, JSON-ready, without the pictures."""
    values = {
        field.name: getattr(token, field.name)
        for field in _STORED
        if field.name not in without and getattr(token, field.name) != field.default
    }
    if "traits" in values:
        values["traits"] = [_trait_values(trait) for trait in token.traits]
    if "caption_spans" in values:
        values["caption_spans"] = [list(span) for span in token.caption_spans]
    return values


def _trait_values(trait: Trait) -> dict[str, str]:
    values = {"trait_type": trait.trait_type, "value": trait.value}
    return values if trait.display_type is None else {**values, "display_type": trait.display_type}


def from_values(
    values: Mapping[str, Any], *, image: bytes | None, more_images: tuple[bytes, ...] = ()
) -> Token:
    """Return the token of these values; raise ValueError when they are not those of a token."""
    known = {field.name: values[field.name] for field in _STORED if field.name in values}
    missing = [f.name for f in _STORED if f.default is MISSING and f.name not in known]
    if missing:
        raise ValueError(f"no {', '.join(missing)}")
    try:
        known["traits"] = tuple(_trait(trait) for trait in known["traits"])
        known["caption_spans"] = tuple(_span(span) for span in known.get("caption_spans", ()))
    except (TypeError, KeyError) as error:
        raise ValueError(f"not the traits of a token: {error}") from error
    token = Token(**known, image=image, more_images=more_images)
    if not _has_right_types(token):
        raise ValueError("not the values of a token")
    return token


def _trait(values: Mapping[str, Any]) -> Trait:
    return Trait(values["trait_type"], values["value"], values.get("display_type"))


def _span(values: Any) -> tuple[int, int]:
    start, end = values
    return start, end


def _has_right_types(token: Token) -> bool:
    texts = [getattr(token, name) for name in _TEXTS]
    texts += [text for trait in token.traits for text in (trait.trait_type, trait.value)]
    maybe = [getattr(token, name) for name in (*_MAYBE_TEXTS, *_HASHES)]
    maybe += [trait.display_type for trait in token.traits]
    numbers = [getattr(token, name) for name in _NUMBERS]
    numbers += [number for span in token.caption_spans for number in span]
    return (
        all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in maybe)
        and all(type(number) is int for number in numbers)
    )


def admit(token: Token, *, collection: str, limits: Limits) -> Token:
    """Return a token from elsewhere as it is, or as a rejected one when it is not what it says.

    `collection` is where it was found, and must be its own.
    """
    reason = _problem(token, collection=collection, limits=limits)
    if reason is None:
        return token
    return broken(token.token_uid, collection, token.token_id, reason, where=token.source_uri)


def broken(uid: str, collection: str, token_id: str, reason: str, *, where: str = "") -> Token:
    """Return the rejected row of a token that could not be read."""
    return Token(
        token_uid=storable(uid),
        collection=collection,
        token_id=storable(token_id),
        traits=(),
        caption="",
        source_uri=storable(where),
        status="rejected",
        reason=reason,
    )


def _problem(token: Token, *, collection: str, limits: Limits) -> str | None:
    """Return why a token of the right types cannot be taken."""
    if token.collection != collection or not _is_sound(token):
        return BROKEN_RECORD
    pictures = token.more_images if token.image is None else (token.image, *token.more_images)
    if any(len(picture) > limits.max_bytes for picture in pictures):
        return TOO_LARGE
    if token.width * token.height > limits.max_pixels:
        return TOO_MANY_PIXELS
    if any(png_size(picture) != (token.width, token.height) for picture in pictures):
        return NOT_AS_DESCRIBED
    return NO_PICTURE if token.status == "kept" and token.image is None else None


def _is_sound(token: Token) -> bool:
    numbers = [getattr(token, name) for name in _NUMBERS]
    numbers += [number for span in token.caption_spans for number in span]
    hashes = ((getattr(token, name), digits) for name, digits in _HASHES.items())
    return (
        token.status in ("kept", "rejected")
        and (token.status == "kept" or token.reason is not None)
        and (token.split is None or token.split in SPLITS)
        and all(0 <= number < 2**31 for number in numbers)
        and all(start <= end <= len(token.caption) for start, end in token.caption_spans)
        and all(
            text is None or re.fullmatch(f"[0-9a-f]{{{digits}}}", text) for text, digits in hashes
        )
        and _is_storable(token)
    )


def _is_storable(token: Token) -> bool:
    texts = [getattr(token, name) or "" for name in (*_TEXTS, *_MAYBE_TEXTS)]
    texts += [t for trait in token.traits for t in (trait.trait_type, trait.value)]
    texts += [trait.display_type or "" for trait in token.traits]
    whole = "".join(texts)
    return storable(whole) == whole and len(whole) <= MAX_TEXT_BYTES


def png_size(picture: bytes) -> tuple[int, int] | None:
    """Return the width and height in px that a PNG's header names; None for what is no PNG."""
    if len(picture) < 24 or not picture.startswith(_PNG):
        return None
    width, height = struct.unpack(">II", picture[16:24])
    return width, height

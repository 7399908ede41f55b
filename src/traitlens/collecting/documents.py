"""Metadata documents as they occur: bytes become a JSON object or a reason, and it names media.

A document is JSON as RFC 8259 has it: UTF-8, with a byte order mark or without (section 8.1 lets a
parser ignore one), and neither trailing commas nor comments nor NaN. A document that was encoded
once too often, as a JSON text in a JSON string or as a `data:` URI in one, is unwrapped.

Where media are named follows the OpenSea metadata standard, whose `image_data` is for tokens
without `image` (https://docs.opensea.io/docs/metadata-standards). Keys are compared without case
and underscores, since `image_url`, `imageUrl` and `imageURL` all occur.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from traitlens import bounded_json
from traitlens.standardization import Rejection, data_uri_bytes
from traitlens.standardization.kinds import kind_of

EMPTY = "empty document"
TOO_LARGE = "document too large"
PICTURE = "a picture, no document"
PAGE = "a page, no document"
NOT_UTF8 = "no UTF-8"
BROKEN = "broken JSON"
TOO_DEEP = "JSON too deep"
NOT_AN_OBJECT = "no JSON object"
OF_A_COLLECTION = "describes a collection"
NO_MEDIA = "names no media"

MAX_BYTES = 8 * 2**20  # documents with pictures in them have some hundred KB
MAX_DEPTH = 32  # real ones have 3 or 4
_MAX_WRAPPINGS = 3

_BOM = b"\xef\xbb\xbf"
_BLANK = b"\0 \t\r\n"

# Still pictures before what moves; the words of the standard before those of a marketplace.
_MEDIA_KEYS = ("image", "imageurl", "imagedata", "animationurl")
_PLACEHOLDERS = {"", "none", "null", "undefined", "n/a"}

# What ERC-7572 and marketplaces say of collections only.
_COLLECTION_KEYS = {
    "banner_image",
    "banner_image_url",
    "featured_image",
    "featured_image_url",
    "safelist_request_status",
}
_TRAIT_KEYS = ("attributes", "traits", "features")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A metadata document: `data` are its bytes as fetched, or those that were wrapped in them."""

    value: dict[str, Any]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaAddress:
    """Where a document says that its picture is: the key, and a URI, a path or the SVG itself."""

    key: str
    uri: str


def read_document(data: bytes) -> Document | str:
    """Return the document in `data`, or the reason why there is none."""
    for _ in range(_MAX_WRAPPINGS + 1):
        value = _parse(data)
        if not isinstance(value, _Parsed):
            return value
        if isinstance(value.value, dict):
            return _of_a_token(Document(value=value.value, data=data))
        if not isinstance(value.value, str):
            return NOT_AN_OBJECT
        inner = _unwrapped(value.value)
        if inner is None:
            return NOT_AN_OBJECT
        data = inner
    return NOT_AN_OBJECT


def media_addresses(document: dict[str, Any]) -> tuple[MediaAddress, ...]:
    """Return where the document says that its picture is, the best address first, each once."""
    by_key: dict[str, MediaAddress] = {}
    for key, value in document.items():
        plain = key.replace("_", "").lower()
        if plain in _MEDIA_KEYS and isinstance(value, str):
            uri = value.strip()
            if uri.lower() not in _PLACEHOLDERS:
                by_key.setdefault(plain, MediaAddress(key=key, uri=uri))
    by_uri: dict[str, MediaAddress] = {}
    for key in _MEDIA_KEYS:
        if key in by_key:
            by_uri.setdefault(by_key[key].uri, by_key[key])
    return tuple(by_uri.values())


@dataclass(frozen=True, slots=True)
class _Parsed:
    value: Any


def _parse(data: bytes) -> _Parsed | str:
    """Return the JSON value of `data`, or the reason why it is none."""
    if len(data) > MAX_BYTES:
        return TOO_LARGE
    content = data.removeprefix(_BOM).strip(_BLANK)
    if not content:
        return EMPTY
    if kind_of(data) not in (None, "data"):
        return PICTURE
    if content.startswith(b"<"):
        return PAGE
    try:
        text = data.removeprefix(_BOM).decode()
        return _Parsed(bounded_json.loads(text, most=MAX_DEPTH, parse_constant=_refuse))
    except UnicodeDecodeError:
        return NOT_UTF8
    except bounded_json.TooDeepError:
        return TOO_DEEP
    except ValueError:
        return BROKEN


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _unwrapped(text: str) -> bytes | None:
    """Return what a JSON string holds that is a document itself, or None."""
    start = text.lstrip()[:5].lower()
    if start == "data:":
        data = data_uri_bytes(text, MAX_BYTES)
        return None if isinstance(data, Rejection) else data
    if not start.startswith(("{", "[", '"')):
        return None
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _of_a_token(document: Document) -> Document | str:
    """Return the document, or a reason where it speaks of a whole collection."""
    keys = document.value.keys()
    if _COLLECTION_KEYS & keys and not any(document.value.get(key) for key in _TRAIT_KEYS):
        return OF_A_COLLECTION
    return document

"""Media that stand in the metadata themselves: `data:` URIs (RFC 2397), and bare SVG.

On-chain collections write them by hand in Solidity, so they are read leniently: base64 without its
padding, of the URL alphabet or percent-encoded, `;utf8` and other parameters, SVG with only some
characters escaped. The declared type is not believed; the bytes say what they are.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from traitlens.standardization.limits import Limits
from traitlens.standardization.picture import Rejection

# "*+" never goes back: two of "\s*" would try each way to share a million blanks between them.
BARE_SVG = re.compile(r"\s*+(<\?xml[^>]*>)?\s*<svg\b", re.IGNORECASE)
_SPACE = re.compile(rb"\s+")


def is_inline_media(text: str) -> bool:
    """Return whether `text` is media itself, a data URI or bare SVG, rather than an address."""
    return text[:64].lstrip()[:5].lower() == "data:" or BARE_SVG.match(text) is not None


def data_uri_bytes(text: str, max_bytes: int = Limits().max_bytes) -> bytes | Rejection:
    """Return the media that a `data:` URI or a bare `<svg …>` holds, or why it cannot be read.

    Nothing larger than `max_bytes` is decoded.
    """
    if BARE_SVG.match(text):
        return _within(text.encode("utf-8", "replace"), max_bytes)
    scheme, _, rest = text.lstrip().partition(":")
    header, comma, data = rest.partition(",")
    if scheme.lower() != "data" or not comma:
        return Rejection("broken data URI")
    if len(data) > 3 * max_bytes + 1024:  # percent-encoding takes three characters a byte
        return Rejection("media too large")
    raw = unquote_to_bytes(data.encode("utf-8", "replace"))
    if re.search(r";\s*base64\s*$", header, re.IGNORECASE):
        return _from_base64(raw, max_bytes)
    return _within(raw, max_bytes)


def _from_base64(encoded: bytes, max_bytes: int) -> bytes | Rejection:
    compact = _SPACE.sub(b"", encoded).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    if len(compact) * 3 // 4 > max_bytes:
        return Rejection("media too large")
    if len(compact) % 4 == 1:
        return Rejection("broken data URI")
    try:
        return base64.b64decode(compact + b"=" * (-len(compact) % 4), validate=True)
    except binascii.Error:
        return Rejection("broken data URI")


def _within(media: bytes, max_bytes: int) -> bytes | Rejection:
    return Rejection("media too large") if len(media) > max_bytes else media

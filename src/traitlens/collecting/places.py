"""Where content lives, told from its address: what a dead-asset report counts by."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from traitlens.collecting.records import FetchError
from traitlens.collecting.uris import parse_uri

ON_CHAIN = "on chain"
NOWHERE = "nowhere"  # a placeholder, a broken CID, a scheme that is never fetched
LASTING = ("ipfs", "arweave", ON_CHAIN)  # whose content never changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where content lives: ipfs, ipns, arweave, on chain, nowhere, or a host.

    `address` is the one of what lives at no host, without a gateway; `url` is where what lives at
    a host is asked for.
    """

    name: str
    address: str | None = None
    url: str | None = None


def place_of(text: str, *, base: str | None = None) -> Place:
    """Return where the content of an address lives; `base` is that of the document with it."""
    try:
        uri = parse_uri(text, base=base)
    except FetchError:
        return Place(name=NOWHERE)
    if uri.kind == "data":
        return Place(name=ON_CHAIN, address="data:")
    if uri.kind == "http":
        return Place(name=urlsplit(uri.url).hostname or NOWHERE, url=uri.url)
    scheme = "ar" if uri.kind == "arweave" else uri.kind
    path = "".join(f"/{quote(name, safe='', errors='surrogateescape')}" for name in uri.segments)
    return Place(name=uri.kind, address=f"{scheme}://{uri.root}{path}")

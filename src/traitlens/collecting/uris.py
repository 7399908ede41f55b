"""Addresses of metadata and media, as contracts and documents write them.

What is understood, and what becomes of it:

    ipfs://CID/path, ipfs://ipfs/CID, /ipfs/CID, CID/path     ipfs, from our own gateways
    https://any.host/ipfs/CID/path, https://CID.ipfs.any.host ipfs, but not from that host
    ipns://name/path, https://any.host/ipns/name              ipns, from our gateways; not verified
    ar://ID/path, https://arweave.net/ID                      arweave, from our gateways
    data:..., a bare <svg ...>, a bare {"name": ...}          data: nobody is asked
    http://, https://, //host/path                            http
    1.png, ../images/1.png, /images/1.png                     relative to the base, if there is one

Everything else is refused: file:, ftp:, gopher:, jar:, dict:, javascript: and what is no address.
So are addresses with a password, which would be published with the collection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote, unquote

from yarl import URL

from traitlens import bounded_json
from traitlens.collecting.addresses import read_url
from traitlens.collecting.cids import Cid, is_cid, parse_cid
from traitlens.collecting.records import FetchError
from traitlens.standardization.data_uris import BARE_SVG, data_uri_bytes
from traitlens.standardization.picture import Rejection

Kind = Literal["ipfs", "ipns", "arweave", "http", "data"]

MAX_LENGTH = 8192  # characters, of what is fetched; longer ones are no addresses

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_IPFS_PREFIX = re.compile(r"\A(?:ipfs:/*|/*ipfs/+|/+)+", re.IGNORECASE)
_IPNS_PREFIX = re.compile(r"\A(?:(?:ip[fn]s:)?/*ipns/+|ipns:/*)", re.IGNORECASE)
_IPNS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
_ARWEAVE_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_ARWEAVE_HOST = re.compile(
    r"(?:[a-z0-9]{52}\.)?(?:arweave\.net|arweave\.dev|ar-io\.(?:dev|net)|g8way\.io|permagate\.io)"
)
_MARK = re.compile(r"[?#]")
_ENDING = re.compile(r"\.[A-Za-z0-9]{2,5}$")  # of a file name
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_BLANK = re.compile(r"[\x00-\x20\x7f\ufeff]*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_BARE_JSON = re.compile(r'\s*\{\s*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """An address, understood."""

    kind: Kind
    root: str = ""  # the CID as written, the IPNS name or the Arweave id
    cid: Cid | None = None  # of kind ipfs
    segments: tuple[str, ...] = ()  # the path below the root, decoded
    url: str = ""  # of kind http
    text: str = ""  # of kind data

    def at(self, gateway: str) -> str:
        """Return the URL of this content at a gateway such as https://ipfs.io."""
        folder = "" if self.kind == "arweave" else f"{self.kind}/"
        path = "/".join(quote(name, safe="", errors="surrogateescape") for name in self.segments)
        return f"{gateway.rstrip('/')}/{folder}{self.root}" + (f"/{path}" if path else "")


def parse_uri(text: str, *, base: str | None = None) -> Uri:
    """Return what an address means; `base` is the address of the document that it stands in.

    Raises FetchError ("unusable address") for what is never fetched.
    """
    if text[:64].lstrip("\ufeff \t\r\n")[:5].lower() == "data:":
        return Uri(kind="data", text=text.lstrip("\ufeff \t\r\n"))
    if BARE_SVG.match(text) or _BARE_JSON.match(text):
        return Uri(kind="data", text=text)
    text = _BLANK.sub("", text, count=1).rstrip()
    if not text or len(text) > MAX_LENGTH or not _is_clean(text):
        raise _unusable(text)
    found = _SCHEME.match(text)
    scheme = found[1].lower() if found else ""
    if scheme in ("http", "https"):
        return _http(text)
    if scheme == "ar":
        return _arweave(text[3:].lstrip("/"))
    if scheme in ("ipfs", "ipns"):
        return _ipfs(text)
    if scheme:
        raise FetchError("unusable address", f"{scheme}: is never fetched")
    return _without_scheme(text, base)


def _without_scheme(text: str, base: str | None) -> Uri:
    if text.startswith("//"):
        return _http(f"https:{text}")
    if _IPNS_PREFIX.match(text):
        return _ipfs(text)
    first = _IPFS_PREFIX.sub("", text, count=1).split("/")[0]
    if is_cid(_without_query(first)):
        return _ipfs(text)
    inside = _gateway_path(text)
    if inside is not None:
        return inside
    if base is None:
        raise _unusable(text)
    return _join(parse_uri(base), text)


def _join(base: Uri, relative: str) -> Uri:
    if base.kind == "data":
        raise FetchError("unusable address", f"{_shown(relative)} is relative to inline data")
    if base.kind == "http":
        try:
            return _http(str(URL(base.url).join(read_url(relative))))
        except ValueError:
            raise _unusable(relative) from None
    above = () if relative.startswith("/") else base.segments[:-1]
    path = _without_query(relative)
    return replace(base, segments=_segments([*above, *map(_decoded, path.split("/"))]))


def _ipfs(text: str) -> Uri:
    if _IPNS_PREFIX.match(text):
        return _ipns(_IPNS_PREFIX.sub("", text, count=1))
    rest = _IPFS_PREFIX.sub("", text, count=1)
    if rest[:4].lower() == "http":  # a gateway's address behind an ipfs://
        return parse_uri(rest)
    root, _, path = _without_query(rest).partition("/")
    if not is_cid(root) and (inside := _gateway_path(path)):  # the same without its https://
        return inside
    return Uri(kind="ipfs", root=root, cid=parse_cid(root), segments=_path(path))


def _ipns(rest: str) -> Uri:
    name, _, path = _without_query(rest).partition("/")
    if not _IPNS_NAME.fullmatch(name):
        raise FetchError("unusable address", f"{_shown(name)} is no IPNS name")
    return Uri(kind="ipns", root=name, segments=_path(path))


def _arweave(rest: str) -> Uri:
    root, _, path = _without_query(rest).partition("/")
    if not _ARWEAVE_ID.fullmatch(root):
        raise FetchError("unusable address", f"{_shown(root)} is no Arweave transaction")
    return Uri(kind="arweave", root=root, segments=_path(path))


def _http(text: str) -> Uri:
    try:
        url = read_url(text)
        host, port = url.raw_host, url.port
    except ValueError:
        raise _unusable(text) from None
    if url.scheme not in ("http", "https") or not port or "\\" in text:
        raise _unusable(text)
    if host is None or not _HOST.fullmatch(host):
        raise _unusable(text)
    if url.raw_user is not None or url.raw_password is not None:
        raise FetchError("unusable address", f"{host} with a name or a password")
    return (
        _subdomain(host, url)
        or _gateway_path(url.raw_path)
        or _at_arweave(host, url)
        or Uri(kind="http", url=str(url.with_fragment(None)))
    )


def _subdomain(host: str, url: URL) -> Uri | None:
    """Return what https://CID.ipfs.host/path means, if it is that."""
    root, _, rest = host.partition(".")
    if rest.startswith("ipfs.") and is_cid(root):
        return Uri(kind="ipfs", root=root, cid=parse_cid(root), segments=_path(url.raw_path))
    if rest.startswith("ipns.") and _IPNS_NAME.fullmatch(root):
        # In one DNS label a dot is written "-", and "-" is written "--" (IPIP-280).
        name = root if is_cid(root) else re.sub("--?", lambda m: ".-"[len(m[0]) - 1], root)
        return Uri(kind="ipns", root=name, segments=_path(url.raw_path))
    return None


def _gateway_path(path: str) -> Uri | None:
    """Return the last /ipfs/CID/... or /ipns/name/... in a path, if there is one."""
    for found in reversed(list(re.finditer(r"(?<![^/])ipfs:?/+(?=([^/?#]+))", path))):
        if is_cid(found[1]):
            return _ipfs(path[found.start(1) :])
    if path.startswith("/ipns/"):
        return _ipns(path[len("/ipns/") :])
    return None


def _at_arweave(host: str, url: URL) -> Uri | None:
    if not _ARWEAVE_HOST.fullmatch(host.lower()):
        return None
    rest = url.raw_path.lstrip("/").removeprefix("raw/")
    return _arweave(rest) if _ARWEAVE_ID.fullmatch(rest.partition("/")[0]) else None


def _without_query(path: str) -> str:
    """Return a path without "?seed=5" and "#5" at its end; files are called "Ape #12.png", too."""
    name_at = max(path.rfind("="), path.rfind("/")) + 1 if _ENDING.search(path) else len(path)
    mark = _MARK.search(path, 0, name_at)
    return path[: mark.start()] if mark else path


def _path(path: str) -> tuple[str, ...]:
    return _segments([_decoded(name) for name in path.split("/")])


def _segments(names: list[str]) -> tuple[str, ...]:
    """Return a path without its dots; one that leads above its root is refused."""
    out: list[str] = []
    for name in names:
        if "\x00" in name or "/" in name or (name == ".." and not out):
            raise FetchError("unusable address", f"a path that leads out: {_shown(name)}")
        if name == "..":
            out.pop()
        elif name not in ("", "."):
            out.append(name)
    return tuple(out)


def _decoded(name: str) -> str:
    return unquote(name, errors="surrogateescape")


def _is_clean(text: str) -> bool:
    """Return whether a text is Unicode, in one line and without control characters."""
    if _CONTROLS.search(text):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, from JSON
        return False
    return True


def _unusable(text: str) -> FetchError:
    return FetchError("unusable address", f"{_shown(text)} is no address that can be fetched")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")


def inline_content(uri: Uri, *, max_bytes: int) -> tuple[bytes, str | None]:
    """Return what stands in a `data:` address or is the text itself, and the type it claims."""
    if _BARE_JSON.match(uri.text):
        return _within(uri.text.encode("utf-8", "replace"), max_bytes), "application/json"
    header, _, data = uri.text.partition(",")
    is_svg = BARE_SVG.match(uri.text) is not None
    claimed = "image/svg+xml" if is_svg else header[len("data:") :].split(";")[0].strip().lower()
    if not is_svg and _BARE_JSON.match(data) and _is_json(data[:max_bytes]):
        # Written out by hand: the escapes in it belong to the strings.
        return _within(data.encode("utf-8", "replace"), max_bytes), claimed or None
    content = data_uri_bytes(uri.text, max_bytes)
    if isinstance(content, Rejection):
        is_large = content.reason == "media too large"
        raise FetchError("too large" if is_large else "unusable address", content.reason)
    return content, claimed or None


def _within(content: bytes, max_bytes: int) -> bytes:
    if len(content) > max_bytes:
        raise FetchError("too large", f"{len(content)} bytes, where {max_bytes} are accepted")
    return content


def _is_json(text: str) -> bool:
    try:
        bounded_json.loads(text)
    except ValueError:
        return False
    return True

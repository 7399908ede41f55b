"""Which network addresses may be connected to: public ones, and nothing that leads inwards.

The ranges are those of the IANA special-purpose registries (RFC 6890 and its successors), written
out: Python's `ipaddress.is_private` and `is_global` differ between releases (CVE-2024-4032) and
know nothing of addresses that carry another one. IPv6 is turned round: only global unicast may be
connected to, less what is special in it.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from yarl import URL

from traitlens.collecting.records import FetchError

Address = IPv4Address | IPv6Address

_FORBIDDEN_V4 = {
    IPv4Network(network): name
    for network, name in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's metadata"),  # Azure: public, but answered inside
        ("169.254.0.0/16", "link-local, and clouds' metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "for protocols"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
}
_GLOBAL_V6 = IPv6Network("2000::/3")
_FORBIDDEN_V6 = {
    IPv6Network(network): name
    for network, name in (
        ("2001::/23", "for protocols (Teredo, ORCHID, benchmarks)"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "6to4, which carries another address"),
        ("3fff::/20", "for documentation"),
    )
}
_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291, 2.5.5.2
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: how networks without IPv4 reach the rest
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214, 6.1: the last 32 bits are an IPv4 address

# What a system's resolver takes for a number: 127.1, 0x7f000001, 0177.0.0.1, 2130706433.
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)


def why_forbidden(address: Address) -> str | None:
    """Return what is wrong with connecting to an address, or None where nothing is."""
    if isinstance(address, IPv4Address):
        return next((name for net, name in _FORBIDDEN_V4.items() if address in net), None)
    if address.scope_id is not None:
        return "an address with a zone"
    if address in _MAPPED or address in _NAT64:
        return why_forbidden(IPv4Address(int(address) & 0xFFFFFFFF))
    if address not in _GLOBAL_V6:
        return "not global"
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return "ISATAP, which carries another address"
    return next((name for net, name in _FORBIDDEN_V6.items() if address in net), None)


def read_url(text: str) -> URL:
    """Return a URL; raise ValueError for what is none."""
    try:
        return URL(text)
    except IndexError:  # of yarl, for "http://[::1]@"
        raise ValueError("no URL") from None


def authority(url: URL) -> str:
    """Return host and port of a URL, such as ipfs.io:443."""
    host = url.raw_host or ""
    return f"[{host}]:{url.port}" if ":" in host else f"{host}:{url.port}"


def check_address(text: str) -> None:
    """Return if an address, as a resolver spells it, may be connected to; else raise FetchError."""
    try:
        address = ip_address(text)
    except ValueError:
        raise FetchError("forbidden address", f"{text!r} is no address") from None
    why = why_forbidden(address)
    if why is not None:
        raise FetchError("forbidden address", f"{text} is {why}")


def check_host(host: str) -> None:
    """Return if a URL's host may be looked up and connected to; else raise FetchError.

    Names pass: what they stand for is checked when they are looked up. An address that is not
    written as everyone writes it, such as 0x7f.1 or 2130706433, is refused whatever it means.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        ip_address(bare)
    except ValueError:
        if _NUMBERS.fullmatch(bare) or ":" in bare or "%" in bare or not bare.strip("."):
            raise FetchError("forbidden address", f"{host!r} is no plain address") from None
    else:
        check_address(bare)

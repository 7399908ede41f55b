"""Addresses that must never be connected to, in every spelling that we know of.

Each function gives addresses for one way in; the lists in capitals are ready to be fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

V4 = (
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",  # metadata of AWS, Azure, Google, ...
    "169.254.170.2",  # of containers on AWS
    "100.100.100.200",  # of Alibaba, in the carriers' range
    "192.0.0.192",  # of Oracle
    "168.63.129.16",  # of Azure, in a public range
    "198.18.0.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
)

V6 = (
    "::",
    "::1",
    "0:0:0:0:0:0:0:1",
    "0000:0000:0000:0000:0000:0000:0000:0001",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata of AWS
    "fd20:ce::254",  # of Google
    "ff02::1",
    "ff0e::1",
    "100::1",
    "2001:db8::1",
    "2001::1",
    "3fff::1",
    "5f00::1",
    "64:ff9b:1::1",
    "2001:4860:4860::5efe:7f00:1",  # ISATAP
)


def spelled(text: str) -> Iterator[str]:
    """Yield hosts that some reader takes for this IPv4 address."""
    a, b, c, d = (int(part) for part in text.split("."))
    number = int(IPv4Address(text))
    yield text
    yield f"{text}."
    yield str(number)
    yield f"{number:#x}"
    yield f"{number:#X}"
    yield f"0{number:o}"
    yield f"{a:#x}.{b:#x}.{c:#x}.{d:#x}"
    yield f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"
    yield f"00000{a:o}.{b}.{c:#x}.{d}"
    yield f"{a}.{b}.{c << 8 | d}"
    yield f"{a}.{b << 16 | c << 8 | d}"
    yield f"{a:#x}.{number & 0xFFFFFF}"
    yield "".join(f"%{ord(sign):02x}" for sign in text)
    yield text.translate({ord("0") + n: 0xFF10 + n for n in range(10)})  # full-width digits
    yield text.replace(".", "。")


def inside_v6(text: str) -> Iterator[str]:
    """Yield IPv6 addresses that carry this IPv4 address."""
    number = int(IPv4Address(text))
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    yield f"::ffff:{text}"
    yield f"::ffff:{high}:{low}"
    yield f"0:0:0:0:0:ffff:{high}:{low}"
    yield f"::{text}"  # IPv4-compatible
    yield f"::ffff:0:{text}"  # IPv4-translated
    yield f"64:ff9b::{text}"  # NAT64
    yield f"64:ff9b::{high}:{low}"
    yield f"64:ff9b:1::{text}"  # NAT64, of one network
    yield f"2002:{high}:{low}::1"  # 6to4
    yield f"2001:0:{high}:{low}::1"  # Teredo, its server
    yield f"2606:4700::5efe:{text}"  # ISATAP
    yield f"::ffff:{text}%25eth0"


SPELLINGS = tuple(
    dict.fromkeys(
        [
            *(f"http://{host}/x" for text in V4 for host in spelled(text)),
            *(f"http://[{host}]/x" for text in V4[:10] for host in inside_v6(text)),
            *(f"http://[{host}]/x" for host in V6),
            *(f"http://[{host}%25{zone}]/x" for host in V6[:6] for zone in ("1", "eth0")),
            *(f"https://{host}:{port}/x" for host in V4[:3] for port in (22, 443, 6379, 8545)),
        ]
    )
)

# For a resolver that says 127.0.0.1 to every name.
NAMES = tuple(
    f"http://{host}/x"
    for host in (
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost.localdomain",
        "a.localhost",
        "ip6-localhost",
        "metadata.google.internal",
        "metadata",
        "instance-data",
        "kubernetes.default.svc",
        "host.docker.internal",
        "router.lan",
        "printer.local",
        "127.0.0.1.nip.io",
        "7f000001.rebind.example",
        "public.example",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "xn--example",
        "0x7f.0.0.1.example",
        "a_b.example",
    )
)

CONFUSING = (
    "http://public.example@127.0.0.1/x",
    "http://public.example:80@127.0.0.1/x",
    "http://127.0.0.1:80@public.example/x",
    "http://127.0.0.1#@public.example/x",
    "http://127.0.0.1?@public.example/x",
    "http://127.0.0.1\\@public.example/x",
    "http:\\\\127.0.0.1\\x",
    "http:/127.0.0.1/x",
    "http:127.0.0.1/x",
    "http:///127.0.0.1/x",
    "http://////127.0.0.1/x",
    "http://[::ffff:127.0.0.1/x",
    "http://[127.0.0.1]/x",
    "http://[::1]@",
    "//[::1]@",
    "http://x@xn--a/x",
    "http://127.0.0.1%00.public.example/x",
    "http://127.0.0.1%0d%0aHost:x/x",
    "http://127.0.0.1\t/x",
    "http://127.0.0.1 /x",
    "http://127.1:80\\@public.example:80/x",
    "http://0/x",
    "http://0x/x",
    "http://0x7f000001:8080/x",
    "http://00000000000000000000000177.1/x",
    "http://4294967297.1/x",
    "http://127.0.0.1.:80/x",
    "http://./x",
    "http://../x",
    "//127.0.0.1/x",
    "//localhost/x",
    "hTTp://127.0.0.1/x",
    " http://127.0.0.1/x",
    "https://ipfs.io@127.0.0.1/ipfs/x",
)

SCHEMES = (
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "file:/etc/passwd",
    "FILE:///etc/passwd",
    " file:///etc/passwd",
    "fi\nle:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://127.0.0.1/x",
    "ftps://127.0.0.1/x",
    "sftp://127.0.0.1/x",
    "tftp://127.0.0.1/x",
    "dict://127.0.0.1:11211/stats",
    "ldap://127.0.0.1/x",
    "ldaps://127.0.0.1/x",
    "jar:http://127.0.0.1!/x",
    "netdoc:///etc/passwd",
    "php://filter/resource=/etc/passwd",
    "expect://id",
    "smb://127.0.0.1/x",
    "ssh://127.0.0.1",
    "telnet://127.0.0.1",
    "ws://127.0.0.1/x",
    "wss://127.0.0.1/x",
    "javascript:alert(1)",
    "vbscript:x",
    "blob:http://127.0.0.1/x",
    "view-source:http://127.0.0.1/x",
    "about:blank",
    "mailto:a@127.0.0.1",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/x",
    "\\\\127.0.0.1\\share",
    "/etc/passwd",
    "../../etc/passwd",
    "localhost",
    "127.0.0.1/x",
)

# What a name may stand for: addresses as resolvers spell them.
ANSWERS = (*V4, *V6, *(host for text in V4[:3] for host in inside_v6(text) if "%" not in host))

REDIRECTS = (
    "http://127.0.0.1/x",
    "http://127.0.0.1:{port}/x",
    "http://localhost:{port}/x",
    "http://2130706433:{port}/x",
    "http://0x7f.1:{port}/x",
    "http://[::1]:{port}/x",
    "http://[::ffff:127.0.0.1]:{port}/x",
    "http://0.0.0.0:{port}/x",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/x",
    "http://[fd00:ec2::254]/x",
    "http://public.example/x",
    "//127.0.0.1:{port}/x",
    "//localhost/x",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "ftp://127.0.0.1/x",
    "http://user@127.0.0.1:{port}/x",
    "https://127.0.0.1:{port}/x",
    "http://[::1",
    "http://[::1]@",
    "http://x@xn--a/x",
    "http://xn--a/x",
)

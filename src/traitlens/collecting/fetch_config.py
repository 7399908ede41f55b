"""How things are fetched: from where, how patiently, and up to what."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yarl import URL

from traitlens.collecting.addresses import authority, check_host
from traitlens.collecting.records import FetchError
from traitlens.config import check_range
from traitlens.errors import ConfigError

_AUTHORITY = r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
_GATEWAY = re.compile(rf"https?://{_AUTHORITY}(/[A-Za-z0-9._~%-]+)*/?", re.IGNORECASE)
_HOST = re.compile(rf"{_AUTHORITY}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchConfig:
    """Gateways, patience and limits of a run.

    The IPFS gateways are those of the IPFS Foundation, of which the first serves nothing but what
    can be verified, and two of pinning services. They are asked in this order, as their health
    allows.
    """

    gateways: tuple[str, ...] = (
        "https://trustless-gateway.link",
        "https://ipfs.io",
        "https://dweb.link",
        "https://4everland.io",
        "https://gateway.pinata.cloud",
    )
    arweave: tuple[str, ...] = ("https://arweave.net", "https://permagate.io")
    # One's own gateway and node: "localhost:8080", "10.0.0.7", "[::1]:8545". Nothing else that is
    # not public is connected to. These are not held to the rate either.
    allow_private_hosts: tuple[str, ...] = ()
    concurrency: int = 64  # requests on the way at once
    per_host_rate: float | None = 20.0  # requests begun a second, to one host
    max_bytes: int = 64 * 2**20  # of one file, also when unpacked
    max_json_bytes: int = 64 * 2**20  # of one answer of a node or a provider
    # Of all answers on the way together. One answer may be beyond it, so that each gets through.
    max_held_bytes: int = 256 * 2**20
    max_redirects: int = 5
    connect_s: float = 10.0
    read_s: float = 30.0  # without a byte
    total_s: float = 120.0  # of one request, with its redirects
    retries: int = 8  # after the first try
    json_retries: int = 3  # of a node or a provider; those who ask know how to ask for less
    backoff_s: float = 0.5  # before the first repetition, at most; doubled each time
    max_wait_s: float = 60.0  # between two tries; who asks for more is given up
    hedge_after_s: float | None = 3.0  # a second gateway is asked too when the first takes longer
    hedge_share: float = 0.1  # of all requests to gateways, at most

    def __post_init__(self) -> None:
        for gateway in self.gateways:
            _check_gateway("gateways", gateway)
            _check_ipfs_gateway(gateway)
        for gateway in self.arweave:
            _check_gateway("arweave", gateway)
        self._check_private_hosts()
        check_range("concurrency", self.concurrency, low=1, high=4096)
        if self.per_host_rate is not None:
            check_range("per_host_rate", self.per_host_rate, low=1e-3)
        check_range("max_bytes", self.max_bytes, low=1)
        check_range("max_json_bytes", self.max_json_bytes, low=1)
        check_range("max_held_bytes", self.max_held_bytes, low=1)
        check_range("max_redirects", self.max_redirects, low=0, high=50)
        check_range("connect_s", self.connect_s, low=0.01)
        check_range("read_s", self.read_s, low=0.01)
        check_range("total_s", self.total_s, low=0.01)
        check_range("retries", self.retries, low=0, high=1000)
        check_range("json_retries", self.json_retries, low=0, high=1000)
        check_range("backoff_s", self.backoff_s, low=0)
        check_range("max_wait_s", self.max_wait_s, low=0)
        if self.hedge_after_s is not None:
            check_range("hedge_after_s", self.hedge_after_s, low=0)
        check_range("hedge_share", self.hedge_share, low=0, high=1)

    def is_own(self, url: URL) -> bool:
        """Return whether the user named the host of a URL, so that it needs not be public."""
        host = url.raw_host or ""
        spellings = (host, f"[{host}]", authority(url))
        return any(named.lower() in spellings for named in self.allow_private_hosts)

    def _check_private_hosts(self) -> None:
        for host in self.allow_private_hosts:
            if not _HOST.fullmatch(host):
                raise ConfigError(
                    "allow_private_hosts must name hosts one by one, like localhost:8080 or"
                    f" 10.0.0.7; got {host!r}"
                )
        for url in map(URL, (*self.gateways, *self.arweave)):
            try:
                if not self.is_own(url):
                    check_host(url.raw_host or "")
            except FetchError as error:
                raise ConfigError(
                    f"{url} is not public ({error.detail}); if it is yours, name it in"
                    f" allow_private_hosts: {authority(url)}"
                ) from None


def _check_gateway(field: str, gateway: str) -> None:
    try:
        usable = _GATEWAY.fullmatch(gateway) and URL(gateway).port
    except ValueError:
        usable = None
    if not usable:
        raise ConfigError(f"{field} must be like https://ipfs.io; got {gateway!r}")


def _check_ipfs_gateway(gateway: str) -> None:
    url = URL(gateway)
    if url.path.rstrip("/").endswith("/ipfs"):
        raise ConfigError(f"gateways must be like https://ipfs.io, without /ipfs; got {gateway!r}")
    if url.host == "localhost":
        raise ConfigError(
            "gateways on this machine must be like http://127.0.0.1:8080, since IPFS nodes send"
            f" what is asked of localhost to a host for each CID; got {gateway!r}"
        )

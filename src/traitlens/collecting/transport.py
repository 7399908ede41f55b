"""One request over the network, to nobody who must not be asked.

What is checked is the address that is connected to, where the socket is made: not the URL, which
can be spelled in a hundred ways, and not a first look-up, which a second one may contradict. Names
are looked up once, here; every answer must be public; and the connection goes to these answers. No
proxy of the environment is used, no cookie kept, redirects are followed here, one by one, each as
if it were the first.

A host of `allow_private_hosts` has a session of its own, without these checks. Which session is
used is decided by host and port of each URL, so that another name for the same machine is refused.
Only an address or the user's own config leads there, never a redirect of a public host; and one
that is asked as a node or a provider is asked for nothing else, whatever a stranger's address says.

aiohttp was chosen over httpx: it sends four to eight times as many requests a CPU second, and has a
public place where each socket is made with the address it will be connected to.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from traitlens.collecting.addresses import authority, check_address, check_host, read_url
from traitlens.collecting.bodies import Room, read_body
from traitlens.collecting.fetch_config import FetchConfig
from traitlens.collecting.hosts import Host, Hosts
from traitlens.collecting.records import FetchError
from traitlens.plain_text import one_line

LookUp = Callable[[str, int], Awaitable[list[str]]]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"User-Agent": "traitlens", "Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a host answered, whatever its status."""

    status: int
    url: str  # after redirects
    media_type: str | None
    data: bytes
    retry_after_s: float | None
    host: Host
    content_range: str | None = None  # of a part (RFC 9110, 14.4), as sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a host; in secret where it has a key or a body of the user's.

    Then it is not redirected.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    is_secret: bool = False


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name, from the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Transport:
    """Open connections, to public hosts and to those that the user named. A context manager."""

    def __init__(self, config: FetchConfig, *, look_up: LookUp = look_up) -> None:
        self._config = config
        self._look_up = look_up
        self._nodes: set[str] = set()  # own hosts that are asked in secret
        self._slots = asyncio.Semaphore(config.concurrency)
        self._room = Room(config.max_held_bytes)
        self.requests: Counter[str] = Counter()
        self.hosts = Hosts(
            rate_per_s=config.per_host_rate,
            max_wait_s=config.max_wait_s,
            unhurried=lambda place: config.is_own(URL(f"http://{place}")),
        )

    async def __aenter__(self) -> Transport:
        guarded = aiohttp.TCPConnector(
            limit=0,
            resolver=_Resolver(self._look_up, is_guarded=True),
            socket_factory=public_socket,
            ttl_dns_cache=60,
        )
        own = aiohttp.TCPConnector(limit=0, resolver=_Resolver(self._look_up, is_guarded=False))
        self._public_session, self._own_session = self._session(guarded), self._session(own)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._public_session.close()
        await self._own_session.close()

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # it has no limit; see `bodies`
            trust_env=False,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._config.connect_s, sock_read=self._config.read_s
            ),
        )

    async def ask(self, question: Question, *, max_bytes: int) -> Answer:
        """Return what a host answers, after redirects.

        Raises FetchError where it may not be asked, cannot be reached, or sends too much.
        """
        left_s = self._config.total_s
        url, is_led = _parsed(question.url), False
        for _ in range(self._config.max_redirects + 1):
            session = self._session_for(url, is_secret=question.is_secret, is_led=is_led)
            host = self.hosts.of(authority(url))
            await host.turn()
            async with self._slots:
                start = time.monotonic()
                answer = await self._hop(session, url, question, host, max_bytes, left_s)
                left_s -= time.monotonic() - start
            if isinstance(answer, Answer):
                return answer
            if question.is_secret:
                raise FetchError("refused", f"{url.raw_host} redirects what is asked of it alone")
            url, is_led = answer, session is self._public_session
        raise FetchError(
            "too many redirects", f"more than {self._config.max_redirects} from {_host(question)}"
        )

    def _session_for(self, url: URL, *, is_secret: bool, is_led: bool) -> aiohttp.ClientSession:
        """Return who may ask for a URL, or raise FetchError; `is_led` by a public host."""
        if not self._config.is_own(url):
            check_host(url.raw_host or "")
            return self._public_session
        place = authority(url)
        if is_led:
            raise FetchError("forbidden address", f"a public host redirects to {place}")
        if is_secret:
            self._nodes.add(place)
        elif place in self._nodes:
            raise FetchError("forbidden address", f"{place} is a node, and no place for files")
        return self._own_session

    async def _hop(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        question: Question,
        host: Host,
        max_bytes: int,
        timeout_s: float,
    ) -> Answer | URL:
        """Return the answer, or where it redirects to; say whatever goes wrong as a FetchError."""
        try:
            async with (
                asyncio.timeout(timeout_s) as timer,
                await self._sent(session, url, question) as response,
            ):
                if response.status in _REDIRECTS and "Location" in response.headers:
                    return _parsed(response.headers["Location"], base=url)
                data = await read_body(response, max_bytes=max_bytes, room=self._room, timer=timer)
                return Answer(
                    status=response.status,
                    url=str(response.url),
                    media_type=_media_type(response.headers.get("Content-Type")),
                    data=data,
                    retry_after_s=_retry_after_s(response.headers.get("Retry-After")),
                    host=host,
                    content_range=response.headers.get("Content-Range"),
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _said(error, host.name) from None

    async def _sent(
        self, session: aiohttp.ClientSession, url: URL, question: Question
    ) -> aiohttp.ClientResponse:
        """Return an answer of which the head is there; count the request, unless nobody got it.

        aiohttp could tell when it is sent (TraceConfig), for a quarter of the time of a request.
        """
        self.requests[url.raw_host or ""] += 1
        try:
            return await session.request(
                "GET" if question.body is None else "POST",
                url,
                data=question.body,
                headers={**_HEADERS, **question.headers},
                allow_redirects=False,
            )
        except (FetchError, aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            self.requests[url.raw_host or ""] -= 1
            raise


def _host(question: Question) -> str:
    return URL(question.url).raw_host or ""


def _parsed(text: str, *, base: URL | None = None) -> URL:
    """Return a URL that can be asked for; raise FetchError for another."""
    try:
        url = read_url(text) if base is None else base.join(read_url(text))
        usable = url.scheme in ("http", "https") and url.raw_host and url.port
    except ValueError:
        usable = None
    if not usable:
        where = f"a redirect of {base.raw_host}" if base is not None else repr(text[:80])
        raise FetchError("unusable address", f"{where} leads to no http or https host")
    if url.raw_user is not None or url.raw_password is not None:
        raise FetchError("unusable address", f"{url.raw_host} with a name or a password in its URL")
    return url.with_fragment(None)


class _Resolver(AbstractResolver):
    """Looks names up, and lets only public addresses through where it is guarded."""

    def __init__(self, look_up: LookUp, *, is_guarded: bool) -> None:
        self._look_up, self._is_guarded = look_up, is_guarded

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return all addresses of a name; one that is not public spoils them all."""
        addresses = await self._look_up(host, port)
        if self._is_guarded:
            for address in addresses:
                check_address(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """There is nothing to close."""


def public_socket(found: tuple[Any, ...]) -> socket.socket:
    """Return a socket for an address that it may be connected to; raise FetchError for another."""
    family, kind, protocol, _, address = found
    check_address(str(address[0]))
    return socket.socket(family, kind, protocol)


def _media_type(header: str | None) -> str | None:
    return (header or "").split(";")[0].strip().lower() or None


def _retry_after_s(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3): a number or a date."""
    if header is None:
        return None
    try:
        if header.strip()[:1].isdigit():
            return min(float(header), 1e6)
        return min(max(0.0, parsedate_to_datetime(header).timestamp() - time.time()), 1e6)
    except (ValueError, TypeError, OverflowError):
        return None


def _said(error: Exception, host: str) -> FetchError:
    """Return what went wrong with a host, in the words of `FetchReason`.

    URLs are not in it, as they may hold a key.
    """
    if isinstance(error, TimeoutError):
        return FetchError("timed out", host)
    if isinstance(error, aiohttp.ClientConnectorError | socket.gaierror | ssl.SSLError):
        return FetchError("no connection", f"{host}: {_short(error)}")
    if isinstance(error, aiohttp.ClientResponseError):
        return FetchError("server error", f"{host} does not speak HTTP: {_short(error.message)}")
    if isinstance(error, ValueError):
        return FetchError("unusable address", f"{host} cannot be asked by this URL")
    return FetchError("cut off", f"{host}: {_short(error)}")


def _short(error: Exception | str) -> str:
    return one_line(str(error), max_chars=200) or type(error).__name__

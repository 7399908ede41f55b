"""An HTTP endpoint that speaks OpenAI's chat completions, asked with care.

The user names it, so it may be on this machine or in a private network. It is not trusted: answers
are bounded in bytes and seconds, redirects are not followed (the key would go along), and what is
not as the protocol says is an answer with a problem.
"""

from __future__ import annotations

import ipaddress
import json
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from traitlens import bounded_json
from traitlens.config import check_range
from traitlens.errors import ConfigError
from traitlens.plain_text import one_line

if TYPE_CHECKING:
    import httpx2

MAX_ANSWER_BYTES = 1 << 20
_AGAIN = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConfig:
    """Which endpoint and model write, and how patiently they are asked."""

    url: str  # "http://localhost:11434/v1"
    model: str
    batch: int = 8  # requests on the way at once
    rate_per_s: float | None = None  # requests begun a second, at most
    timeout_s: float = 120.0  # of one request
    tries: int = 6  # how often a request is sent, at most
    max_wait_s: float = 120.0  # between two tries; an endpoint that wants more is given up
    max_tokens: int = 1024  # of one answer
    seed: int = 0

    def __post_init__(self) -> None:
        split_url(self.url)
        if not self.model:
            raise ConfigError("model must be the name of a model of the endpoint; got ''")
        check_range("batch", self.batch, low=1, high=256)
        if self.rate_per_s is not None:
            check_range("rate_per_s", self.rate_per_s, low=1e-6)
        check_range("timeout_s", self.timeout_s, low=0.01, high=3600)
        check_range("tries", self.tries, low=1, high=100)
        check_range("max_wait_s", self.max_wait_s, low=0, high=86_400)
        check_range("max_tokens", self.max_tokens, low=16, high=1 << 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; a `status` of 0 means that nothing did."""

    status: int = 0
    value: Any = None  # the JSON, or None where it is none
    problem: str = ""
    wait_s: float | None = None  # as the endpoint asks for
    nobody: bool = False  # nothing listens there

    @property
    def is_passing(self) -> bool:
        """Whether the same question may be answered later."""
        return self.status in (0, 200) or self.status in _AGAIN or self.status >= 500


class Endpoint:
    """An open connection to an endpoint; `key` is sent as a bearer token and kept nowhere else."""

    def __init__(self, config: EndpointConfig, *, key: str | None) -> None:
        address = split_url(config.url)
        if key and not _may_have_key(address):
            raise ConfigError(f"a key is sent over https only; got {config.url!r}")
        if key and not (key.isascii() and key.isprintable()):
            raise ConfigError("the key must be one line of ASCII; it is not shown here")
        self.url = _completions(address)
        self._timeout_s = config.timeout_s
        self._key = key
        self._client = _client(config, address, key)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, body: dict[str, Any]) -> Answer:
        """Return the answer to a request; whatever goes wrong is said in it."""
        import httpx2

        try:
            return self._post(json.dumps(body).encode())
        except httpx2.TimeoutException:
            return Answer(problem=f"no answer in {self._timeout_s:g} s")
        except httpx2.ConnectError as error:
            return Answer(problem=one_line(str(error)), nobody=True)
        except httpx2.HTTPError as error:
            return Answer(problem=one_line(str(error)) or type(error).__name__)

    def _post(self, body: bytes) -> Answer:
        until, data = time.monotonic() + self._timeout_s, bytearray()
        with self._client.stream("POST", self.url, content=body) as response:
            for chunk in response.iter_raw():
                data += chunk
                if len(data) > MAX_ANSWER_BYTES:
                    return Answer(status=response.status_code, problem="too long an answer")
                if time.monotonic() > until:
                    return Answer(problem=f"no whole answer in {self._timeout_s:g} s")
        value = _json(self._without_key(bytes(data)))
        return Answer(
            status=response.status_code,
            value=value,
            problem=_problem(response.status_code, value),
            wait_s=_retry_after_s(response.headers.get("retry-after")),
        )

    def _without_key(self, data: bytes) -> bytes:
        """Return what was read without the key, which some endpoints repeat in their errors."""
        return data.replace(self._key.encode(), b"[key]") if self._key else data


def _client(config: EndpointConfig, address: SplitResult, key: str | None) -> httpx2.Client:
    import httpx2

    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return httpx2.Client(
        headers=headers,
        timeout=config.timeout_s,
        follow_redirects=False,
        trust_env=not _is_loopback(address.hostname or ""),  # no proxy between us and ourselves
        limits=httpx2.Limits(max_connections=config.batch),
    )


def _json(data: bytes) -> Any:
    try:
        return bounded_json.loads(data)
    except ValueError:
        return None


def _problem(status: int, value: Any) -> str:
    """Return what an endpoint says is wrong, in one line."""
    error = value.get("error") if isinstance(value, dict) else None
    said = error.get("message") if isinstance(error, dict) else error
    if isinstance(said, str) and said:
        return f"{status}: {one_line(said)}"
    return f"{status}" if status != 200 else "an answer that is no chat completion"


def _retry_after_s(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3): a number or a date."""
    if header is None:
        return None
    try:
        return max(0.0, min(float(header), 1e6)) if header.strip()[:1].isdigit() else _until(header)
    except (ValueError, TypeError):
        return None


def _until(date: str) -> float:
    return min(max(0.0, parsedate_to_datetime(date).timestamp() - time.time()), 1e6)


def split_url(url: str) -> SplitResult:
    """Return the parts of an endpoint's address; raise ConfigError for what is none."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"url must be like http://localhost:11434/v1; got {url!r}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError(
            "url must have no password, query or fragment; a key goes into a variable"
        )
    return parts


def _completions(address: SplitResult) -> str:
    path = address.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    return f"{address.scheme}://{address.netloc}{path}/chat/completions"


def _may_have_key(address: SplitResult) -> bool:
    """Return whether a key may be sent: encrypted, or no further than the own network."""
    host = address.hostname or ""
    if address.scheme == "https" or _is_loopback(host) or "." not in host.strip("."):
        return True
    if host.endswith((".local", ".lan", ".internal", ".home.arpa")):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""What providers share: a key that nothing shows, patience, and errors that are one sentence."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Protocol

from traitlens.collecting.providers import fields
from traitlens.collecting.providers.paging import Page, key_of_next
from traitlens.collecting.records import Contract, FetchError, FetchReason, ListedToken
from traitlens.errors import CollectError, ConfigError
from traitlens.plain_text import one_line

NO_URI = "no token URI"
PAGE_SIZE = 100  # the most that a page has, at either
WAITS_S = (1.0, 2.0, 4.0, 8.0, 16.0)  # after each good answer that holds an error that may pass

_ADVICE = {
    "refused": "the key in {variable} may be wrong, used up or not made for this chain",
    "rate limited": "wait a while, or take a plan with a higher limit",
}
_MAX_DETAIL_CHARS = 300
_HIDDEN = "[key]"
# HTTP's codes, and JSON-RPC's, of which the first is also that of a key that is no good.
_REASONS: Mapping[int, FetchReason] = {
    401: "refused",
    403: "refused",
    404: "not found",
    429: "rate limited",
    -32600: "refused",
    -32601: "unusable address",
    -32602: "unusable address",
}


class JsonGetter(Protocol):
    """Whoever brings JSON from a URL: the fetcher, with its guards, limits and retries."""

    async def get_json(
        self, url: str, *, params: Mapping[str, str] = ..., headers: Mapping[str, str] = ...
    ) -> object:
        """Return the decoded answer; raises `FetchError`."""
        ...


class KeyedProvider(ABC):
    """A provider that is asked with a key; see `providers.Provider`.

    A key travels in a header only. What HTTP says of patience is the fetcher's matter; an answer of
    status 200 that holds an error is waited out here.
    """

    name: ClassVar[str]
    variable: ClassVar[str]  # of the environment, for the key
    hosts: ClassVar[Mapping[str, str]]  # by the CAIP-2 name of the chain

    def __init__(
        self,
        fetcher: JsonGetter,
        *,
        key: str,
        chain: str = "eip155:1",
        base_url: str | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep a key and the address of a chain; raise ConfigError for one that is not served."""
        if chain not in self.hosts:
            served = ", ".join(self.hosts)
            raise ConfigError(f"{self.name} serves the chains {served}; got {chain!r}")
        self._fetcher = fetcher
        self._key = key
        self._chain = chain
        self._base_url = (base_url or f"https://{self.hosts[chain]}").rstrip("/")
        self._sleep = sleep

    @abstractmethod
    def _headers(self, key: str) -> Mapping[str, str]:
        """Return how the key is sent."""

    @abstractmethod
    def _opened(self, answer: object) -> object:
        """Return what an answer holds; raise `error_in` where that is an error."""

    async def _get(self, path: str, params: Mapping[str, str], *, about: str) -> Mapping[str, Any]:
        """Return the object in an answer; raise CollectError, in one sentence without the key."""
        url, headers = f"{self._base_url}/{path}", self._headers(self._key)
        for wait_s in (*WAITS_S, None):
            try:
                answer = await self._fetcher.get_json(url, params=params, headers=headers)
            except FetchError as error:
                raise self._failure(error, about) from None
            try:
                return fields.mapping(self._opened(answer))
            except FetchError as error:
                if error.for_good or wait_s is None:
                    raise self._failure(error, about) from None
            await self._sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    def _failure(self, error: FetchError, about: str) -> CollectError:
        advice = _ADVICE.get(error.reason, "").format(variable=self.variable)
        said = one_line(str(error).replace(self._key, _HIDDEN), max_chars=_MAX_DETAIL_CHARS)
        return CollectError(f"{self.name} did not list {about}: {said}{advice and '; ' + advice}")

    def _of(self, address: str) -> str:
        return f"{self.name}, {address} on {self._chain}"

    def _contract(
        self, address: str, data: Mapping[str, Any], *, standard: object, supply: object
    ) -> Contract:
        """Return the contract of a collection; raise CollectError where the provider has none."""
        known = fields.standard(standard)
        if known is None:
            raise CollectError(
                f"{address} on {self._chain} is no collection that {self.name} knows; it calls the "
                f"standard {one_line(str(standard))!r}"
            )
        return Contract(
            chain_id=self._chain,
            address=address,
            standard=known,
            name=fields.text(data.get("name")),
            symbol=fields.text(data.get("symbol")),
            total_supply=fields.whole(supply),
            recognised_by=self.name,
        )

    def _page(
        self,
        address: str,
        listed: object,
        next_key: object,
        token: Callable[[Mapping[str, Any], str], ListedToken],
    ) -> Page:
        """Return a page, its items read by `token`, which is told whose they are."""
        of = self._of(address)
        if not isinstance(listed, list):
            raise CollectError(f"{of}: the answer has no list of tokens")
        return Page(
            tokens=[token(fields.mapping(item), of) for item in listed],
            next_key=key_of_next(next_key, of=of),
        )


def key_from(environ: Mapping[str, str], variable: str, provider: str) -> str:
    """Return a provider's key; raise CollectError that names its variable, not what is in it."""
    key = environ.get(variable, "").strip()
    if not key:
        raise CollectError(f"{provider} needs a key: set {variable} in the environment")
    if not re.fullmatch(r"[!-~]+", key):
        raise CollectError(f"the key in {variable} has a character that no key has")
    return key


def token_id(*written: object, of: str) -> str:
    """Return the first of some spellings that is an id; raise CollectError where none is."""
    found = next((whole for value in written if (whole := fields.whole(value)) is not None), None)
    if found is None:
        raise CollectError(f"{of}: a token has the id {one_line(str(written[0]))!r}")
    return str(found)


def error_in(code: object, said: object) -> FetchError:
    """Return the error that an answer of status 200 tells by a code."""
    number = code if isinstance(code, int) else fields.whole(code)
    detail = one_line(str(said))
    if number is None:
        return FetchError("server error", f"no code, {detail}")
    other: FetchReason = "unusable address" if 400 <= number < 500 else "server error"
    return FetchError(_REASONS.get(number, other), f"code {number}, {detail}")

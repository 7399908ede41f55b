"""How a provider is asked: with a key that nothing shows, and errors that are one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from traitlens.collecting.records import FetchError
from traitlens.errors import CollectError, ConfigError
from traitlens.plain_text import one_line

_ADVICE = {
    "refused": "the key in {variable} may be wrong, used up or not made for this chain",
    "rate limited": "wait a while, or take a plan with a higher limit",
}
_DETAIL_CHARS = 300
_HIDDEN = "[key]"


class JsonGetter(Protocol):
    """Whoever brings JSON from a URL: the fetcher, with its guards, limits and retries."""

    async def get_json(
        self, url: str, *, params: Mapping[str, str] = ..., headers: Mapping[str, str] = ...
    ) -> object:
        """Return the decoded answer; raises `FetchError`."""
        ...


def key_from(environ: Mapping[str, str], variable: str, provider: str) -> str:
    """Return a provider's key; raise CollectError that names its variable, not what is in it."""
    key = environ.get(variable, "").strip()
    if not key:
        raise CollectError(f"{provider} needs a key: set {variable} in the environment")
    if not re.fullmatch(r"[!-~]+", key):
        raise CollectError(f"the key in {variable} has a character that no key has")
    return key


def checked_address(address: str) -> str:
    """Return a contract's address in lower case; raise CollectError for what is none."""
    if not re.fullmatch(r"0[xX][0-9a-fA-F]{40}", address):
        raise CollectError(f"{address!r} is no contract address; expected 0x and 40 hex digits")
    return address.lower()


def served(chain: str, chains: Mapping[str, str], provider: str) -> str:
    """Return what a provider calls a chain; raise ConfigError that lists the chains it serves."""
    if chain not in chains:
        raise ConfigError(f"{provider} serves the chains {', '.join(chains)}; got {chain!r}")
    return chains[chain]


def failure(
    error: FetchError, *, provider: str, variable: str, key: str, about: str
) -> CollectError:
    """Return what to tell the user of an answer that did not come: one sentence without the key.

    Raise it `from None`: a fetcher's own words are not ours to vouch for.
    """
    advice = _ADVICE.get(error.reason, "").format(variable=variable)
    said = one_line(str(error).replace(key, _HIDDEN), max_chars=_DETAIL_CHARS)
    return CollectError(f"{provider} did not list {about}: {said}{advice and '; ' + advice}")

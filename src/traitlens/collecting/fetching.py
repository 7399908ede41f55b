"""Files by their addresses, and JSON from nodes and providers, with patience and within limits.

    async with Fetcher(FetchConfig()) as fetcher:
        fetched = await fetcher.fetch("ipfs://bafy.../1.json")

Whatever is wrong with an address, a host or an answer is a FetchError with a reason.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from types import MappingProxyType

from yarl import URL

from traitlens import bounded_json
from traitlens.collecting.addresses import authority
from traitlens.collecting.answers import judged
from traitlens.collecting.fetch_config import FetchConfig
from traitlens.collecting.gateways import Gateway, Gateways
from traitlens.collecting.ipfs import Content, Ipfs
from traitlens.collecting.records import Fetched, FetchError, FetchReason
from traitlens.collecting.transport import Answer, LookUp, Question, Transport, look_up
from traitlens.collecting.uris import Uri, inline_content, parse_uri

__all__ = ["FetchConfig", "Fetcher"]

_ACCEPT = {"Accept": "*/*"}


class Fetcher:
    """A context manager that fetches for one run, and keeps connections, health and directories."""

    def __init__(
        self,
        config: FetchConfig | None = None,
        *,
        look_up: LookUp = look_up,
        rng: random.Random | None = None,
    ) -> None:
        self._config = config or FetchConfig()
        self._look_up = look_up
        self._rng = rng or random.Random()

    async def __aenter__(self) -> Fetcher:
        self._transport = await Transport(self._config, look_up=self._look_up).__aenter__()
        self._gateways = self._listed(self._config.gateways)
        self._arweave = self._listed(self._config.arweave)
        self._ipfs = Ipfs(self._gateways, self._transport.ask)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.__aexit__()

    def _listed(self, urls: tuple[str, ...]) -> Gateways:
        return Gateways([self._gateway(url) for url in urls], self._config, self._rng)

    def _gateway(self, url: str) -> Gateway:
        return Gateway(url=url, host=self._transport.hosts.of(authority(URL(url))))

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests that were really sent, by host, with each repetition, redirect and hedge."""
        return MappingProxyType(+self._transport.requests)

    async def fetch(
        self, uri: str, *, base: str | None = None, max_bytes: int | None = None
    ) -> Fetched:
        """Return what an address leads to; `base` is the address of the document it stands in.

        Raises FetchError for a bad address and a bad answer. `url` is where a browser would find
        the content; blocks and CAR files, which prove it, are asked for below other URLs.
        """
        limit = self._config.max_bytes if max_bytes is None else max_bytes
        content = await self._content(parse_uri(uri, base=base), limit)
        return Fetched(
            uri=uri,
            url=content.url,
            data=content.data,
            media_type=content.media_type,
            proof=content.proof,
            sha256=hashlib.sha256(content.data).hexdigest(),
        )

    async def _content(self, uri: Uri, max_bytes: int) -> Content:
        if uri.kind == "data":
            data, media_type = inline_content(uri, max_bytes=max_bytes)
            return Content(data=data, url="data:", media_type=media_type, proof="inline")
        if uri.kind == "ipfs":
            return await self._ipfs.fetch(uri, max_bytes=max_bytes)
        if uri.kind == "http":
            return await self._unproved(self._alone(uri.url), uri, max_bytes)
        gateways = self._arweave if uri.kind == "arweave" else self._gateways
        return await self._unproved(gateways, uri, max_bytes)

    def _alone(self, url: str) -> Gateways:
        """Return the host of a URL as one that nobody can stand in for."""
        return Gateways([self._gateway(url)], self._config, self._rng)

    async def _unproved(self, gateways: Gateways, uri: Uri, max_bytes: int) -> Content:
        async def ask(gateway: Gateway) -> Content:
            url = uri.url or uri.at(gateway.url)
            answer = judged(
                await self._transport.ask(Question(url=url, headers=_ACCEPT), max_bytes=max_bytes)
            )
            return Content(
                data=answer.data, url=answer.url, media_type=answer.media_type, proof="unverified"
            )

        return await gateways.first_good(ask)

    async def post_json(
        self, url: str, payload: object, *, headers: Mapping[str, str] = MappingProxyType({})
    ) -> object:
        """Return what a JSON-RPC node or a provider answers to `payload`, read from JSON.

        A JSON-RPC answer is returned also with an error status, as it says what is wrong; only one
        that may pass (429, 502, 503, ...) is tried again first. Raises FetchError otherwise.
        """
        body = json.dumps(payload).encode()
        return await self._json(url, {"Content-Type": "application/json", **headers}, body)

    async def get_json(
        self,
        url: str,
        *,
        params: Mapping[str, str] = MappingProxyType({}),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> object:
        """Return the JSON at a URL of a provider; raise FetchError where there is none."""
        try:
            full = str(URL(url).update_query(params)) if params else url
        except ValueError:
            raise FetchError("unusable address", "a provider's URL that is none") from None
        return await self._json(full, headers, None)

    async def _json(self, url: str, headers: Mapping[str, str], body: bytes | None) -> object:
        origin = parse_uri(url)
        if origin.kind != "http":
            raise FetchError("unusable address", "JSON is asked for by http or https")
        asked = {"Accept": "application/json", **headers}
        question = Question(url=origin.url, headers=asked, body=body, is_secret=True)

        async def ask(_: Gateway) -> object:
            answer = await self._transport.ask(question, max_bytes=self._config.max_json_bytes)
            value = _read_json(answer)
            if 400 <= answer.status < 501 and answer.status != 429 and _is_rpc(value):
                return value
            judged(answer)
            if value is None:
                raise FetchError("server error", f"{answer.host.name} sent no JSON")
            return value

        # A question that took too long takes as long again; whoever asks can ask for less.
        final: set[FetchReason] = {"timed out", "too large"}
        try:
            return await self._alone(origin.url).first_good(
                ask, retries=self._config.json_retries, final=final
            )
        except FetchError as error:
            if error.reason != "forbidden address":
                raise
            own = f"if it is yours, add --allow-private-hosts {authority(URL(origin.url))}"
            raise FetchError(error.reason, f"{error.detail}; {own}") from None


def _read_json(answer: Answer) -> object:
    try:
        return bounded_json.loads(answer.data)
    except ValueError:
        return None


def _is_rpc(value: object) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and "jsonrpc" in first

"""JSON-RPC with a node that caps, refuses, forgets and shuffles.

JSON-RPC 2.0: https://www.jsonrpc.org/specification
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from traitlens.collecting.records import FetchError, FetchReason
from traitlens.collecting.rpc_errors import ErrorKind, kind_of
from traitlens.errors import CollectError
from traitlens.plain_text import one_line

Call = tuple[str, list[Any]]  # a method and its parameters
T = TypeVar("T")

_QUANTITY = re.compile("0x[0-9a-fA-F]{1,64}")
# A provider's machines are not all equally far, so a block may be there at the next try.
_WAIT: frozenset[ErrorKind] = frozenset({"rate limited", "no block"})
_ASK_AGAIN: frozenset[ErrorKind] = _WAIT | {"malformed"}
_MAY_PASS: frozenset[ErrorKind] = _ASK_AGAIN | {"down", "other"}
# What no other way of asking would change.
OF_THE_NODE: frozenset[ErrorKind] = _WAIT | {"refused", "no state"}
_FIRST_WAIT_S = 0.5
_SHORTEST_KEY = 8  # characters
_SIDE_BY_SIDE = 8  # single calls on the way at once
_ADVICE: dict[ErrorKind, str] = {
    "no state": "use a node that has this block (an archive node), or a later --block",
    "no block": "use another node, or an older --block",
    "rate limited": "wait a while, or use another node",
}
_KIND_OF_REASON: dict[FetchReason, ErrorKind] = {  # the others are "refused"
    "too large": "too much",
    "timed out": "down",
    "cut off": "down",
    "server error": "down",
    "rate limited": "rate limited",
}


class Poster(Protocol):
    """Whoever sends JSON and brings back JSON: the fetcher, with its guards, limits and retries."""

    async def post_json(
        self, url: str, payload: object, *, headers: Mapping[str, str] = ...
    ) -> object:
        """Return the decoded answer; raises `FetchError`."""
        ...


class RpcError(CollectError):
    """A node said no, or nothing that could be understood.

    `kind` says what to do about it, `said` is what the node said and `data` what it sent along.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        said: str = "",
        data: object = None,
    ) -> None:
        advice = _ADVICE.get(kind)
        super().__init__(f"{message}; {advice}" if advice else message)
        self.kind: ErrorKind = kind
        self.said = said
        self.data = data


class Adaptive:
    """How much to ask for at once: less after a refusal, more again after some successes.

    A lasting cap that the node named is never passed again; after each other refusal it takes twice
    as many successes until more is tried.
    """

    def __init__(self, start: int, *, most: int) -> None:
        self.size = start
        self._most = most
        self._patience = 2
        self._successes = 0

    def shrink(self, asked: int, *, to: int | None = None, lasting: bool = True) -> None:
        """Ask for half of what was `asked`, or for what the node said that it takes."""
        self._successes = 0
        is_named = to is not None and 0 < to < asked
        self.size = to if to is not None and is_named else max(1, min(self.size, asked // 2))
        if is_named and lasting:
            self._most = self.size
        else:
            self._patience = min(self._patience * 2, 16)

    def grow(self) -> None:
        """Tell that a portion went well."""
        self._successes += 1
        if self._successes >= self._patience:
            self.size = min(self.size * 2, self._most)
            self._successes = 0


class Rpc:
    """A node, asked through a fetcher.

    `sleep` waits where the node asks for patience inside an answer; what HTTP says of it is the
    fetcher's affair. Errors name the node's host only: the rest of its address is often a key.
    """

    def __init__(
        self,
        fetcher: Poster,
        url: str,
        *,
        tries: int = 5,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._fetcher = fetcher
        self._url = url
        self._host = _host(url)
        self._tries = tries
        self._sleep = sleep
        self._last_id = 0
        self._sizes: dict[str, Adaptive] = {}
        self._batches = self.adaptive("calls in a batch", 40, most=100)
        self._learnt: dict[Hashable, Any] = {}

    def adaptive(self, what: str, start: int, *, most: int) -> Adaptive:
        """Return how much of something this node takes at once, as far as that is known."""
        return self._sizes.setdefault(what, Adaptive(start, most=most))

    async def once(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what `ask` found when it was first asked under this key."""
        if key not in self._learnt:
            self._learnt[key] = await ask()
        found: T = self._learnt[key]
        return found

    async def call(
        self,
        method: str,
        params: Sequence[Any],
        *,
        tries: int | None = None,
        alternative: bool = False,
        due: bool = False,
    ) -> object:
        """Return the result of one method; raises `RpcError`, after some tries if it may pass.

        An `alternative`, as to ask for less, is better than the same once more, unless the node
        says to wait. Where a result is `due`, null comes from a machine that is a block behind.
        """
        tries = self._tries if tries is None else tries
        passing = _ASK_AGAIN if alternative else _MAY_PASS
        for attempt in range(tries):
            try:
                return await self._call_once(method, params, due=due)
            except RpcError as error:
                if error.kind not in passing or attempt + 1 == tries:
                    raise
            await self._wait(attempt)
        raise AssertionError("the last try returns or raises")

    async def batch(self, calls: Sequence[Call]) -> list[object]:
        """Return the result of each call, or its `RpcError`, in the order of the calls.

        Calls go in batches as large as the node takes, in the end one by one. What is left
        unanswered (a wrong id, null, "wait") is asked again. Where the node answers nobody, by a
        limit on its rate or at all, that is raised.
        """
        answers: dict[int, object] = {}
        left, waits = list(range(len(calls))), 0  # waits in a row
        while left:
            some = left[: max(self._batches.size, 1)]
            if len(some) == 1:
                await self._one_by_one(calls, left[:_SIDE_BY_SIDE], answers)
            elif (wait_for := await self._some(calls, some, answers)) is not None:
                waits += 1
                if waits == self._tries:
                    raise wait_for
                await self._wait(waits - 1)
            else:
                waits = 0
            left = [index for index in left if index not in answers]
        return [answers[index] for index in range(len(calls))]

    async def _some(
        self, calls: Sequence[Call], some: list[int], answers: dict[int, object]
    ) -> RpcError | None:
        """Send one batch and note its answers; returns the error where the node said to wait."""
        try:
            got = await self._batch_once([calls[index] for index in some])
        except RpcError as error:
            if error.kind in _WAIT:
                return error
            self._batches.shrink(len(some), to=1 if error.kind == "refused" else None)
            return None
        answers.update((i, a) for i, a in zip(some, got, strict=True) if not _must_wait(a))
        if any(index in answers for index in some):
            self._batches.grow()
            return None
        waiting = [a for a in got if isinstance(a, RpcError) and a.kind in _WAIT]
        if not waiting:
            self._batches.shrink(len(some))
        return waiting[0] if waiting else None

    async def _one_by_one(
        self, calls: Sequence[Call], some: list[int], answers: dict[int, object]
    ) -> None:
        outcomes = await asyncio.gather(*(self._outcome(calls[index]) for index in some))
        for index, outcome in zip(some, outcomes, strict=True):
            if isinstance(outcome, RpcError) and outcome.kind in (*_WAIT, "refused"):
                raise outcome
            answers[index] = outcome
        self._batches.grow()

    async def _outcome(self, call: Call) -> object:
        try:
            return await self.call(*call)
        except RpcError as error:
            return error

    async def _call_once(self, method: str, params: Sequence[Any], *, due: bool) -> object:
        request = self._request(method, params)
        answer = self._read(await self._post(request), request["id"])
        if answer is None and due:
            answer = RpcError(f"{self._host} answers {method} with nothing", kind="no block")
        if isinstance(answer, RpcError):
            raise answer
        return answer

    async def _batch_once(self, calls: Sequence[Call]) -> list[object]:
        """Return an answer or an `RpcError` a call; raises where the batch itself was refused."""
        requests = [self._request(method, params) for method, params in calls]
        reply = await self._post(requests)
        if not isinstance(reply, list):
            raise self._refusal(reply)
        by_id: dict[object, list[object]] = {}
        for item in reply:
            name = item.get("id") if isinstance(item, dict) else None
            by_id.setdefault(name if isinstance(name, int | str) else None, []).append(item)
        return [self._pick(by_id, request["id"]) for request in requests]

    def _pick(self, by_id: Mapping[object, list[object]], request_id: int) -> object:
        found = by_id.get(request_id, [])
        if len(found) != 1:
            return self._malformed(f"{len(found)} answers to one call of a batch")
        return self._read(found[0], request_id)

    def _request(self, method: str, params: Sequence[Any]) -> dict[str, Any]:
        self._last_id += 1
        return {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": list(params)}

    async def _post(self, payload: object) -> object:
        try:
            return await self._fetcher.post_json(self._url, payload)
        except FetchError as error:
            said = one_line(self._without_key(str(error)), max_chars=400)
            kind = _KIND_OF_REASON.get(error.reason, "refused")
            if error.reason in ("refused", "server error"):  # then the answer's words say more
                words = kind_of(said.replace(self._host, ""))
                kind = kind if words == "other" else words
            raise RpcError(f"{self._host}: {said}", kind=kind, said=said) from None

    def _read(self, reply: object, request_id: int) -> object:
        """Return the result in an answer, or the `RpcError` that it is."""
        if not isinstance(reply, dict):
            return self._malformed("no JSON-RPC answer")
        if reply.get("error") is not None:
            return self._refusal(reply)
        if "result" not in reply or reply.get("id") != request_id:
            return self._malformed("an answer to something else")
        return reply["result"]

    def _refusal(self, reply: object) -> RpcError:
        error = reply.get("error") if isinstance(reply, dict) else None
        if isinstance(error, str):
            error = {"message": error}
        if not isinstance(error, dict):
            return self._malformed("no JSON-RPC answer")
        code, data = error.get("code"), error.get("data")
        code = code if isinstance(code, int) else None
        said = [text for text in (error.get("message"), _said_in(data)) if isinstance(text, str)]
        message = one_line(self._without_key(": ".join(said)), max_chars=400) or "an error"
        kind = kind_of(message, code=code)
        return RpcError(f"{self._host} says {message!r}", kind=kind, said=message, data=data)

    def _malformed(self, what: str) -> RpcError:
        return RpcError(f"{self._host} sent {what}", kind="malformed")

    def _without_key(self, text: str) -> str:
        """Return a text without the node's address beyond its host."""
        for part in (self._url, *re.split("[/?&=:@]+", self._url.partition("://")[2])):
            if len(part) >= _SHORTEST_KEY and part != self._host:
                text = text.replace(part, "[address]")
        return text

    async def _wait(self, attempt: int) -> None:
        await self._sleep(_FIRST_WAIT_S * 2**attempt)


def _host(url: str) -> str:
    """Return the host of a node's address; raises `CollectError` for what is none."""
    try:
        address = urlsplit(url)
    except ValueError:
        address = urlsplit("")
    if address.scheme not in ("http", "https") or not address.hostname:
        said = f"{address.scheme}://..." if address.scheme else "something else"
        raise CollectError(f"--rpc takes the http or https address of a node; got {said}")
    return address.hostname


def _must_wait(answer: object) -> bool:
    return isinstance(answer, RpcError) and answer.kind in _ASK_AGAIN


def _said_in(data: object) -> object:
    """Return the sentence that some put into an error's `data` (Tenderly, jsonrpsee)."""
    if isinstance(data, dict):
        return data.get("payload") or data.get("message")
    return None if isinstance(data, str) and data.startswith("0x") else data


def quantity(value: object) -> int:
    """Return a number written as JSON-RPC writes it, "0x1f"; raises `RpcError` for what is none."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise _no_hex(value)


def blob(value: object) -> bytes:
    """Return the bytes that a hex string holds; raises `RpcError` for what is none."""
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return bytes.fromhex(value[2:])
    except ValueError:
        pass
    raise _no_hex(value)


def _no_hex(value: object) -> RpcError:
    return RpcError(f"the node sent {str(value)[:80]!r} where hex was due", kind="malformed")

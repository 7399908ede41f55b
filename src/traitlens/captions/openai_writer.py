"""Captions from an endpoint that speaks OpenAI's chat completions: hosted, vLLM, Ollama, llama.cpp.

429, 408, 409, 5xx, a timeout or garbage   asked again, later and later
401, 403, 404, a redirect, nobody there    the end, in one sentence
another 4xx                                this token has no caption
"""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from threading import Event, Thread
from typing import Any

from traitlens.captions.endpoint import Answer, Endpoint, EndpointConfig
from traitlens.captions.pace import Pace
from traitlens.captions.writer import Reply, Request, as_caption, instructions, question
from traitlens.errors import ModelError

_STOP = {401: "refuses the key", 403: "refuses the key", 404: "has no such model or address"}
_OTHER_NAME = {"max_tokens": "max_completion_tokens"}  # what newer models want instead


class OpenAIWriter:
    """A `CaptionWriter` that asks an endpoint; use it in a `with` block.

    `key` is sent as a bearer token and kept nowhere.
    """

    def __init__(self, config: EndpointConfig, *, key: str | None = None) -> None:
        self._config = config
        self._endpoint = Endpoint(config, key=key)
        self._closed = Event()
        self._pace = Pace(config.rate_per_s, sleep=self._closed.wait)
        self._optional: dict[str, Any] = {
            "temperature": 0,
            "seed": config.seed,
            "max_tokens": config.max_tokens,
        }

    def __enter__(self) -> OpenAIWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()  # wakes those who wait for their turn
        self._endpoint.close()

    @property
    def batch(self) -> int:
        return self._config.batch

    def describe(self) -> dict[str, Any]:
        """Return the endpoint and the model."""
        config = self._config
        return {
            "kind": "openai",
            "url": self._endpoint.url,
            "model": config.model,
            "seed": config.seed,
            "max_tokens": config.max_tokens,
        }

    def replies(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """Yield one reply a request, in order, with `batch` requests on the way."""
        under_way: deque[Future[Reply]] = deque()
        for request in requests:
            under_way.append(self._start(request))
            if len(under_way) >= self.batch:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()

    def _start(self, request: Request) -> Future[Reply]:
        """Return the future reply; its thread is a daemon, so an interrupt need not wait."""
        future: Future[Reply] = Future()

        def run() -> None:
            try:
                future.set_result(self._reply(request))
            except Exception as error:  # handed to the one who asks for the reply
                future.set_exception(error)

        Thread(target=run, daemon=True).start()
        return future

    def _reply(self, request: Request) -> Reply:
        answer, tries = Answer(), 0
        while tries < self._config.tries:
            tries += 1
            self._pace.wait()
            if self._closed.is_set():
                raise ModelError("the writer was closed while it was asked")
            sent = dict(self._optional)
            answer = self._endpoint.ask(self._body(request, sent))
            if reply := _as_reply(answer):
                return reply
            self._refuse_hopeless(answer)
            if self._leave_out(answer, sent):
                tries -= 1  # a field less is another question
            elif not answer.is_passing:
                break
            elif tries < self._config.tries:
                self._wait(answer, tries)
        return self._last_word(answer)

    def _body(self, request: Request, optional: dict[str, Any]) -> dict[str, Any]:
        return {"model": self._config.model, "messages": _messages(request), **optional}

    def _refuse_hopeless(self, answer: Answer) -> None:
        """Raise ModelError for an answer after which no other request can do better."""
        where = f"{self._endpoint.url} (model {self._config.model!r})"
        if answer.status in _STOP:
            raise ModelError(f"{where} {_STOP[answer.status]}: {answer.problem}")
        if 300 <= answer.status < 400:
            raise ModelError(f"{where} sends elsewhere ({answer.status}); give the right address")
        if answer.wait_s is not None and answer.wait_s > self._config.max_wait_s:
            raise ModelError(
                f"{where} asks to wait {answer.wait_s:.0f} s; what is written is kept, "
                "run the same command again then"
            )

    def _leave_out(self, answer: Answer, sent: dict[str, Any]) -> bool:
        """Return whether the endpoint refuses an optional field; it is left out from then on."""
        if answer.status not in (400, 422):
            return False
        for name in sent:
            if name in answer.problem:
                value = self._optional.pop(name, None)
                if name in _OTHER_NAME and value is not None:
                    self._optional[_OTHER_NAME[name]] = value
                return True
        return False

    def _wait(self, answer: Answer, tries: int) -> None:
        seconds = min(2.0 ** (tries - 1), self._config.max_wait_s)
        seconds = seconds if answer.wait_s is None else answer.wait_s
        if answer.status == 429:
            self._pace.hold(seconds)  # the others are too fast as well
        else:
            self._closed.wait(seconds)

    def _last_word(self, answer: Answer) -> Reply:
        if answer.nobody:
            raise ModelError(f"nobody answers at {self._endpoint.url}: {answer.problem}")
        if answer.status == 429:
            raise ModelError(
                f"{self._endpoint.url} still refuses more requests after "
                f"{self._config.tries} tries: {answer.problem}; a lower rate may help"
            )
        return Reply(problem=answer.problem)


def _messages(request: Request) -> list[dict[str, Any]]:
    asked: Any = question(request)
    if request.picture is not None:
        data = base64.b64encode(request.picture).decode()
        image = {"url": f"data:image/png;base64,{data}"}
        asked = [{"type": "text", "text": asked}, {"type": "image_url", "image_url": image}]
    return [
        {"role": "system", "content": instructions()},
        {"role": "user", "content": asked},
    ]


def _as_reply(answer: Answer) -> Reply | None:
    """Return the caption in an answer, or None where it has none."""
    try:
        message = answer.value["choices"][0]["message"]
        content = message["content"]
        if isinstance(content, list):  # in parts
            content = " ".join(str(part.get("text", "")) for part in content)
    except (TypeError, KeyError, IndexError, AttributeError):
        return None
    if answer.status != 200 or not isinstance(content, str):
        return None
    caption = as_caption(content)
    usage = answer.value.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        caption=caption,
        problem=None if caption else "an empty answer",
        prompt_tokens=_count(usage.get("prompt_tokens")),
        caption_tokens=_count(usage.get("completion_tokens")),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 40 else 0

"""An endpoint is asked with patience, and trusted with nothing."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.captions.chat_server import Fault, Server, chat_server, failed, honest, said
from traitlens.captions import EndpointConfig, OpenAIWriter, Reply, Request, openai_writer
from traitlens.captions.endpoint import MAX_ANSWER_BYTES
from traitlens.errors import ConfigError, ModelError
from traitlens.records import Trait

ASKED = Request(collection="apes", traits=(Trait("Hat", "Cap"), Trait("Fur", "Blue")))
WRITTEN = "A apes picture showing cap hat, blue fur."


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting takes no time here; what was waited for is noted."""
    noted: list[float] = []

    class Quick(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout is not None and timeout > 0.3:
                noted.append(timeout)
                timeout = 0.001
            return super().wait(timeout)

    monkeypatch.setattr(openai_writer, "Event", Quick)
    return noted


def ask(
    server: Server,
    requests: Iterable[Request] = (ASKED,),
    *,
    key: str | None = None,
    **options: Any,
) -> list[Reply]:
    config = EndpointConfig(url=server.url, model="m", **{"tries": 3, "batch": 1, **options})
    with OpenAIWriter(config, key=key) as writer:
        return list(writer.replies(requests))


def test_the_model_is_asked_about_the_traits_and_its_answer_is_the_caption() -> None:
    with chat_server() as server:
        (reply,) = ask(server, key="secret")
    assert reply == Reply(caption=WRITTEN, prompt_tokens=100, caption_tokens=20)
    (sent,) = server.requests
    assert (sent["model"], sent["temperature"], sent["seed"]) == ("m", 0, 0)
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert server.headers[0]["Authorization"] == "Bearer secret"


def test_a_picture_goes_along_as_a_data_uri() -> None:
    shown = Request(collection="apes", traits=ASKED.traits, picture=b"PNG")
    with chat_server() as server:
        ask(server, [shown])
    text, image = server.requests[0]["messages"][1]["content"]
    assert text["type"] == "text"
    data = base64.b64encode(b"PNG").decode()
    assert image == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def test_an_answer_in_parts_is_put_together() -> None:
    parts = [{"type": "text", "text": "An ape"}, {"type": "text", "text": "in a cap."}]
    body = json.dumps({"choices": [{"message": {"content": parts}}]}).encode()
    with chat_server([Fault(body=body)]) as server:
        assert ask(server)[0].caption == "An ape in a cap."


@pytest.mark.parametrize(
    "fault",
    [
        failed(500),
        failed(503),
        failed(408),
        Fault(body=b"<html>oops"),
        Fault(body=b"[" * 100_000),
        Fault(body=b'{"choices": []}'),
        Fault(body=b'{"choices": [{"message": {"content": null}}]}'),
        Fault(body=b"null"),
        Fault(body=b"x" * (MAX_ANSWER_BYTES + 1)),
        Fault(body=b"\x1f\x8b\x08 no gzip", headers={"Content-Encoding": "gzip"}),
    ],
)
def test_what_may_pass_is_asked_again(fault: Fault, waits: list[float]) -> None:
    with chat_server([fault, fault]) as server:
        assert ask(server)[0].caption == WRITTEN
    assert len(server.requests) == 3
    assert waits == [1.0, 2.0], "later and later"


def test_what_does_not_pass_is_a_reply_with_the_reason(waits: list[float]) -> None:
    with chat_server([failed(500, "out of\nmemory")] * 3) as server:
        first, second = ask(server, [ASKED, ASKED])
    assert first.problem == "500: out of memory"
    assert second.caption == WRITTEN, "the next token has its own tries"


def test_too_many_requests_wait_as_long_as_they_are_told(waits: list[float]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    script = [failed(429, Retry_After="7"), failed(429, Retry_After=soon)]
    with chat_server(script) as server:
        assert ask(server)[0].caption == WRITTEN
    assert waits[0] == pytest.approx(7, abs=0.5)
    assert waits[1] == pytest.approx(59, abs=2), "a date, of whole seconds"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (failed(401, "bad key"), "refuses the key: 401: bad key"),
        (failed(403), "refuses the key"),
        (failed(404, "no model m"), "has no such model or address: 404: no model m"),
        (Fault(307, headers={"Location": "http://127.0.0.1:1/"}), "give the right address"),
        (failed(429, Retry_After="86400"), "asks to wait 86400 s"),
    ],
)
def test_what_cannot_get_better_ends_the_run_in_one_sentence(fault: Fault, message: str) -> None:
    with chat_server(otherwise=lambda _: fault) as server:
        with pytest.raises(ModelError) as caught:
            ask(server)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
    assert len(server.requests) == 1


def test_an_endless_429_ends_the_run(waits: list[float]) -> None:
    with (
        chat_server(otherwise=lambda _: failed(429, "quota")) as server,
        pytest.raises(ModelError, match="still refuses more requests after 3 tries: 429: quota"),
    ):
        ask(server)


def test_nobody_at_the_address_ends_the_run(waits: list[float]) -> None:
    with chat_server() as server:
        pass
    with pytest.raises(ModelError, match="nobody answers at http://127"):
        ask(server)


def test_a_refused_question_costs_one_token_only() -> None:
    with chat_server([failed(400, "content policy")]) as server:
        first, second = ask(server, [ASKED, ASKED])
    assert (first.problem, second.caption) == ("400: content policy", WRITTEN)


def test_a_field_that_the_endpoint_does_not_know_is_left_out_for_good() -> None:
    def newer(request: dict[str, Any]) -> Fault:
        for name in ("max_tokens", "temperature"):
            if name in request:
                return failed(400, f"Unsupported parameter: '{name}'")
        return honest(request)

    with chat_server(otherwise=newer) as server:
        replies = ask(server, [ASKED, ASKED], tries=1)
    assert [reply.caption for reply in replies] == [WRITTEN] * 2
    assert len(server.requests) == 4
    assert server.requests[-1]["max_completion_tokens"] == 1024


def test_an_endpoint_that_is_too_slow_is_given_up(waits: list[float]) -> None:
    never = threading.Event()
    with chat_server([Fault(wait=never)] * 3) as server:
        (reply,) = ask(server, timeout_s=0.05)
        never.set()
    assert reply.problem == "no answer in 0.05 s"


def test_many_are_under_way_at_once_but_no_more_than_the_batch_and_in_order() -> None:
    requests = [Request(collection=f"c{n}", traits=ASKED.traits) for n in range(12)]
    together = threading.Barrier(3, timeout=5)

    def all_three(request: dict[str, Any]) -> Fault:
        together.wait()  # nobody is answered before three have asked
        return honest(request)

    with chat_server(otherwise=all_three) as server:
        replies = ask(server, requests, batch=3)
    assert server.most_at_once == 3
    assert [r.caption.split()[1] for r in replies] == [f"c{n}" for n in range(12)]


def test_a_rate_holds_requests_back() -> None:
    with chat_server() as server:
        begun = time.monotonic()
        ask(server, [ASKED] * 6, batch=6, rate_per_s=50)
        assert time.monotonic() - begun >= 5 / 50, "the first goes at once, the others in turn"


def test_requests_are_made_one_by_one_not_all_before_the_first_answer() -> None:
    made = []

    def requests() -> Iterator[Request]:
        for number in range(100):
            made.append(number)
            yield ASKED

    with (
        chat_server() as server,
        OpenAIWriter(EndpointConfig(url=server.url, model="m", batch=2)) as writer,
    ):
        next(writer.replies(requests()))
    assert len(made) <= 3


def test_a_key_that_the_endpoint_repeats_is_nowhere_in_what_is_kept() -> None:
    def repeats(_: dict[str, Any]) -> Fault:
        return said("Your key is sk-12345, an ape.")

    with chat_server([failed(400, "bad key sk-12345"), repeats]) as server:
        refused, answered = ask(server, [ASKED, ASKED], key="sk-12345")
        with OpenAIWriter(EndpointConfig(url=server.url, model="m"), key="sk-12345") as writer:
            described = json.dumps(writer.describe())
    for text in (refused.problem or "", answered.caption, described):
        assert text
        assert "sk-12345" not in text


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1/chat/completions"),
        ("https://api.example.com/v1/", "https://api.example.com/v1/chat/completions"),
        ("http://[::1]:8000/v1/chat/completions", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_an_address_may_be_given_with_or_without_its_end(given: str, asked: str) -> None:
    with OpenAIWriter(EndpointConfig(url=given, model="m")) as writer:
        assert writer.describe()["url"] == asked


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "localhost:11434"}, "url must be like http://localhost:11434/v1"),
        ({"url": "ftp://a/v1"}, "url must be like"),
        ({"url": "http://[::1/v1"}, "url must be like"),
        ({"url": "http://me:word@host/v1"}, "no password"),
        ({"url": "http://host/v1?key=1"}, "no password, query"),
        ({"model": ""}, "model must be"),
        ({"batch": 0}, "batch must be in"),
        ({"timeout_s": 0}, "timeout_s must be in"),
        ({"tries": 0}, "tries must be in"),
        ({"rate_per_s": 0}, "rate_per_s must be"),
    ],
)
def test_a_wrong_option_is_refused_with_what_would_do(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        EndpointConfig(**{"url": "http://localhost/v1", "model": "m", **options})


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://api.example.com/v1", True),
        ("http://127.0.0.1:8000/v1", True),
        ("http://192.168.1.5:8000/v1", True),
        ("http://gpu-box:8000/v1", True),
        ("http://api.example.com/v1", False),
        ("http://8.8.8.8/v1", False),
    ],
)
def test_a_key_leaves_the_own_network_encrypted_only(url: str, sent: bool) -> None:
    config = EndpointConfig(url=url, model="m")
    if sent:
        OpenAIWriter(config, key="k")
    else:
        with pytest.raises(ConfigError, match="https only"):
            OpenAIWriter(config, key="k")


def test_a_key_that_is_no_line_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        OpenAIWriter(EndpointConfig(url="http://localhost/v1", model="m"), key="sec\nret")
    assert "sec" not in str(caught.value)

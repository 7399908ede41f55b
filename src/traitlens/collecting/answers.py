"""What the status of an HTTP answer means for whoever asked."""

from __future__ import annotations

from typing import Protocol

from traitlens.collecting.records import FetchError, FetchReason
from traitlens.collecting.transport import Answer, Question
from traitlens.plain_text import one_line

_REASONS: dict[int, FetchReason] = {
    404: "not found",
    408: "timed out",
    410: "not found",
    413: "too large",
    425: "rate limited",
    429: "rate limited",
    504: "timed out",
    524: "timed out",  # Cloudflare: the server behind it did not answer
}


class Asker(Protocol):
    """Sends one request: `Transport.ask`."""

    async def __call__(self, question: Question, *, max_bytes: int) -> Answer: ...


def judged(answer: Answer) -> Answer:
    """Return an answer of status 200; raise FetchError with what another one means.

    A host that says when it may be asked again (Retry-After) is left alone until then.
    """
    if answer.status == 200:
        return answer
    if answer.retry_after_s is not None and answer.status in (429, 503):
        answer.host.hold(answer.retry_after_s)
    reason = _REASONS.get(answer.status, "refused" if answer.status < 500 else "server error")
    said = one_line(answer.data[:1200].decode("utf-8", "replace"), max_chars=300)
    raise FetchError(
        reason, f"{answer.status} from {answer.host.name}" + (f": {said}" if said else "")
    )

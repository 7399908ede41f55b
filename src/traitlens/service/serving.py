"""What the endpoints share: the index, the threads that ask it, and what is counted of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, Unpack

from traitlens.errors import QueryError, TraitlensError
from traitlens.models.encoder import Encoder
from traitlens.retrieval import Explanation, Index
from traitlens.retrieval.searching import SearchOptions
from traitlens.service.config import ServeConfig
from traitlens.service.live_index import LiveIndex, Served
from traitlens.service.measuring import Metrics
from traitlens.service.schemas import AnswerOut, answer_out
from traitlens.service.uploads import Uploads

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_LOOKUP_THREADS = 2


class Service:
    """The index that is served, asked by a few threads.

    What takes long and what is merely looked up have threads of their own. A request that is given
    up leaves its thread to end by itself, which is why there are few: what then waits for one is
    given up in its turn.
    """

    def __init__(
        self,
        path: Path,
        config: ServeConfig,
        *,
        load_encoder: Callable[[str], Encoder] | None = None,
    ) -> None:
        self.config = config
        self.live = LiveIndex(path, load_encoder=load_encoder)
        self.uploads = Uploads(max_bytes=config.max_body_bytes)
        self.metrics = Metrics()
        self._searches = ThreadPoolExecutor(config.threads, "search")
        self._lookups = ThreadPoolExecutor(_LOOKUP_THREADS, "lookup")
        # One at a time, also after one whom nobody waits for: each encodes some 250 pictures.
        self._explanations = ThreadPoolExecutor(1, "explanation")

    async def search(self, words: str | None = None, **options: Unpack[SearchOptions]) -> AnswerOut:
        """Return the answer to a search (`Index.search`), encoded with others that wait."""
        self._check(**options)

        def answered(served: Served) -> AnswerOut:
            return answer_out(served.answer(served.index.ask(words, **options)))

        return await self._in(self._searches, answered)

    async def asked(self, question: Callable[[Index], T]) -> T:
        """Return what the index says to a question that may take it long."""
        return await self._in(self._searches, lambda served: question(served.index))

    async def explained(self, token: str, words: str) -> Explanation:
        """Return why a token answers some words."""
        return await self._in(self._explanations, lambda served: served.index.explain(token, words))

    async def looked_up(self, question: Callable[[Index], T]) -> T:
        """Return what the index says to a question of milliseconds."""
        return await self._in(self._lookups, lambda served: question(served.index))

    async def watch(self) -> None:
        """Take the place of an index by a newer one when there is one."""
        while True:
            await asyncio.sleep(self.config.reload_s)
            try:
                if await asyncio.to_thread(self.live.refresh):
                    self.metrics.reloads.inc()
            except TraitlensError as error:
                _LOG.warning("the newer index is not served: %s", error)

    def close(self) -> None:
        """Let go of the index and the decoder; what nobody waits for any more is not begun."""
        for threads in (self._searches, self._lookups, self._explanations):
            threads.shutdown(wait=False, cancel_futures=True)
        self.uploads.close()
        self.live.close()

    async def _in(self, threads: ThreadPoolExecutor, question: Callable[[Served], T]) -> T:
        """Return what is said in a thread, to whose end the index stays open."""
        served, under_way = self.live.take(), self.metrics.under_way
        under_way.inc()

        def done(_: object) -> None:
            under_way.dec()
            self.live.release(served)

        work = threads.submit(question, served)
        work.add_done_callback(done)
        return await asyncio.wrap_future(work)

    def _check(self, **options: Unpack[SearchOptions]) -> None:
        """Raise QueryError for more hits, or a later page, than the service gives."""
        for name, given, most in (
            ("k", options.get("k", 1), self.config.max_k),
            ("skip", options.get("skip", 0), self.config.max_skip),
        ):
            if given > most:
                raise QueryError(f"{name} must be at most {most} here; got {given}")

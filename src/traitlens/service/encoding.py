"""Many requests, one encoder: what waits while it is at work is encoded together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from traitlens.engines.protocol import Vector
from traitlens.models.encoder import Vectors

T = TypeVar("T")
MAX_BATCH = 32


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T]):
    item: T
    answer: asyncio.Future[Vector]


class EncodeQueue(Generic[T]):
    """Encodes texts, or pictures, that come one by one, in batches; nothing waits for company."""

    def __init__(self, encode: Callable[[Sequence[T]], Vectors]) -> None:
        self._encode = encode
        self._waiting: list[_Waiting[T]] = []
        self._worker: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1)

    async def vector(self, item: T) -> Vector:
        """Return the vector of one item; raise what the encoder raises."""
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await waiting.answer

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        """Encode what waits until nothing does."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            some, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            wanted = [w for w in some if not w.answer.cancelled()]
            if not wanted:
                continue
            try:
                vectors = await loop.run_in_executor(
                    self._thread, self._encode, [w.item for w in wanted]
                )
            except Exception as error:
                _tell(wanted, error)
            else:
                for waiting, vector in zip(wanted, vectors, strict=True):
                    if not waiting.answer.cancelled():
                        waiting.answer.set_result(vector)


def _tell(waiting: Sequence[_Waiting[T]], error: Exception) -> None:
    for one in waiting:
        if not one.answer.cancelled():
            one.answer.set_exception(error)

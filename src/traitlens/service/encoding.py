"""Many requests, one encoder: what waits while it is at work is encoded together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from traitlens.engines.protocol import Vector
from traitlens.models.encoder import Vectors

T = TypeVar("T")
MAX_BATCH = 32


class EncodeQueue(Generic[T]):
    """Encodes texts, or pictures, that threads bring one by one; nothing waits for company.

    The thread that finds the encoder idle encodes all that waits, its own among it. So a request
    that is alone costs no change of threads, which on a busy machine takes as long as the encoder.
    """

    def __init__(self, encode: Callable[[Sequence[T]], Vectors]) -> None:
        self._encode = encode
        self._waiting: deque[tuple[T, Future[Vector]]] = deque()
        self._at_work = Lock()

    def vector(self, item: T) -> Vector:
        """Return the vector of one item; raise what the encoder raises."""
        mine: Future[Vector] = Future()
        self._waiting.append((item, mine))
        while not mine.done():
            with self._at_work:
                if not mine.done():
                    self._encode_some()
        return mine.result()

    def _encode_some(self) -> None:
        """Encode what has waited longest."""
        some = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        try:
            vectors = self._encode([item for item, _ in some])
        except Exception as error:  # whatever it is, everyone who waits is to hear of it
            for _, answer in some:
                answer.set_exception(error)
        else:
            for (_, answer), vector in zip(some, vectors, strict=True):
                answer.set_result(vector)

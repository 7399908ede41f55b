"""Work in several processes that stops when it is told to."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of new processes; when the block fails, what has not begun never does.

    An interrupt at the terminal reaches every process of a command. The workers leave it to the
    one that started them, so that each finishes what it is at and none prints a traceback.
    """
    # Spawned, not forked: the caller may have threads, and a forked lock never opens.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

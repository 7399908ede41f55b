"""The same function on many items, in processes here or on a Ray cluster.

An item's result must not depend on where it ran. Workers end when the one who started them does,
and work that has not begun when something fails never does.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from traitlens.errors import ConfigError

HERE = "processes"
RAY = "ray"

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_all(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    on: str = HERE,
) -> Iterator[Result]:
    """Yield `function(item)` for each item, as they are done; an exception of one ends it all.

    `on` is "processes" (default: `workers` of them, one a core; a single one is this process
    itself), "ray" (a Ray started here; its servers listen on the machine's network) or
    "ray:HOST:PORT" (a cluster whose machines see the same files). Raises ConfigError for another.
    """
    check_place(on)
    if on != HERE:
        address = on.removeprefix(RAY).removeprefix(":")
        yield from _on_ray(function, items, workers=workers, address=address or None)
        return
    workers = min(workers or os.cpu_count() or 1, len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    with process_pool(workers) as pool:
        pending = {pool.submit(function, item) for item in items}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def check_place(on: str) -> None:
    """Raise ConfigError unless `run_all` can run there."""
    if on not in (HERE, RAY) and not on.startswith(f"{RAY}:"):
        raise ConfigError(f"on must be {HERE}, {RAY} or {RAY}:HOST:PORT; got {on!r}")


@contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of new processes; when the block fails, what has not begun never does.

    An interrupt at the terminal reaches every process of a command. The workers leave it to the
    one that started them, so that each finishes what it is at and none prints a traceback.
    """
    # Spawned, not forked: the caller may have threads, and a forked lock never opens.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is gone: a killed one cannot tell its workers to stop."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _on_ray(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None,
    address: str | None,
) -> Iterator[Result]:
    with _ray(address, workers=workers) as ray:
        task = ray.remote(num_cpus=1, max_retries=2)(_call)
        # As many are handed over as can run, and as many again wait: an item may be large.
        limit = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
        rest, pending = iter(items), list[Any]()
        while True:
            pending += [task.remote(function, item) for item in islice(rest, limit - len(pending))]
            if not pending:
                return
            done, pending = ray.wait(pending)
            try:
                results = ray.get(done)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            yield from results


def _call(function: Callable[[Item], Result], item: Item) -> Result:
    return function(item)


@contextmanager
def _ray(address: str | None, *, workers: int | None) -> Iterator[Any]:
    """Give the `ray` module, connected; a Ray that runs already is used and left running."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it reports home by default
    import ray

    if ray.is_initialized():
        yield ray
        return
    if address is not None:
        _check_answers(address)
    ray.init(
        address,
        num_cpus=None if address else workers,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Raise ConfigError unless something listens there; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError) as error:
        message = f"no Ray cluster answers at {address!r} (HOST:PORT is wanted): {error}"
        raise ConfigError(message) from error

"""Runs in processes of their own that are killed, for tests and for `benchmarks`."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from pathlib import Path

from traitlens.collecting.config import CollectConfig
from traitlens.collecting.pipeline import collect

# Forked from a process that has imported everything, so that a start takes milliseconds.
_FRESH = multiprocessing.get_context("forkserver")
_FRESH.set_forkserver_preload(["tests.collecting.killing"])


def start(address: str, out: Path, config: CollectConfig) -> multiprocessing.process.BaseProcess:
    """Return a process that collects."""
    process = _FRESH.Process(target=_collect, args=(address, out, config), daemon=True)
    process.start()
    return process


def warm_up() -> None:
    """Import in the process that the others are forked from."""
    process = _FRESH.Process(target=int)
    process.start()
    process.join()


def _collect(address: str, out: Path, config: CollectConfig) -> None:
    collect(address, out, config=config)


def seconds_undisturbed(address: str, out: Path, config: CollectConfig) -> float:
    """Return how long a run in a process of its own takes."""
    warm_up()
    begun = time.monotonic()
    process = start(address, out, config)
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - begun


def collect_with_kills(
    address: str,
    out: Path,
    config: CollectConfig,
    *,
    kills: int,
    within_s: float,
    rng: random.Random,
    after_kill: Callable[[], None] = lambda: None,
) -> int:
    """Collect, killed at most so often at a random moment of a run; return how often it was."""
    done = 0
    while True:
        process = start(address, out, config)
        process.join(rng.uniform(0, within_s) if done < kills else None)
        if process.exitcode is None:
            process.kill()
            process.join()
            done += 1
            after_kill()
            continue
        assert process.exitcode == 0, "the run fails by itself"
        return done

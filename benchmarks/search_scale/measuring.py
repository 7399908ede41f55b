"""Times and recalls: every system is asked every question, one after another, in changing order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np

from traitlens.engines import VectorEngine
from traitlens.retrieval import Index
from traitlens.retrieval.answers import Mode
from traitlens.retrieval.asking import Encoded

from .systems import Asked, System
from .truth import Best, Truth

K = 10
GOOD = 0.99  # recall from which a setting will do

_T = TypeVar("_T")


@dataclass(slots=True)
class Figures:
    """What was measured of one system; times in ms."""

    recalls: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    fewer: int = 0  # answers with fewer than k where there are k

    def note(self, rows: Sequence[int], best: Best, recall: float) -> None:
        self.recalls.append(recall)
        self.fewer += len(rows) < best.wanted

    def row(self) -> tuple[float | int, ...]:
        """Return recall, its least, how often fewer, and CPU and wall ms, median and p99."""
        return (
            float(np.mean(self.recalls)),
            float(np.min(self.recalls)),
            self.fewer,
            *(float(np.percentile(ms, p)) for ms in (self.cpu, self.wall) for p in (50, 99)),
        )


def timed(figures: Figures, ask: Callable[[], _T]) -> _T:
    """Return what `ask` returns, and note its times."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = ask()
    figures.cpu.append(1e3 * (time.process_time() - cpu))
    figures.wall.append(1e3 * (time.perf_counter() - wall))
    return answer


def compare(
    systems: Sequence[System], questions: Sequence[Asked], truth: Truth
) -> dict[str, Figures]:
    """Return the figures of each system over the questions."""
    found = {system.name: Figures() for system in systems}
    for number, question in enumerate(questions):
        scores_N = truth.cosines(question.vector[None])[0]
        matching_N = truth.matching(question.where)
        best = Best.of(scores_N, matching_N, k=K)
        turn = number % len(systems)
        for system in (*systems[turn:], *systems[:turn]):
            figures = found[system.name]
            rows = timed(figures, partial(system.ask, question, K))
            assert matching_N[rows].all(), f"{system.name} answers what the filter forbids"
            figures.note(rows, best, best.recall(rows, scores_N))
    return found


def tune(system: System, questions: Sequence[Asked], truth: Truth) -> int | None:
    """Set the first setting whose recall is good, and return it; the last where none is."""
    chosen = None
    for chosen in system.settings:
        system.tune(chosen)
        (figures,) = compare([system], questions, truth).values()
        if np.mean(figures.recalls) >= GOOD:
            break
    return chosen


def throughput(system: System, questions: Sequence[Asked], *, threads: int) -> float:
    """Return the questions a second that so many threads get answers to."""
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda question: system.ask(question, K), questions))
    return len(questions) / (time.perf_counter() - start)


def worded(
    index: Index, engine: VectorEngine, truth: Truth, words: Sequence[str], *, mode: Mode
) -> Figures:
    """Return the figures of the engine's part of searches by words: without understanding them."""
    figures = Figures()
    for text in words:
        asked = index.ask(text, mode=mode)
        vector = index.encoder.encode_texts([asked.text])[0] if asked.text else None
        question = asked.question(Encoded(text=vector), size=len(index))
        if question is None:
            continue
        scores_N = truth.scores(question)
        matching_N = np.ones(len(truth), np.bool_) if question.vector is not None else scores_N > 0
        best = Best.of(scores_N, matching_N, k=K)
        hits = timed(figures, partial(engine.search, question, k=K))
        rows = [truth.row_of[hit.token_uid] for hit in hits]
        figures.note(rows, best, best.recall(rows, scores_N))
    return figures


def bandwidth() -> float:
    """Return the bytes a second that one core reads and writes: the best of five large copies."""
    source = np.ones(32 << 20, np.float64)
    target = np.empty_like(source)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        np.copyto(target, source)
        seconds.append(time.process_time() - start)
    return 2 * source.nbytes / min(seconds)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))

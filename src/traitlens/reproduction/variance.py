"""Table 6 and figure 11: CVI beside zero-shot top-k, and the weight alpha within it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from traitlens.embedding import Embedded, Gallery
from traitlens.errors import ConfigError
from traitlens.evaluation import Difficulty, score_difficulty
from traitlens.evaluation.retrieval import KS
from traitlens.metrics import (
    AlphaSweep,
    VarianceTerms,
    alpha_sweep,
    jensen_shannon_divergence,
    rank_correlation,
)
from traitlens.models import Vectors
from traitlens.reproduction.arms import ZERO_SHOT
from traitlens.reproduction.bench import Bench
from traitlens.reproduction.chart import line_chart
from traitlens.reproduction.identity import ours_by_published
from traitlens.reproduction.lines import run_words
from traitlens.reproduction.published import ALPHA, TABLE_6
from traitlens.reproduction.record import Compared, Made, Values
from traitlens.reproduction.scores import Searched, named
from traitlens.tables import Column, Table

ARMS = (ZERO_SHOT,)

MIN_COLLECTIONS = 3  # two are always in one order or in the other


class _ByCollection(Mapping[str, tuple[Vectors, Vectors]]):
    """The pictures and captions of each collection, read when they are asked for."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded

    def __getitem__(self, collection: str) -> tuple[Vectors, Vectors]:
        if collection not in self._embedded.gallery.collections:
            raise KeyError(collection)
        return self._embedded.of(collection)

    def __iter__(self) -> Iterator[str]:
        return iter(self._embedded.gallery.collections)

    def __len__(self) -> int:
        return len(self._embedded.gallery.collections)


def table6(bench: Bench) -> Made:
    """Return CVI and zero-shot top-k of collections, what goes with what, and what that shows."""
    compared: list[Compared] = []
    more: dict[str, Table] = {}
    notes: list[str] = []
    for model in bench.models:
        difficulty, found = _measure(bench, model)
        compared += _lines(bench, model, difficulty, found)
        for table in difficulty.tables():
            titled = replace(table, title=f"{model}: {table.title}")
            more[f"difficulty-{len(more) + 1}"] = titled
        notes.append(f"{model}: {difficulty.verdict}")
    notes.append(
        "The paper's divergences and correlations are computed here from its ten printed rows, "
        "five of which are classes of COCO: those have no line of ours. We do not know which model "
        "they are of."
    )
    return Made(compared=(*compared, *_not_here(bench)), notes=tuple(notes), more=more)


def _measure(bench: Bench, model: str) -> tuple[Difficulty, dict[str, Searched]]:
    (scores,) = bench.scores(model, ZERO_SHOT)
    found = {each.gallery: each for each in scores.collections}
    embedded = bench.embedded(model, ZERO_SHOT)
    difficulty = score_difficulty(
        _ByCollection(embedded),
        recall={name: each.recall for name, each in found.items()},
        alpha=ALPHA,
        families=embedded.gallery.families,
        seed=bench.config.seed,
        progress=bench.progress,
    )
    return difficulty, found


def _lines(
    bench: Bench, model: str, difficulty: Difficulty, found: Mapping[str, Searched]
) -> Iterator[Compared]:
    published = {own: name for name, own in ours_by_published(bench.data, _COLLECTIONS).items()}
    run = run_words(bench.models[model], ZERO_SHOT)
    for row in sorted(difficulty.rows, key=lambda row: row.index):
        paper = TABLE_6.get(published.get(row.collection, ""))
        line: dict[str, Any] = {"subject": model, "run": run, "gallery": row.collection, "n": row.n}
        yield Compared(
            **line,
            paper=named(paper.recall) if paper else {},
            ours=(named(row.recall),),
            chance=named(found[row.collection].chance),
            ceiling=named(found[row.collection].ceiling),
        )
        yield Compared(
            **line,
            kind="number",
            paper={"CVI": paper.index} if paper else {},
            ours=({"CVI": row.index},),
        )
    yield from _agreements(model, difficulty)


def _not_here(bench: Bench) -> Iterator[Compared]:
    """Yield the paper's lines of what this data set does not have, with the N that we infer."""
    here = ours_by_published(bench.data, _COLLECTIONS)
    for name, printed in TABLE_6.items():
        if name not in here:
            line: dict[str, Any] = {"subject": "paper", "gallery": name, "n": printed.n}
            yield Compared(**line, run="zero-shot", paper=named(printed.recall))
            yield Compared(**line, run="zero-shot", kind="number", paper={"CVI": printed.index})


_COLLECTIONS = tuple(name for name, row in TABLE_6.items() if not row.coco)


def _agreements(model: str, difficulty: Difficulty) -> Iterator[Compared]:
    """Yield how well CVI and top-k go together: over the paper's rows, and over ours."""
    printed, rows = TABLE_6.values(), difficulty.rows
    for what, measure in (("JSD", _divergence), ("Spearman", _correlation)):
        paper = _over([row.index for row in printed], [row.recall for row in printed], measure)
        ours = _over([row.index for row in rows], [row.recall for row in rows], measure)
        yield Compared(
            subject=model,
            run=f"{what} of CVI and top-k",
            gallery=f"{len(printed)} printed rows; {len(rows)} collections here",
            kind="number",
            paper=paper,
            ours=(ours,) if ours else (),
        )


def _over(
    index: Sequence[float],
    recall: Sequence[Mapping[int, float]],
    measure: Callable[[Sequence[float], Sequence[float]], float | None],
) -> Values:
    """Return a measure of CVI against top-k for each k; none where it cannot be taken."""
    found = {f"top-{k}": measure(index, [shares[k] for shares in recall]) for k in KS}
    known = {name: value for name, value in found.items() if value is not None}
    return known if len(known) == len(found) else {}


def _divergence(index: Sequence[float], top: Sequence[float]) -> float | None:
    if len(index) < MIN_COLLECTIONS or not any(top):
        return None
    return jensen_shannon_divergence(index, top)


def _correlation(index: Sequence[float], top: Sequence[float]) -> float | None:
    if len(index) < MIN_COLLECTIONS:
        return None
    rho = rank_correlation(index, top)
    return None if np.isnan(rho) else rho


def alpha(bench: Bench) -> Made:
    """Return how far CVI and zero-shot top-k are apart at each alpha, over collections.

    Raises ConfigError for fewer than `MIN_COLLECTIONS` collections.
    """
    _check_collections(bench)
    compared: list[Compared] = []
    series, charts = {}, {}
    notes = ["Figure 11 prints no numbers; that it draws this is our reading of it."]
    for number, model in enumerate(bench.models):
        sweeps = _sweeps(bench, model, notes)
        if not sweeps:
            continue
        name = "series" if not number else f"series-{number + 1}"
        series[name], charts[name] = _series(model, sweeps), _chart(model, sweeps)
        notes += _shape(model, sweeps)
        compared += _alpha_lines(bench, model, sweeps)
    return Made(compared=tuple(compared), notes=tuple(notes), series=series, charts=charts)


def _check_collections(bench: Bench) -> None:
    config = bench.config
    gallery = Gallery.of(bench.data, max_gallery=config.max_gallery, seed=config.seed)
    if len(gallery.collections) < MIN_COLLECTIONS:
        raise ConfigError(
            f"alpha is swept over collections and {bench.data.path} has {len(gallery.collections)} "
            f"to search; at least {MIN_COLLECTIONS} are needed"
        )


def _sweeps(bench: Bench, model: str, notes: list[str]) -> dict[int, AlphaSweep]:
    """Return the sweep against top-k for each k at which something was found."""
    difficulty, _ = _measure(bench, model)
    rows = difficulty.rows
    terms: list[VarianceTerms] = [row.terms for row in rows]
    found = {}
    for k in KS:
        top = [row.recall[k] for row in rows]
        if any(top):
            found[k] = alpha_sweep(terms, top, seed=bench.config.seed)
        else:
            notes.append(f"{model}: nothing is found at top-{k}, so alpha means nothing there.")
    return found


def _alpha_lines(bench: Bench, model: str, sweeps: Mapping[int, AlphaSweep]) -> Iterator[Compared]:
    run = run_words(bench.models[model], ZERO_SHOT)
    yield Compared(
        subject=model,
        run=f"{run}: alpha of the lowest divergence",
        kind="number",
        paper={f"top-{k}": ALPHA for k in sweeps},
        ours=({f"top-{k}": sweep.best for k, sweep in sweeps.items()},),
    )
    at_paper = {
        f"top-{k}": sweep.divergence[sweep.alphas.index(ALPHA)] for k, sweep in sweeps.items()
    }
    lowest = {f"top-{k}": sweep.lowest for k, sweep in sweeps.items()}
    for words, values in ((f"JSD at alpha = {ALPHA}", at_paper), ("lowest JSD", lowest)):
        yield Compared(subject=model, run=f"{run}: {words}", kind="number", ours=(values,))


def _series(model: str, sweeps: Mapping[int, AlphaSweep]) -> Table:
    alphas = next(iter(sweeps.values())).alphas
    every = [sweep.divergence for sweep in sweeps.values()]
    return Table(
        title=f"Divergence of CVI and zero-shot top-k by alpha, {model}",
        columns=(
            Column("alpha", "number", 2),
            *(Column(f"top-{k}", "number", 4) for k in sweeps),
        ),
        rows=tuple(zip(alphas, *every, strict=True)),
    )


def _chart(model: str, sweeps: Mapping[int, AlphaSweep]) -> str:
    return line_chart(
        {
            f"top-{k}": list(zip(sweep.alphas, sweep.divergence, strict=True))
            for k, sweep in sweeps.items()
        },
        title=f"Divergence of CVI and zero-shot top-k by alpha, {model}",
        x_label="alpha: 0 = captions, 1 = pictures",
        y_label="Jensen-Shannon divergence",
        marks=False,
    )


def _shape(model: str, sweeps: Mapping[int, AlphaSweep]) -> Iterator[str]:
    """Yield where the lowest point lies and how flat it is around, in words."""
    for k, sweep in sweeps.items():
        low, high = sweep.flat
        held = f", {ALPHA} included" if low <= ALPHA <= high else f", {ALPHA} not included"
        flat = f"within 10% of it from {low:.2f} to {high:.2f}{held}"
        where = "at the end of the range" if sweep.best in (0.0, 1.0) else "inside the range"
        drawn = (
            f"; 95% of the draws of collections have it from {sweep.interval[0]:.2f} to "
            f"{sweep.interval[1]:.2f}"
            if sweep.interval
            else ""
        )
        yield (
            f"{model}, top-{k}: the divergence is lowest at alpha = {sweep.best:.2f}, {where}, and "
            f"{flat}{drawn}."
        )

"""Tables 1 and 5 and figure 7: fine-tuned on all, in one gallery and in each collection's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import methodcaller

import numpy as np

from traitlens.metrics import rank_correlation
from traitlens.reproduction.arms import ON_ALL, ZERO_SHOT
from traitlens.reproduction.bench import Bench
from traitlens.reproduction.beside import beside
from traitlens.reproduction.chart import line_chart
from traitlens.reproduction.identity import ours_by_published
from traitlens.reproduction.lines import line, lines, run_words, stand_ins
from traitlens.reproduction.published import L_14, MODELS, TABLE_1, TABLE_5, TABLE_5_ALL
from traitlens.reproduction.record import Compared, Made
from traitlens.reproduction.scores import Searched, named
from traitlens.tables import Column, Table, percents

ARMS = (ZERO_SHOT, ON_ALL)

_EACH_END = 5  # of the collections, where they are not the paper's
_LIFTED = 0.1  # top-1 that counts as found


def table1(bench: Bench) -> Made:
    """Return the zero-shot and fine-tuned top-k of each model in one gallery of all test tokens."""
    return Made(
        compared=lines(bench, TABLE_1, ARMS, gallery="all_collections"),
        notes=(
            *stand_ins(bench, TABLE_1),
            "Table 5's row all_collections is the same run in the same gallery here.",
        ),
        more=beside(bench),
    )


def table5(bench: Bench) -> Made:
    """Return top-k within single collections: the paper's ten, or the best and worst of ours."""
    compared: list[Compared] = []
    notes = [*stand_ins(bench, [L_14])]
    here: set[str | None] = set()
    for model in bench.models:
        names = _papers(bench, model) or _best_and_worst(bench, model)
        here |= set(names.values())
        compared += _own_lines(bench, model, names)
    if here == {None}:
        notes.append(
            "None of the paper's ten collections is in the test split; in their place stand "
            f"{len(names)} of ours, from the highest fine-tuned top-1 to the lowest."
        )
    notes.append(
        "all_collections is one gallery of all test tokens, and here the run of table 1; macro and "
        "micro are means over own galleries, by collection and by query."
    )
    return Made(compared=(*compared, *_not_here(here)), notes=tuple(notes), more=beside(bench))


def _own_lines(bench: Bench, model: str, names: dict[str, str | None]) -> Iterator[Compared]:
    for own, published in names.items():
        for arm in ARMS:
            paper = TABLE_5[published].of(arm) if published else None
            yield line(bench, model, arm, paper=paper, gallery=own, pick=methodcaller("own", own))
    for arm in ARMS:
        yield line(bench, model, arm, paper=TABLE_5_ALL.of(arm), gallery="all_collections")
        yield line(bench, model, arm, paper=None, gallery="macro", pick=lambda found: found.macro)
        yield line(bench, model, arm, paper=None, gallery="micro", pick=lambda found: found.micro)


def _papers(bench: Bench, model: str) -> dict[str, str | None]:
    """Return those of the paper's ten collections that are searched, by our name for them."""
    searched = {each.gallery for each in _own_galleries(bench, model)}
    known = ours_by_published(bench.data, TABLE_5)
    return {own: name for name, own in known.items() if own in searched}


def _best_and_worst(bench: Bench, model: str) -> dict[str, str | None]:
    ordered = [each.gallery for each in _own_galleries(bench, model)]
    ends = ordered if len(ordered) <= 2 * _EACH_END else ordered[:_EACH_END] + ordered[-_EACH_END:]
    return dict.fromkeys(ends)


def _not_here(here: set[str | None]) -> Iterator[Compared]:
    """Yield the paper's lines of collections that this data set does not have."""
    for name, row in TABLE_5.items():
        for arm in ARMS if name not in here else ():
            yield Compared(
                subject=MODELS[L_14],
                run=arm.words,
                gallery=name,
                paper=named(row.of(arm)),
                n=row.n,
            )


def _own_galleries(bench: Bench, model: str) -> list[Searched]:
    """Return each collection's gallery from the highest fine-tuned top-1 to the lowest."""
    found = bench.scores(model, ON_ALL)[0].collections
    return sorted(found, key=lambda each: (-each.recall[1], each.gallery))


def collections(bench: Bench) -> Made:
    """Return top-1 collection by collection, before and after fine-tuning."""
    compared: list[Compared] = []
    notes = ["Figure 7 prints no numbers; that it draws this is our reading of it."]
    more, charts = {}, {}
    for number, model in enumerate(bench.models):
        after = _own_galleries(bench, model)
        before = [bench.scores(model, ZERO_SHOT)[0].own(each.gallery) for each in after]
        name = "series" if not number else f"series-{number + 1}"
        more[name] = _series(bench, model, before, after)
        charts[name] = _chart(bench, model, before, after)
        notes += _shape(model, before, after)
        compared += [
            line(bench, model, arm, paper=None, gallery="macro", pick=lambda found: found.macro)
            for arm in ARMS
        ]
    return Made(compared=tuple(compared), notes=tuple(notes), more=more, charts=charts)


def _series(
    bench: Bench, model: str, before: Sequence[Searched], after: Sequence[Searched]
) -> Table:
    start = run_words(bench.models[model], ZERO_SHOT)
    return Table(
        title=f"Top-1 within each collection, {model}",
        columns=(
            Column("collection"),
            Column("N", "count"),
            *percents((start, "fine-tuned", "difference", "chance", "ceiling")),
        ),
        rows=tuple(
            (
                new.gallery,
                new.n,
                old.recall[1],
                new.recall[1],
                new.recall[1] - old.recall[1],
                new.chance[1],
                new.ceiling[1],
            )
            for old, new in zip(before, after, strict=True)
        ),
    )


def _chart(bench: Bench, model: str, before: Sequence[Searched], after: Sequence[Searched]) -> str:
    start = run_words(bench.models[model], ZERO_SHOT)
    return line_chart(
        {
            label: [(at, 100 * each.recall[1]) for at, each in enumerate(found, start=1)]
            for label, found in ((start, before), ("fine-tuned", after))
        },
        title=f"Top-1 within each collection, {model}",
        x_label="collections, by fine-tuned top-1",
        y_label="top-1, %",
    )


def _shape(model: str, before: Sequence[Searched], after: Sequence[Searched]) -> Iterator[str]:
    """Yield what the series looks like, in words."""
    old, new = (np.array([each.recall[1] for each in found]) for found in (before, after))
    yield (
        f"{model}: fine-tuning brings {_share(new >= _LIFTED)} of {len(new)} collections to a "
        f"top-1 of {_LIFTED:.0%} or more, where {_share(old >= _LIFTED)} were before; it lowers "
        f"{_share(new < old)}. Fine-tuned top-1 goes from {new.min():.1%} over a median of "
        f"{np.median(new):.1%} to {new.max():.1%}."
    )
    sizes = np.array([each.n for each in after])
    rho = rank_correlation(new, sizes) if len(new) > 2 else np.nan
    if not np.isnan(rho):
        yield f"{model}: Spearman's rho of fine-tuned top-1 and N is {rho:.2f}."


def _share(true: np.ndarray) -> str:
    return f"{int(true.sum())} ({true.mean():.0%})"

"""The study as tables in Markdown and as curves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from PIL import Image

from traitlens import files
from traitlens.metrics import holm
from traitlens.standardization import png_bytes
from traitlens.tables import Cell, Column, Table, to_markdown
from traitlens.training.drawing import Line, Panel, draw_panels

from .arms import FILLS, IDEAS, PLAIN, PS, Arm, masked, tags_only
from .outcomes import (
    DRAWN,
    PRIMARY,
    RIGHT_COLLECTION,
    SECONDARY,
    Difference,
    Measure,
    Outcome,
    by_cluster,
    difference,
)
from .plan import CONFIRMED_SHARES, HEADLINE, LONGER, Choice, Done, in_collection, score
from .protocol import PERCENTS
from .study import Study

REPORT, CURVES = "report.md", "curves.png"

_GAIN = (
    Column("difference", "percent"),
    Column("95% interval"),
    Column("p (Holm)"),
    Column("real", "percent"),
    Column("drawn", "percent"),
    Column("clusters won"),
)


def write_report(study: Study, folder: Path) -> None:
    """Write the report and its curves to a folder; only stages that were run have tables."""
    tables = list(_tables(study))
    files.write_text(folder / REPORT, "\n\n".join(map(to_markdown, tables)) + "\n")
    if "confirmation" in study.done:
        files.write_bytes(folder / CURVES, png_bytes(_curves(study)))


def _tables(study: Study) -> Iterator[Table]:
    if "grid" in study.done:
        yield _grid(study.done["grid"])
    if "ideas" in study.done:
        yield _selected("Ideas with and without masking, validation", study.done["ideas"])
    if "rates" in study.done:
        yield _selected("Other learning rates, validation", study.done["rates"])
    if study.choice and "confirmation" in study.done:
        confirmed = _Confirmed(study.done["confirmation"], study.choice)
        yield confirmed.levels()
        yield confirmed.masking()
        yield confirmed.claims()
        yield confirmed.ideas()
        yield confirmed.sampling()
        yield from confirmed.secondary()
    if study.choice and "longer" in study.done:
        yield _Confirmed(study.done["longer"], study.choice).levels(f", {LONGER} times the steps")
        yield _Confirmed(study.done["longer"], study.choice).claims(f", {LONGER} times the steps")


def _grid(done: Sequence[Done]) -> Table:
    """Return the first stage: mean validation top-1 over the selection clusters, of what ran."""
    ran = {(d.trial.arm, d.trial.percent) for d in done}
    arms = [PLAIN, *map(tags_only, PS), *(masked(p, fill) for p in PS for fill in FILLS)]
    rows: list[tuple[Cell, ...]] = [
        (arm.name, *(score(done, arm, percent=n) if (arm, n) in ran else None for n in PERCENTS))
        for arm in arms
    ]
    columns = (Column("arm"), *(Column(f"{n}%", "percent") for n in PERCENTS))
    return Table(
        title="The grid: validation top-1 by share of the data", columns=columns, rows=tuple(rows)
    )


def _selected(title: str, done: Sequence[Done]) -> Table:
    arms = list(dict.fromkeys(d.trial.arm for d in done))
    rows = [(arm.name, score(done, arm, percent=HEADLINE)) for arm in arms]
    rows.sort(key=lambda row: -row[1])
    columns = (Column("arm"), Column(f"{HEADLINE}%", "percent"))
    return Table(title=title, columns=columns, rows=tuple(rows))


class _Confirmed:
    """Trials at fresh seeds, and what is compared among them."""

    def __init__(self, done: Sequence[Done], choice: Choice) -> None:
        self._done, self._choice = done, choice
        self._percents = [n for n in PERCENTS if any(d.trial.percent == n for d in done)]

    def _of(self, arm: Arm, percent: int) -> list[Outcome]:
        wanted = (arm, percent)
        return [d.outcome for d in self._done if (d.trial.arm, d.trial.percent) == wanted]

    def _compared(self, percent: int) -> dict[str, Arm]:
        found = {
            "plain": self._choice.plain,
            "tags only": tags_only(0.5),
            "masking": self._choice.masks[percent],
            "recipe": self._choice.recipe,
        }
        return {name: arm for name, arm in found.items() if self._of(arm, percent)}

    def levels(self, said: str = "") -> Table:
        """Return the primary endpoint of what was chosen, by share of the data."""
        rows: list[tuple[Cell, ...]] = []
        for percent in self._percents:
            for name, arm in self._compared(percent).items():
                values = by_cluster(self._of(arm, percent), PRIMARY)
                real = [value for cluster, value in values.items() if cluster not in DRAWN]
                drawn = [value for cluster, value in values.items() if cluster in DRAWN]
                cells = (fmean(values.values()), fmean(real), fmean(drawn), len(values))
                rows.append((f"{percent}%", name, arm.name, *cells))
        columns = (
            *(Column("data"), Column("what"), Column("arm")),
            *(Column("top-1", "percent"), Column("real", "percent"), Column("drawn", "percent")),
            Column("clusters", "count"),
        )
        return Table(
            title=f"Within-collection top-1, test tokens, fresh seeds{said}",
            columns=columns,
            rows=tuple(rows),
        )

    def masking(self) -> Table:
        """Return what masking gains at each share of the data, and its control."""
        found = {}
        for percent in self._percents:
            arms = self._compared(percent)
            for name in (name for name in ("masking", "tags only") if name in arms):
                gain = difference(
                    self._of(arms[name], percent), self._of(arms["plain"], percent), PRIMARY
                )
                found[f"{percent}%: {name} over plain"] = gain
        return _gains("Does masking help?", found)

    def claims(self, said: str = "") -> Table:
        """Return what few data with masking, or with the recipe, are beside all of them without."""
        whole = self._of(self._choice.plain, 100)
        found = {}
        for percent in self._percents:
            arms = self._compared(percent)
            if percent < 100:
                for name in ("masking", "recipe"):
                    gain = difference(self._of(arms[name], percent), whole, PRIMARY)
                    found[f"{percent}% with {name} over 100% plain"] = gain
            if "recipe" in arms:
                recipe, masking = (self._of(arms[name], percent) for name in ("recipe", "masking"))
                found[f"{percent}%: recipe over masking"] = difference(recipe, masking, PRIMARY)
        return _gains(f"The paper's claim, and ours{said}", found)

    def ideas(self) -> Table:
        """Return what each idea alone gains over plain masking at the headline's share."""
        mask = self._of(self._choice.masks[HEADLINE], HEADLINE)
        plain = self._of(PLAIN, HEADLINE)
        found = {}
        for name, settings in IDEAS.items():
            idea = self._of(PLAIN.plus(name, settings), HEADLINE)
            found[f"{name} over masking"] = difference(idea, mask, PRIMARY)
            found[f"{name} over plain"] = difference(idea, plain, PRIMARY)
        return _gains(f"Ideas alone, {HEADLINE}% of the data", found)

    def sampling(self) -> Table:
        """Return I1: masking with more or fewer batches from one collection."""
        mask = self._choice.masks[HEADLINE]
        rows = []
        for name in CONFIRMED_SHARES:
            outcomes = self._of(in_collection(mask, name), HEADLINE)
            right = fmean(value for o in outcomes for value in RIGHT_COLLECTION.of(o).values())
            rows.append((name, fmean(by_cluster(outcomes, PRIMARY).values()), right))
        columns = (
            *(Column("share in one collection"), Column("top-1", "percent")),
            Column("right collection", "percent"),
        )
        return Table(
            title=f"I1: batches, {HEADLINE}% of the data", columns=columns, rows=tuple(rows)
        )

    def secondary(self) -> Iterator[Table]:
        """Yield the other measures, a table a share of the data."""
        for percent in self._percents:
            arms: Mapping[str, Arm] = self._compared(percent)
            if percent == HEADLINE:
                arms = {**arms, **{n: PLAIN.plus(n, s) for n, s in IDEAS.items()}}
            rows = [(name, *self._means(arm, percent, SECONDARY)) for name, arm in arms.items()]
            columns = (Column("what"), *(Column(m.name, "percent") for m in SECONDARY))
            yield Table(
                title=f"Secondary, {percent}% of the data", columns=columns, rows=tuple(rows)
            )

    def _means(self, arm: Arm, percent: int, measures: Iterable[Measure]) -> Iterator[float | None]:
        for measure in measures:
            values = by_cluster(self._of(arm, percent), measure).values()
            yield fmean(values) if values else None

    def points(self, name: str) -> list[tuple[float, float]]:
        """Return (place, top-1 in %) of what was chosen, by share of the data where it ran."""
        found = []
        for place, percent in enumerate(self._percents):
            if arm := self._compared(percent).get(name):
                values = by_cluster(self._of(arm, percent), PRIMARY).values()
                found.append((float(place), 100 * fmean(values)))
        return found


def _gains(title: str, found: Mapping[str, Difference]) -> Table:
    """Return differences with intervals and p values corrected for all rows of the table."""
    corrected = holm({name: gain.p for name, gain in found.items()})
    rows = tuple((name, *_cells(gain, corrected[name])) for name, gain in found.items())
    return Table(title=title, columns=(Column("what"), *_GAIN), rows=rows)


def _cells(gain: Difference, p: float) -> tuple[Cell, ...]:
    low_high = gain.interval
    said = f"{100 * low_high.low:+.1f} to {100 * low_high.high:+.1f}" if low_high else "none"
    wins = f"{gain.wins} of {gain.clusters}"
    return (gain.mean, said, f"{p:.3g}", gain.real, gain.drawn, wins)


def _curves(study: Study) -> Image.Image:
    assert study.choice
    confirmed = _Confirmed(study.done["confirmation"], study.choice)
    names = ("plain", "tags only", "masking", "recipe")
    lines = [Line(name, confirmed.points(name)) for name in names]
    shares = ", ".join(f"{place} = {n}%" for place, n in enumerate(PERCENTS))
    return draw_panels(
        [Panel("top-1 within a collection, %", lines, marks=True)],
        title="Top-1 by share of the training tokens",
        x_name=f"share: {shares}",
    )

"""The record of a reproduction: the paper's numbers, ours, and what differs in the setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, stdev
from typing import Any

from traitlens.tables import Cell, Column, Kind, Table

NOT_PUBLISHED = "not published"

Values = dict[str, float]  # by measure: "top-1", "CVI", "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One line of a table: what the paper prints and what came out here.

    Values are by measure; of kind `percent` they are shares in [0, 1]. `ours` has one entry for
    each training seed and none where nothing could be measured; `paper` is empty where it prints
    nothing. Chance is that of a random order, `ceiling` the best that captions allow.
    """

    subject: str  # a model, or what is counted
    run: str = ""
    gallery: str = ""
    kind: Kind = "percent"
    paper: Values = field(default_factory=dict)
    ours: tuple[Values, ...] = ()
    n: int | None = None
    chance: Values = field(default_factory=dict)
    ceiling: Values = field(default_factory=dict)

    @property
    def measures(self) -> tuple[str, ...]:
        """What is measured, the paper's first."""
        return tuple(dict.fromkeys([*self.paper, *(name for one in self.ours for name in one)]))

    @property
    def mean(self) -> Values:
        """The mean of ours over the seeds."""
        if not self.ours:
            return {}
        return {name: fmean(one[name] for one in self.ours) for name in self.ours[0]}

    @property
    def sd(self) -> Values:
        """The standard deviation of ours over the seeds (ddof 1); empty for fewer than two."""
        if len(self.ours) < 2:
            return {}
        return {name: stdev(one[name] for one in self.ours) for name in self.ours[0]}

    @property
    def difference(self) -> Values:
        """Ours less the paper's, where there are both; in points / 100 for shares."""
        mean, paper = self.mean, self.paper
        return {
            name: mean[name] - paper[name]
            for name in self.measures
            if name in mean and name in paper
        }

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "mean": self.mean,
            "sd": self.sd,
            "difference": self.difference,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a table is made of; see `Reproduction`."""

    compared: tuple[Compared, ...]
    notes: tuple[str, ...] = ()
    more: dict[str, Table] = field(default_factory=dict)
    series: dict[str, Table] = field(default_factory=dict)
    charts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """What the paper states of one thing, "silent" where it states nothing, and what we do."""

    name: str
    paper: str
    ours: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """A table of the paper beside ours.

    `same_data` says whether the data set is NFT1000 by the authors' own partition: elsewhere the
    differences compare different data. `more` are further tables by the name of their file,
    `series` such as are long and only written, and `charts` SVG by theirs.
    """

    table: str
    title: str
    source: str
    dataset: str
    dataset_fingerprint: str
    same_data: bool
    models: dict[str, str]
    compared: tuple[Compared, ...]
    settings: tuple[Setting, ...]
    notes: tuple[str, ...]
    more: dict[str, Table] = field(default_factory=dict)
    series: dict[str, Table] = field(default_factory=dict)
    charts: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        known = {
            name: getattr(self, name)
            for name in self.__slots__
            if name not in ("compared", "settings", "notes", "more", "series", "charts")
        }
        return {
            **known,
            "compared": [each.to_json() for each in self.compared],
            "settings": [asdict(each) for each in self.settings],
            "notes": list(self.notes),
            "more": {name: asdict(table) for name, table in self.more.items()},
            "series": {name: asdict(table) for name, table in self.series.items()},
            "charts": [f"{name}.svg" for name in self.charts],
        }

    def tables(self) -> tuple[Table, ...]:
        """Return the comparison, what was measured besides, and what differs in the setting."""
        groups: dict[tuple[Kind, tuple[str, ...]], list[Compared]] = {}
        for each in self.compared:
            groups.setdefault((each.kind, each.measures), []).append(each)
        title = f"{self.title} ({self.source})"
        compared = (comparison(group, title=title) for group in groups.values())
        settings = (self._settings(),) if self.settings else ()
        return (*compared, *self.more.values(), *settings)

    def long_table(self) -> Table:
        """Return one row a number, raw, for CSV."""
        return Table(
            title=self.title,
            columns=(
                *map(Column, ("subject", "run", "gallery", "measure")),
                *(Column(name, "number") for name in ("paper", "ours", "sd", "difference")),
                Column("seeds", "count"),
                Column("N", "count"),
                *(Column(name, "number") for name in ("chance", "ceiling")),
            ),
            rows=tuple(row for each in self.compared for row in _long_rows(each)),
        )

    def _settings(self) -> Table:
        return Table(
            title="What differs in the setting",
            columns=tuple(map(Column, ("setting", "paper", "here"))),
            rows=tuple((each.name, each.paper, each.ours) for each in self.settings),
        )


def _long_rows(each: Compared) -> list[tuple[Cell, ...]]:
    parts = (each.paper, each.mean, each.sd, each.difference)
    return [
        (
            each.subject,
            each.run,
            each.gallery,
            measure,
            *(part.get(measure) for part in parts),
            len(each.ours),
            each.n,
            each.chance.get(measure),
            each.ceiling.get(measure),
        )
        for measure in each.measures
    ]


def comparison(compared: Sequence[Compared], *, title: str) -> Table:
    """Return lines of the same measures as a table; a cell holds them side by side.

    Columns that say nothing are left out.
    """
    kind = compared[0].kind
    as_printed = Column("", kind, 2 if kind == "percent" else None)
    measures = " / ".join(compared[0].measures)
    cells: dict[str, Callable[[Compared], Cell]] = {
        "": lambda each: each.subject,
        "run": lambda each: each.run,
        "gallery": lambda each: each.gallery,
        "N": lambda each: each.n,
        "paper": lambda each: _joined(each, each.paper, as_printed) or NOT_PUBLISHED,
        "ours": lambda each: _joined(each, each.mean, as_printed),
        "sd": lambda each: _joined(each, each.sd, as_printed),
        "difference": lambda each: _joined(each, each.difference, as_printed, signed=True),
        "chance": lambda each: _joined(each, each.chance, Column("", kind)),
        "ceiling": lambda each: _joined(each, each.ceiling, as_printed),
    }
    filled = {
        name: [cell(each) for each in compared]
        for name, cell in cells.items()
        if any(cell(each) not in ("", None) for each in compared)
    }
    unit = "In % and points; d" if kind == "percent" else "D"
    seeds = max(len(each.ours) for each in compared)
    return Table(
        title=f"{title}: {measures}",
        columns=tuple(Column(name, "count" if name == "N" else "text") for name in filled),
        rows=tuple(zip(*filled.values(), strict=True)),
        note=f"{unit}ifference = ours - paper"
        + (f"; ours is the mean of {seeds} seeds." if seeds > 1 else "."),
    )


def _joined(
    each: Compared, values: Mapping[str, float], column: Column, *, signed: bool = False
) -> str:
    """Return the values of a line's measures, "10.63 / 20.32 / 25.19"; "" where there are none."""
    return " / ".join(
        ("+" if signed and values[name] > 0 else "") + column.show(values[name])
        for name in each.measures
        if name in values
    )

"""Two evaluations side by side as a record: its tables, and what a reader may conclude."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from traitlens.evaluation.retrieval import Scope
from traitlens.evaluation.scoring import Clusters
from traitlens.evaluation.searching import Direction
from traitlens.metrics import MIN_CLUSTERS, Interval
from traitlens.tables import Column, Table, percents

_PLURAL: dict[Clusters, str] = {"family": "families", "collection": "collections"}
_MEAN_OVER: dict[Scope, str] = {"macro": "collections", "micro": "queries"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is compared: a measure, a direction, and how collections are put together."""

    measure: str
    direction: Direction
    scope: Scope

    @property
    def name(self) -> str:
        return f"{self.scope} {self.measure}, {self.direction.replace('_', ' ')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A model, the file its scores are from, and its fingerprint where the file has it."""

    model: str
    where: str
    fingerprint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Both scores at an endpoint, in [0, 1], and `difference` = b - a.

    `p` is of the sign-flip test; `adjusted_p` is Holm's over the secondary endpoints, and p itself
    for the primary one. One gallery of all tokens has neither, nor an interval.
    """

    endpoint: Endpoint
    a: float
    b: float
    interval: Interval | None = None
    p: float | None = None
    adjusted_p: float | None = None

    @property
    def difference(self) -> float:
        return snap(self.b - self.a)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "difference": self.difference}


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionDifference:
    """Both scores of one collection at the primary endpoint's measure; `difference` = b - a."""

    collection: str
    family: str
    n: int
    a: float
    b: float

    @property
    def difference(self) -> float:
        return snap(self.b - self.a)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "difference": self.difference}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two models on the same searches, the primary endpoint first.

    `all_together` are differences in one gallery of all tokens. `same` says that every score is.
    """

    a: Side
    b: Side
    dataset: str
    setting: dict[str, str | int | None]
    by: Clusters
    clusters: int
    families: int
    level: float
    resamples: int
    seed: int
    same: bool
    endpoints: tuple[Difference, ...]
    all_together: tuple[Difference, ...]
    collections: tuple[CollectionDifference, ...]

    @property
    def primary(self) -> Difference:
        return self.endpoints[0]

    @property
    def better(self) -> int:
        """The number of collections in which b scores higher, at the primary endpoint."""
        return sum(each.difference > 0 for each in self.collections)

    @property
    def worse(self) -> int:
        return sum(each.difference < 0 for each in self.collections)

    @property
    def equal(self) -> int:
        return len(self.collections) - self.better - self.worse

    @property
    def conclusion(self) -> str:
        """What a reader may conclude from the primary endpoint."""
        return _conclusion(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before concluding, a sentence each."""
        return tuple(_warnings(self))

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            **{
                name: [each.to_json() for each in getattr(self, name)]
                for name in ("endpoints", "all_together", "collections")
            },
            "better": self.better,
            "worse": self.worse,
            "equal": self.equal,
            "conclusion": self.conclusion,
            "warnings": list(self.warnings),
        }

    def tables(self) -> tuple[Table, ...]:
        """Return the endpoints, the gallery of all where there is one, and every collection."""
        together = (_together_table(self),) if self.all_together else ()
        return (_endpoint_table(self), *together, _collection_table(self))


def snap(difference: float) -> float:
    """Return the difference, or 0 where only the last bits of two equal sums differ."""
    return 0.0 if abs(difference) < 1e-12 else float(difference)


def _conclusion(found: Comparison) -> str:
    if found.same:
        return (
            "The same numbers in every collection: these are the same run, "
            "or two that nothing here tells apart."
        )
    primary = found.primary
    counts = f"better in {found.better}, worse in {found.worse}, equal in {found.equal}"
    assert primary.p is not None
    if primary.interval is None:
        return (
            f"{_amount(found.clusters, found.by)}, fewer than the {MIN_CLUSTERS} that an interval "
            f"needs: {_minus(found)} is {_points(primary.difference)} points (sign-flip "
            f"p = {primary.p:.2g}); {counts}."
        )
    interval = primary.interval
    measured = (
        f"({100 * found.level:g}% CI {_points(interval.low)} to {_points(interval.high)}, "
        f"p = {primary.p:.2g}, {_amount(found.clusters, found.by)}; {counts})"
    )
    surely = (0 not in interval, primary.p <= 1 - found.level)
    if all(surely):
        better = "better" if primary.difference > 0 else "worse"
        return (
            f"{_named(found.b, 'B')} is {better} than {_named(found.a, 'A')} by "
            f"{_points(abs(primary.difference)).lstrip('+')} points of {primary.endpoint.name} "
            f"{measured}."
        )
    verdict = "No difference can be told from chance"
    if any(surely):
        verdict = "Not settled, as the interval and the sign-flip test disagree"
    return f"{verdict}: {_minus(found)} is {_points(primary.difference)} points {measured}."


def _warnings(found: Comparison) -> Iterator[str]:
    print_a, print_b = found.a.fingerprint, found.b.fingerprint
    if print_a is not None and print_a == print_b and not found.same:
        yield (
            f"Both models have the fingerprint {print_a}: this is one model against itself, and "
            "a difference is not the model's."
        )
    few = found.primary.interval is None and len(found.collections) >= MIN_CLUSTERS
    if found.by == "family" and few and not found.same:
        yield (
            "`--by collection` gives an interval, but takes collections of one family for "
            "independent, which makes it too narrow."
        )
    if found.by == "collection" and found.families < found.clusters:
        yield (
            f"The {found.clusters} collections are of {_amount(found.families, 'family')}: taken "
            "for independent, they make intervals too narrow and p values too small."
        )
    if not found.same:
        yield "One run of each does not show the spread between training seeds."


def _minus(found: Comparison) -> str:
    name = found.primary.endpoint.name
    return f"{name}, {_named(found.b, 'B')} minus {_named(found.a, 'A')},"


def _named(side: Side, letter: str) -> str:
    return f"{letter} ({side.model})"


def _amount(count: int, of: Clusters) -> str:
    return f"{count} {of if count == 1 else _PLURAL[of]}"


def _points(share: float) -> str:
    """Return a signed share in points, 0.0123 as "+1.2"."""
    return f"{'+' if share > 0 else ''}{Column('', 'percent').show(share)}"


def _endpoint_table(found: Comparison) -> Table:
    sides = "; ".join(
        f"{letter} = {side.model} of {side.where}"
        for letter, side in (("A", found.a), ("B", found.b))
    )
    note = (
        f"{sides}. All in % and points but p. The first row is the primary endpoint; p of the "
        "others is also given after Holm."
    )
    if found.primary.interval is None:
        needed = f"{_amount(found.clusters, found.by)} and an interval needs {MIN_CLUSTERS}"
        note += f" No intervals: there are {needed}."
    level = f"{100 * found.level:g}%"
    return Table(
        title=f"B minus A, {_where(found)}",
        columns=(
            *map(Column, ("measure", "direction", "mean over")),
            *percents(("A", "B", "difference", f"{level} from", "to")),
            Column("p", "number"),
            Column("p (Holm)", "number"),
        ),
        rows=tuple(_endpoint_row(each) for each in found.endpoints),
        note=note,
    )


def _endpoint_row(each: Difference) -> tuple[str | float | None, ...]:
    ends = (each.interval.low, each.interval.high) if each.interval else (None, None)
    scores = (each.a, each.b, each.difference)
    return (*_heads(each), _MEAN_OVER[each.endpoint.scope], *scores, *ends, each.p, each.adjusted_p)


def _together_table(found: Comparison) -> Table:
    return Table(
        title=f"B minus A in one gallery of all tokens, {_where(found)}",
        columns=(*map(Column, ("measure", "direction")), *percents(("A", "B", "difference"))),
        rows=tuple((*_heads(each), each.a, each.b, each.difference) for each in found.all_together),
        note="No interval: one gallery of all has no scores by collection to draw from.",
    )


def _collection_table(found: Comparison) -> Table:
    endpoint = found.primary.endpoint
    return Table(
        title=f"B minus A, collection by collection, {endpoint.measure}, "
        f"{endpoint.direction.replace('_', ' ')}",
        columns=(
            *map(Column, ("collection", "family")),
            Column("N", "count"),
            *percents(("A", "B", "difference")),
        ),
        rows=tuple(
            (each.collection, each.family, each.n, each.a, each.b, each.difference)
            for each in found.collections
        ),
        note=f"B is better in {found.better}, worse in {found.worse}, equal in {found.equal}.",
    )


def _heads(each: Difference) -> tuple[str, str]:
    return each.endpoint.measure, each.endpoint.direction.replace("_", " ")


def _where(found: Comparison) -> str:
    """Return what was searched: the split's rule is always said, since rules never mix."""
    split, rule = found.setting["split"], found.setting["split_rule"]
    said = "all tokens" if split is None else f"{split} tokens"
    return f"{said} of {found.dataset}" + (f", split {rule}" if rule else "")

"""How hard each collection is to search, and whether CVI says more than the size of its gallery.

CVI falls with N and so does top-k, so over collections of different sizes they go together even
where a model sees nothing. What is left when every gallery is cut to the same number of tokens is
what CVI says of the pictures and captions themselves.
"""

# Axes: C collections, n tokens of one collection, D dimensions

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from traitlens import metrics
from traitlens.config import check_range, to_dict
from traitlens.errors import ConfigError, ModelError
from traitlens.evaluation.agreement import (
    Agreement,
    Index,
    Sweep,
    agree,
    shown,
    shown_sweeps,
    sweep,
    verdict,
)
from traitlens.evaluation.retrieval import KS, PerK
from traitlens.metrics import VarianceTerms
from traitlens.metrics.divergence import known
from traitlens.metrics.variance import ALPHA
from traitlens.models.encoder import Vectors
from traitlens.progress import Progress, silent
from traitlens.tables import Column, Table, percents

MIN_EQUAL_N = 50  # tokens; top-1 of fewer has few steps

Pairs = Mapping[str, tuple[Vectors, Vectors]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualGallery:
    """A collection cut to the same number of tokens as the others: means over seeded draws.

    The terms are unbiased and `index` is CVI of them without the diagonal. `index_sd` is the spread
    of the draws, which overlap the more the fewer tokens are left out: 0 where none are.
    """

    terms: VarianceTerms
    index: float
    index_sd: float
    recall: PerK


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionDifficulty:
    """A collection in its own gallery of `n` tokens: CVI beside what was found, text to image.

    Recalls are in [0, 1] by k, as they were given. Lift is how far they are from chance (0) to
    perfect (1); None where k tokens are the whole gallery.
    """

    collection: str
    n: int
    terms: VarianceTerms
    index: float
    index_off_diagonal: float
    recall: PerK
    lift: dict[int, float | None]
    at_equal_n: EqualGallery | None


Rows = Sequence[CollectionDifficulty]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difficulty:
    """How hard collections are, and what CVI has to do with it.

    `agreements` are over all rows. `at_equal_n` is over those that have `equal_n` tokens, and holds
    the same collections in their full galleries beside. `skipped` names what was left out, there
    or altogether, and why. `verdict` is what may be concluded.
    """

    alpha: float
    equal_n: int
    repeats: int
    seed: int
    rows: tuple[CollectionDifficulty, ...]
    agreements: tuple[Agreement, ...]
    at_equal_n: tuple[Agreement, ...]
    sweeps: tuple[Sweep, ...]
    skipped: dict[str, str]
    verdict: str

    def to_json(self) -> dict[str, Any]:
        return to_dict(self)

    def tables(self) -> tuple[Table, ...]:
        """Return the collections, what CVI is made of, what goes with it, and the sweeps."""
        left_out = "".join(f" {name}: {why}." for name, why in self.skipped.items())
        return (
            self._collections(note=left_out.strip()),
            self._terms(),
            shown("Does CVI tell how hard a collection is?", self.agreements, self.verdict),
            shown(f"The same with {self.equal_n:,} tokens each", self.at_equal_n),
            shown_sweeps(self.sweeps),
        )

    def _collections(self, *, note: str) -> Table:
        return Table(
            title="How hard each collection is, text to image",
            columns=(
                Column("collection"),
                Column("N", "count"),
                *percents([f"top-{k}" for k in KS]),
                Column("lift top-1", "percent"),
                Column("CVI", "number"),
                Column("CVI without diagonal", "number"),
            ),
            rows=tuple(
                (
                    row.collection,
                    row.n,
                    *(row.recall[k] for k in KS),
                    row.lift[1],
                    row.index,
                    row.index_off_diagonal,
                )
                for row in self.rows
            ),
            note=note,
        )

    def _terms(self) -> Table:
        at = f"at N = {self.equal_n:,}"
        return Table(
            title=f"What CVI is made of, and {self.equal_n:,} tokens each",
            columns=(
                Column("collection"),
                *(Column(f"variance {of}", "number") for of in ("I I'", "T T'", "T I'")),
                Column(f"CVI {at}", "number"),
                Column("sd of draws", "number"),
                Column(f"top-1 {at}", "percent"),
            ),
            rows=tuple(
                (
                    row.collection,
                    row.terms.image,
                    row.terms.text,
                    row.terms.cross,
                    *((e.index, e.index_sd, e.recall[1]) if (e := row.at_equal_n) else [None] * 3),
                )
                for row in self.rows
            ),
            note=f"At equal N CVI is unbiased and without diagonal; {self.repeats} draws each.",
        )


def score_difficulty(
    vectors: Pairs,
    *,
    recall: Mapping[str, Mapping[int, float]],
    alpha: float = ALPHA,
    equal_n: int | None = None,
    repeats: int = 10,
    families: Mapping[str, str] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Difficulty:
    """Return how hard each collection is, and whether CVI says more than its number of tokens.

    `vectors` has the unit vectors of each collection's pictures and captions, (n, D) each; they
    are read twice, one collection at a time. `recall` has what was found of each, text to image,
    at k = 1, 5 and 10. `equal_n` is by default the size of the smallest collection, at least
    `MIN_EQUAL_N`; smaller ones are named in `skipped`, as are those whose vectors are broken. A
    collection costs `repeats` x `equal_n`^2 cosines. Collections of one of the `families` are drawn
    together for intervals. Raises ConfigError for options out of range and for recalls that do not
    fit the collections.
    """
    check_range("alpha", alpha, low=0, high=1)
    check_range("repeats", repeats, low=1)
    if equal_n is not None:
        check_range("equal_n", equal_n, low=3)
    _check_recall(vectors, recall)
    skipped: dict[str, str] = {}
    terms = _terms(vectors, skipped, progress=progress)
    smallest = min((each.n for each in terms.values()), default=0)
    equal_n = max(MIN_EQUAL_N, smallest) if equal_n is None else equal_n
    rows: list[CollectionDifficulty] = []
    for name, found in terms.items():
        equal = None
        if found.n < equal_n:
            skipped[name] = f"not at equal N, as it has {found.n:,} tokens of {equal_n:,}"
        else:
            rng = np.random.default_rng([seed, *name.encode()])
            equal = _cut(*vectors[name], n=equal_n, repeats=repeats, alpha=alpha, rng=rng)
        rows.append(_row(name, found, recall[name], equal, alpha=alpha))
        progress("cut to equal size", len(rows), len(terms), name)
    return _compared(
        rows,
        families=families or {},
        alpha=alpha,
        equal_n=equal_n,
        repeats=repeats,
        seed=seed,
        skipped=skipped,
    )


def _compared(
    rows: Rows,
    *,
    families: Mapping[str, str],
    alpha: float,
    equal_n: int,
    repeats: int,
    seed: int,
    skipped: dict[str, str],
) -> Difficulty:
    """Return the rows with what CVI has to do with what was found."""
    agreements = tuple(_in_full(rows, families=families, seed=seed))
    at_equal_n = tuple(_at_equal_n(rows, families=families, seed=seed))
    return Difficulty(
        alpha=alpha,
        equal_n=equal_n,
        repeats=repeats,
        seed=seed,
        rows=tuple(rows),
        agreements=agreements,
        at_equal_n=at_equal_n,
        sweeps=tuple(_sweeps(rows, families=families, seed=seed)),
        skipped=skipped,
        verdict=verdict(
            _of_top_1(agreements, "as written"),
            _of_top_1(at_equal_n, "as written"),
            _of_top_1(at_equal_n, "at equal N"),
            equal_n=equal_n,
        ),
    )


def _check_recall(vectors: Pairs, recall: Mapping[str, Mapping[int, float]]) -> None:
    """Raise ConfigError unless each collection has its recalls, and they are shares."""
    for name in sorted(set(vectors) ^ set(recall)):
        lacking = "recall" if name in vectors else "vectors"
        raise ConfigError(f"{name} has no {lacking}; each collection needs vectors and recall")
    for name, shares in recall.items():
        for k in KS:
            if k not in shares:
                raise ConfigError(f"{name} has no recall at {k}; expected k of {KS}")
            check_range(f"recall of {name} at {k}", shares[k], low=0, high=1)


def _terms(
    vectors: Pairs, skipped: dict[str, str], *, progress: Progress
) -> dict[str, VarianceTerms]:
    """Return the terms of each collection; those whose vectors are broken go to `skipped`."""
    found: dict[str, VarianceTerms] = {}
    for done, name in enumerate(vectors, start=1):
        try:
            found[name] = metrics.variance_terms(*vectors[name])
        except ModelError as error:
            skipped[name] = str(error)
        progress("variance of cosines", done, len(vectors), name)
    return found


def _cut(
    images_nD: Vectors,
    texts_nD: Vectors,
    *,
    n: int,
    repeats: int,
    alpha: float,
    rng: np.random.Generator,
) -> EqualGallery:
    """Return what draws of `n` tokens show; one draw is enough where it takes them all."""
    terms, recalls = [], []
    for _ in range(repeats if n < len(images_nD) else 1):
        rows = np.sort(rng.choice(len(images_nD), n, replace=False))
        images, texts, keys = images_nD[rows], texts_nD[rows], np.arange(n)
        counts = metrics.count_matches(texts, images, query_keys=keys, gallery_keys=keys)
        recalls.append([metrics.hits(counts, k).mean() for k in KS])
        terms.append(metrics.variance_terms(images, texts).unbiased())
    index = [each.index_off_diagonal(alpha) for each in terms]
    return EqualGallery(
        terms=_mean(terms),
        index=float(np.mean(index)),
        index_sd=float(np.std(index, ddof=1)) if len(index) > 1 else 0.0,
        recall=dict(zip(KS, np.mean(recalls, axis=0).tolist(), strict=True)),
    )


def _mean(terms: Sequence[VarianceTerms]) -> VarianceTerms:
    def mean(name: str) -> float:
        return float(np.mean([getattr(each, name) for each in terms]))

    return VarianceTerms(
        n=terms[0].n,
        image=mean("image"),
        text=mean("text"),
        cross=mean("cross"),
        image_off_diagonal=mean("image_off_diagonal"),
        text_off_diagonal=mean("text_off_diagonal"),
    )


def _row(
    name: str,
    terms: VarianceTerms,
    recall: Mapping[int, float],
    equal: EqualGallery | None,
    *,
    alpha: float,
) -> CollectionDifficulty:
    return CollectionDifficulty(
        collection=name,
        n=terms.n,
        terms=terms,
        index=terms.index(alpha),
        index_off_diagonal=terms.index_off_diagonal(alpha),
        recall={k: float(recall[k]) for k in KS},
        lift={k: known(metrics.lift(recall[k], min(1.0, k / terms.n))) for k in KS},
        at_equal_n=equal,
    )


def _in_full(rows: Rows, *, families: Mapping[str, str], seed: int) -> Iterator[Agreement]:
    """Yield how both forms of CVI go with top-k, with lift and with N, all tokens searched."""
    n_C, clusters = [row.n for row in rows], _clusters(rows, families)
    against: dict[str, Sequence[float]] = {
        **{f"top-{k}": [row.recall[k] for row in rows] for k in KS},
        # In a gallery of 2 or more chance is below 1 at k = 1.
        "lift top-1": [row.lift[1] or 0.0 for row in rows],
        "N": n_C,
    }
    for index, index_C in _in_full_galleries(rows).items():
        for name, values_C in against.items():
            yield agree(index, name, index_C, values_C, n_C=n_C, clusters=clusters, seed=seed)


def _at_equal_n(rows: Rows, *, families: Mapping[str, str], seed: int) -> Iterator[Agreement]:
    """Yield CVI with top-1 in full galleries, and then with all of them cut to equal size."""
    cut = [(row, row.at_equal_n) for row in rows if row.at_equal_n]
    full, equal = [row for row, _ in cut], [each for _, each in cut]
    clusters = _clusters(full, families)
    top_C, n_C = [row.recall[1] for row in full], [row.n for row in full]
    for index, index_C in _in_full_galleries(full).items():
        yield agree(index, "top-1", index_C, top_C, n_C=n_C, clusters=clusters, seed=seed)
    index_C = [each.index for each in equal]
    for k in KS:
        recall_C = [each.recall[k] for each in equal]
        yield agree("at equal N", f"top-{k}", index_C, recall_C, clusters=clusters, seed=seed)
    yield agree("at equal N", "N", index_C, n_C, clusters=clusters, seed=seed)


def _sweeps(rows: Rows, *, families: Mapping[str, str], seed: int) -> Iterator[Sweep]:
    """Yield the sweep of each form of CVI against each top-k, where there is one."""
    cut = [row for row in rows if row.at_equal_n]
    forms: dict[Index, Rows] = {"as written": rows, "without diagonal": rows, "at equal N": cut}
    for index, those in forms.items():
        searched = [(row.at_equal_n or row) if index == "at equal N" else row for row in those]
        terms, clusters = [each.terms for each in searched], _clusters(those, families)
        for k in KS:
            top_k = [each.recall[k] for each in searched]
            found = sweep(index, k, terms, top_k, clusters=clusters, seed=seed)
            if found:
                yield found


def _in_full_galleries(rows: Rows) -> dict[Index, list[float]]:
    return {
        "as written": [row.index for row in rows],
        "without diagonal": [row.index_off_diagonal for row in rows],
    }


def _clusters(rows: Rows, families: Mapping[str, str]) -> list[str]:
    return [families.get(row.collection, row.collection) for row in rows]


def _of_top_1(agreements: Sequence[Agreement], index: Index) -> Agreement:
    return next(each for each in agreements if (each.index, each.against) == (index, "top-1"))

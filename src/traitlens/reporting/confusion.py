"""What is confused inside a collection: which traits the first hit has wrong, and for what.

A caption asks its collection. Where the first hit is another token, of another caption, the traits
of both are laid side by side. A trait type that differs as often as between tokens drawn at random
was not read at all; one that hardly ever differs was read well.
"""

# Axes: n tokens of a collection, E errors

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens.config import check_range
from traitlens.embedding import Embedded
from traitlens.progress import Progress, silent
from traitlens.records import Token
from traitlens.reporting.first_hits import Rows, drawn_rows, score_blocks
from traitlens.tables import Column, Table, percents

PAIRS = 10  # of values, of each collection
ABSENT, OTHER = "(none)", "(other)"

ENOUGH_ERRORS = 10  # fewer say nothing about a trait type

_MATRIX_VALUES = 8

Values = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeConfusion:
    """How often a trait type differs: in the errors, and `expected` between random tokens."""

    trait_type: str
    errors: int  # in which it differs
    share: float
    expected: float

    @property
    def ratio(self) -> float | None:
        """The share over the expected one: below 1 it was read; None where it never differs."""
        return self.share / self.expected if self.expected else None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairConfusion:
    """A value that was meant, the value that was found instead, and in how many errors."""

    trait_type: str
    meant: str
    found: str
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Of a trait type: queries by the value that was meant (row) and found (column).

    All queries count, also those that found the meant token.
    """

    trait_type: str
    values: tuple[str, ...]
    queries: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionConfusion:
    """The errors of a collection: `queries` = right + `same_caption` + `errors`.

    Where the first hit is another token of the same caption no text could do better. `types` are
    in falling order of ratio, `pairs` of errors; `matrix` is of the type that is confused most.
    """

    collection: str
    queries: int
    same_caption: int
    errors: int
    types: tuple[TypeConfusion, ...]
    pairs: tuple[PairConfusion, ...]
    matrix: Matrix | None

    @property
    def worst(self) -> TypeConfusion | None:
        """The type that is confused most, of those with enough errors to say so."""
        return next((each for each in self.types if each.errors >= ENOUGH_ERRORS), None)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "types": [each.to_json() for each in self.types]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """What a model confuses, collection by collection; `skipped` ones have no errors to look at."""

    model: str
    per_collection: int
    seed: int
    collections: tuple[CollectionConfusion, ...]
    skipped: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "collections": [each.to_json() for each in self.collections],
        }

    def tables(self) -> tuple[Table, ...]:
        """Return a table of collections, one of trait types, and one of pairs of values."""
        return (_collection_table(self), _type_table(self), _pair_table(self))


def confusion(
    embedded: Embedded, *, per_collection: int = 1000, seed: int = 0, progress: Progress = silent
) -> Confusion:
    """Return which traits the first hits of captions have wrong, text to image.

    At most `per_collection` captions of each collection ask, drawn by `seed`. A first place that
    several pictures share is drawn from among them.
    """
    check_range("per_collection", per_collection, low=1)
    gallery = embedded.gallery
    found, skipped = [], {}
    for done, name in enumerate(gallery.collections, start=1):
        one = _confusion(embedded, name, most=per_collection, key=f"{seed}:{name}")
        if one.errors:
            found.append(one)
        else:
            same = f" but {one.same_caption:,} of the same caption" if one.same_caption else ""
            skipped[name] = f"no errors{same} in {one.queries:,} queries"
        progress("compare errors", done, len(gallery.collections))
    return Confusion(
        model=embedded.model,
        per_collection=per_collection,
        seed=seed,
        collections=tuple(found),
        skipped=skipped,
    )


def _confusion(embedded: Embedded, name: str, *, most: int, key: str) -> CollectionConfusion:
    gallery = embedded.gallery
    rows = gallery.rows(name)
    asked = drawn_rows(rows.stop - rows.start, most, key=key)
    hits = np.array(list(_first_hits(embedded, name, asked, key=key)), np.intp)
    _, caption_n = np.unique(gallery.caption_of[rows], return_inverse=True)
    meant = np.array(asked, np.intp)
    wrong = caption_n[meant] != caption_n[hits]
    values = _values_by_type(gallery.tokens(name))
    types = [
        _type_confusion(kind, of_n, meant[wrong], hits[wrong], caption_n)
        for kind, of_n in values.items()
    ]
    types.sort(key=lambda each: -(each.ratio or 0.0))
    found = CollectionConfusion(
        collection=name,
        queries=len(asked),
        same_caption=int(((meant != hits) & ~wrong).sum()),
        errors=int(wrong.sum()),
        types=tuple(types),
        pairs=_pairs(values, meant[wrong], hits[wrong]),
        matrix=None,
    )
    if found.worst is None:
        return found
    kind = found.worst.trait_type
    return replace(found, matrix=_matrix(kind, values[kind], meant, hits))


def _first_hits(embedded: Embedded, name: str, asked: Sequence[int], *, key: str) -> Iterator[int]:
    rng = random.Random(f"first {key}")
    for _, scores_Qn in score_blocks(embedded, name, asked):
        for best_n in scores_Qn == scores_Qn.max(axis=1, keepdims=True):
            yield rng.choice(np.flatnonzero(best_n).tolist())


def _values_by_type(tokens: Sequence[Token]) -> dict[str, list[Values]]:
    """Return for each trait type what each token has of it: nothing, a value, or several."""
    kinds = dict.fromkeys(trait.trait_type for token in tokens for trait in token.traits)
    found: dict[str, list[set[str]]] = {kind: [set() for _ in tokens] for kind in kinds}
    for row, token in enumerate(tokens):
        for trait in token.traits:
            found[trait.trait_type][row].add(trait.value)
    return {kind: [frozenset(values) for values in of_n] for kind, of_n in found.items()}


def _type_confusion(
    kind: str, of_n: Sequence[Values], meant_E: Rows, hits_E: Rows, caption_n: NDArray[np.intp]
) -> TypeConfusion:
    number: dict[Values, int] = {}
    value_n = np.array([number.setdefault(values, len(number)) for values in of_n], np.intp)
    differs_E = value_n[meant_E] != value_n[hits_E]
    same_E = _equal_n(value_n)[meant_E]
    both_E = _equal_n(value_n * (caption_n.max() + 1) + caption_n)[meant_E]
    # Drawn like the hits: from the tokens of other captions
    others_E = len(of_n) - _equal_n(caption_n)[meant_E]
    errors = int(differs_E.sum())
    return TypeConfusion(
        trait_type=kind,
        errors=errors,
        share=errors / max(1, len(meant_E)),
        expected=float((1 - (same_E - both_E) / others_E).mean()) if len(meant_E) else 0.0,
    )


def _equal_n(number_n: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each row how many rows have its number."""
    _, inverse, counts = np.unique(number_n, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse], np.intp)


def _pairs(
    values: dict[str, list[Values]], meant_E: Rows, hits_E: Rows
) -> tuple[PairConfusion, ...]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for meant, hit in zip(meant_E.tolist(), hits_E.tolist(), strict=True):
        for kind, of_n in values.items():
            if of_n[meant] != of_n[hit]:  # of several values, those that both have say nothing
                lost, gained = of_n[meant] - of_n[hit], of_n[hit] - of_n[meant]
                counted[kind, _said(lost), _said(gained)] += 1
    repeated = [item for item in counted.items() if item[1] > 1]
    first = sorted(repeated, key=lambda item: (-item[1], item[0]))[:PAIRS]
    return tuple(
        PairConfusion(trait_type=kind, meant=meant, found=found, errors=errors)
        for (kind, meant, found), errors in first
    )


def _said(values: Values) -> str:
    return " + ".join(sorted(values)) or ABSENT


def _matrix(kind: str, of_n: Sequence[Values], meant: Rows, hits: Rows) -> Matrix | None:
    """Return the matrix of the commonest values, or None where they are too few of all."""
    common = Counter(map(_said, of_n)).most_common(_MATRIX_VALUES)
    if 2 * sum(count for _, count in common) < len(of_n):
        return None  # nearly every token has a value of its own
    place = {value: at for at, (value, _) in enumerate(common)}
    rest = len(place)
    counted = np.zeros((rest + 1, rest + 1), np.int64)
    for row, hit in zip(meant.tolist(), hits.tolist(), strict=True):
        counted[place.get(_said(of_n[row]), rest), place.get(_said(of_n[hit]), rest)] += 1
    values = [*place, OTHER]
    used = [at for at in range(rest + 1) if at < rest or counted[at].any() or counted[:, at].any()]
    return Matrix(
        trait_type=kind,
        values=tuple(values[at] for at in used),
        queries=tuple(tuple(row) for row in counted[np.ix_(used, used)].tolist()),
    )


def _collection_table(found: Confusion) -> Table:
    rows = []
    for one in found.collections:
        kind, ratio = (one.worst.trait_type, one.worst.ratio) if one.worst else (None, None)
        rows.append((one.collection, one.queries, one.errors, one.same_caption, kind, ratio))
    without = "".join(f" {name}: {why}." for name, why in found.skipped.items())
    return Table(
        title="Errors inside the collections",
        columns=(
            Column("collection"),
            *(Column(name, "count") for name in ("queries", "errors", "of the same caption")),
            Column("confused most"),
            Column("share / expected", "number", digits=2),
        ),
        rows=tuple(rows),
        note=(
            "An error: the first hit has another caption. Of the same caption: another token that "
            f"the caption fits as well. Confused most: of the types that {ENOUGH_ERRORS} "
            f"errors or more have wrong.{without}"
        ),
    )


def _type_table(found: Confusion) -> Table:
    return Table(
        title="Which traits the wrong hits differ in",
        columns=(
            Column("collection"),
            Column("trait type"),
            *percents(["of the errors", "of random pairs"]),
            Column("share / expected", "number", digits=2),
        ),
        rows=tuple(
            (one.collection, each.trait_type, each.share, each.expected, each.ratio)
            for one in found.collections
            for each in one.types
        ),
        note=(
            "Near 1: it differs as between tokens drawn at random, so it was not read. Near 0: "
            "it was read well, and the errors are about other traits."
        ),
    )


def _pair_table(found: Confusion) -> Table:
    return Table(
        title="What was found instead",
        columns=(
            *(Column(name) for name in ("collection", "trait type", "meant", "found")),
            Column("errors", "count"),
        ),
        rows=tuple(
            (one.collection, pair.trait_type, pair.meant, pair.found, pair.errors)
            for one in found.collections
            for pair in one.pairs
        ),
        note=f"The {PAIRS} commonest of each collection, of those that came more than once.",
    )

"""Collections that share art are a family: none of it may be trained on while another is tested.

Two collections belong together when their sketches share at least eight shapes, about as many as
one common region of 10 x 10 px makes. A family that grows shares a shape by chance with more and
more others, so two families are joined by the sum of what their members share, over the root of
the number of pairs of members; else, among a thousand collections, chance alone would chain
hundreds into one. The strongest bond comes first, as in any agglomerative clustering.

What a source or the user names as the family of a collection is not questioned: such families
are never joined with one another, and a collection that is `ALONE` is joined with nobody.

Shapes that very many collections have (a common eye, a common frame) are nobody's own and do not
count; that also bounds the work, which grows with the shapes and not with the pairs of collections.

What this cannot see: art drawn anew in the manner of another, where no pixels are shared, and
art of soft gradients without lines.
Perceptual hashes of whole pictures are no help: one lone figure in the middle equals another.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from traitlens.split.sketches import FamilySketch

ALONE = "alone"

MIN_SHARED_SHAPES = 8
MAX_COLLECTIONS_OF_A_SHAPE = 64

_BY_CHANCE = 3  # shapes that unrelated collections share now and then: no evidence, not even added


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyLink:
    """Two collections that share shapes: the evidence, also where it did not make one family."""

    first: str
    second: str
    shared_shapes: int
    one_family: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """The family of each collection by name, and the links that were found, strongest first."""

    of: dict[str, str]
    links: tuple[FamilyLink, ...]

    def members(self) -> dict[str, list[str]]:
        """Return the collections of each family that has more than one."""
        found: dict[str, list[str]] = {}
        for name, family in self.of.items():
            found.setdefault(family, []).append(name)
        return {family: names for family, names in sorted(found.items()) if len(names) > 1}


def find_families(
    sketches: Mapping[str, FamilySketch], *, given: Mapping[str, str] | None = None
) -> Families:
    """Return the family of each collection: as given, else as found from what pictures share.

    A family that is found is called after the first of its members in the alphabet, one that is
    given as it is given; a collection of that name belongs to it. The order of the collections
    does not matter.
    """
    names = sorted(sketches)
    shared = _shared(sketches, names)
    clusters = _Clusters.of(names, given or {})
    for pair, count in shared.items():
        clusters.add_bond(*pair, shapes=count)
    clusters.join_all()
    of = clusters.families()
    links = [
        FamilyLink(
            first=names[a],
            second=names[b],
            shared_shapes=count,
            one_family=of[names[a]] == of[names[b]],
        )
        for (a, b), count in sorted(shared.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Families(of={name: of[name] for name in sketches}, links=tuple(links))


@dataclass(slots=True, kw_only=True)
class _Clusters:
    """Families as they grow. A cluster is known by the number of its first member."""

    names: list[str]
    cluster: list[int]  # of each collection
    members: dict[int, list[int]]
    given: dict[int, str]  # what clusters are called, where that is given
    bonds: dict[int, dict[int, int]]  # shapes that two clusters share, either way round

    @classmethod
    def of(cls, names: list[str], given: Mapping[str, str]) -> _Clusters:
        families = {name: given[name] for name in names if given.get(name)}
        for family in set(families.values()) & set(names):
            families.setdefault(family, family)  # it is the one that others are said to be of
        first: dict[str, int] = {}
        cluster = [
            number
            if families.get(name, ALONE) == ALONE
            else first.setdefault(families[name], number)
            for number, name in enumerate(names)
        ]
        members: dict[int, list[int]] = defaultdict(list)
        for number, one in enumerate(cluster):
            members[one].append(number)
        called = {cluster[n]: families[name] for n, name in enumerate(names) if name in families}
        return cls(
            names=names, cluster=cluster, members=members, given=called, bonds=defaultdict(dict)
        )

    def add_bond(self, a: int, b: int, *, shapes: int) -> None:
        first, second = self.cluster[a], self.cluster[b]
        if first != second and self._may_join(first, second):
            total = self.bonds[first].get(second, 0) + shapes
            self.bonds[first][second] = self.bonds[second][first] = total

    def join_all(self) -> None:
        """Join the clusters with the strongest bond, until none is strong enough."""
        while strongest := self._strongest():
            self._join(*strongest)

    def families(self) -> dict[str, str]:
        """Return what the family of each collection is called."""
        called = {}
        for number, name in enumerate(self.names):
            leader = self.cluster[number]
            family = self.given.get(leader, ALONE)
            called[name] = self.names[leader] if family == ALONE else family
        return called

    def _may_join(self, first: int, second: int) -> bool:
        given = {self.given[one] for one in (first, second) if one in self.given}
        return ALONE not in given and len(given) < 2

    def _strongest(self) -> tuple[int, int] | None:
        strengths = (
            (shapes / math.sqrt(len(self.members[a]) * len(self.members[b])), -a, -b)
            for a, others in self.bonds.items()
            for b, shapes in others.items()
            if a < b
        )
        strength, a, b = max(strengths, default=(0.0, 0, 0))
        return (-a, -b) if strength >= MIN_SHARED_SHAPES else None

    def _join(self, first: int, second: int) -> None:
        """Make `second` part of `first`; what either is bound to is bound to both."""
        for member in self.members[second]:
            self.cluster[member] = first
        self.members[first] += self.members.pop(second)
        if second in self.given:
            self.given[first] = self.given.pop(second)
        inherited = self.bonds.pop(second)
        for other in inherited:
            del self.bonds[other][second]
        bonds = Counter(self.bonds.pop(first)) + Counter(inherited)
        for other, shapes in bonds.items():
            self.bonds[other].pop(first, None)
            if other != first and self._may_join(first, other):
                self.bonds[first][other] = self.bonds[other][first] = shapes


def _shared(sketches: Mapping[str, FamilySketch], names: list[str]) -> dict[tuple[int, int], int]:
    """Return how many shapes two collections share, where it is more than by chance."""
    shapes = np.concatenate([np.empty(0, np.uint32), *(sketches[n].shapes_S for n in names)])
    sizes = [len(sketches[name].shapes_S) for name in names]
    owner = np.repeat(np.arange(len(names)), sizes)
    order = np.lexsort((owner, shapes))
    totals: Counter[int] = Counter()
    for found in _pairs(shapes[order], owner[order], len(names)):
        pairs, counts = np.unique(found, return_counts=True)
        totals.update(dict(zip(pairs.tolist(), counts.tolist(), strict=True)))
    return {divmod(pair, len(names)): count for pair, count in totals.items() if count > _BY_CHANCE}


def _pairs(
    shapes: NDArray[np.uint32], owners: NDArray[np.int64], collections: int
) -> Iterator[NDArray[np.int64]]:
    """Yield `one * collections + another`, once for each shape that two collections share.

    Both arrays are in the order of the shapes, and of the owners within a shape.
    """
    starts = np.flatnonzero(np.diff(shapes, prepend=shapes[:1] + np.uint32(1)))
    lengths = np.diff(starts, append=len(shapes))
    for length in range(2, MAX_COLLECTIONS_OF_A_SHAPE + 1):
        rows = owners[starts[lengths == length, None] + np.arange(length)]
        first, second = np.triu_indices(length, k=1)
        yield (rows[:, first] * collections + rows[:, second]).ravel()

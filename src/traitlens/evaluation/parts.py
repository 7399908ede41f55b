"""Further measurements by name: what one score hides (see `diagnosis` and `difficulty`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from traitlens import diagnosis
from traitlens.config import check_choice
from traitlens.embedding import Embedded, Gallery
from traitlens.evaluation.difficulty import score_difficulty
from traitlens.evaluation.retrieval import RetrievalRow
from traitlens.models.encoder import Vectors
from traitlens.progress import Progress
from traitlens.tables import Table


class Part(Protocol):
    """A measurement that can be printed and stored."""

    def to_json(self) -> dict[str, Any]: ...

    def tables(self) -> tuple[Table, ...]: ...


Found = Sequence[Embedded]
Rows = Sequence[RetrievalRow]


def _difficulty(found: Found, rows: Rows, *, seed: int, progress: Progress) -> Part:
    model = found[0].model
    wanted = (model, "text_to_image", "collection")
    mine = [row for row in rows if (row.model, row.direction, row.scope) == wanted]
    return score_difficulty(
        _Pairs(found[0]),
        recall={row.gallery: row.recall for row in mine},
        families=found[0].gallery.families,
        seed=seed,
        progress=progress,
    )


def _identifiability(found: Found, rows: Rows, *, seed: int, progress: Progress) -> Part:
    # What a picture shows does not hang on the split, and a probe needs all it can get.
    gallery = Gallery.of(found[0].gallery.data, split=None)
    return diagnosis.identifiability(gallery, seed=seed, progress=progress)


def _of_models(measure: Callable[..., Part]) -> Callable[..., Part]:
    def part(found: Found, rows: Rows, *, seed: int, progress: Progress) -> Part:
        return measure(found, seed=seed, progress=progress)

    return part


PARTS: dict[str, Callable[..., Part]] = {
    "overlap": _of_models(diagnosis.graded_overlap),
    "short queries": _of_models(diagnosis.short_queries),
    "pools": _of_models(diagnosis.pools),
    "swaps": _of_models(diagnosis.swaps),
    "association": _of_models(diagnosis.association),
    "difficulty": _difficulty,
    "identifiability": _identifiability,
}


def check_parts(names: Sequence[str]) -> None:
    """Raise ConfigError where a name is none of `PARTS`."""
    for name in names:
        check_choice("parts", name, PARTS)


def measure(name: str, found: Found, rows: Rows, *, seed: int, progress: Progress) -> Part:
    """Return a measurement of the models of `found`, the first of which is in question.

    `rows` are their retrieval rows.
    """
    return PARTS[name](found, rows, seed=seed, progress=progress)


class _Pairs(Mapping[str, tuple[Vectors, Vectors]]):
    """The vectors of each collection's pictures and captions, read when they are asked for."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded

    def __getitem__(self, collection: str) -> tuple[Vectors, Vectors]:
        return self._embedded.of(collection)

    def __iter__(self) -> Iterator[str]:
        return iter(self._embedded.gallery.collections)

    def __len__(self) -> int:
        return len(self._embedded.gallery.collections)

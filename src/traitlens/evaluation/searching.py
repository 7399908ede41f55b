"""What comes of searching galleries: each query's rank, whatever counts as right."""

# Axes: N tokens of a gallery, Q queries, D dimensions

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from traitlens.embedding import Embedded
from traitlens.embedding.encoding import Stored
from traitlens.embedding.gallery import Numbers
from traitlens.metrics import Blocks, Counts, Keys, rank
from traitlens.metrics.ranking import CPU
from traitlens.progress import Progress, silent

Direction = Literal["text_to_image", "image_to_text"]
DIRECTIONS: tuple[Direction, ...] = ("text_to_image", "image_to_text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """Queries and what came of them, each with the size of its gallery: all of shape (Q,).

    `same_caption` counts the gallery's tokens that share the query's caption, itself included.
    """

    instance: Counts
    same_class: Counts
    same_collection: Counts | None = None
    gallery_size: NDArray[np.int64]
    same_caption: NDArray[np.int64]

    @property
    def n(self) -> int:
        """The number of tokens in the gallery, when there is one gallery."""
        return int(self.gallery_size[0])

    def of(self, rows: NDArray[np.intp]) -> Searched:
        """Return the same of some of the queries."""

        def some(counts: Counts) -> Counts:
            return Counts(counts.above[rows], counts.level[rows])

        return Searched(
            instance=some(self.instance),
            same_class=some(self.same_class),
            same_collection=some(self.same_collection) if self.same_collection else None,
            gallery_size=self.gallery_size[rows],
            same_caption=self.same_caption[rows],
        )


def search(
    queries_QD: Stored,
    gallery_ND: Stored,
    *,
    meant: Numbers,
    classes: Numbers,
    collections: Numbers | None = None,
) -> Searched:
    """Return what came of searching one gallery, where query i means token `meant[i]`.

    `classes`, of shape (N,), are equal for tokens of one caption, `collections` for those of one
    collection.
    """
    keys = _keys(classes, collections)
    asked = {name: Keys(queries=each.gallery[meant], gallery=each.gallery) for name, each in keys}
    found = rank(queries_QD, gallery_ND, keys=asked)
    return _searched(found.forward, classes, meant)


def search_collections(
    embedded: Embedded, *, blocks: Blocks = CPU, progress: Progress = silent
) -> dict[str, dict[Direction, Searched]]:
    """Return what came of searching each collection for each of its tokens, both ways."""
    gallery = embedded.gallery
    found = {}
    for name in gallery.collections:
        images_nD, texts_nD = embedded.of(name)
        classes = gallery.caption_of[gallery.rows(name)]
        found[name] = _search_pairs(texts_nD, images_nD, classes=classes, blocks=blocks)
        progress("rank within", gallery.rows(name).stop, len(gallery))
    return found


def search_all(
    embedded: Embedded,
    *,
    blocks: Blocks = CPU,
    work: Path | None = None,
    progress: Progress = silent,
) -> dict[Direction, Searched]:
    """Return what came of searching all tokens in one gallery for each of them, both ways."""
    return _search_pairs(
        embedded.texts_ND,
        embedded.images_ND,
        classes=embedded.gallery.caption_of,
        collections=embedded.gallery.collection_of,
        blocks=blocks,
        work=work,
        progress=progress,
    )


def _search_pairs(
    texts_ND: Stored,
    images_ND: Stored,
    *,
    classes: Numbers,
    collections: Numbers | None = None,
    blocks: Blocks,
    work: Path | None = None,
    progress: Progress = silent,
) -> dict[Direction, Searched]:
    """Return both directions, from the same products; row i of the texts belongs to picture i."""
    found = rank(
        texts_ND,
        images_ND,
        keys=dict(_keys(classes, collections)),
        both_ways=True,
        blocks=blocks,
        work=work,
        progress=progress,
    )
    assert found.backward is not None
    meant = np.arange(len(classes))
    return {
        "text_to_image": _searched(found.forward, classes, meant),
        "image_to_text": _searched(found.backward, classes, meant),
    }


def _keys(classes: Numbers, collections: Numbers | None) -> list[tuple[str, Keys]]:
    """Return by what an item can be right: itself, its caption, its collection.

    Where no caption repeats, a token's class is itself.
    """
    systems = [("instance", np.arange(len(classes)))]
    if len(np.unique(classes)) < len(classes):
        systems.append(("class", classes))
    if collections is not None:
        systems.append(("collection", collections))
    return [(name, Keys(queries=each, gallery=each)) for name, each in systems]


def _searched(counts: dict[str, Counts], classes: Numbers, meant: Numbers) -> Searched:
    return Searched(
        instance=counts["instance"],
        same_class=counts.get("class", counts["instance"]),
        same_collection=counts.get("collection"),
        gallery_size=np.full(len(meant), len(classes)),
        same_caption=np.bincount(classes)[classes[meant]].astype(np.int64),
    )

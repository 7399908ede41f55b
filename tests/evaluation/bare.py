"""Vectors without a data set behind them, for tests of scores."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from traitlens.embedding import Embedded, Gallery
from traitlens.models import Vectors
from traitlens.records import CollectionInfo
from traitlens.store import CollectionEntry, Dataset, Manifest


def bare(
    images: Vectors, texts: Vectors, collections: Sequence[str], captions: Sequence[str]
) -> Embedded:
    """Return the vectors of tokens, which lie collection by collection."""
    names = list(dict.fromkeys(collections))
    entries = tuple(
        CollectionEntry(
            info=CollectionInfo(name=name),
            read=list(collections).count(name),
            kept=list(collections).count(name),
            rejected={},
            splits={},
            shards=(),
        )
        for name in names
    )
    manifest = Manifest(fingerprint="bare", config={}, versions={}, collections=entries)
    none = np.zeros(len(captions), np.int64)
    gallery = Gallery(
        data=Dataset(Path("bare"), manifest),
        split=None,
        max_gallery=None,
        seed=0,
        collections=tuple(names),
        start=np.cumsum([0, *(entry.kept for entry in entries)]),
        caption_of=np.array([list(dict.fromkeys(captions)).index(one) for one in captions]),
        picture_of=np.arange(len(captions)),
        shards=(),
        shard_of=none,
        row_of=none,
        skipped={},
    )
    return Embedded(
        gallery=gallery, model="m", model_fingerprint="m", images_ND=images, texts_ND=texts
    )

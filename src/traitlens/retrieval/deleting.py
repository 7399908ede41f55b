"""Tokens that leave a data set leave its indexes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from pathlib import Path

from traitlens.errors import IndexingError
from traitlens.retrieval.component_masks import forget_components
from traitlens.retrieval.manifest import TOKENS, VECTORS, IndexManifest, file_sizes
from traitlens.retrieval.token_table import TokenTable


def check_index(index: Path, *, fingerprints: Collection[str]) -> None:
    """Raise IndexingError unless the folder is an index of a data set with such a fingerprint."""
    manifest = IndexManifest.read_from(index)
    if manifest.data_fingerprint not in fingerprints:
        raise IndexingError(
            f"{index} was made of another data set ({manifest.data.path}, "
            f"{manifest.data_fingerprint}); name the indexes of this one"
        )


def delete_tokens(index: Path, token_uids: Iterable[str], *, data_fingerprint: str) -> int:
    """Delete tokens from an index for good, and return how many it had.

    The index is then one of the data set with `data_fingerprint`, which has lost the same tokens.
    The manifest is written last, so a killed deletion is done again.
    """
    from traitlens.vector_files import VectorFiles

    manifest = IndexManifest.read_from(index)
    names = list(token_uids)
    with manifest.open_engine(index) as engine, TokenTable.open(index / TOKENS) as table:
        table.begin(names)
        deleted = engine.delete(names)
        table.delete(names)
        indexed = engine.count() if manifest.complete else manifest.indexed
        vectors = VectorFiles(
            index / VECTORS, encoder=manifest.encoder_fingerprint, dimension=manifest.dimension
        )
        vectors.keep_only({pixels for pixels, _ in table.digests().values()})
        components = forget_components(index, engine)
    changed = dataclasses.replace(
        manifest,
        data_fingerprint=data_fingerprint,
        indexed=indexed,
        sizes=file_sizes(index) if manifest.complete else {},
        components=components,
        read=indexed + sum(manifest.rejected.values()) if manifest.complete else manifest.read,
    )
    changed.write(index)
    return deleted

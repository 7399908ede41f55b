"""A data set becomes an index: every kept token's picture as a vector, and what is said of it.

A run that was killed and is started again goes on after the last write that was acknowledged.
"""

from __future__ import annotations

import dataclasses
import re
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import traitlens
from traitlens.config import check_choice, check_range, fingerprint, to_dict
from traitlens.engines import ENGINES, EngineName, Server, clear_engine
from traitlens.engines.locks import lock
from traitlens.errors import ConfigError, IndexingError
from traitlens.models.encoder import Encoder
from traitlens.models.folder import SHIPPED
from traitlens.progress import Progress, silent
from traitlens.retrieval.component_masks import components_of, copy_components
from traitlens.retrieval.filling import Filling
from traitlens.retrieval.manifest import (
    ENGINE,
    MANIFEST,
    PARTS,
    TOKENS,
    VECTORS,
    IndexManifest,
    Place,
    check_sizes,
    file_sizes,
)
from traitlens.retrieval.token_table import TokenTable

if TYPE_CHECKING:
    from traitlens.store import Dataset

_SERVER = re.compile(r"https?://[^/?#@\s]+(/[^?#@\s]*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexConfig:
    """How an index is made; `url` is that of a Qdrant server, for the engine "server" alone."""

    engine: EngineName = "edge"
    url: str | None = None
    batch_size: int = 64  # pictures encoded at once
    write_size: int = 1024  # points a write; a write waits .1 s for the disk, however small

    def __post_init__(self) -> None:
        check_choice("index.engine", self.engine, ENGINES)
        if (self.engine == "server") != (self.url is not None):
            raise ConfigError('index.url goes with the engine "server", and that needs it')
        if self.url is not None and not _SERVER.fullmatch(self.url):
            raise ConfigError(
                f"index.url must be a server's address like http://localhost:6333; got {self.url!r}"
            )
        check_range("index.batch_size", self.batch_size, low=1, high=4096)
        check_range("index.write_size", self.write_size, low=1, high=65_536)


def index(
    data: Dataset | str | Path,
    out: str | Path,
    *,
    encoder: Encoder,
    config: IndexConfig | None = None,
    update: bool = False,
    replace: bool = False,
    progress: Progress = silent,
) -> IndexManifest:
    """Write the index of a data set into the folder `out`, or complete the one that is there.

    An index of another encoder, data set or engine raises IndexingError, unless `replace`. With
    `update`, one of another data set becomes one of this: what is new is added, what changed is
    written again, what is gone is deleted. No picture is encoded that the same encoder has seen
    here before, whichever it is. The data set's components are copied, also those that came later.
    """
    # Late, since searching needs nothing that reads Parquet.
    from traitlens.store import Dataset
    from traitlens.vector_files import VectorFiles

    dataset = data if isinstance(data, Dataset) else Dataset.open(data)
    config, out = config or IndexConfig(), Path(out)
    planned = _planned(dataset, out, encoder=encoder, config=config)
    old = _prepared(out, planned, update=update, replace=replace)
    if old is not None:
        check_sizes(out, old)
        if old.complete and old.data_fingerprint == planned.data_fingerprint:
            return _with_components(dataset, out, old)
    planned = planned if old is None else dataclasses.replace(planned, server=old.server)
    with ExitStack() as stack:
        engine = stack.enter_context(planned.open_engine(out))
        planned.write(out)  # it is not complete, and nobody reads it now
        table = stack.enter_context(TokenTable.open(out / TOKENS))
        vectors = VectorFiles(
            out / VECTORS, encoder=encoder.fingerprint, dimension=encoder.dimension
        )
        filled = Filling(
            dataset,
            encoder=encoder,
            engine=engine,
            table=table,
            vectors=vectors,
            batch_size=config.batch_size,
            write_size=config.write_size,
            progress=progress,
        ).run()
        manifest = dataclasses.replace(
            planned,
            indexed=engine.count(),
            described=filled.described,
            rejected=filled.rejected,
            complete=True,
            changes=filled.changes,
            seconds=filled.seconds,
        )
    copy_components(dataset, out, manifest.components)
    manifest = dataclasses.replace(manifest, sizes=file_sizes(out))
    manifest.write(out)
    return manifest


def _with_components(dataset: Dataset, out: Path, old: IndexManifest) -> IndexManifest:
    """Return the manifest of a complete index, whose components are those of the data set now."""
    found = components_of(dataset)
    if found == old.components:
        return old
    copy_components(dataset, out, found)
    manifest = dataclasses.replace(old, components=found)
    manifest.write(out)
    return manifest


def _planned(
    dataset: Dataset, out: Path, *, encoder: Encoder, config: IndexConfig
) -> IndexManifest:
    is_folder = encoder.name != SHIPPED and Path(encoder.name).is_dir()
    named = Place(path=encoder.name)
    fingerprints = (encoder.fingerprint, dataset.manifest.fingerprint)
    name = f"traitlens-{fingerprint(str(out.resolve()), *fingerprints)}"
    return IndexManifest(
        encoder=Place.of(Path(encoder.name), index=out) if is_folder else named,
        encoder_fingerprint=encoder.fingerprint,
        dimension=encoder.dimension,
        engine=config.engine,
        server=None if config.url is None else Server(url=config.url, collection=name),
        data=Place.of(dataset.path, index=out),
        data_fingerprint=dataset.manifest.fingerprint,
        read=dataset.count(),
        rejected={},
        config=to_dict(config),
        components=components_of(dataset),
        versions={
            "traitlens": traitlens.__version__,
            **{name: version(name) for name in ("numpy", "qdrant-edge-py")},
        },
    )


def _prepared(
    out: Path, planned: IndexManifest, *, update: bool, replace: bool
) -> IndexManifest | None:
    """Return the manifest to go on from, or None when `out` is ready for a new index."""
    if (out / MANIFEST).is_file() and not replace:
        old = IndexManifest.read_from(out)
        _check_same(out, old, planned, update=update)
        return old
    strange = [p.name for p in out.iterdir() if not _is_ours(p)] if out.exists() else []
    if strange:
        raise IndexingError(
            f"{out} holds {strange[0]!r}, which is no part of an index; name a new folder"
        )
    with lock(out / ENGINE, shared=False):
        (out / MANIFEST).unlink(missing_ok=True)  # first, so that no manifest is without vectors
        (out / TOKENS).unlink(missing_ok=True)
        clear_engine(planned.engine, out / ENGINE, server=planned.server)
    return None


def _is_ours(path: Path) -> bool:
    # What was being written when a run was killed starts with a dot, or is SQLite's journal.
    return path.name in PARTS or path.name.startswith((f".{MANIFEST}.", f".{ENGINE}.", TOKENS))


def _check_same(out: Path, old: IndexManifest, planned: IndexManifest, *, update: bool) -> None:
    compared = {
        "encoder": (
            f"{old.encoder.path} ({old.encoder_fingerprint})",
            f"{planned.encoder.path} ({planned.encoder_fingerprint})",
            old.encoder_fingerprint == planned.encoder_fingerprint,
        ),
        "data set": (
            f"{old.data.path} ({old.data_fingerprint})",
            f"{planned.data.path} ({planned.data_fingerprint})",
            update or old.data_fingerprint == planned.data_fingerprint,
        ),
        "engine": (old.engine, planned.engine, old.engine == planned.engine),
    }
    for what, (was, now, same) in compared.items():
        if not same:
            instead = "update it, " if what == "data set" else ""
            raise IndexingError(
                f"{out} was made with the {what} {was}, not {now}; "
                f"{instead}replace it, or name a new folder"
            )

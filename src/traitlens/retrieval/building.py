"""A data set becomes an index: every kept token's picture as a vector.

A run that was killed and is started again goes on after the last write that was acknowledged.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from PIL import Image

import traitlens
from traitlens.config import check_choice, check_range, fingerprint, to_dict
from traitlens.engines import ENGINES, EngineName, Point, Server, VectorEngine, clear_engine
from traitlens.engines.locks import lock
from traitlens.engines.protocol import Vector
from traitlens.errors import ConfigError, IndexingError
from traitlens.models.encoder import Encoder
from traitlens.models.folder import SHIPPED
from traitlens.progress import Progress, silent
from traitlens.records import Token
from traitlens.retrieval.manifest import ENGINE, MANIFEST, IndexManifest, Place, StageSeconds
from traitlens.standardization import Rejection, decode
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
    replace: bool = False,
    progress: Progress = silent,
) -> IndexManifest:
    """Write the index of a data set into the folder `out`, or complete the one that is there.

    An index of another encoder, data set or engine raises IndexingError, unless `replace`.
    """
    dataset = data if isinstance(data, Dataset) else Dataset.open(data)
    config, out = config or IndexConfig(), Path(out)
    planned = _planned(dataset, out, encoder=encoder, config=config)
    old = _prepared(out, planned, replace=replace)
    if old is not None and old.complete:
        return old
    if old is None:
        planned.write(out)
    run = _Run(dataset, encoder=encoder, config=config)
    with planned.open_engine(out) as engine:
        run.fill(engine, progress)
        manifest = dataclasses.replace(
            planned,
            indexed=engine.count(),
            rejected=dict(run.rejected),
            complete=True,
            seconds=StageSeconds(**run.seconds),
        )
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
        versions={
            "traitlens": traitlens.__version__,
            **{name: version(name) for name in ("numpy", "qdrant-edge-py")},
        },
    )


def _prepared(out: Path, planned: IndexManifest, *, replace: bool) -> IndexManifest | None:
    """Return the manifest to go on from, or None when `out` is ready for a new index."""
    if (out / MANIFEST).is_file() and not replace:
        old = IndexManifest.read_from(out)
        _check_same(out, old, planned)
        return old
    strange = [p.name for p in out.iterdir() if not _is_ours(p)] if out.exists() else []
    if strange:
        raise IndexingError(
            f"{out} holds {strange[0]!r}, which is no part of an index; name a new folder"
        )
    with lock(out / ENGINE, shared=False):
        (out / MANIFEST).unlink(missing_ok=True)  # first, so that no manifest is without vectors
        clear_engine(planned.engine, out / ENGINE, server=planned.server)
    return None


def _is_ours(path: Path) -> bool:
    # What was being written when a run was killed starts with a dot.
    return path.name in (MANIFEST, ENGINE, f"{ENGINE}.lock") or path.name.startswith(
        (f".{MANIFEST}.", f".{ENGINE}.")
    )


def _check_same(out: Path, old: IndexManifest, planned: IndexManifest) -> None:
    compared = {
        "encoder": (
            f"{old.encoder.path} ({old.encoder_fingerprint})",
            f"{planned.encoder.path} ({planned.encoder_fingerprint})",
            old.encoder_fingerprint == planned.encoder_fingerprint,
        ),
        "data set": (
            f"{old.data.path} ({old.data_fingerprint})",
            f"{planned.data.path} ({planned.data_fingerprint})",
            old.data_fingerprint == planned.data_fingerprint,
        ),
        "engine": (old.engine, planned.engine, old.engine == planned.engine),
    }
    for what, (was, now, same) in compared.items():
        if not same:
            raise IndexingError(
                f"{out} was made with the {what} {was}, not {now}; name a new folder or replace it"
            )


class _Run:
    """One run of `index`: what it has seen, and where its time went."""

    def __init__(self, dataset: Dataset, *, encoder: Encoder, config: IndexConfig) -> None:
        self.dataset = dataset
        self.encoder = encoder
        self.config = config
        self.seen: set[str] = set()
        self.rejected: Counter[str] = Counter()
        self.seconds: dict[str, float] = defaultdict(float)

    def fill(self, engine: VectorEngine, progress: Progress) -> None:
        """Write every token that `engine` has not, and make it ready for searches."""
        waiting: list[Point] = []
        for batch in self.batches(done=engine.token_uids()):
            waiting += self.points(batch)
            if len(waiting) >= self.config.write_size:
                self.write(engine, waiting)
                waiting = []
            progress("index", len(self.seen), self.dataset.count())
        self.write(engine, waiting)
        with self.timed("optimize"):
            engine.optimize()

    def batches(self, *, done: set[str]) -> Iterator[list[Token]]:
        missing = (token for token in self.tokens() if token.token_uid not in done)
        while True:
            with self.timed("read"):
                batch = list(islice(missing, self.config.batch_size))
            if not batch:
                return
            yield batch

    def tokens(self) -> Iterator[Token]:
        for token in self.dataset.tokens():
            if token.token_uid in self.seen:
                self.rejected["repeated token_uid"] += 1
                continue
            self.seen.add(token.token_uid)
            yield token

    def points(self, batch: list[Token]) -> list[Point]:
        with self.timed("decode"):
            decoded = [(token, decode(token.image or b"")) for token in batch]
        kept = [(token, image) for token, image in decoded if isinstance(image, Image.Image)]
        self.rejected.update(image.reason for _, image in decoded if isinstance(image, Rejection))
        if not kept:
            return []
        with self.timed("encode"):
            vectors_BD = self.encoder.encode_images([image for _, image in kept])
        return [_point(token, v) for (token, _), v in zip(kept, vectors_BD, strict=True)]

    def write(self, engine: VectorEngine, points: list[Point]) -> None:
        with self.timed("write"):
            engine.upsert(points)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - start


def _point(token: Token, vector: Vector) -> Point:
    assert token.location is not None, "a token that was read has a location"
    return Point(
        token_uid=token.token_uid,
        collection=token.collection,
        token_id=token.token_id,
        traits=token.traits,
        caption=token.caption,
        location=token.location,
        vector=vector,
    )

"""Indexing in processes of their own that are killed, for tests and for `benchmarks`."""

from __future__ import annotations

import dataclasses
import multiprocessing
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from PIL import Image

from tests.helpers import ColourEncoder, drawn_token, write_dataset
from traitlens.config import fingerprint
from traitlens.engines.protocol import entry_to_json
from traitlens.errors import IndexingError
from traitlens.files import sha256_hex
from traitlens.models.encoder import Vectors
from traitlens.retrieval import Index, IndexConfig, IndexManifest, check_index, index
from traitlens.retrieval.manifest import MANIFEST, TOKENS, VECTORS
from traitlens.retrieval.token_table import TokenTable
from traitlens.store import Dataset
from traitlens.vector_files import VectorFiles

# Forked from a process that has imported everything, so that a start takes milliseconds.
_FRESH = multiprocessing.get_context("forkserver")
_FRESH.set_forkserver_preload(["tests.retrieval.killing"])

QUESTIONS = ("red hat", "blue body, no hat", "green", "yellow body, black hat", "star pin")
_DIGITS = 5  # of a score


class WideEncoder(ColourEncoder):
    """A `ColourEncoder` whose vectors are as long as real ones, so that writing takes its time."""

    def __init__(self, *, version: str, dimension: int = 192) -> None:
        super().__init__(version=version)
        self.fingerprint = fingerprint(self.fingerprint, str(dimension))
        self._more, self.dimension = dimension - self.dimension, dimension

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.pad(super().encode_texts(texts), ((0, 0), (0, self._more)))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return np.pad(super().encode_images(images), ((0, 0), (0, self._more)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a process is to do: bring an index in step with a data set, or replace it."""

    data: Path
    out: Path
    config: IndexConfig
    replace: bool = False
    version: str = "1"  # of the encoder

    @property
    def encoder(self) -> WideEncoder:
        """The encoder of the index."""
        return WideEncoder(version=self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that an index has of a token."""

    entry: str
    caption: str
    pixels: str
    vector: bytes
    picture: str
    rank: int | None


def draw_pair(folder: Path, tokens: int) -> tuple[Dataset, Dataset]:
    """Write two data sets; a tenth is only in one, in the other, said otherwise, and redrawn."""
    tenth = tokens // 10
    first = [drawn_token("robots", number) for number in range(tokens)]
    second = first[tenth:] + [drawn_token("robots", tokens + number) for number in range(tenth)]
    for place in range(tenth):
        second[place] = dataclasses.replace(second[place], caption=f"said otherwise {place}")
    for place in range(tenth, 2 * tenth):
        other = drawn_token("robots", place, seed=1)
        second[place] = dataclasses.replace(
            second[place], image=other.image, pixels_sha256=other.pixels_sha256
        )
    return (
        write_dataset(folder / "first", {"robots": first}),
        write_dataset(folder / "second", {"robots": second}),
    )


def seconds_undisturbed(job: Job) -> float:
    """Return how long a run in a process of its own takes."""
    warm = _FRESH.Process(target=int)
    warm.start()
    warm.join()
    begun = time.monotonic()
    process, _ = _start(job)
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - begun


def index_with_kills(
    jobs: Sequence[Job],
    *,
    kills: int,
    within_s: float,
    rng: random.Random,
    after_kill: Callable[[Job, int], None],
) -> Job:
    """Do any of the jobs, killed so often at a random moment and begun anew, maybe as another.

    After each kill `after_kill` gets the job and how many tokens of its data set were said to be on
    disk. Return the job that was done in the end.
    """
    while True:
        job = rng.choice(jobs)
        process, progress = _start(job)
        process.join(rng.uniform(0, within_s) if kills else None)
        if process.exitcode is None:
            process.kill()
            process.join()
            kills -= 1
            after_kill(job, _last(progress))
            continue
        assert process.exitcode == 0, "the run fails by itself"
        if not kills:
            return job


def _start(job: Job) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    receiving, sending = _FRESH.Pipe(duplex=False)
    process = _FRESH.Process(target=_index, args=(job, sending), daemon=True)
    process.start()
    sending.close()
    return process, receiving


def _index(job: Job, sending: Connection) -> None:
    index(
        job.data,
        job.out,
        encoder=job.encoder,
        config=job.config,
        update=not job.replace,
        replace=job.replace,
        progress=lambda _, done, total, note="": sending.send(done),
    )


def _last(progress: Connection) -> int:
    """Return the last number that was sent; 0 for none."""
    last = 0
    with suppress(EOFError):
        while progress.poll():
            last = progress.recv()
    return last


def check_after_kill(job: Job, acknowledged: int) -> None:
    """Assert that what was acknowledged is there, nothing is half there, and nobody can read it."""
    if not (job.out / MANIFEST).is_file():
        assert acknowledged == 0
        return
    there = contents(job.out)
    wanted = [
        (token.caption, token.pixels_sha256) == (kept.caption, kept.pixels)
        for token in Dataset.open(job.data).tokens(metadata=False)
        if (kept := there.get(token.token_uid))
    ]
    assert sum(wanted) >= acknowledged
    if not IndexManifest.read_from(job.out).complete:
        try:
            Index.open(job.out).close()
        except IndexingError as error:
            assert "is not complete" in str(error)
        else:
            raise AssertionError("an unfinished index was opened")


def contents(out: Path) -> dict[str, Kept]:
    """Return what an index has; assert that its engine and its files agree about each token."""
    manifest = IndexManifest.read_from(out)
    if not (out / TOKENS).is_file():
        return {}
    vectors = VectorFiles(
        out / VECTORS, encoder=manifest.encoder_fingerprint, dimension=manifest.dimension
    )
    found = {}
    with (
        manifest.open_engine(out, read_only=True) as engine,
        TokenTable.open(out / TOKENS) as table,
    ):
        for uid, (pixels, _) in table.digests().items():
            point = engine.get(uid)
            assert point is not None, f"the engine lacks {uid}"
            vector = vectors.get(pixels)
            assert np.abs(point.vector - vector).max() < 1e-3, f"{uid} has another vector"
            rarity = table.rarity([uid]).get(uid)
            found[uid] = Kept(
                entry=str(entry_to_json(point)),
                caption=point.caption,
                pixels=pixels,
                vector=vector.tobytes(),
                picture=sha256_hex(table.pictures([uid])[0] or b""),
                rank=None if rarity is None else rarity.rank,
            )
        if manifest.complete:
            assert engine.token_uids() == found.keys()
    return found


def answers(job: Job, *, k: int = 50) -> list[list[tuple[str, float]]]:
    """Return the hits of some questions and their scores; assert that `--check` is content."""
    assert check_index(job.out, encoder=job.encoder, sample=50).worst >= 0.99
    with Index.open(job.out, encoder=job.encoder) as opened:
        found = [opened.search(question, k=k) for question in QUESTIONS]
    return [[(hit.token_uid, round(hit.score, _DIGITS)) for hit in a.hits] for a in found]

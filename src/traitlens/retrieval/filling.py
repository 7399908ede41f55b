"""An index is brought in step with a data set: what is new, what changed, what is gone.

A token is written in this order: its vector's file, a note in the token table that it was begun,
the engine, the token table. So what the table has is everywhere, and a killed run goes on after it;
what was begun is written again, or deleted where the data set has changed since and lacks it.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from traitlens.engines import Entry, Point, VectorEngine
from traitlens.engines.protocol import Vector, entry_of, entry_to_json, fields_of_entry
from traitlens.files import sha256_hex
from traitlens.metrics.rarity import Traits, rarity_ranks
from traitlens.models.encoder import Encoder
from traitlens.portions import batched
from traitlens.progress import Progress
from traitlens.records import Token
from traitlens.retrieval.manifest import Changes, StageSeconds
from traitlens.retrieval.small_pictures import small_picture
from traitlens.retrieval.token_table import TokenRow, TokenTable
from traitlens.standardization import Rejection, decode

if TYPE_CHECKING:
    from traitlens.store import Dataset
    from traitlens.vector_files import VectorFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a run has done; `described` tokens have traits, `rejected` are tokens by reason."""

    changes: Changes
    described: int
    rejected: dict[str, int]
    seconds: StageSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A token that was read, its entry, and the digests by which a change is known."""

    token: Token
    entry: Entry
    pixels: str
    mark: str


class Filling:
    """One run: what it has seen, and where its time went."""

    def __init__(
        self,
        dataset: Dataset,
        *,
        encoder: Encoder,
        engine: VectorEngine,
        table: TokenTable,
        vectors: VectorFiles,
        batch_size: int,
        write_size: int,
        progress: Progress,
    ) -> None:
        self._dataset = dataset
        self._encoder = encoder
        self._engine = engine
        self._table = table
        self._vectors = vectors
        self._batch_size = batch_size
        self._write_size = write_size
        self._progress = progress
        self._known = table.digests()
        self._seen: set[str] = set()
        self._pixels: set[str] = set()
        self._traits: dict[str, dict[str, Traits]] = defaultdict(dict)  # by collection
        self._waiting: list[tuple[Point, TokenRow]] = []
        self._fresh: dict[str, Vector] = {}  # of pictures that wait to be written
        self._rejected: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._seconds: dict[str, float] = defaultdict(float)

    def run(self) -> Filled:
        """Write what is missing, delete what is gone, and make searches fast."""
        self._clear_doubles()
        changed = (read for read in self._read() if self._is_changed(read))
        for some in batched(changed, self._batch_size):
            self._waiting += self._made(some)
            if len(self._waiting) >= self._write_size:
                self._write()
            self._tell()
        self._write()
        self._tell()
        self._delete((self._known.keys() | self._table.begun()) - self._seen)
        self._rank()
        with self._timed("optimize"):
            self._engine.optimize()
            self._vectors.keep_only(self._pixels)
        self._tell()
        return Filled(
            changes=Changes(**self._counts),
            described=sum(
                bool(traits) for some in self._traits.values() for traits in some.values()
            ),
            rejected=dict(self._rejected),
            seconds=StageSeconds(**self._seconds),
        )

    def _clear_doubles(self) -> None:
        """Have all tokens written anew, without encoding any, where a kill has left some twice."""
        if self._engine.has_doubles():
            with self._timed("write"):
                every = self._engine.token_uids()
                self._table.begin(every)
                self._engine.delete(every)
            self._known = {}

    def _read(self) -> Iterator[_Read]:
        """Yield each token of the data set, once."""
        tokens = self._dataset.tokens(metadata=False)
        while True:
            with self._timed("read"):
                token = next(tokens, None)
            if token is None:
                return
            if token.token_uid in self._seen:
                self._rejected["repeated token_uid"] += 1
                continue
            self._seen.add(token.token_uid)
            yield _read(token)

    def _is_changed(self, read: _Read) -> bool:
        """Return whether a token is to be written; what is noted of it is noted in any case."""
        self._note(read)
        return self._known.get(read.entry.token_uid) != (read.pixels, read.mark)

    def _note(self, read: _Read) -> None:
        traits = frozenset((t.trait_type, t.value) for t in read.entry.traits)
        self._traits[read.entry.collection][read.entry.token_uid] = traits
        self._pixels.add(read.pixels)

    def _made(self, some: list[_Read]) -> list[tuple[Point, TokenRow]]:
        """Return what is to be written of some tokens; what cannot be decoded is counted."""
        with self._timed("decode"):
            decoded = [(read, decode(read.token.image or b"")) for read in some]
        for read, image in decoded:
            if isinstance(image, Rejection):
                self._reject(read, image.reason)
        kept = [(read, image) for read, image in decoded if isinstance(image, Image.Image)]
        self._encode(kept)
        return [(self._point(read), _row(read, image)) for read, image in kept]

    def _write(self) -> None:
        with self._timed("write"):
            self._vectors.add(self._fresh)
            self._table.begin(row.token_uid for _, row in self._waiting)
            self._engine.upsert([point for point, _ in self._waiting])
            self._table.put(row for _, row in self._waiting)
        for _, row in self._waiting:
            known = self._known.get(row.token_uid)
            self._counts["renamed" if known and known[0] == row.pixels else "written"] += 1
        self._waiting, self._fresh = [], {}

    def _reject(self, read: _Read, reason: str) -> None:
        self._rejected[reason] += 1
        self._seen.discard(read.entry.token_uid)  # so that an older picture of it goes, too
        del self._traits[read.entry.collection][read.entry.token_uid]

    def _encode(self, kept: list[tuple[_Read, Image.Image]]) -> None:
        """Encode the pictures that have no vector yet, equal ones once."""
        missing = {
            read.pixels: image
            for read, image in kept
            if read.pixels not in self._vectors and read.pixels not in self._fresh
        }
        if missing:
            with self._timed("encode"):
                vectors_BD = self._encoder.encode_images(list(missing.values()))
            self._fresh.update(zip(missing, vectors_BD, strict=True))

    def _point(self, read: _Read) -> Point:
        fresh = self._fresh.get(read.pixels)
        files = self._vectors
        vector = files.get(read.pixels) if fresh is None else files.as_kept(fresh)
        return Point(**fields_of_entry(read.entry), vector=vector)

    def _delete(self, token_uids: set[str]) -> None:
        if token_uids:
            with self._timed("write"):
                self._table.begin(token_uids)
                self._engine.delete(token_uids)
                self._table.delete(token_uids)
            self._counts["deleted"] += len(token_uids & self._known.keys())

    def _rank(self) -> None:
        for tokens in self._traits.values():
            ranks = rarity_ranks(list(tokens.values()))
            self._table.put_rarity(dict(zip(tokens, ranks, strict=True)))

    def _tell(self) -> None:
        """Tell how many tokens are on disk as the data set has them."""
        waiting = len(self._waiting)
        note = f"{waiting:,} waiting to be written" if waiting else ""
        self._progress("index", len(self._seen) - waiting, self._dataset.count(), note)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._seconds[stage] += time.perf_counter() - start


def _read(token: Token) -> _Read:
    entry = entry_of(token)
    written = json.dumps(entry_to_json(entry), sort_keys=True).encode()
    return _Read(
        token=token,
        entry=entry,
        pixels=token.pixels_sha256 or sha256_hex(token.image or b""),
        mark=sha256_hex(written),
    )


def _row(read: _Read, image: Image.Image) -> TokenRow:
    assert read.token.image is not None, "what was decoded has bytes"
    return TokenRow(
        token_uid=read.entry.token_uid,
        pixels=read.pixels,
        entry=read.mark,
        collection=read.entry.collection,
        picture=small_picture(read.token.image, image),
    )

"""A question becomes ranked, explained tokens.

>>> with Index.open("idx") as index:
...     answer = index.search("a zombie with 3D glasses", where="collection=cryptopunks")
...     [hit.token_id for hit in answer.hits]
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from traitlens.engines import (
    And,
    Entry,
    Equals,
    Point,
    Scored,
    VectorEngine,
    Where,
    matches,
    open_engine,
    parse,
    resolve,
)
from traitlens.engines.protocol import Vector, fields_of, fields_of_entry
from traitlens.errors import DatasetError, IndexingError, QueryError
from traitlens.models.encoder import Encoder
from traitlens.records import Location, Trait
from traitlens.retrieval.explanation import known_stems, matched_traits, unknown_words
from traitlens.retrieval.manifest import ENGINE, IndexManifest
from traitlens.store import Dataset

MAX_K = 10_000
MAX_CHARACTERS = 2_000  # of words; encoders read some 77 tokens

_CAIP_19 = re.compile(r"[-a-z0-9]{3,8}:[^/]+/[-a-z0-9]{3,8}:")

LoadEncoder = Callable[[str], Encoder]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question as it was understood: spelled as the index spells, empty words gone."""

    words: str | None
    image: bool  # whether a picture was given
    like: Entry | None  # the token that the answers should be like
    where: Where | None
    k: int

    def __str__(self) -> str:
        return self.title if self.where is None else f"{self.title} where {self.where}"

    @property
    def title(self) -> str:
        """What is looked for, without the filter."""
        picture = "this picture" if self.image else ""
        if self.like is not None:
            picture = f"{self.like.collection} #{self.like.token_id}"
        if self.words and picture:
            return f"{self.words} + {picture}"
        return self.words or f"like {picture}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One answer; `score` is a cosine, `image` PNG bytes, None when the data set is gone."""

    rank: int
    score: float
    token_uid: str
    collection: str
    token_id: str
    traits: tuple[Trait, ...]
    matched: tuple[Trait, ...]  # the traits that the query's words name
    caption: str
    location: Location
    image: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """What the parts of a search took."""

    encode_ms: float
    search_ms: float
    fetch_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The hits, best first; `matching` tokens satisfy the filter; `note` says what is missing."""

    query: Query
    hits: tuple[Hit, ...]
    matching: int
    note: str | None
    timings: Timings


class Index:
    """An opened, complete index. Searching never changes it; many processes may do it at once."""

    def __init__(
        self,
        manifest: IndexManifest,
        engine: VectorEngine,
        *,
        data: Dataset | None,
        data_note: str | None,
        load: Callable[[], Encoder],
    ) -> None:
        self.manifest = manifest
        self.data = data
        self._engine = engine
        self._data_note = data_note
        self._load = load

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        encoder: Encoder | None = None,
        data: Dataset | str | Path | None = None,
        load_encoder: LoadEncoder | None = None,
    ) -> Self:
        """Open the index in the folder `path`.

        The encoder and the data set are those that the index names, unless given; the encoder is
        loaded by `load_encoder` (`models.load_encoder`) at the first search that needs one. An
        encoder or data set that the index was not made with raises IndexingError. A data set that
        is gone or has changed costs only the pictures.
        """
        path = Path(path)
        manifest = IndexManifest.read_from(path)
        if not manifest.complete:
            raise IndexingError(f"{path} is not complete; run `traitlens index` again to go on")
        if encoder is not None:
            _check_encoder(encoder, manifest)
        opened, note = _open_data(path, manifest, data)
        engine = open_engine(
            manifest.engine, path / ENGINE, dimension=manifest.dimension, read_only=True
        )

        def load() -> Encoder:
            if encoder is not None:
                return encoder
            loaded = (load_encoder or _load_encoder)(manifest.encoder.seen_from(path))
            _check_encoder(loaded, manifest)
            return loaded

        return cls(manifest, engine, data=opened, data_note=note, load=load)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder that the index was made with."""
        return self._load()

    @cached_property
    def vocabulary(self) -> dict[str, dict[str, int]]:
        """What filters can name: {name: {value: number of tokens}}, the collections first."""
        return self._engine.vocabulary()

    @cached_property
    def _known_stems(self) -> frozenset[str]:
        return known_stems(self.vocabulary)

    @cached_property
    def _size(self) -> int:
        return self._engine.count()  # as dear as a search, and an opened index does not change

    def __len__(self) -> int:
        return self._size

    def search(
        self,
        words: str | None = None,
        *,
        image: Image.Image | None = None,
        like: str | None = None,
        where: str | Where | None = None,
        k: int = 10,
        weight: float = 0.5,
    ) -> Answer:
        """Return the `k` tokens that are closest to the words, the picture, or both.

        `like` is a token_uid or "collection/token_id"; that token takes the place of a picture and
        is no answer itself. With words and a picture, `weight` is the share of the words. What
        cannot be understood raises QueryError.
        """
        started = time.perf_counter()
        liked = None if like is None else self._token(like)
        query = Query(
            words=_clean(words),
            image=image is not None,
            like=None if liked is None else Entry(**fields_of_entry(liked)),
            where=self._resolved(where),
            k=k,
        )
        _check(query, weight=weight)
        vector = self._vector(query.words, image, liked, weight=weight)
        encoded = time.perf_counter()
        found = self._nearest(vector, query)
        matching = self._matching(query.where, liked)
        searched = time.perf_counter()
        images, missing = self._images([hit.location for hit in found])
        hits = [
            _hit(scored, rank=rank, image=image_bytes, words=query.words or "")
            for rank, (scored, image_bytes) in enumerate(zip(found, images, strict=True), start=1)
        ]
        return Answer(
            query=query,
            hits=tuple(hits),
            matching=matching,
            note="; ".join(
                filter(None, [_shortage(query, matching), self._strange(query, found), missing])
            )
            or None,
            timings=Timings(
                encode_ms=1e3 * (encoded - started),
                search_ms=1e3 * (searched - encoded),
                fetch_ms=1e3 * (time.perf_counter() - searched),
            ),
        )

    def close(self) -> None:
        """Let go of the files."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _resolved(self, where: str | Where | None) -> Where | None:
        if where is None or (isinstance(where, str) and not where.strip()):
            return None
        return resolve(parse(where) if isinstance(where, str) else where, self.vocabulary)

    def _token(self, name: str) -> Point:
        """Return the token that `name` means: a token_uid, or "collection/token_id"."""
        found = self._engine.get(name)
        collection, _, token_id = name.partition("/")
        if found is None and token_id and not _CAIP_19.match(name):
            named = And((Equals("collection", collection), Equals("token_id", token_id)))
            entries = self._engine.find(resolve(named, self.vocabulary), limit=1)
            found = self._engine.get(entries[0].token_uid) if entries else None
        if found is None:
            raise QueryError(
                f"the index has no token {name!r}; "
                "name one by its token_uid or as collection/token_id"
            )
        return found

    def _vector(
        self, words: str | None, image: Image.Image | None, liked: Point | None, *, weight: float
    ) -> Vector:
        parts: list[tuple[float, Vector]] = []
        if words:
            parts.append((weight, self.encoder.encode_texts([words])[0]))
        if image is not None:
            parts.append((1 - weight, self.encoder.encode_images([_rgb(image)])[0]))
        if liked is not None:
            parts.append((1 - weight, liked.vector))
        if len(parts) == 1:
            return parts[0][1]
        total = np.sum([share * vector for share, vector in parts], axis=0)
        length = float(np.linalg.norm(total))
        if length < 1e-6:
            raise QueryError("the words and the picture are opposites: together they mean nothing")
        return np.asarray(total / length, np.float32)

    def _nearest(self, vector: Vector, query: Query) -> list[Scored]:
        if query.like is None:
            return self._engine.search(vector, k=query.k, where=query.where)
        found = self._engine.search(vector, k=query.k + 1, where=query.where)
        return [hit for hit in found if hit.token_uid != query.like.token_uid][: query.k]

    def _matching(self, where: Where | None, liked: Point | None) -> int:
        count = len(self) if where is None else self._engine.count(where)
        if liked is not None and (where is None or matches(where, fields_of(liked))):
            return count - 1  # it is no answer itself
        return count

    def _strange(self, query: Query, found: list[Scored]) -> str | None:
        """Return which of the query's words nothing in the index is called, if any."""
        unknown = unknown_words(query.words or "", self._known_stems)
        if not unknown or not found:
            return None
        listed = ", ".join(f"'{word}'" for word in unknown[:8])
        return f"no trait here is called {listed}: the hits follow the other words and the looks"

    def _images(self, locations: list[Location]) -> tuple[list[bytes | None], str | None]:
        if self.data is None:
            return [None] * len(locations), self._data_note
        try:
            return list(self.data.images(locations)), None
        except OSError as error:
            note = f"no pictures: {self.data.path} cannot be read ({error.strerror})"
            return [None] * len(locations), note


def _load_encoder(name: str) -> Encoder:
    from traitlens.models import load_encoder

    return load_encoder(name)


def _check_encoder(encoder: Encoder, manifest: IndexManifest) -> None:
    if encoder.fingerprint != manifest.encoder_fingerprint:
        raise IndexingError(
            f"the index was made with the encoder {manifest.encoder.path} "
            f"({manifest.encoder_fingerprint}), not {encoder.name} ({encoder.fingerprint})"
        )


def _open_data(
    path: Path, manifest: IndexManifest, data: Dataset | str | Path | None
) -> tuple[Dataset | None, str | None]:
    """Return the data set, or None and why the hits come without pictures."""
    if data is not None:
        opened = data if isinstance(data, Dataset) else Dataset.open(data)
        if opened.manifest.fingerprint != manifest.data_fingerprint:
            raise IndexingError(f"the index was made of another data set than {opened.path}")
        return opened, None
    place = manifest.data.seen_from(path)
    try:
        opened = Dataset.open(place)
    except DatasetError:
        return None, f"no pictures: the data set {place} is gone"
    if opened.manifest.fingerprint != manifest.data_fingerprint:
        return None, f"no pictures: the data set {place} has changed since it was indexed"
    return opened, None


def _clean(words: str | None) -> str | None:
    return " ".join((words or "").split()) or None


def _check(query: Query, *, weight: float) -> None:
    if not (query.words or query.image or query.like):
        raise QueryError("a search needs words, a picture, or a token that answers should be like")
    if query.image and query.like:
        raise QueryError("give a picture or a token that answers should be like, not both")
    if len(query.words or "") > MAX_CHARACTERS:
        raise QueryError(f"a search has at most {MAX_CHARACTERS} characters of words")
    if not 1 <= query.k <= MAX_K:
        raise QueryError(f"k must be in [1, {MAX_K}]; got {query.k!r}")
    if not 0 <= weight <= 1:
        raise QueryError(f"weight must be in [0, 1]; got {weight!r}")


def _rgb(image: Image.Image) -> Image.Image:
    if 0 in image.size:
        raise QueryError("the picture is empty")
    if image.mode in ("RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _hit(scored: Scored, *, rank: int, image: bytes | None, words: str) -> Hit:
    return Hit(
        rank=rank,
        score=scored.score,
        token_uid=scored.token_uid,
        collection=scored.collection,
        token_id=scored.token_id,
        traits=scored.traits,
        matched=matched_traits(scored.traits, words),
        caption=scored.caption,
        location=scored.location,
        image=image,
    )


def _shortage(query: Query, matching: int) -> str | None:
    """Return why there are fewer hits than were asked for, if so."""
    if matching >= query.k:
        return None
    amount = {0: "no token", 1: "only 1 token"}.get(matching, f"only {matching} tokens")
    if query.where is not None:
        return f"{amount} satisf{'ies' if matching < 2 else 'y'} {query.where}"
    other = "other " if query.like else ""
    return f"{amount.replace('token', other + 'token')} in the index"


def search(
    index: str | Path,
    words: str | None = None,
    *,
    image: Image.Image | None = None,
    like: str | None = None,
    where: str | None = None,
    k: int = 10,
) -> Answer:
    """Open an index, ask it once, and return the answer; see `Index.search`."""
    with Index.open(index) as opened:
        return opened.search(words, image=image, like=like, where=where, k=k)

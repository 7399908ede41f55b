"""A question becomes ranked, explained tokens.

>>> with Index.open("idx") as index:
...     answer = index.search("a zombie with 3D glasses", where="collection=cryptopunks")
...     [hit.token_id for hit in answer.hits]
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

from PIL import Image

from traitlens.engines import (
    And,
    Entry,
    Equals,
    Point,
    Scored,
    VectorEngine,
    Where,
    parse,
    resolve,
)
from traitlens.engines.locks import lock
from traitlens.engines.protocol import fields_of_entry
from traitlens.errors import DatasetError, IndexingError, QueryError, UnknownTokenError
from traitlens.models.encoder import Encoder
from traitlens.retrieval.answering import Answerer
from traitlens.retrieval.answers import Answer, Hit, Mode, Query
from traitlens.retrieval.asking import Asked, Encoded, check_query, check_words, rgb
from traitlens.retrieval.component_masks import StoredComponents
from traitlens.retrieval.explaining import Explainer, Explanation
from traitlens.retrieval.manifest import (
    ENGINE,
    TOKENS,
    IndexManifest,
    check_sizes,
    fingerprint_at,
)
from traitlens.retrieval.token_table import TokenTable
from traitlens.retrieval.trait_finder import TraitFinder
from traitlens.retrieval.understanding import Understood, understand
from traitlens.standardization import decode

if TYPE_CHECKING:
    from traitlens.store import Dataset

MOST_DESCRIBED = 0.95  # of the tokens must have traits, else words do not tell what fits

_CAIP_19 = re.compile(r"[-a-z0-9]{3,8}:[^/]+/[-a-z0-9]{3,8}:")

LoadEncoder = Callable[[str], Encoder]


class SearchOptions(TypedDict, total=False):
    """What a search takes beside words; `Index.ask` has the defaults."""

    image: Image.Image | None
    like: str | None
    where: str | Where | None
    mode: Mode
    k: int
    skip: int
    fold: bool
    weight: float


class Index:
    """An opened, complete index. Searching never changes it; many processes may do it at once."""

    def __init__(
        self,
        path: Path,
        manifest: IndexManifest,
        engine: VectorEngine,
        *,
        table: TokenTable,
        data: Callable[[], Dataset | None],
        load: Callable[[], Encoder],
    ) -> None:
        self.manifest = manifest
        self._path = path
        self._engine = engine
        self._table = table
        self._open_data = data
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
        encoder or data set that the index was not made with raises IndexingError. Searching needs
        no data set; one that is gone or has changed costs only the large pictures.
        """
        path = Path(path)
        manifest = IndexManifest.read_from(path)
        if not manifest.complete:
            lock(path / ENGINE, shared=True).close()  # says so where a writer is at work
            raise IndexingError(f"{path} is not complete; run `traitlens index` again to go on")
        if encoder is not None:
            _check_encoder(encoder, manifest)
        check_sizes(path, manifest, parts=(ENGINE, TOKENS))
        given = None if data is None else _given_data(manifest, data)
        engine = manifest.open_engine(path, read_only=True)
        try:
            table = TokenTable.open(path / TOKENS, read_only=True)
        except IndexingError:
            engine.close()
            raise

        def load() -> Encoder:
            if encoder is not None:
                return encoder
            loaded = (load_encoder or _load_encoder)(manifest.encoder.seen_from(path))
            _check_encoder(loaded, manifest)
            return loaded

        def find_data() -> Dataset | None:
            return given or _data_beside(path, manifest)

        return cls(path, manifest, engine, table=table, data=find_data, load=load)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder that the index was made with."""
        return self._load()

    @cached_property
    def data(self) -> Dataset | None:
        """The data set that the index was made of; None where it is gone or has changed."""
        return self._open_data()

    @cached_property
    def _stale(self) -> list[str]:
        """What is to be said where the data set is another one by now."""
        place = Path(self.manifest.data.seen_from(self._path)).resolve()
        found = fingerprint_at(place)
        if found in (None, self.manifest.data_fingerprint):
            return []
        return [f"the data set {place} has changed since it was indexed"]

    @cached_property
    def vocabulary(self) -> dict[str, dict[str, int]]:
        """What filters can name: {name: {value: number of tokens}}, the collections first."""
        return self._engine.vocabulary()

    @cached_property
    def _finder(self) -> TraitFinder:
        return TraitFinder(self.vocabulary)

    @cached_property
    def _size(self) -> int:
        return self._engine.count()  # as dear as a search, and an opened index does not change

    def warm_up(self) -> None:
        """Load what the first search would load."""
        _ = self.encoder, self._finder, self._size

    def __len__(self) -> int:
        return self._size

    def search(self, words: str | None = None, **options: Unpack[SearchOptions]) -> Answer:
        """Return the `k` tokens that fit the words, the picture, or both, but for the first `skip`.

        `like` is a token_uid or "collection/token_id"; that token takes the place of a picture and
        is no answer itself. With words and a picture, `weight` is the share of the words. Words are
        understood twice: by the encoder ("dense"), and as traits that must or must not be there
        ("traits"); "hybrid" is both. With `fold`, tokens with equal pictures are one answer, the
        best of them. What cannot be understood raises QueryError.
        """
        return self.answer(self.ask(words, **options))

    def ask(
        self,
        words: str | None = None,
        *,
        image: Image.Image | None = None,
        like: str | None = None,
        where: str | Where | None = None,
        mode: Mode = "hybrid",
        k: int = 10,
        skip: int = 0,
        fold: bool = False,
        weight: float = 0.5,
    ) -> Asked:
        """Return a search as it is understood, before anything is encoded; see `search`."""
        started = time.perf_counter()
        words = " ".join((words or "").split()) or None
        check_words(words, mode=mode)
        liked = None if like is None else self._token(like)
        by_traits = words is not None and mode != "dense"
        query = Query(
            words=words,
            image=image is not None,
            like=None if liked is None else Entry(**fields_of_entry(liked)),
            where=self._resolved(where),
            mode=mode,
            understood=understand(words or "", self._finder) if by_traits else Understood(),
            k=k,
            skip=skip,
            fold=fold,
        )
        check_query(query, weight=weight)
        return Asked(
            query=query,
            image=None if image is None else rgb(image),
            liked=liked,
            weight=weight,
            understand_ms=1e3 * (time.perf_counter() - started),
        )

    def answer(self, asked: Asked, encoded: Encoded | None = None) -> Answer:
        """Return the answer to a search; `encoded` is what was encoded of it elsewhere."""
        started = time.perf_counter()
        encoded = encoded or self._encoded(asked)
        encode_ms = 1e3 * (time.perf_counter() - started)
        answer = self._answerer.answer(asked, encoded, notes=self._stale)
        return answer.with_encode_ms(encode_ms)

    @cached_property
    def _answerer(self) -> Answerer:
        described = self.manifest.described >= MOST_DESCRIBED * self.manifest.indexed
        return Answerer(self._engine, self._table, size=self._size, is_described=described)

    def _encoded(self, asked: Asked) -> Encoded:
        text, image = asked.text, asked.image
        return Encoded(
            text=None if text is None else self.encoder.encode_texts([text])[0],
            image=None if image is None else self.encoder.encode_images([image])[0],
        )

    def facets(self, where: str | Where | None = None) -> dict[str, dict[str, int]]:
        """Return {name: {value: tokens}} of the tokens that satisfy a filter."""
        resolved = self._resolved(where)
        return self.vocabulary if resolved is None else self._engine.vocabulary(resolved)

    def token(self, name: str) -> Hit:
        """Return a token by its token_uid or as "collection/token_id"; its score is 1."""
        found = self._token(name)
        query = Query(words=None, image=False, like=found, where=None, k=1)
        (hit,) = self._answerer.hits([Scored(**fields_of_entry(found), score=1.0)], query)
        return hit

    def thumbnail(self, token_uid: str) -> bytes | None:
        """Return a token's picture of at most 256 px, PNG or WebP; None for a token not here."""
        (found,) = self._table.pictures([token_uid])
        return found

    def picture(self, token: Hit) -> bytes | None:
        """Return a token's picture as large as the data set has it, PNG; else the small one."""
        if self.data is not None:
            with suppress(ModuleNotFoundError):  # a light install reads no Parquet
                (found,) = self.data.images([token.location])
                return found or token.image
        return token.image

    def explain(self, name: str, words: str) -> Explanation:
        """Return why a token fits some words, or does not, and which part of its picture does.

        The token is named as in `token`; words are understood as by `search` in its hybrid mode.
        """
        asked, found = self.ask(words), self._token(name)
        (hit,) = self._answerer.hits([Scored(**fields_of_entry(found), score=1.0)], asked.query)
        picture = decode(self.picture(hit) or b"")
        return self._explainer.explain(
            asked, found, hit, picture=picture if isinstance(picture, Image.Image) else None
        )

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(
            self._engine,
            self._table,
            encoder=self.encoder,
            components=StoredComponents(self._path),
        )

    def close(self) -> None:
        """Let go of the files."""
        self._engine.close()
        self._table.close()

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
            try:
                where = resolve(named, self.vocabulary)
            except QueryError as error:
                raise UnknownTokenError(f"the index has no token {name!r}: {error}") from error
            entries = self._engine.find(where, limit=1)
            found = self._engine.get(entries[0].token_uid) if entries else None
        if found is None:
            raise UnknownTokenError(
                f"the index has no token {name!r}; "
                "name one by its token_uid or as collection/token_id"
            )
        return found


def _load_encoder(name: str) -> Encoder:
    from traitlens.models import load_encoder

    return load_encoder(name)


def _check_encoder(encoder: Encoder, manifest: IndexManifest) -> None:
    if encoder.fingerprint != manifest.encoder_fingerprint:
        raise IndexingError(
            f"the index was made with the encoder {manifest.encoder.path} "
            f"({manifest.encoder_fingerprint}), not {encoder.name} ({encoder.fingerprint})"
        )


def _given_data(manifest: IndexManifest, data: Dataset | str | Path) -> Dataset:
    from traitlens.store import Dataset

    opened = data if isinstance(data, Dataset) else Dataset.open(data)
    if opened.manifest.fingerprint != manifest.data_fingerprint:
        raise IndexingError(f"the index was made of another data set than {opened.path}")
    return opened


def _data_beside(path: Path, manifest: IndexManifest) -> Dataset | None:
    from traitlens.store import Dataset

    try:
        opened = Dataset.open(manifest.data.seen_from(path))
    except DatasetError:
        return None
    return opened if opened.manifest.fingerprint == manifest.data_fingerprint else None


def search(index: str | Path, words: str | None = None, **options: Unpack[SearchOptions]) -> Answer:
    """Open an index, ask it once, and return the answer; see `Index.search`."""
    with Index.open(index) as opened:
        return opened.search(words, **options)


def explain(index: str | Path, token: str, words: str) -> Explanation:
    """Open an index and return why a token fits some words; see `Index.explain`."""
    with Index.open(index) as opened:
        return opened.explain(token, words)

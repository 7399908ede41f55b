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
    Not,
    Point,
    Question,
    Scored,
    VectorEngine,
    Where,
    matches,
    parse,
    resolve,
)
from traitlens.engines.locks import lock
from traitlens.engines.protocol import fields_of, fields_of_entry
from traitlens.errors import DatasetError, IndexingError, QueryError, UnknownTokenError
from traitlens.models.encoder import Encoder
from traitlens.retrieval.answers import MODES, Answer, Hit, Mode, Query, Timings
from traitlens.retrieval.asking import Asked, Encoded
from traitlens.retrieval.component_masks import StoredComponents
from traitlens.retrieval.explaining import Explainer, Explanation
from traitlens.retrieval.manifest import (
    ENGINE,
    TOKENS,
    IndexManifest,
    check_sizes,
    fingerprint_at,
)
from traitlens.retrieval.notes import notes_on
from traitlens.retrieval.token_table import Rarity, TokenTable
from traitlens.retrieval.trait_finder import TraitFinder
from traitlens.retrieval.understanding import Understood, understand
from traitlens.standardization import decode

if TYPE_CHECKING:
    from traitlens.store import Dataset

MAX_K = 10_000
MAX_CHARACTERS = 2_000  # of words; encoders read some 77 tokens
# What the best token must have of what is asked for, in [0, 1], or nothing fits: chosen by
# `benchmarks/searching`, whose figures are in docs/results.md.
LEAST_MET = 0.15
MOST_DESCRIBED = 0.95  # of the tokens must have traits, else their words do not tell what fits

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
        _check_words(words, mode=mode)
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
        _check(query, weight=weight)
        return Asked(
            query=query,
            image=None if image is None else _rgb(image),
            liked=liked,
            weight=weight,
            understand_ms=1e3 * (time.perf_counter() - started),
        )

    def answer(self, asked: Asked, encoded: Encoded | None = None) -> Answer:
        """Return the answer to a search; `encoded` is what was encoded of it elsewhere."""
        query = asked.query
        started = time.perf_counter()
        encoded = encoded or self._encoded(asked)
        searching = time.perf_counter()
        question = asked.question(encoded, size=len(self))
        allowed = _allowed(query)
        found = [] if question is None else self._best(question, query, allowed)
        fits = self._fits(question, query, allowed, found)
        found = found if fits else []
        matching = self._matching(allowed, asked.liked)
        searched = time.perf_counter()
        hits = self._hits(found, query)
        notes = [*notes_on(query, matching=matching, fits=fits, hits=len(hits)), *self._stale]
        return Answer(
            query=query,
            hits=hits,
            matching=matching,
            fits=fits,
            note="; ".join(notes) or None,
            timings=Timings(
                understand_ms=asked.understand_ms,
                encode_ms=1e3 * (searching - started),
                search_ms=1e3 * (searched - searching),
                fetch_ms=1e3 * (time.perf_counter() - searched),
            ),
        )

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
        (hit,) = self._hits([Scored(**fields_of_entry(found), score=1.0)], query)
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
        (hit,) = self._hits([Scored(**fields_of_entry(found), score=1.0)], asked.query)
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

    def _fits(
        self, question: Question | None, query: Query, where: Where | None, found: list[Scored]
    ) -> bool:
        """Return whether the best token has enough of what the words ask for; see `LEAST_MET`.

        Looks alone cannot tell (docs/results.md), so a picture always fits, and so does anything
        where tokens have no traits to go by.
        """
        understood = query.understood
        is_said = bool(understood.wanted or understood.unknown)
        is_told = self.manifest.described >= MOST_DESCRIBED * self.manifest.indexed
        if query.image or query.like or not (is_said and is_told):
            return True
        if question is None:
            return False
        best = self._engine.search(question, k=1, where=where) if query.skip else found[:1]
        return not best or understood.met(best[0], size=len(self)) >= LEAST_MET

    def _best(self, question: Question, query: Query, where: Where | None) -> list[Scored]:
        """Return the hits of a page."""
        if query.like is None and not query.fold:
            return self._engine.search(question, k=query.k, skip=query.skip, where=where)
        wanted = query.skip + query.k
        count = wanted + 1
        while True:
            found = self._engine.search(question, k=count, where=where)
            left = self._distinct(found, query)
            if len(left) >= wanted or len(found) < count:
                return left[query.skip : wanted]
            count *= 2

    def _distinct(self, found: list[Scored], query: Query) -> list[Scored]:
        """Return the hits without the token that they should be like, and with `fold` once each."""
        liked = None if query.like is None else query.like.token_uid
        others = [hit for hit in found if hit.token_uid != liked]
        if not query.fold:
            return others
        pixels = self._table.pixels([hit.token_uid for hit in others])
        first: dict[str, Scored] = {}
        for hit in others:
            first.setdefault(pixels.get(hit.token_uid, hit.token_uid), hit)
        return list(first.values())

    def _matching(self, where: Where | None, liked: Point | None) -> int:
        count = len(self) if where is None else self._engine.count(where)
        if liked is not None and (where is None or matches(where, fields_of(liked))):
            return count - 1  # it is no answer itself
        return count

    def _hits(self, found: list[Scored], query: Query) -> tuple[Hit, ...]:
        names = [hit.token_uid for hit in found]
        images = self._table.pictures(names)
        pixels, rarity = self._table.pixels(names), self._table.rarity(names)
        copies = self._table.copies(set(pixels.values()))
        return tuple(
            _hit(
                hit,
                query,
                rank=query.skip + place,
                image=image,
                rarity=rarity.get(hit.token_uid),
                copies=copies.get(pixels.get(hit.token_uid, ""), 1),
            )
            for place, (hit, image) in enumerate(zip(found, images, strict=True), start=1)
        )


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


def _check_words(words: str | None, *, mode: Mode) -> None:
    if mode not in MODES:
        raise QueryError(f"mode must be one of {', '.join(MODES)}; got {mode!r}")
    if len(words or "") > MAX_CHARACTERS:
        raise QueryError(f"a search has at most {MAX_CHARACTERS} characters of words")


def _check(query: Query, *, weight: float) -> None:
    if not (query.words or query.image or query.like):
        raise QueryError("a search needs words, a picture, or a token that answers should be like")
    if query.image and query.like:
        raise QueryError("give a picture or a token that answers should be like, not both")
    if not 1 <= query.k <= MAX_K:
        raise QueryError(f"k must be in [1, {MAX_K}]; got {query.k!r}")
    if not 0 <= query.skip <= MAX_K:
        raise QueryError(f"skip must be in [0, {MAX_K}]; got {query.skip!r}")
    if not 0 <= weight <= 1:
        raise QueryError(f"weight must be in [0, 1]; got {weight!r}")


def _allowed(query: Query) -> Where | None:
    """Return the filter of a query, and that what it does not want is not there."""
    parts = [Not(term.where) for term in query.understood.unwanted]
    every = ([query.where] if query.where else []) + parts
    return None if not every else every[0] if len(every) == 1 else And(tuple(every))


def _rgb(image: Image.Image) -> Image.Image:
    if 0 in image.size:
        raise QueryError("the picture is empty")
    if image.mode in ("RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _hit(
    scored: Scored,
    query: Query,
    *,
    rank: int,
    image: bytes | None,
    rarity: Rarity | None,
    copies: int,
) -> Hit:
    terms = query.understood.wanted
    fields = fields_of(scored)
    return Hit(
        **fields_of_entry(scored),
        rank=rank,
        score=scored.score,
        matched=tuple(t for t in scored.traits if any(term.means(t) for term in terms)),
        missing=tuple(term.meant for term in terms if not matches(term.where, fields)),
        image=image,
        rarity=rarity,
        copies=copies,
    )


def search(index: str | Path, words: str | None = None, **options: Unpack[SearchOptions]) -> Answer:
    """Open an index, ask it once, and return the answer; see `Index.search`."""
    with Index.open(index) as opened:
        return opened.search(words, **options)


def explain(index: str | Path, token: str, words: str) -> Explanation:
    """Open an index and return why a token fits some words; see `Index.explain`."""
    with Index.open(index) as opened:
        return opened.explain(token, words)

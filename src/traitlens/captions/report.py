"""Captions of several kinds side by side: the paper's Figure 7, with the figures to it.

A kind is a template's style or the name under which captions were written. Counted are the tokens
that have a caption of every kind that is compared, so that the totals speak of the same tokens.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from traitlens import files
from traitlens.captions.checking import CaptionChecker
from traitlens.captions.counts import TraitCounts
from traitlens.captions.stems import stems
from traitlens.captions.template import STYLES, CaptionConfig, caption
from traitlens.captions.words import trait_words
from traitlens.captions.written import WrittenCaption, written_captions, written_names
from traitlens.config import check_range, nearest
from traitlens.digest import key_of
from traitlens.errors import ConfigError
from traitlens.progress import Progress, silent
from traitlens.records import Token, Trait
from traitlens.store import Dataset


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a caption's characters; `tells` is a trait of the token, "wrong" what it invents."""

    text: str
    mark: str = ""  # "", "tells" or "wrong"
    title: str = ""  # the trait that it tells of


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A caption of one kind, ready to be shown."""

    kind: str
    pieces: tuple[Piece, ...]
    status: str = "ok"
    dropped: tuple[Trait, ...] = ()
    invented: tuple[Trait, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A token and its captions, one a kind."""

    token: Token
    picture: bytes | None
    said: tuple[Said, ...]


@dataclass(slots=True, kw_only=True)
class KindTotals:
    """What all captions of one kind come to."""

    kind: str
    statuses: Counter[str] = field(default_factory=Counter)
    words: int = 0
    prompt_tokens: int = 0
    caption_tokens: int = 0
    keys: set[int] = field(default_factory=set, repr=False)

    @property
    def captions(self) -> int:
        """How many captions there are; a failed token has none."""
        return self.statuses.total() - self.statuses["failed"]

    @property
    def distinct(self) -> int:
        """How many different texts they are."""
        return len(self.keys)

    @property
    def words_each(self) -> float:
        """How many words a caption has on average."""
        return self.words / max(1, self.captions)

    def add(self, text: str, status: str) -> None:
        """Count one more caption."""
        self.statuses[status] += 1
        if status != "failed":
            self.words += len(text.split())
            self.keys.add(key_of(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionReport:
    """What the page shows: totals, and examples of each collection."""

    tokens: int
    totals: tuple[KindTotals, ...]
    examples: dict[str, tuple[Example, ...]]


def caption_report(
    data: Dataset | str | Path,
    out: str | Path | None = None,
    *,
    kinds: Iterable[str] = (),
    per_collection: int = 3,
    seed: int = 0,
    progress: Progress = silent,
) -> CaptionReport:
    """Return captions of several kinds beside one another, and write them as one HTML page.

    `kinds` are styles of the template and names of written captions; without any, the plain style
    and all that was written (else every style). `per_collection` tokens are shown, drawn by `seed`,
    and one more that the check marked where none of these is.
    """
    from traitlens.captions.report_page import report_page

    data = data if isinstance(data, Dataset) else Dataset.open(data)
    check_range("per_collection", per_collection, low=0, high=1000)
    known = (*STYLES, *written_names(data.path))
    chosen = _kinds(data, tuple(dict.fromkeys(kinds)), known)
    totals = {kind: KindTotals(kind=kind) for kind in chosen}
    examples, tokens = {}, 0
    for number, collection in enumerate(data.collections):
        progress("compare", number, len(data.collections), collection)
        compared = _Comparison.open(data, collection, chosen)
        tokens += compared.count(totals)
        examples[collection] = compared.examples(per_collection, seed=seed)
    progress("compare", len(data.collections), len(data.collections))
    report = CaptionReport(tokens=tokens, totals=tuple(totals.values()), examples=examples)
    if out is not None:
        files.write_text(Path(out), report_page(report))
    return report


def _kinds(data: Dataset, kinds: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    if not kinds:
        written = [name for name in known if name not in STYLES and _has_any(data, name)]
        return ("plain", *written) if written else STYLES
    for kind in kinds:
        if kind not in known:
            guess = nearest(kind, known)
            hint = f"did you mean {guess!r}?" if guess else f"there are {', '.join(known)}"
            raise ConfigError(f"{data.path} has no captions of the kind {kind!r}; {hint}")
    return kinds


def _has_any(data: Dataset, name: str) -> bool:
    return any(written_captions(data.path, name, each) for each in data.collections)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """One collection's captions of all kinds."""

    data: Dataset
    collection: str
    kinds: tuple[str, ...]
    counts: TraitCounts
    checker: CaptionChecker
    written: Mapping[str, Mapping[str, WrittenCaption]]  # kind -> token uid -> caption

    @classmethod
    def open(cls, data: Dataset, collection: str, kinds: tuple[str, ...]) -> _Comparison:
        tokens = data.tokens(collections=[collection], images=False)
        counts = TraitCounts.of(token.traits for token in tokens)
        checker = CaptionChecker(collection, [Trait(*name) for name in counts.counts])
        return cls(
            data=data,
            collection=collection,
            kinds=kinds,
            counts=counts,
            checker=checker,
            written={
                kind: written_captions(data.path, kind, collection)
                for kind in kinds
                if kind not in STYLES
            },
        )

    def tokens(self) -> Iterable[Token]:
        """Yield the tokens that have a caption of every kind, or a failure recorded."""
        for token in self.data.tokens(collections=[self.collection], images=False):
            if all(token.token_uid in lines for lines in self.written.values()):
                yield token

    def count(self, totals: Mapping[str, KindTotals]) -> int:
        """Add all captions to the totals; return the number of tokens."""
        tokens = 0
        for token in self.tokens():
            tokens += 1
            for kind, lines in self.written.items():
                line = lines[token.token_uid]
                totals[kind].add(line.caption, line.status)
                totals[kind].prompt_tokens += line.prompt_tokens
                totals[kind].caption_tokens += line.caption_tokens
            for kind in self.kinds:
                if kind in STYLES:
                    text = self._templated(token, kind)[0]
                    totals[kind].add(text, self.checker.check(text, token.traits).status)
        return tokens

    def examples(self, count: int, *, seed: int) -> tuple[Example, ...]:
        """Return `count` tokens drawn by `seed`, and one more of which a caption is marked."""

        def key(token: Token) -> int:
            return key_of(f"{seed}:{token.token_uid}")

        drawn = heapq.nsmallest(count, self.tokens(), key=key)
        if count and not any(map(self._is_marked, drawn)):
            marked = (token for token in self.tokens() if self._is_marked(token))
            drawn += heapq.nsmallest(1, marked, key=key)
        places = [token.location for token in drawn if token.location is not None]
        pictures = self.data.images(places)
        return tuple(
            Example(token=token, picture=picture, said=tuple(self._said(token)))
            for token, picture in zip(drawn, pictures, strict=True)
        )

    def _is_marked(self, token: Token) -> bool:
        lines = (written[token.token_uid] for written in self.written.values())
        return any(line.dropped or line.invented for line in lines)

    def _said(self, token: Token) -> Iterable[Said]:
        for kind in self.kinds:
            if kind in STYLES:
                text, spans = self._templated(token, kind)
                yield Said(kind=kind, pieces=_by_spans(text, spans, token.traits))
                continue
            line = self.written[kind][token.token_uid]
            yield Said(
                kind=kind,
                pieces=_by_words(line.caption, token.traits, line.invented),
                status=line.status,
                dropped=line.dropped,
                invented=line.invented,
                problem=line.problem,
            )

    def _templated(self, token: Token, style: str) -> tuple[str, tuple[tuple[int, int], ...]]:
        config = CaptionConfig(style=style)
        made = caption(token.collection, token.traits, config=config, counts=self.counts)
        return made.text, made.spans


def _by_spans(
    text: str, spans: Sequence[tuple[int, int]], traits: Sequence[Trait]
) -> tuple[Piece, ...]:
    """Return a template's caption in pieces, one a trait and one between two."""
    named = {span: str(trait) for span, trait in zip(spans, traits, strict=True)}
    pieces, end = [], 0
    for start, stop in sorted(span for span in named if span[0] < span[1]):
        pieces += [Piece(text[end:start]), Piece(text[start:stop], "tells", named[start, stop])]
        end = stop
    return tuple(piece for piece in (*pieces, Piece(text[end:])) if piece.text)


def _by_words(text: str, traits: Sequence[Trait], wrong: Sequence[Trait]) -> tuple[Piece, ...]:
    """Return a written caption in pieces: words that tell of a trait, and words that are wrong."""
    own = frozenset().union(*(stems(trait_words(trait).phrase) for trait in traits))
    invented = frozenset().union(*(stems(trait_words(trait).phrase) for trait in wrong)) - own
    pieces: list[Piece] = []
    for part in re.findall(r"[^\W_]+|[\W_]+", text):
        stem = stems(part)
        mark = "wrong" if stem and stem <= invented else "tells" if stem and stem <= own else ""
        pieces.append(Piece(part, mark))
    return tuple(_merged(pieces))


def _merged(pieces: Sequence[Piece]) -> Iterable[Piece]:
    """Yield pieces of which neighbours have different marks; a space takes its neighbours' mark."""
    marks = [piece.mark for piece in pieces]
    for number, piece in enumerate(pieces[1:-1], start=1):
        if piece.text == " " and marks[number - 1] == marks[number + 1]:
            marks[number] = marks[number - 1]
    for mark, run in groupby(zip(marks, pieces, strict=True), key=itemgetter(0)):
        yield Piece("".join(piece.text for _, piece in run), mark)

"""Have captions written for a data set, check each, and keep them beside it.

Chunk by chunk: ask for the captions of some tokens, check them against the traits, ask once more
about those that drop or invent a trait, and add the lines to the file. So a run that is killed goes
on where it was, and a failed token is asked about again in the next run.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import traitlens
from traitlens import files
from traitlens.captions.checking import CaptionCheck, CaptionChecker
from traitlens.captions.writer import PROMPT_VERSION, CaptionWriter, Reply, Request, instructions
from traitlens.captions.written import (
    STATUSES,
    WRITER,
    WrittenCaption,
    append_lines,
    captions_folder,
    collection_file,
    only_writer,
    read_lines,
    write_lines,
)
from traitlens.config import check_range, fingerprint, to_dict
from traitlens.digest import key_of
from traitlens.errors import DatasetError, ModelError
from traitlens.portions import batched
from traitlens.progress import Progress, silent
from traitlens.records import Token, Trait
from traitlens.store import Dataset

_BATCHES_PER_CHUNK = 4
_FAILURES_IN_A_ROW = 20  # so many, and it is not the tokens' fault


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingConfig:
    """Which tokens get captions, and how much is tried for each."""

    limit: int | None = None  # tokens a collection, drawn by `seed`; a higher one keeps the lower's
    seed: int = 0
    attempts: int = 2  # captions asked for a token while they drop or invent a trait
    pictures: bool = False  # show the writer the picture, too

    def __post_init__(self) -> None:
        if self.limit is not None:
            check_range("limit", self.limit, low=1)
        check_range("attempts", self.attempts, low=1, high=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionWritten:
    """How many captions a collection has, by status; `asked` were written by this very run."""

    collection: str
    asked: int
    statuses: dict[str, int]
    prompt_tokens: int = 0
    caption_tokens: int = 0

    @property
    def captions(self) -> int:
        """How many captions there are; a failed token has none."""
        return sum(self.statuses.values()) - self.statuses["failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingReport:
    """What `write_captions` wrote and found."""

    name: str
    folder: Path
    collections: tuple[CollectionWritten, ...]

    def total(self, status: str) -> int:
        """Return the number of captions of one status."""
        return sum(row.statuses[status] for row in self.collections)


def write_captions(
    data: Dataset | str | Path,
    writer: CaptionWriter,
    *,
    name: str,
    config: WritingConfig | None = None,
    collections: Iterable[str] | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> WritingReport:
    """Return what was written to `captions/<name>/` in the data set.

    Tokens that have a caption are not asked about again. Captions of this name by another writer,
    or for other data, are a DatasetError unless `replace` says to write them anew; an endpoint that
    cannot go on is a ModelError, and what was written is kept.
    """
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    config = config or WritingConfig()
    names = [data.entry(each).name for each in collections or data.collections]
    folder = captions_folder(data.path, name)
    run = _Run(data=data, writer=writer, config=config, folder=folder, progress=progress)
    with only_writer(folder):
        _claim(folder, _described(data, writer, config), replace=replace)
        rows = tuple(run.write_collection(each) for each in names)
    return WritingReport(name=name, folder=folder, collections=rows)


def _described(data: Dataset, writer: CaptionWriter, config: WritingConfig) -> dict[str, Any]:
    """Return what decides the captions, without what only decides how many there are."""
    return {
        "writer": writer.describe(),
        "instructions": instructions(),
        "prompt_version": PROMPT_VERSION,
        "config": {k: v for k, v in to_dict(config).items() if k not in ("limit", "seed")},
        "data": data.manifest.fingerprint,
        "traitlens": traitlens.__version__,
    }


def _claim(folder: Path, described: dict[str, Any], *, replace: bool) -> None:
    """Make the folder one for captions as `described`, or refuse it."""
    file, mark = folder / WRITER, fingerprint(described)
    if file.is_file():
        try:
            same = files.read_json(file).get("fingerprint") == mark
        except (ValueError, AttributeError):
            same = False
        if same:
            return
        if not replace:
            raise DatasetError(
                f"{folder} has captions by another writer or of other data; choose another name "
                "or pass --replace"
            )
        for old in folder.glob("*.jsonl"):
            old.unlink()
    elif any(folder.iterdir()):
        raise DatasetError(f"{folder} holds something that is no captions; choose another name")
    files.write_json(file, {"fingerprint": mark, **described})


@dataclass(slots=True)
class _Survey:
    """What one reading of a collection's traits finds out."""

    vocabulary: dict[tuple[str, str], Trait] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)  # uid -> its place in the collection

    def chosen(self, config: WritingConfig) -> set[str]:
        """Return the uids of the tokens to write about; those of a higher limit are a superset."""
        if config.limit is None:
            return set(self.rows)
        drawn = heapq.nsmallest(
            config.limit, self.rows, key=lambda uid: key_of(f"{config.seed}:{uid}")
        )
        return set(drawn)


def _survey(data: Dataset, collection: str) -> _Survey:
    survey = _Survey()
    for row, token in enumerate(data.tokens(collections=[collection], images=False)):
        survey.rows[token.token_uid] = row
        for trait in token.traits:
            survey.vocabulary.setdefault((trait.trait_type, trait.value), trait)
    return survey


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One call of `write_captions`."""

    data: Dataset
    writer: CaptionWriter
    config: WritingConfig
    folder: Path
    progress: Progress

    def write_collection(self, collection: str) -> CollectionWritten:
        """Write the captions that a collection lacks; return how many it has."""
        file = collection_file(self.folder, collection)
        done = {line.token_uid: line for line in read_lines(file)}
        write_lines(file, done.values())  # without what a kill tore off
        survey = _survey(self.data, collection)
        chosen = survey.chosen(self.config)
        missing = {uid for uid in chosen if uid not in done or done[uid].status == "failed"}
        checker = CaptionChecker(collection, survey.vocabulary.values())
        asked, counts = 0, Counter(line.status for u, line in done.items() if u not in missing)
        self.progress(collection, len(chosen) - len(missing), len(chosen), _note(counts))
        for lines in self._written(collection, missing, checker, file):
            asked += len(lines)
            done |= {line.token_uid: line for line in lines}
            counts.update(line.status for line in lines)
            there = len(chosen) - len(missing) + asked
            self.progress(collection, there, len(chosen), _note(counts))
        ordered = sorted(done.values(), key=lambda line: survey.rows.get(line.token_uid, -1))
        write_lines(file, ordered)  # in the data set's order, however the runs went
        return _summary(collection, ordered, asked=asked)

    def _written(
        self, collection: str, uids: set[str], checker: CaptionChecker, file: Path
    ) -> Iterator[list[WrittenCaption]]:
        """Yield the captions of the tokens `uids`, chunk by chunk, once they are in the file."""
        tokens = self.data.tokens(collections=[collection], images=self.config.pictures)
        wanted = (token for token in tokens if token.token_uid in uids)
        failures = 0
        for chunk in batched(wanted, self.writer.batch * _BATCHES_PER_CHUNK):
            best: dict[str, WrittenCaption] = {}
            try:
                self._ask(chunk, checker, best)
            finally:  # what came before the endpoint broke off was paid for
                lines = [best[t.token_uid] for t in chunk if t.token_uid in best]
                append_lines(file, lines)
            yield lines
            failures = _failures_in_a_row(lines, before=failures)
            if failures >= _FAILURES_IN_A_ROW:
                raise ModelError(
                    f"{failures} tokens in a row got no caption, the last because of: "
                    f"{lines[-1].problem}; what is written is kept"
                )

    def _ask(
        self, tokens: Sequence[Token], checker: CaptionChecker, best: dict[str, WrittenCaption]
    ) -> None:
        """Put the best of at most `attempts` captions of each token into `best`."""
        wanting = list(tokens)
        for attempt in range(1, self.config.attempts + 1):
            before = [best.get(token.token_uid) for token in wanting]
            requests = map(self._request, wanting, before)
            for token, reply in zip(wanting, self.writer.replies(requests), strict=True):
                line = _checked(token, reply, checker, attempt)
                best[token.token_uid] = _better(best.get(token.token_uid), line)
            wanting = [t for t in wanting if best[t.token_uid].status not in ("ok", "failed")]

    def _request(self, token: Token, before: WrittenCaption | None) -> Request:
        return Request(
            collection=token.collection,
            traits=token.traits,
            picture=token.image if self.config.pictures else None,
            mistakes=_mistakes(before) if before else "",
        )


def _mistakes(line: WrittenCaption) -> str:
    """Return what to do better, in words for the writer."""
    parts = [f'An earlier answer was: "{line.caption}"']
    for verb, traits in (("leaves out", line.dropped), ("wrongly says", line.invented)):
        if traits:
            parts.append(f"It {verb} {', '.join(map(str, traits))}.")
    return " ".join([*parts, "Write it again, with every trait and no other."])


def _checked(token: Token, reply: Reply, checker: CaptionChecker, attempt: int) -> WrittenCaption:
    check = CaptionCheck() if reply.problem else checker.check(reply.caption, token.traits)
    return WrittenCaption(
        token_uid=token.token_uid,
        caption=reply.caption,
        status="failed" if reply.problem else check.status,
        dropped=check.dropped,
        invented=check.invented,
        attempts=attempt,
        problem=reply.problem,
        prompt_tokens=reply.prompt_tokens,
        caption_tokens=reply.caption_tokens,
    )


def _better(old: WrittenCaption | None, new: WrittenCaption) -> WrittenCaption:
    """Return the caption with fewer mistakes, the older of two equals; the costs add up."""
    if old is None:
        return new
    kept = new if _mistaken(new) < _mistaken(old) else old
    return replace(
        kept,
        attempts=new.attempts,
        prompt_tokens=old.prompt_tokens + new.prompt_tokens,
        caption_tokens=old.caption_tokens + new.caption_tokens,
    )


def _mistaken(line: WrittenCaption) -> tuple[bool, int]:
    return line.status == "failed", len(line.dropped) + len(line.invented)


def _failures_in_a_row(lines: Sequence[WrittenCaption], *, before: int) -> int:
    for line in lines:
        before = before + 1 if line.status == "failed" else 0
    return before


def _note(counts: Mapping[str, int]) -> str:
    marked = sum(counts.get(status, 0) for status in ("dropped", "invented", "both"))
    return f"{marked} marked, {counts.get('failed', 0)} failed"


def _summary(collection: str, lines: Sequence[WrittenCaption], *, asked: int) -> CollectionWritten:
    counts = Counter(line.status for line in lines)
    return CollectionWritten(
        collection=collection,
        asked=asked,
        statuses={status: counts[status] for status in STATUSES},
        prompt_tokens=sum(line.prompt_tokens for line in lines),
        caption_tokens=sum(line.caption_tokens for line in lines),
    )

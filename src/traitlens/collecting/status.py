"""What stands in a raw folder: how many tokens, why others are missing, and where media died."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from traitlens import files
from traitlens.collecting.abi import one_line
from traitlens.collecting.ledger import STATUSES, Part, Records, Status, TokenRecord
from traitlens.collecting.workspace import INFO, TOKENS, Workspace
from traitlens.errors import CollectError
from traitlens.tables import Column, Table

# What has become of content. here: it was fetched. gone: whoever should have it does not, hides
# it, or has something else. silent: nobody answers, today. unusable: it is there, and of no use.
Fate = Literal["here", "gone", "silent", "unusable"]
FATES: tuple[Fate, ...] = ("here", "gone", "silent", "unusable")

_GONE = {"not found", "refused", "wrong content", "unusable address", "forbidden address"}
_UNKNOWN = "unknown: its document cannot be read"
_UNNAMED = "none named"
_PLACES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Fates:
    """What has become of the content that lives at one place, counted by token."""

    place: str
    counts: Mapping[Fate, int]
    verified: int = 0  # of what is here, what its address proves

    @property
    def tokens(self) -> int:
        """How many tokens have content there."""
        return sum(self.counts.values())

    @property
    def gone_share(self) -> float:
        """The share of them that is gone, in [0, 1]."""
        return self.counts["gone"] / self.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What a raw folder holds.

    `documents` and `media` say where they lived and what became of them, the most used place
    first. `unfinished` is how many tokens a run has that was stopped, or None where none waits.
    """

    path: Path
    info: Mapping[str, Any] = field(default_factory=dict)
    statuses: Mapping[Status, int]
    reasons: tuple[tuple[Status, str, str, int], ...] = ()  # status, half, reason, tokens
    stale: int = 0  # collected, but older than the chain says
    documents: tuple[Fates, ...] = ()
    media: tuple[Fates, ...] = ()
    unfinished: int | None = None

    @property
    def tokens(self) -> int:
        """How many tokens there are records of."""
        return sum(self.statuses.values())

    @property
    def media_gone(self) -> float | None:
        """The share of all tokens whose picture is gone, in [0, 1]; None where there are none."""
        gone = sum(fates.counts["gone"] for fates in self.media)
        return gone / self.tokens if self.tokens else None

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return {
            "path": str(self.path),
            **self.info,
            "tokens": self.tokens,
            "statuses": dict(self.statuses),
            "stale": self.stale,
            "unfinished": self.unfinished,
            "reasons": [
                {"status": status, "half": half, "reason": reason, "tokens": tokens}
                for status, half, reason, tokens in self.reasons
            ],
            "media_gone": self.media_gone,
            "documents": [_to_json(fates) for fates in self.documents],
            "media": [_to_json(fates) for fates in self.media],
        }

    def tables(self) -> list[Table]:
        """Return the report for people: the counts, the reasons, and the dead-asset report."""
        tables = [self._counts()]
        if self.reasons:
            tables.append(self._reasons())
        parts = (("documents", self.documents), ("media", self.media))
        return tables + [_table_of(name, found) for name, found in parts if found]

    def _counts(self) -> Table:
        rows = tuple(
            (status, self.statuses[status], self.statuses[status] / self.tokens)
            for status in STATUSES
            if self.tokens
        )
        notes = [f"{self.stale:,} are older than the chain says"] if self.stale else []
        if self.unfinished is not None:
            notes.append(f"a stopped run has {self.unfinished:,} tokens; the same command goes on")
        return Table(
            title=f"{self.info.get('collection', self.path)}: {self.tokens:,} tokens",
            columns=(Column("status"), Column("tokens", "count"), Column("share", "percent")),
            rows=rows,
            note="; ".join(notes),
        )

    def _reasons(self) -> Table:
        return Table(
            title="why tokens are missing",
            columns=(Column("status"), Column("at"), Column("reason"), Column("tokens", "count")),
            rows=self.reasons,
            note="failed ones may pass: collect --retry failed",
        )


def status(raw: str | Path) -> StatusReport:
    """Return what stands in a raw folder; raise CollectError where nothing was collected there."""
    raw = Path(raw)
    work = Workspace(raw.resolve())
    if (raw / TOKENS).is_file():
        records = Records.open(raw / TOKENS)
        info = _info(raw / INFO)
    elif work.ledger.is_file():
        records, info = Records.open(work.ledger), {}
    else:
        raise CollectError(f"{raw} has no {TOKENS}: nothing was collected there")
    with records:
        return _counted(records, raw, info, unfinished=_unfinished(work))


def _info(path: Path) -> dict[str, Any]:
    try:
        info = files.read_json(path)
    except (OSError, ValueError) as error:
        raise CollectError(f"{path} does not say what was collected: {error}") from None
    names = ("collection", "chain_id", "contract", "standard", "block", "source")
    found = {name: info.get(name) for name in names} if isinstance(info, dict) else {}
    return {
        name: _said(value) if isinstance(value, str) else value for name, value in found.items()
    }


def _said(text: str) -> str:
    """Return a stranger's words for a terminal: one line, nothing that steers it."""
    return one_line(text) or ""


def _unfinished(work: Workspace) -> int | None:
    """Return how many tokens a stopped run has finished, or None where there is none."""
    return len(Records.open(work.ledger)) if work.ledger.is_file() else None


def _counted(
    records: Records, raw: Path, info: Mapping[str, Any], *, unfinished: int | None
) -> StatusReport:
    reasons: Counter[tuple[Status, str, str]] = Counter()
    places: dict[str, dict[str, Counter[Fate]]] = {
        half: defaultdict(Counter) for half in ("document", "media")
    }
    verified: Counter[tuple[str, str]] = Counter()
    stale = 0
    for record in records.read(records.ids()):
        stale += record.stale is not None
        if record.reason is not None:
            reasons[record.status, record.half or "", _said(record.reason)] += 1
        for half in places:
            place, fate, proof = _fate(record, half)
            place = _said(place)
            places[half][place][fate] += 1
            verified[half, place] += proof == "verified"
    return StatusReport(
        path=raw,
        info=info,
        statuses=records.status_counts(),
        reasons=tuple((*key, count) for key, count in reasons.most_common()),
        stale=stale,
        documents=_fates("document", places["document"], verified),
        media=_fates("media", places["media"], verified),
        unfinished=unfinished,
    )


def _fate(record: TokenRecord, half: str) -> tuple[str, Fate, str | None]:
    """Return where a half of a token lives, what became of it, and what proves it.

    Of media whose document cannot be read nobody knows where they live; they share its fate.
    """
    part: Part | None = record.document if half == "document" else record.media
    if part is not None and part.file is not None:
        return part.place, "here", part.proof
    fate: Fate = "gone" if record.reason in _GONE else "unusable"
    if record.status == "failed":
        fate = "silent"
    if half == "media" and record.half != "media":
        return _UNKNOWN, fate, None
    return part.place if part is not None else _UNNAMED, fate, None


def _fates(
    half: str, places: Mapping[str, Counter[Fate]], verified: Mapping[tuple[str, str], int]
) -> tuple[Fates, ...]:
    found = [
        Fates(
            place=place,
            counts={fate: counts[fate] for fate in FATES},
            verified=verified[half, place],
        )
        for place, counts in places.items()
    ]
    return tuple(sorted(found, key=lambda fates: (-fates.tokens, fates.place)))


def _to_json(fates: Fates) -> dict[str, Any]:
    return {
        "place": fates.place,
        "tokens": fates.tokens,
        **{fate: fates.counts[fate] for fate in FATES},
        "verified": fates.verified,
        "gone_share": fates.gone_share,
    }


def _table_of(name: str, found: tuple[Fates, ...]) -> Table:
    """Return the dead-asset report of one half; the places beyond the largest are one row."""
    shown, rest = found[:_PLACES_SHOWN], found[_PLACES_SHOWN:]
    rows = [_row(fates) for fates in shown]
    if rest:
        rows.append(_row(_merged(f"{len(rest):,} other places", rest)))
    if len(found) > 1:
        rows.append(_row(_merged("all", found)))
    return Table(
        title=f"where the {name} live, and what has become of them",
        columns=(
            Column("place"),
            *(Column(word, "count") for word in ("tokens", *FATES, "verified")),
            Column("gone %", "percent"),
        ),
        rows=tuple(rows),
    )


def _merged(place: str, found: Iterable[Fates]) -> Fates:
    found = list(found)
    return Fates(
        place=place,
        counts={fate: sum(fates.counts[fate] for fates in found) for fate in FATES},
        verified=sum(fates.verified for fates in found),
    )


def _row(fates: Fates) -> tuple[str | int | float, ...]:
    counts = (fates.counts[fate] for fate in FATES)
    return (fates.place, fates.tokens, *counts, fates.verified, fates.gone_share)

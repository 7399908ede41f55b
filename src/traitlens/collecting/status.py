"""What stands in a raw folder: how many tokens, why others are missing, and where media died."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from traitlens import files
from traitlens.collecting.ledger import STATUSES, Part, Records, Status, TokenRecord
from traitlens.collecting.listing import count_listing
from traitlens.collecting.workspace import INFO, TOKENS, Workspace
from traitlens.errors import CollectError
from traitlens.plain_text import one_line
from traitlens.tables import Column, Table

# What has become of content. here: it was fetched. gone: whoever should have it does not, hides
# it, or has something else. silent: nobody answers, today. unusable: it is there, and of no use.
Fate = Literal["here", "gone", "silent", "unusable"]
FATES: tuple[Fate, ...] = ("here", "gone", "silent", "unusable")

_HOSTLESS = ("ipfs", "ipns", "arweave")
_URL = re.compile(r"https?://([^/?#\s]+)", re.IGNORECASE)
_GONE = {"not found", "refused", "wrong content", "unusable address", "forbidden address"}
_UNKNOWN = "no document"
_UNNAMED = "none named"
_SHOWN = 20  # rows of a table


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
class Missing:
    """How many tokens are not collected for one reason, of one half, at one place."""

    status: Status
    half: str
    reason: str
    place: str
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """What a raw folder holds.

    `documents` and `media` say where they lived and what became of them, the most used place
    first. `gateways` counts what is on IPFS or Arweave and named by the URL of one gateway: it is
    here by another way, but who opens that URL hangs on that host. `unfinished` is how many tokens
    a stopped run has, None where none waits, and `listed` how many it is to have, where it knows.
    """

    path: Path
    info: Mapping[str, Any] = field(default_factory=dict)
    statuses: Mapping[Status, int]
    reasons: tuple[Missing, ...] = ()  # the most frequent first
    stale: int = 0  # collected, but older than the chain says
    documents: tuple[Fates, ...] = ()
    media: tuple[Fates, ...] = ()
    gateways: Mapping[str, int] = field(default_factory=dict)  # host -> documents and media
    unfinished: int | None = None
    listed: int | None = None

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
            "listed": self.listed,
            "reasons": [asdict(missing) for missing in self.reasons],
            "media_gone": self.media_gone,
            "documents": [_to_json(fates) for fates in self.documents],
            "media": [_to_json(fates) for fates in self.media],
            "gateways": dict(self.gateways),
        }

    def tables(self) -> list[Table]:
        """Return the report for people: the counts, the reasons, and the dead-asset report."""
        tables = [self._counts()]
        if self.reasons:
            tables.append(self._reasons())
        parts = (("documents", self.documents), ("media", self.media))
        tables += [_table_of(name, found) for name, found in parts if found]
        return [*tables, self._gateways()] if self.gateways else tables

    def _counts(self) -> Table:
        rows = tuple(
            (status, self.statuses[status], self.statuses[status] / self.tokens)
            for status in STATUSES
            if self.tokens
        )
        notes = [f"{self.stale:,} are older than the chain says"] if self.stale else []
        if self.unfinished is not None:
            of = "" if self.listed is None else f" of {self.listed:,}"
            notes.append(f"a run has {self.unfinished:,}{of} so far; its command goes on with it")
        return Table(
            title=f"{self.info.get('collection', self.path)}: {self.tokens:,} tokens",
            columns=(Column("status"), Column("tokens", "count"), Column("share", "percent")),
            rows=rows,
            note="; ".join(notes),
        )

    def _reasons(self) -> Table:
        shown, rest = self.reasons[:_SHOWN], self.reasons[_SHOWN:]
        rows: list[tuple[str | int, ...]] = [
            (one.status, one.half, one.reason, one.place, one.tokens) for one in shown
        ]
        if rest:
            others = sum(one.tokens for one in rest)
            rows.append(("", "", f"{len(rest):,} other reasons or places", "", others))
        names = ("status", "at its", "reason", "place")
        failed = any(one.status == "failed" for one in self.reasons)
        return Table(
            title="why tokens are missing",
            columns=(*map(Column, names), Column("tokens", "count")),
            rows=tuple(rows),
            note="what failed may pass: collect --retry failed" if failed else "",
        )

    def _gateways(self) -> Table:
        shown = list(self.gateways.items())[:_SHOWN]
        return Table(
            title="on IPFS or Arweave, but named by the URL of one gateway",
            columns=(Column("gateway"), Column("documents and media", "count")),
            rows=tuple(shown),
            note="who opens these URLs hangs on that host",
        )


def status(raw: str | Path) -> StatusReport:
    """Return what stands in a raw folder; raise CollectError where nothing was collected there."""
    raw = Path(raw)
    if not raw.exists() and not Workspace(raw.resolve()).path.exists():
        raise CollectError(f"there is no {raw}")
    work = Workspace(raw.resolve())
    if (raw / TOKENS).is_file():
        records = Records.open(raw / TOKENS)
        info = _info(raw / INFO)
    elif work.ledger.is_file():
        records, info = Records.open(work.ledger), {}
    else:
        raise CollectError(f"{raw} has no {TOKENS}: nothing was collected there")
    waits = work.ledger.is_file()
    with records:
        return replace(
            _counted(records, raw, info),
            unfinished=len(Records.open(work.ledger)) if waits else None,
            listed=count_listing(work.listing) if waits and work.listing.is_file() else None,
        )


def _info(path: Path) -> dict[str, Any]:
    try:
        info = files.read_json(path)
    except (OSError, ValueError) as error:
        raise CollectError(f"{path} does not say what was collected: {error}") from None
    names = ("collection", "chain_id", "contract", "standard", "block", "source")
    found = {name: info.get(name) for name in names} if isinstance(info, dict) else {}
    return {
        name: one_line(value) if isinstance(value, str) else value for name, value in found.items()
    }


def _counted(records: Records, raw: Path, info: Mapping[str, Any]) -> StatusReport:
    reasons: Counter[tuple[Status, str, str, str]] = Counter()
    gateways: Counter[str] = Counter()
    places: dict[str, dict[str, Counter[Fate]]] = {
        half: defaultdict(Counter) for half in ("document", "media")
    }
    verified: Counter[tuple[str, str]] = Counter()
    stale = 0
    for record in records.read(records.ids()):
        stale += record.stale is not None
        gateways.update(_gateways_of(record))
        where = dict.fromkeys(places, "")
        for half in places:
            place, fate, proof = _fate(record, half)
            where[half] = place = one_line(place)
            places[half][place][fate] += 1
            verified[half, place] += proof == "verified"
        if record.reason is not None:
            half = record.half or ""
            place = where["media" if half == "media" else "document"]
            reasons[record.status, one_line(half), one_line(record.reason), place] += 1
    return StatusReport(
        path=raw,
        info=info,
        statuses=records.status_counts(),
        reasons=tuple(
            Missing(status=status, half=half, reason=reason, place=place, tokens=tokens)
            for (status, half, reason, place), tokens in reasons.most_common()
        ),
        stale=stale,
        documents=_fates("document", places["document"], verified),
        media=_fates("media", places["media"], verified),
        gateways=dict(gateways.most_common()),
    )


def _gateways_of(record: TokenRecord) -> Iterator[str]:
    """Yield the hosts by which a record names what does not live at a host."""
    for part in (record.document, record.media):
        if part is not None and part.place in _HOSTLESS and (url := _URL.match(part.uri)):
            yield one_line(url[1].lower())


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
    shown, rest = found[:_SHOWN], found[_SHOWN:]
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

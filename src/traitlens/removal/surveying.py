"""What a take-down takes, found out before anything is touched."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from traitlens.filtering import BlockList
from traitlens.progress import Progress
from traitlens.records import SPLITS, Token
from traitlens.store import CollectionEntry, Dataset

TAKEN_DOWN = "taken down"  # the reason in the row


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A token that goes, and the entries of the block list that name it."""

    token_uid: str
    collection: str
    token_id: str
    entries: tuple[str, ...]
    sha256: str | None
    pixels_sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What goes from a data set, and what the manifest will say of the rest."""

    taken: tuple[Taken, ...]
    earlier: tuple[str, ...]  # the uids of rows that were emptied before
    rows: dict[str, frozenset[int]]  # which rows of which shards are to be emptied
    entries: tuple[CollectionEntry, ...]
    left: dict[str, set[tuple[str, str]]]  # the traits that kept tokens have, where tokens go

    @property
    def token_uids(self) -> tuple[str, ...]:
        """All tokens that are not to be found anywhere, in a fixed order."""
        return tuple(sorted({*self.earlier, *(token.token_uid for token in self.taken)}))


@dataclass(slots=True)
class _Tally:
    """One collection, as it will be."""

    taken: list[Taken] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    rows: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    rejected: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    left: set[tuple[str, str]] = field(default_factory=set)

    def add(self, token: Token, blocked: BlockList) -> None:
        if token.reason == TAKEN_DOWN:
            self.earlier.append(token.token_uid)
            self.rejected[TAKEN_DOWN] += 1
        elif entries := blocked.entries_of(token):
            self.take(token, tuple(entries))
        elif token.status == "kept":
            self.splits[token.split or ""] += 1
            self.left.update((trait.trait_type, trait.value) for trait in token.traits)
        else:
            self.rejected[token.reason or ""] += 1

    def take(self, token: Token, entries: tuple[str, ...]) -> None:
        assert token.location is not None, "a token that was read has a location"
        self.rows[token.location.shard].add(token.location.row)
        self.rejected[TAKEN_DOWN] += 1
        self.taken.append(
            Taken(
                token_uid=token.token_uid,
                collection=token.collection,
                token_id=token.token_id,
                entries=entries,
                sha256=token.sha256,
                pixels_sha256=token.pixels_sha256,
            )
        )

    def entry(self, before: CollectionEntry) -> CollectionEntry:
        """Return the manifest's entry; what loses no token stays as it is."""
        if not (self.taken or self.earlier):
            return before
        return replace(
            before,
            read=self.splits.total() + self.rejected.total(),
            kept=self.splits.total(),
            rejected=dict(sorted(self.rejected.items())),
            splits={split: self.splits[split] for split in SPLITS},
        )


def survey(data: Dataset, blocked: BlockList, *, progress: Progress) -> Survey:
    """Return what goes from a data set: what `blocked` names, and what went before."""
    tallies: dict[str, _Tally] = {}
    total = len(data.collections)
    for number, name in enumerate(data.collections):
        progress("look", number, total, name)
        tally = tallies[name] = _Tally()
        for token in data.tokens(collections=[name], images=False, rejected=True):
            tally.add(token, blocked)
    progress("look", total, total)
    every = list(tallies.values())
    return Survey(
        taken=tuple(token for tally in every for token in tally.taken),
        earlier=tuple(uid for tally in every for uid in tally.earlier),
        rows={shard: frozenset(rows) for tally in every for shard, rows in tally.rows.items()},
        entries=tuple(tallies[entry.name].entry(entry) for entry in data.manifest.collections),
        left={name: t.left for name, t in tallies.items() if t.taken or t.earlier},
    )


def copies(data: Dataset, taken: Iterable[Taken]) -> tuple[str, ...]:
    """Return the uids of kept tokens that show the very pixels of one that goes."""
    gone, pixels = set(), set()
    for token in taken:
        gone.add(token.token_uid)
        pixels.add(token.pixels_sha256)
    pixels.discard(None)
    if not pixels:
        return ()
    kept = data.tokens(images=False)
    return tuple(t.token_uid for t in kept if t.pixels_sha256 in pixels and t.token_uid not in gone)

"""`describe`: a data set in numbers.

Each collection is read once, shard by shard and without its pictures; then a sample of these is
looked at. Nothing of a collection stays but its numbers and the keys that make up the totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from traitlens.config import fingerprint
from traitlens.description.counting import (
    CollectionKeys,
    Tally,
    caption_numbers,
    picture_numbers,
    trait_numbers,
    trait_types,
)
from traitlens.description.pictures import SAMPLE, Gallery, gallery
from traitlens.description.rarity import rarity
from traitlens.description.statistics import (
    DESCRIPTION_VERSION,
    CollectionDescription,
    Counts,
    Description,
    groups,
)
from traitlens.description.stored import read_stored
from traitlens.description.themes import theme_of
from traitlens.digest import Digest
from traitlens.plain_text import one_line
from traitlens.progress import Progress, silent
from traitlens.records import SPLITS
from traitlens.store import CollectionEntry, Dataset

NO_LICENCE = "not stated"
_STORY_CHARS = 1000  # of a collection's own description
_REASONS = 40


def describe(
    data: Dataset | str | Path, *, fresh: bool = False, progress: Progress = silent
) -> Description:
    """Return the numbers of a data set; those that were stored in it, when they fit it.

    All of them are exact but the colours, which are of up to `SAMPLE` pictures a collection.
    `fresh` counts anew. Raises DatasetError when a path is no data set.
    """
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    stored = None if fresh else read_stored(data.path, fingerprint_of(data))
    if stored is not None:
        return stored
    survey = Survey(data)
    for _ in survey.collections(progress=progress):
        pass
    return survey.description()


def galleries(
    data: Dataset, collections: Sequence[str], *, progress: Progress = silent
) -> dict[str, Gallery]:
    """Return the samples of the pictures of some collections, by name."""
    found = {}
    for number, name in enumerate(collections):
        progress("pictures", number, len(collections), one_line(name, max_chars=40))
        tally = Tally()
        rows = data.tokens(collections=[name], images=False, rejected=True)
        found[name] = gallery(data, name, Digest.of(tally.watch(rows)), tally)
    progress("pictures", len(collections), len(collections))
    return found


def fingerprint_of(data: Dataset) -> str:
    """Return a fingerprint that changes with what the manifest says of a data set."""
    return fingerprint("description", DESCRIPTION_VERSION, SAMPLE, data.manifest.to_json())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surveyed:
    """One collection: its numbers, and the sample of its pictures."""

    description: CollectionDescription
    gallery: Gallery


class Survey:
    """Goes through the collections, and adds them up.

    >>> survey = Survey(data)
    >>> for collection in survey.collections():
    ...     draw(collection.gallery)
    >>> survey.description()
    """

    def __init__(self, data: Dataset) -> None:
        self._data = data
        self._described: list[CollectionDescription] = []
        self._keys: list[CollectionKeys] = []
        self._totals = Tally()

    def collections(self, *, progress: Progress = silent) -> Iterator[Surveyed]:
        """Yield what there is to say and to show of each collection, in the data set's order."""
        entries = self._data.manifest.collections
        total = sum(entry.read for entry in entries)
        done = 0
        for entry in entries:
            progress("describe", done, total, one_line(entry.name, max_chars=40))
            surveyed = self._collection(entry)
            self._described.append(surveyed.description)
            yield surveyed
            done += entry.read
        progress("describe", total, total)

    def _collection(self, entry: CollectionEntry) -> Surveyed:
        tally = Tally()
        rows = self._data.tokens(collections=[entry.name], images=False, rejected=True)
        digest = Digest.of(tally.watch(rows))
        counts_V = digest.trait_counts()
        keys = CollectionKeys.of(digest, counts_V, tally)
        shown = gallery(self._data, entry.name, digest, tally)
        self._keys.append(keys)
        self._totals.add(tally)
        theme, theme_from = theme_of(entry.info)
        pictures = picture_numbers([keys], tally, stored_bytes=_stored_bytes(self._data, entry))
        described = CollectionDescription(
            name=entry.name,
            theme=one_line(theme),
            theme_from=theme_from,
            family=_line(entry.family or entry.info.family),
            licence=_line(entry.info.licence),
            source=_line(entry.info.source),
            chain_id=_line(entry.info.chain_id),
            contract=_line(entry.info.contract),
            url=_line(entry.info.url),
            description=_line(entry.info.description, max_chars=_STORY_CHARS),
            counts=_counts([entry]),
            trait_types=trait_types(digest, counts_V),
            traits=trait_numbers([keys], tally.traits_per_token),
            rarity=rarity(digest, counts_V, tally.token_ids),
            captions=caption_numbers([keys], tally.caption_words),
            pictures=replace(pictures, sampled=shown.sampled, colours=shown.colours),
        )
        return Surveyed(description=described, gallery=shown)

    def description(self) -> Description:
        """Return the numbers of the whole; the collections must have been gone through."""
        entries = self._data.manifest.collections
        assert len(self._described) == len(entries), "every collection adds to the totals"
        stored_bytes = sum(one.pictures.stored_bytes for one in self._described)
        pictures = picture_numbers(self._keys, self._totals, stored_bytes=stored_bytes)
        sampled = sum(one.pictures.sampled for one in self._described)
        return Description(
            fingerprint=fingerprint_of(self._data),
            counts=_counts(entries),
            traits=trait_numbers(self._keys, self._totals.traits_per_token),
            captions=caption_numbers(self._keys, self._totals.caption_words),
            pictures=replace(pictures, sampled=sampled),
            themes=groups((one.theme, one.counts.kept) for one in self._described),
            licences=groups(
                (one.licence or NO_LICENCE, one.counts.kept) for one in self._described
            ),
            collections=tuple(self._described),
        )


def _line(text: str | None, *, max_chars: int = 200) -> str | None:
    return one_line(text, max_chars=max_chars) or None if text else None


def _counts(entries: Sequence[CollectionEntry]) -> Counts:
    rejected = Counter[str]()
    for entry in entries:
        for reason, count in entry.rejected.items():
            rejected[one_line(reason) or "no reason"] += count
    ranked = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
    shown = dict(ranked[:_REASONS])
    if others := sum(count for _, count in ranked[_REASONS:]):
        shown["other reasons"] = shown.get("other reasons", 0) + others
    return Counts(
        read=sum(entry.read for entry in entries),
        kept=sum(entry.kept for entry in entries),
        rejected=shown,
        splits={s: sum(entry.splits.get(s, 0) for entry in entries) for s in SPLITS},
    )


def _stored_bytes(data: Dataset, entry: CollectionEntry) -> int:
    return sum((data.path / "tokens" / shard).stat().st_size for shard in entry.shards)

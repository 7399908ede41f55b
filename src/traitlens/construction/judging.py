"""A collection judged as a whole: what falls to the filters, who is trained on, whose art it is.

Nothing here looks at more than a digest of the rows and a sample of the pictures. Two files hold
what was found: a small one about the collection, and one about its rows, which only the passes over
these rows open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens import files
from traitlens.captions import TraitCounts
from traitlens.construction.config import BuildConfig
from traitlens.construction.shards import Shard, Workplace, shards_of
from traitlens.digest import Digest
from traitlens.filtering import Finding, Judgement, judge
from traitlens.records import SPLITS, Location, Split, Trait
from traitlens.shards import read_images, read_shard
from traitlens.sources import Collection
from traitlens.split import FamilySketch, HeldOutPair, sketch, split_rows

_SKETCHED = 256  # pictures a collection are enough to see whose art it is

_NO_SPLIT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What was found about the rows of a collection.

    `splits` has one character a row: the number of its split in SPLITS, or "-" when it is not kept.
    """

    reasons: dict[int, str]  # of the rows that fell to a filter
    splits: str
    counts: TraitCounts

    def split_of(self, row: int) -> Split | None:
        code = self.splits[row]
        return None if code == _NO_SPLIT else SPLITS[int(code)]

    def to_json(self) -> dict[str, Any]:
        counts = [[*name, count] for name, count in self.counts.counts.items()]
        return {
            "reasons": {str(row): reason for row, reason in self.reasons.items()},
            "splits": self.splits,
            "total": self.counts.total,
            "counts": counts,
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> Verdicts:
        counts = {(kind, said): count for kind, said, count in value["counts"]}
        return Verdicts(
            reasons={int(row): reason for row, reason in value["reasons"].items()},
            splits=value["splits"],
            counts=TraitCounts(total=value["total"], counts=counts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What was found about a collection; `read` = `kept` + the sum of `rejected`."""

    read: int
    kept: int
    rejected: dict[str, int]
    splits: dict[str, int]  # where its tokens are split
    findings: tuple[Finding, ...]
    held_out: tuple[HeldOutPair, ...]
    sketch: FamilySketch

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "sketch": self.sketch.to_json()}

    @staticmethod
    def from_json(value: dict[str, Any]) -> Judged:
        pairs = (
            {**pair, "first": Trait(**pair["first"]), "second": Trait(**pair["second"])}
            for pair in value["held_out"]
        )
        return Judged(
            **{
                **value,
                "findings": tuple(Finding(**finding) for finding in value["findings"]),
                "held_out": tuple(HeldOutPair(**pair) for pair in pairs),
                "sketch": FamilySketch.from_json(value["sketch"]),
            }
        )


def judge_collection(collection: Collection, *, place: Workplace, config: BuildConfig) -> int:
    """Write what is found about a collection; return the number of its tokens."""
    name = collection.info.name
    if not _path(place, name).is_file():
        judged, verdicts = _judge(collection, place, config)
        files.write_json(_rows_path(place, name), verdicts.to_json())
        files.write_json(_path(place, name), judged.to_json())
    return collection.count


def read_judged(place: Workplace, name: str) -> Judged:
    """Return what was found about a collection."""
    return Judged.from_json(files.read_json(_path(place, name)))


def read_verdicts(place: Workplace, name: str) -> Verdicts:
    """Return what was found about the rows of a collection."""
    return Verdicts.from_json(files.read_json(_rows_path(place, name)))


def _path(place: Workplace, name: str) -> Path:
    return place.judged / f"{name}.json"


def _rows_path(place: Workplace, name: str) -> Path:
    return place.judged / f"{name}.rows.json"


def _judge(
    collection: Collection, place: Workplace, config: BuildConfig
) -> tuple[Judged, Verdicts]:
    shards = shards_of(collection)
    paths = [place.standardized / shard.name for shard in shards]
    digest = Digest.of(chain.from_iterable(read_shard(p, images=False) for p in paths))
    judgement = judge(collection.info, digest, config.filters)
    reasons = _reasons(digest, judgement)
    rejected = Counter(reasons.values()) + Counter(filter(None, digest.reasons))
    digest = _without(digest, reasons)
    division = split_rows(digest, config.split)
    sides = Counter(division.splits.tolist())
    judged = Judged(
        read=len(digest),
        kept=int(digest.kept.sum()),
        rejected=dict(sorted(rejected.items())),
        splits={split: sides[code] for code, split in enumerate(SPLITS)},
        findings=judgement.findings,
        sketch=sketch(_sample(digest, shards, place)),
        held_out=division.held_out,
    )
    assert judged.read == judged.kept + sum(rejected.values()), "the counts must close"
    return judged, Verdicts(
        reasons=reasons,
        splits="".join(_NO_SPLIT if code < 0 else str(code) for code in division.splits.tolist()),
        counts=TraitCounts.of_digest(digest),
    )


def _reasons(digest: Digest, judgement: Judgement) -> dict[int, str]:
    """Return why each row falls that was kept so far."""
    if judgement.collection_reason is None:
        return judgement.row_reasons
    return dict.fromkeys(np.flatnonzero(digest.kept).tolist(), judgement.collection_reason)


def _without(digest: Digest, fallen: dict[int, str]) -> Digest:
    kept = digest.kept.copy()
    kept[list(fallen)] = False
    return replace(digest, kept=kept)


def _sample(digest: Digest, shards: list[Shard], place: Workplace) -> Iterator[bytes]:
    """Yield the pictures of up to `_SKETCHED` kept tokens; which ones hangs on their uids alone."""
    rows = np.flatnonzero(digest.kept)
    chosen: NDArray[np.int64] = rows[np.argsort(digest.uid_keys[rows], kind="stable")][:_SKETCHED]
    for shard in shards:
        here = chosen[(chosen >= shard.start) & (chosen < shard.start + len(shard))]
        spots = [Location(shard=shard.name, row=int(row) - shard.start) for row in np.sort(here)]
        yield from filter(None, read_images(place.standardized, spots))

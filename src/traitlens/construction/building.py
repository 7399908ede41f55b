"""`build`: from the list of sources to the data set in its place."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import traitlens
from traitlens import description, files, store
from traitlens.config import check_choice, fingerprint, to_dict, version_of
from traitlens.construction.config import BuildConfig
from traitlens.construction.finishing import finish_shard
from traitlens.construction.judging import Judged, judge_collection, read_judged
from traitlens.construction.shards import Shard, Workplace, shards_of
from traitlens.construction.standardizing import standardize_shard
from traitlens.errors import DatasetError
from traitlens.filtering import BLOCKED_FILE, BlockList
from traitlens.processes import HERE, check_place, run_all
from traitlens.progress import Progress, silent
from traitlens.records import SPLITS, Split
from traitlens.sources import Collection, open_sources
from traitlens.split import (
    BY_COLLECTION,
    OFFICIAL,
    Families,
    find_families,
    official_splits,
    split_collections,
    write_leaks,
)

Item = TypeVar("Item")

_MAKERS = ("pillow", "cykooz-resizer", "zlib-ng", "resvg-py", "av", "pyarrow")


def build(
    paths: Iterable[str | Path],
    out: str | Path,
    *,
    config: BuildConfig | None = None,
    families: Mapping[str, str] | None = None,
    blocked: BlockList | None = None,
    workers: int | None = None,
    on: str = HERE,
    replace: bool = False,
    progress: Progress = silent,
) -> store.Dataset:
    """Return the data set at `out`, built from the collections at `paths`.

    A data set that was built before from the same input in the same way is left alone; another
    data set is replaced only when `replace` says so, and what is no data set never is: both are
    a DatasetError. `families` names the family of a collection ("alone": of none), instead of what
    its source says or its pictures show; what is `blocked` is rejected. `workers` is the number of
    processes (default: the cores), `on` where they run (see `processes.run_all`); the bytes do not
    depend on either.
    """
    config, out = config or BuildConfig(), Path(out)
    taken_down = _taken_down(out)
    blocked = (blocked or BlockList()) | taken_down
    collections = open_sources(paths)
    check_place(on)
    if config.split.rule == OFFICIAL:
        official_splits(collection.info for collection in collections)  # before any work
    given = _given_families(collections, families or {})
    mark = _fingerprint(collections, config, given, blocked)
    unlike = "was not built from this input in this way"
    if store.is_made(out, mark, unlike=unlike, replace=replace):
        files.clear_work(out)
        return store.Dataset.open(out)
    job = _Job(
        collections=collections,
        config=config,
        blocked=blocked,
        place=Workplace(files.work_folder(out, mark)),
        workers=workers,
        on=on,
        progress=progress,
    )
    _standardize(job)
    judged = _judge(job)
    kin = find_families({name: found.sketch for name, found in judged.items()}, given=given)
    sides = _sides(job, kin)
    _finish(job, sides)
    _write_manifest(job, mark, judged, sides, kin)
    _report(job, judged, kin, taken_down)
    files.replace_folder(job.place.data, out)
    files.clear_work(out)
    return store.Dataset.open(out)


def _taken_down(out: Path) -> BlockList:
    """Return what was taken down from the data set at `out`: it stays out of the next one there."""
    file = out / BLOCKED_FILE
    return BlockList.read(file) if file.is_file() else BlockList()


def _given_families(
    collections: Sequence[Collection], families: Mapping[str, str]
) -> dict[str, str]:
    """Return the families that are named, by the user before the source."""
    given = {c.info.name: c.info.family for c in collections if c.info.family}
    names = [collection.info.name for collection in collections]
    for name in families:
        check_choice("a collection in families", name, names)
    return given | dict(families)


def _fingerprint(
    collections: Sequence[Collection],
    config: BuildConfig,
    given: Mapping[str, str],
    blocked: BlockList,
) -> str:
    inputs = [(asdict(c.info), c.fingerprint) for c in collections]
    made_by = (store.SCHEMA_VERSION, _versions())
    return fingerprint(made_by, to_dict(config), given, blocked.fingerprint, inputs)


def _versions() -> dict[str, str]:
    """Return the versions of what the bytes of a data set hang on."""
    return {"traitlens": traitlens.__version__} | {name: version_of(name) for name in _MAKERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What is built, how, where, by whom, and who is told."""

    collections: Sequence[Collection]
    config: BuildConfig
    blocked: BlockList
    place: Workplace
    workers: int | None
    on: str
    progress: Progress

    def shards(self) -> list[Shard]:
        return [shard for collection in self.collections for shard in shards_of(collection)]

    def do(
        self, stage: str, function: Callable[[Item], int], items: Sequence[Item], *, done: int = 0
    ) -> None:
        """Call `function`, which returns how many tokens it did, on each of `items`."""
        total = sum(collection.count for collection in self.collections)
        self.progress(stage, done, total)
        for tokens in run_all(function, items, workers=self.workers, on=self.on):
            done += tokens
            self.progress(stage, done, total)


def _standardize(job: _Job) -> None:
    """Write every shard of rows that is not there yet."""
    shards, there = job.shards(), job.place.standardized
    missing = [shard for shard in shards if not (there / shard.name).is_file()]
    work = partial(
        standardize_shard, place=job.place, config=job.config.standardize, blocked=job.blocked
    )
    done = sum(len(shard) for shard in shards) - sum(len(shard) for shard in missing)
    job.do("standardize", work, missing, done=done)


def _judge(job: _Job) -> dict[str, Judged]:
    """Return what is found about each collection, by name."""
    job.do("judge", partial(judge_collection, place=job.place, config=job.config), job.collections)
    judged = {c.info.name: read_judged(job.place, c.info.name) for c in job.collections}
    if not any(found.kept for found in judged.values()):
        shutil.rmtree(job.place.path)  # there is nothing to go on with
        raise _nothing_kept(judged.values())
    return judged


def _nothing_kept(judged: Iterable[Judged]) -> DatasetError:
    reasons = sum((Counter(found.rejected) for found in judged), Counter[str]())
    listed = ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
    return DatasetError(f"none of the {reasons.total()} tokens could be kept: {listed}")


def _sides(job: _Job, kin: Families) -> dict[str, Split | None]:
    """Return the split of each whole collection; None where its tokens are split."""
    names = [collection.info.name for collection in job.collections]
    if job.config.split.rule == BY_COLLECTION:
        return dict(split_collections(names, kin.of, job.config.split))
    if job.config.split.rule == OFFICIAL:
        return dict(official_splits(collection.info for collection in job.collections))
    return dict.fromkeys(names)


def _finish(job: _Job, sides: Mapping[str, Split | None]) -> None:
    """Write the final shards."""
    items = [(shard, sides[shard.collection.info.name]) for shard in job.shards()]
    job.do("finish", partial(finish_shard, place=job.place, config=job.config.captions), items)


def _write_manifest(
    job: _Job,
    mark: str,
    judged: Mapping[str, Judged],
    sides: Mapping[str, Split | None],
    kin: Families,
) -> None:
    entries = []
    for collection in job.collections:
        name = collection.info.name
        entries.append(_entry(collection, judged[name], sides[name], kin.of[name]))
    manifest = store.Manifest(
        fingerprint=mark,
        config=to_dict(job.config),
        versions=_versions(),
        collections=tuple(entries),
    )
    files.write_json(job.place.data / store.MANIFEST, manifest.to_json())


def _entry(
    collection: Collection, judged: Judged, side: Split | None, family: str
) -> store.CollectionEntry:
    whole: dict[str, int] = {split: judged.kept * (split == side) for split in SPLITS}
    return store.CollectionEntry(
        info=collection.info,
        read=judged.read,
        kept=judged.kept,
        rejected=judged.rejected,
        splits=judged.splits if side is None else whole,
        shards=tuple(shard.name for shard in shards_of(collection)),
        family=family,
    )


def _report(job: _Job, judged: Mapping[str, Judged], kin: Families, taken_down: BlockList) -> None:
    """Write what people look at: the filters' findings, the split's reasons, leaks, the card."""
    folder = job.place.data
    if len(taken_down):
        files.write_text(folder / BLOCKED_FILE, "\n".join([*taken_down.lines(), ""]))
    findings = [
        {"collection": name, **asdict(finding)}
        for name, found in judged.items()
        for finding in found.findings
    ]
    files.write_json(folder / "filters.json", findings)
    files.write_json(folder / "split.json", _split_report(judged, kin))
    data = store.Dataset.open(folder)
    write_leaks(data, progress=job.progress)
    description.write(data, progress=job.progress)


def _split_report(judged: Mapping[str, Judged], kin: Families) -> dict[str, Any]:
    """Return why collections stay together, and which pairs of traits train never sees."""
    return {
        "families": kin.members(),
        "links": [asdict(link) for link in kin.links],
        "held_out": {
            name: [asdict(pair) for pair in found.held_out]
            for name, found in judged.items()
            if found.held_out
        },
    }

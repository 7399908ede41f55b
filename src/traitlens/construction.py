"""Data set construction, the paper's chapter 4: sources -> standardize -> caption -> split -> disk.

A shard of `TOKENS_PER_SHARD` tokens is the unit of work. Finished shards wait in a hidden folder
beside the target, so a killed run goes on where it was; the target appears whole at the end.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path

import traitlens
from traitlens import datacard, files, store
from traitlens.captions import caption
from traitlens.config import fingerprint, to_dict
from traitlens.errors import DatasetError
from traitlens.processes import process_pool
from traitlens.progress import Progress, silent
from traitlens.records import SPLITS, RawToken, Split, Token, token_uid
from traitlens.sources import Collection, open_sources, read_traits
from traitlens.split import SplitConfig, split_collections, split_tokens
from traitlens.standardization import Rejection, SizeConfig, standardize

TOKENS_PER_SHARD = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildConfig:
    """How a data set is made from its sources."""

    size: SizeConfig = field(default_factory=SizeConfig)
    split: SplitConfig = field(default_factory=SplitConfig)


@dataclass(frozen=True, slots=True)
class _Shard:
    """A unit of work: a run of one collection's tokens and the file that they end in."""

    collection: Collection
    number: int

    @property
    def name(self) -> str:
        return f"{self.collection.info.name}-{self.number:05d}.parquet"

    def raw_tokens(self) -> Iterator[RawToken]:
        start = self.number * TOKENS_PER_SHARD
        for found in self.collection.found[start : start + TOKENS_PER_SHARD]:
            yield self.collection.read(found)


def build(
    paths: Iterable[str | Path],
    out: str | Path,
    *,
    config: BuildConfig | None = None,
    workers: int | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> store.Dataset:
    """Return the data set at `out`, built from the collections at `paths`.

    A data set that was built before from the same input in the same way is left alone; another
    data set is replaced only when `replace` says so, and what is no data set never is: both are
    a DatasetError. `workers` is the number of processes (default: the cores).
    """
    config, out = config or BuildConfig(), Path(out)
    collections = open_sources(paths)
    mark = _fingerprint(collections, config)
    if not files.is_free(out):
        if not (out / store.MANIFEST).is_file():
            raise DatasetError(f"{out} exists and is no data set; choose another folder")
        if store.Dataset.open(out).manifest.fingerprint == mark:
            return store.Dataset.open(out)
        if not replace:
            raise DatasetError(
                f"{out} exists and was not built from this input in this way; "
                "choose another folder or pass --replace"
            )
    work = files.work_folder(out, mark)
    _standardize_all(collections, config, work, workers=workers, progress=progress)
    entries = _finish_collections(collections, config, work, progress=progress)
    manifest = store.Manifest(
        fingerprint=mark,
        config=to_dict(config),
        versions={"traitlens": traitlens.__version__},
        collections=tuple(entries),
    )
    _refuse_nothing_kept(manifest)
    files.write_json(work / "data" / store.MANIFEST, manifest.to_json())
    datacard.write(store.Dataset.open(work / "data"))
    files.replace_folder(work / "data", out)
    shutil.rmtree(work)
    return store.Dataset.open(out)


def _fingerprint(collections: Sequence[Collection], config: BuildConfig) -> str:
    inputs = [(asdict(c.info), c.fingerprint) for c in collections]
    return fingerprint(store.SCHEMA_VERSION, traitlens.__version__, to_dict(config), inputs)


def _standardize_all(
    collections: Sequence[Collection],
    config: BuildConfig,
    work: Path,
    *,
    workers: int | None,
    progress: Progress,
) -> None:
    """Write every shard that is not there yet to `work/shards`."""
    shards = [shard for collection in collections for shard in _shards(collection)]
    total = sum(len(collection.found) for collection in collections)
    missing = [shard for shard in shards if not (work / "shards" / shard.name).is_file()]
    done = total - sum(_length(shard) for shard in missing)
    progress("standardize", done, total)
    workers = min(workers or os.cpu_count() or 1, max(1, len(missing)))
    if workers == 1:
        for shard in missing:
            done += _write_shard(shard, config, work)
            progress("standardize", done, total)
        return
    with process_pool(workers) as pool:
        pending = {pool.submit(_write_shard, shard, config, work) for shard in missing}
        while pending:
            finished, pending = wait(pending, timeout=1, return_when=FIRST_EXCEPTION)
            done += sum(future.result() for future in finished)
            progress("standardize", done, total)


def _shards(collection: Collection) -> list[_Shard]:
    numbers = range((len(collection.found) + TOKENS_PER_SHARD - 1) // TOKENS_PER_SHARD)
    return [_Shard(collection, number) for number in numbers]


def _length(shard: _Shard) -> int:
    return min(TOKENS_PER_SHARD, len(shard.collection.found) - shard.number * TOKENS_PER_SHARD)


def _write_shard(shard: _Shard, config: BuildConfig, work: Path) -> int:
    """Write one shard, without splits, and return its number of tokens."""
    info = shard.collection.info
    tokens = [
        make_token(raw, uid=token_uid(info, raw.token_id), size=config.size)
        for raw in shard.raw_tokens()
    ]
    store.write_shard(work / "shards" / shard.name, tokens)
    return len(tokens)


def make_token(raw: RawToken, *, uid: str, size: SizeConfig) -> Token:
    """Return the row of the data set for a raw token: kept, or rejected with a reason."""
    traits = read_traits(raw.metadata) if raw.problem is None else raw.problem
    known = () if isinstance(traits, str) else traits
    token = Token(
        token_uid=uid,
        collection=raw.collection,
        token_id=raw.token_id,
        traits=known,
        caption=caption(raw.collection, known).text if known else "",
        source_uri=raw.source_uri,
        sha256=None if raw.media is None else files.sha256_hex(raw.media),
    )
    picture = Rejection(traits) if isinstance(traits, str) else standardize(raw.media or b"", size)
    if isinstance(picture, Rejection):
        return dataclasses.replace(token, status="rejected", reason=picture.reason)
    return dataclasses.replace(
        token,
        image=picture.png,
        width=picture.width,
        height=picture.height,
        media_type=picture.media_type,
        pixels_sha256=picture.pixels_sha256,
    )


def _finish_collections(
    collections: Sequence[Collection], config: BuildConfig, work: Path, *, progress: Progress
) -> list[store.CollectionEntry]:
    """Split each collection, write its final shards and return its entries for the manifest."""
    by_collection = split_collections((c.info.name for c in collections), config.split)
    entries = []
    for number, collection in enumerate(collections):
        progress("split", number, len(collections))
        tokens = [
            token
            for shard in _shards(collection)
            for token in store.read_shard(work / "shards" / shard.name, images=False)
        ]
        kept = [token for token in tokens if token.status == "kept"]
        if config.split.rule == "by_collection":
            side = by_collection[collection.info.name]
            splits: dict[str, Split] = {token.token_uid: side for token in kept}
        else:
            splits = split_tokens(kept, config.split)
        for shard in _shards(collection):
            whole = store.read_shard(work / "shards" / shard.name)
            store.write_shard(
                work / "data" / "tokens" / shard.name, store.with_splits(whole, splits)
            )
        entries.append(_entry(collection, tokens, splits))
    progress("split", len(collections), len(collections))
    return entries


def _entry(
    collection: Collection, tokens: Sequence[Token], splits: dict[str, Split]
) -> store.CollectionEntry:
    rejected = Counter(token.reason for token in tokens if token.reason is not None)
    sides = Counter(splits.values())
    entry = store.CollectionEntry(
        info=collection.info,
        read=len(tokens),
        kept=len(splits),
        rejected=dict(sorted(rejected.items())),
        splits={split: sides[split] for split in SPLITS},
        shards=tuple(shard.name for shard in _shards(collection)),
    )
    assert entry.read == entry.kept + sum(entry.rejected.values()), "the counts must close"
    return entry


def _refuse_nothing_kept(manifest: store.Manifest) -> None:
    if any(entry.kept for entry in manifest.collections):
        return
    reasons = sum((Counter(entry.rejected) for entry in manifest.collections), Counter[str]())
    listed = ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
    raise DatasetError(f"none of the {reasons.total()} tokens could be kept: {listed}")

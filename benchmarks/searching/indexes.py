"""The indexes that are asked: of held-out tokens, of the same without metadata, of all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from traitlens import files
from traitlens.config import fingerprint
from traitlens.models import load_encoder
from traitlens.records import Token
from traitlens.retrieval import Index, index
from traitlens.shards import write_shard
from traitlens.store import MANIFEST, Dataset
from traitlens.subsets import subset


def held_out(data: Dataset, work: Path) -> Dataset:
    """Return the validation and test tokens of a data set, as one of its own."""
    return subset(data, work / "held-out", per_collection=None, train_share=0.0)


def bare(data: Dataset, work: Path) -> Dataset:
    """Return the tokens of a data set without traits and captions: pictures alone."""
    out = work / "bare"
    if (out / MANIFEST).is_file():
        return Dataset.open(out)
    entries = []
    for entry in data.manifest.collections:
        shard = f"{entry.shards[0].rpartition('-')[0]}-00000.parquet"
        write_shard(out / "tokens" / shard, _bared(data, entry.name))
        entries.append(replace(entry, shards=(shard,)))
    manifest = replace(
        data.manifest,
        fingerprint=fingerprint("bare", data.manifest.fingerprint),
        collections=tuple(entries),
    )
    files.write_json(out / MANIFEST, manifest.to_json())
    return Dataset.open(out)


def _bared(data: Dataset, collection: str) -> Iterator[Token]:
    for token in data.tokens(collections=[collection]):
        yield replace(token, traits=(), caption="")


def opened(data: Dataset, path: Path, *, model: str) -> Index:
    """Return the index of a data set at a path, made unless it is there."""
    index(data, path, encoder=load_encoder(model))
    return Index.open(path)

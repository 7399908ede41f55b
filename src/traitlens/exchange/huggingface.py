"""A folder that `datasets.load_dataset(folder)` opens with its splits, ready to be uploaded.

    README.md                             tells which files are which split
    data/train-00000-of-00012.parquet     the data set's own columns; pictures show as pictures
    rejected/rejected-00000-of-00003.parquet

Rejected tokens lie apart, so that each row of a split has a picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlens import files, shards, store
from traitlens.errors import ConfigError, DatasetError
from traitlens.exchange.card import card
from traitlens.exchange.config import ExportConfig
from traitlens.exchange.record import SIDE_OF, Export, ExportedCollection, Source, side_of
from traitlens.records import SPLITS, Token
from traitlens.standardization.limits import Limits

if TYPE_CHECKING:
    import datasets


def write_collection(
    source: Source, folder: Path, stem: str, config: ExportConfig
) -> dict[str, list[str]]:
    """Write the Parquet files of a collection into `folder`; return their names by side."""
    del stem  # their final names tell the split and the number only
    sides = dict.fromkeys(SIDE_OF[letter] for letter in source.sides())
    return {side: _write_side(source, side, folder, config) for side in sides}


def _write_side(source: Source, side: str, folder: Path, config: ExportConfig) -> list[str]:
    tokens = (token for token in source.tokens() if side_of(token) == side)
    names: list[str] = []
    first = next(tokens, None)
    while first is not None:
        names.append(f"{_folder_of(side)}/{side}-{len(names):05d}.parquet")
        shard = _Shard(first, tokens, config)
        shards.write_shard(folder / names[-1], shard.tokens())
        first = shard.left_over
    return names


class _Shard:
    """As many of the tokens as fill one file; the one that did not fit is `left_over`."""

    def __init__(self, first: Token, rest: Iterator[Token], config: ExportConfig) -> None:
        self.left_over: Token | None = None
        self._first, self._rest, self._config = first, rest, config

    def tokens(self) -> Iterator[Token]:
        count, size = 1, _bytes_of(self._first)
        yield self._first
        for token in self._rest:
            size += _bytes_of(token)
            if self._config.is_full(count, size):
                self.left_over = token
                return
            count += 1
            yield token


def _bytes_of(token: Token) -> int:
    pictures = sum(len(picture) for picture in (token.image or b"", *token.more_images))
    return pictures + len(token.caption) + len(token.metadata or "")


def _folder_of(side: str) -> str:
    return "rejected" if side == "rejected" else "data"


def final_names(side: str, count: int) -> Iterator[str]:
    """Yield the names that the files of a side get when all of them are known."""
    for number in range(count):
        yield f"{_folder_of(side)}/{side}-{number:05d}-of-{count:05d}.parquet"


def write_index(export: Export, folder: Path, sums: dict[str, str]) -> None:
    """Write the README by which `datasets.load_dataset(folder)` finds the splits."""
    load = "duckdb.sql(\"SELECT * FROM 'data/*.parquet'\")"
    text = card(export, "data/{side}-*.parquet", "Parquet files", load=load)
    files.write_text(folder / "README.md", text)


def read_collection(
    folder: Path, collection: ExportedCollection, limits: Limits
) -> dict[str, Iterator[Token]]:
    """Return the tokens of each side, in order; they are read as they are asked for."""
    return {
        side: _read_side([folder / name for name in names])
        for side, names in collection.files.items()
    }


def _read_side(paths: Sequence[Path]) -> Iterator[Token]:
    for path in paths:
        try:
            yield from shards.read_shard(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{path} is no shard of this export: {error}") from error


def to_datasets(data: store.Dataset, split: str | None = None) -> datasets.Dataset:
    """Return the kept tokens (of one split) as a `datasets.Dataset`; it needs `datasets`.

    The library copies them into its cache, once; `streaming` in its own `load_dataset` does not.
    """
    if split is not None and split not in SPLITS:
        raise ConfigError(f"split must be one of {', '.join(SPLITS)}; got {split!r}")
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise ConfigError("this needs datasets; `pip install datasets` installs it") from error
    shards = [shard for entry in data.manifest.collections for shard in entry.shards]
    where: list[Any] = [("status", "==", "kept")]
    if split is not None:
        where.append(("split", "==", split))
    paths = [str(data.path / "tokens" / shard) for shard in shards]
    return datasets.Dataset.from_parquet(paths, split=split or "tokens", filters=where)

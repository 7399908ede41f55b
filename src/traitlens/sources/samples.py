"""Sample collections, drawn on the spot: no network, no download, as many tokens as wanted.

A collection is a DiceBear style with a palette and odds of its own, in the folder shape that
`open_sources` reads, and with exact masks on request:

    <out>/<collection>/
      images/<id>.png
      metadata/<id>.json      name, image, attributes (and mask, mask_labels)
      masks/<id>.png          8 bit: the index in mask_labels of the topmost part; 0 is the base
      collection.json         style, palette, licence, creator, seed, versions

The 7 demo styles with 300 tokens each at 128 px take 22 s of processor time, with masks about 65 s.
A script that draws with several workers needs the usual `if __name__ == "__main__":`.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import traitlens
from traitlens.config import check_range
from traitlens.errors import ConfigError
from traitlens.files import read_json, replacing_folder, write_json
from traitlens.processes import process_pool
from traitlens.progress import Progress, silent
from traitlens.sources.dicebear_drawing import (
    Recipe,
    Traits,
    collection_palettes,
    draw_token,
    make_recipe,
    save_token,
)
from traitlens.sources.dicebear_styles import (
    DEMO_STYLES,
    PROFILES,
    check_style,
    load_style,
    missing_library,
    style_credit,
)
from traitlens.sources.palettes import NAMED_COLORS

_A = TypeVar("_A")
_B = TypeVar("_B")


class _Map(Protocol):
    """`map`, in this process or in others, with the results in order."""

    def __call__(self, function: Callable[[_A], _B], items: Iterable[_A], /) -> Iterator[_B]: ...


_ENGINES = ("dicebear-core", "dicebear-styles", "resvg-py")
_MAX_ATTEMPTS = 20  # redraws of a token that another one equals
_CHUNK = 16  # tokens handed to a worker at once


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleConfig:
    """Which sample collections to draw."""

    styles: tuple[str, ...] = DEMO_STYLES  # each one a collection
    tokens: int = 300  # in each collection
    size: int = 128  # width and height in px
    seed: int = 0  # another seed gives other palettes, odds and tokens
    masks: bool = False  # which takes three times as long
    workers: int | None = None  # processes; None is one for each core

    def __post_init__(self) -> None:
        for name in self.styles:
            check_style(name)
        if not self.styles or len(set(self.styles)) < len(self.styles):
            raise ConfigError(
                f"samples.styles must name at least one style, and each once; got {self.styles!r}"
            )
        check_range("samples.tokens", self.tokens, low=1)
        check_range("samples.size", self.size, low=16, high=4096)
        check_range("samples.seed", self.seed, low=0)
        if self.workers is not None:
            check_range("samples.workers", self.workers, low=1)

    def collection(self, style: str) -> str:
        """Return the name of the collection in `style`."""
        return style if self.seed == 0 else f"{style}-{self.seed}"


def draw_samples(
    out: Path, config: SampleConfig | None = None, *, progress: Progress = silent
) -> list[Path]:
    """Draw the collections below `out` and return their folders, in the order of the styles.

    A collection that is there already, drawn with the same config and versions, is left alone;
    another one of that name is replaced. Every file is the same on every run, however many
    workers. The tokens of a collection differ in their traits, as far as the style allows.

    Raises ConfigError when a folder of that name holds anything but a sample collection.
    """
    config = config or SampleConfig()
    infos = {style: _collection_info(style, config) for style in config.styles}
    folders = {style: Path(out) / config.collection(style) for style in config.styles}
    missing = [style for style in config.styles if not _is_drawn(folders[style], infos[style])]
    with _workers(config.workers if missing else 1) as run:
        for name, style in zip(missing, run(load_style, missing), strict=True):
            recipe = make_recipe(
                name, style, seed=config.seed, size=config.size, masks=config.masks
            )
            with replacing_folder(folders[name]) as folder:
                _draw_tokens(folder, recipe, config, run, progress)
                write_json(folder / "collection.json", infos[name])
    return list(folders.values())


def _collection_info(style: str, config: SampleConfig) -> dict[str, Any]:
    """Return what collection.json says; it also tells whether a collection must be drawn anew."""
    credit = style_credit(style)
    profile = PROFILES[style]
    return {
        "collection": config.collection(style),
        "style": style,
        "family": f"dicebear-{style}",
        "source": f"DiceBear style {style}: {credit.title}, {credit.url}",
        "licence": credit.licence,
        "licence_url": credit.licence_url,
        "creator": credit.creator,
        "creator_url": credit.creator_url,
        "attribution": credit.attribution,
        "seed": config.seed,
        "tokens": config.tokens,
        "size": config.size,
        "masks": config.masks,
        "palette": {
            profile.label(f"{option}Color"): {name: NAMED_COLORS[name] for name in palette}
            for option, palette in collection_palettes(style, config.seed).items()
        },
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    try:
        engines = {name: importlib.metadata.version(name) for name in _ENGINES}
    except importlib.metadata.PackageNotFoundError as error:
        raise missing_library(error) from error
    return {"traitlens": traitlens.__version__, **engines}


def _is_drawn(folder: Path, info: dict[str, Any]) -> bool:
    """Return whether `folder` is the finished collection `info`; refuse what is not ours."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    try:
        found = read_json(folder / "collection.json")
    except (OSError, json.JSONDecodeError):
        found = None
    if not isinstance(found, dict) or found.get("style") != info["style"]:
        raise ConfigError(
            f"{folder} exists and is not a sample collection; draw the samples somewhere else"
        )
    return found == info


@contextmanager
def _workers(count: int | None) -> Iterator[_Map]:
    """Give a `map` that runs in `count` new processes, or in this one when it is 1."""
    count = count or os.cpu_count() or 1
    if count == 1:
        yield map
        return
    with process_pool(count) as pool:
        yield pool.map


@dataclass(frozen=True, slots=True)
class _Batch:
    """Tokens for one worker to draw."""

    folder: Path
    recipe: Recipe
    token_ids: Sequence[int]
    attempt: int

    def draw(self) -> list[Traits]:
        """Draw and write the tokens; return the traits of each."""
        drawn = []
        for token_id in self.token_ids:
            drawing = draw_token(self.recipe, token_id, attempt=self.attempt)
            save_token(self.folder, self.recipe, token_id, drawing)
            drawn.append(drawing.traits)
        return drawn


def _draw_tokens(
    folder: Path, recipe: Recipe, config: SampleConfig, run: _Map, progress: Progress
) -> None:
    """Draw the tokens 1 to `config.tokens` into `folder`; draw those anew that equal another."""
    for name in ("images", "metadata", *(["masks"] if config.masks else [])):
        (folder / name).mkdir()
    collection = config.collection(recipe.name)
    seen: set[frozenset[tuple[str, str]]] = set()
    pending: Sequence[int] = range(1, config.tokens + 1)
    for attempt in range(_MAX_ATTEMPTS):
        chunks = [pending[start : start + _CHUNK] for start in range(0, len(pending), _CHUNK)]
        batches = [_Batch(folder, recipe, chunk, attempt) for chunk in chunks]
        equal: list[int] = []
        for chunk, drawn in zip(chunks, run(_Batch.draw, batches), strict=True):
            for token_id, traits in zip(chunk, drawn, strict=True):
                if frozenset(traits) in seen:
                    equal.append(token_id)
                seen.add(frozenset(traits))
            progress(f"draw {collection}", len(seen), config.tokens)
        pending = equal
    if pending:  # the style has fewer different tokens than were asked for
        progress(f"draw {collection}", config.tokens, config.tokens)

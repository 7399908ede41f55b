"""A data set of any size, put together of the layers of real collections.

Tokens are made shard by shard, a collection's turn after another's, so that a smaller data set is
the beginning of a larger one, and a killed run goes on where it was. Each token differs from all
others, real ones too, in its traits and in its pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import numpy as np

from traitlens import files
from traitlens.captions import TraitCounts, caption
from traitlens.config import fingerprint
from traitlens.progress import Progress, silent
from traitlens.records import CollectionInfo, Token, token_uid
from traitlens.separation import components, load_masks
from traitlens.shards import read_shard, write_shard
from traitlens.standardization import png_bytes
from traitlens.standardization.hashing import pixels_sha256
from traitlens.store import (
    MANIFEST,
    TOKENS_PER_SHARD,
    CollectionEntry,
    Dataset,
    Manifest,
)

from .painting import Painter
from .recipes import Recipe, Recipes

_SPARE = 2  # recipes drawn for each token, since some look like others


@dataclass(slots=True)
class _Source:
    """One real collection, and what was made of it so far."""

    info: CollectionInfo
    painter: Painter
    recipes: Recipes
    counts: TraitCounts
    pixels: set[str]  # of all collections' real tokens, and of those that were made
    seed: int
    number: int
    shards: list[str] = field(default_factory=list)
    made: int = 0
    known: set[Recipe] = field(default_factory=set)

    def take(self, folder: Path) -> int:
        """Write the next shard, or take one that is there, and return its number of tokens."""
        name = f"{self.info.name}-{len(self.shards):05d}.parquet"
        if not (folder / name).is_file():
            tokens = self._tokens()
            if not tokens:
                return 0
            write_shard(folder / name, tokens)
        count = self._note(folder / name)
        self.shards.append(name)
        return count

    def entry(self) -> CollectionEntry:
        return CollectionEntry(
            info=self.info,
            read=self.made,
            kept=self.made,
            rejected={},
            splits={"train": 0, "validation": 0, "test": 0},
            shards=tuple(self.shards),
        )

    def _note(self, shard: Path) -> int:
        """Remember what a shard has, and return its number of tokens."""
        before = self.made
        for token in read_shard(shard, images=False, metadata=False):
            self.known.add(token.traits)
            self.pixels.add(token.pixels_sha256 or "")
            self.made += 1
        return self.made - before

    def _tokens(self) -> list[Token]:
        """Return the tokens of the next shard; fewer, or none, where hardly any are left."""
        rng = np.random.default_rng((self.seed, self.number, len(self.shards)))
        drawn = self.recipes.draw(_SPARE * TOKENS_PER_SHARD, known=self.known, rng=rng)
        tokens: dict[str, Token] = {}
        for recipe in drawn:
            token = self._token(recipe, number=self.made + len(tokens))
            pixels = token.pixels_sha256 or ""
            if pixels not in self.pixels and pixels not in tokens:
                tokens[pixels] = token
            if len(tokens) == TOKENS_PER_SHARD:
                break
        return list(tokens.values())

    def _token(self, recipe: Recipe, *, number: int) -> Token:
        picture = self.painter.paint(recipe)
        said = caption(self.info.name, recipe, counts=self.counts)
        return Token(
            token_uid=token_uid(self.info, str(number)),
            collection=self.info.name,
            token_id=str(number),
            traits=recipe,
            caption=said.text,
            caption_spans=said.spans,
            image=png_bytes(picture),
            width=picture.width,
            height=picture.height,
            pixels_sha256=pixels_sha256(picture),
        )


def make(
    data: Dataset,
    work: Path,
    *,
    tokens: int,
    seed: int,
    collections: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Dataset:
    """Return a data set of `tokens` tokens, or of fewer where the collections have no more.

    They are rounded up to whole shards. It lies in the folder `made` of `work`, and the
    collections' components in `components`.
    """
    names = data.collections if collections is None else tuple(collections)
    components(data, out=work / "components", collections=names, progress=progress)
    pixels: set[str] = set()
    sources = [
        _source(data, name, work, pixels=pixels, seed=seed, number=number)
        for number, name in enumerate(names)
    ]
    folder = work / "made"
    made, left = 0, list(sources)
    for source in _turns(left):
        if made >= tokens:
            break
        count = source.take(folder / "tokens")
        made += count
        if count < TOKENS_PER_SHARD:
            left.remove(source)
        progress("recompose", made, tokens, source.info.name)
    manifest = Manifest(
        fingerprint=fingerprint("search_scale", data.manifest.fingerprint, names, seed, made),
        config={"recomposed": {"of": data.manifest.fingerprint, "seed": seed}},
        versions={},
        collections=tuple(source.entry() for source in sources if source.shards),
    )
    files.write_json(folder / MANIFEST, manifest.to_json())
    return Dataset.open(folder)


def _turns(left: list[_Source]) -> Iterator[_Source]:
    """Yield each source in turn as long as it is in the list."""
    for source in cycle(list(left)):
        if not left:
            return
        if source in left:
            yield source


def _source(
    data: Dataset, name: str, work: Path, *, pixels: set[str], seed: int, number: int
) -> _Source:
    tokens = list(data.tokens(collections=[name], images=False, metadata=False))
    pixels.update(token.pixels_sha256 or "" for token in tokens)
    return _Source(
        info=CollectionInfo(name=name),
        painter=Painter(load_masks(work / "components", name)),
        recipes=Recipes([token.traits for token in tokens]),
        counts=TraitCounts.of([token.traits for token in tokens]),
        pixels=pixels,
        seed=seed,
        number=number,
    )

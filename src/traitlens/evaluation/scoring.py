"""One function from an encoder and a data set to the rows of every table."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from traitlens.config import check_range
from traitlens.errors import DatasetError
from traitlens.evaluation.baselines import fit_baselines
from traitlens.evaluation.encoding import check_encoder, encode_pictures, encode_texts
from traitlens.evaluation.retrieval import Direction, RetrievalRow, Scope, score_retrieval
from traitlens.models.encoder import Encoder
from traitlens.progress import Progress, silent
from traitlens.records import Split, Token
from traitlens.store import Dataset

MIN_GALLERY = 2  # one token alone is always found


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The rows of a model and its baselines, and what they were measured on.

    `skipped` counts the tokens of collections that had fewer than `MIN_GALLERY` in the split, and
    those beyond `max_gallery`; `tokens` + the sum of `skipped` = the tokens of the split.
    """

    model: str
    model_fingerprint: str
    dataset: str
    dataset_fingerprint: str
    split_rule: str | None
    split: Split | None
    max_gallery: int | None
    seed: int
    tokens: int
    skipped: dict[str, int]
    rows: tuple[RetrievalRow, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the model and its baselines, the model first."""
        return tuple(dict.fromkeys(row.model for row in self.rows))

    def row(
        self,
        *,
        scope: Scope = "macro",
        direction: Direction = "text_to_image",
        model: str | None = None,
        gallery: str | None = None,
    ) -> RetrievalRow:
        """Return one row, by default the model's macro row; KeyError when there is none."""
        wanted = (model or self.model, direction, scope)
        for row in self.rows:
            if (row.model, row.direction, row.scope) == wanted and gallery in (None, row.gallery):
                return row
        raise KeyError((*wanted, gallery))

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "rows": [row.to_json() for row in self.rows]}


def evaluate(
    encoder: Encoder,
    data: Dataset | str | Path,
    *,
    split: Split | None = "test",
    baselines: bool = True,
    max_gallery: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Evaluation:
    """Return how well `encoder` finds the tokens of a split by their captions, and the reverse.

    The gallery side is pixels alone. `split=None` takes all tokens; `max_gallery` caps each
    collection to a seeded draw; `baselines` are fitted on the train split and scored beside.
    Raises ModelError for what is no encoder and DatasetError where there is nothing to search.
    """
    check_encoder(encoder)
    if max_gallery is not None:
        check_range("max_gallery", max_gallery, low=MIN_GALLERY)
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    tokens, skipped = _gallery(data, split=split, max_gallery=max_gallery, seed=seed)
    encoders: list[Encoder] = [encoder]
    if baselines:
        fitted = fit_baselines(data, progress=progress)
        encoders += [each for each in fitted if each.name != encoder.name]
    images = encode_pictures(encoders, data, tokens, progress=progress)
    rows: list[RetrievalRow] = []
    captions = [token.caption for token in tokens]
    for each, images_ND in zip(encoders, images, strict=True):
        rows += score_retrieval(
            images_ND,
            encode_texts(each, captions, progress=progress),
            model=each.name,
            collections=[token.collection for token in tokens],
            captions=captions,
        )
    return Evaluation(
        model=encoder.name,
        model_fingerprint=encoder.fingerprint,
        dataset=str(data.path),
        dataset_fingerprint=data.manifest.fingerprint,
        split_rule=split_rule(data),
        split=split,
        max_gallery=max_gallery,
        seed=seed,
        tokens=len(tokens),
        skipped=skipped,
        rows=tuple(rows),
    )


def split_rule(data: Dataset) -> str | None:
    """Return how the data set was split: tables of different rules are never mixed."""
    rule = data.manifest.config.get("split", {}).get("rule")
    return rule if isinstance(rule, str) else None


def _gallery(
    data: Dataset, *, split: Split | None, max_gallery: int | None, seed: int
) -> tuple[list[Token], dict[str, int]]:
    """Return the tokens to search and how many were left out, by reason."""
    found = by_collection(data.tokens(split=split, images=False))
    tokens: list[Token] = []
    too_few = beyond = 0
    for name, mine in found.items():
        if len(mine) < MIN_GALLERY:
            too_few += len(mine)
            continue
        drawn = _draw(mine, max_gallery, key=f"{seed}:{name}")
        beyond += len(mine) - len(drawn)
        tokens += drawn
    if not tokens:
        raise DatasetError(
            f"{data.path} has {data.count(split=split)} tokens in "
            f"{'all' if split is None else f'its {split} split'}; a search needs at least "
            f"{MIN_GALLERY} of one collection"
        )
    skipped = {f"fewer than {MIN_GALLERY} in the collection": too_few, "beyond max_gallery": beyond}
    return tokens, {reason: count for reason, count in skipped.items() if count}


def by_collection(tokens: Iterable[Token]) -> dict[str, list[Token]]:
    """Return the tokens of each collection, in order."""
    found: dict[str, list[Token]] = defaultdict(list)
    for token in tokens:
        found[token.collection].append(token)
    return dict(found)


def _draw(tokens: Sequence[Token], most: int | None, *, key: str) -> list[Token]:
    """Return at most `most` tokens in their order; the draw depends on nothing but `key`."""
    if most is None or len(tokens) <= most:
        return list(tokens)
    numbers = random.Random(key).sample(range(len(tokens)), most)
    return [tokens[number] for number in sorted(numbers)]

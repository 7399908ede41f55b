"""One function from an encoder and a data set to the rows of every table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from traitlens.config import check_choice
from traitlens.embedding import (
    Embedded,
    Gallery,
    check_encoder,
    embed_all,
    is_embedded,
    open_embedded,
)
from traitlens.errors import ConfigError, ModelError
from traitlens.evaluation.baselines import fit_baselines
from traitlens.evaluation.findings import findings
from traitlens.evaluation.intervals import with_intervals
from traitlens.evaluation.parts import Part, check_parts, measure
from traitlens.evaluation.retrieval import KS, RetrievalRow, Scope, score_retrieval
from traitlens.evaluation.searching import Direction
from traitlens.models.blocks import load_blocks
from traitlens.models.encoder import Encoder
from traitlens.progress import Progress, silent
from traitlens.records import Split
from traitlens.store import Dataset

Clusters = Literal["family", "collection"]
CLUSTERS: tuple[Clusters, ...] = ("family", "collection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The rows of a model and of what stands beside it, and what they were measured on.

    `skipped` counts the tokens of collections that were too small, and those beyond
    `max_gallery`; `tokens` + the sum of `skipped` = the tokens of the split. `findings` are what a
    reader must know before the numbers. `parts` are further measurements by name.
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
    families: dict[str, str]  # of each collection
    clusters: Clusters  # what the intervals are over
    findings: tuple[str, ...]
    rows: tuple[RetrievalRow, ...]
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the model and of those beside it, the model first."""
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

    def collection_rows(
        self, *, model: str | None = None, direction: Direction = "text_to_image"
    ) -> dict[str, RetrievalRow]:
        """Return the row of each collection's own gallery, by its name."""
        wanted = (model or self.model, direction, "collection")
        rows = [r for r in self.rows if (r.model, r.direction, r.scope) == wanted]
        return {row.gallery: row for row in rows}

    def rsum(self, *, scope: Scope = "macro", model: str | None = None) -> float:
        """Return the sum of top-1, top-5 and top-10 of both directions, in [0, 6]."""
        directions: tuple[Direction, ...] = ("text_to_image", "image_to_text")
        rows = [self.row(scope=scope, direction=one, model=model) for one in directions]
        return sum(row.recall[k] for row in rows for k in KS)

    def to_json(self) -> dict[str, Any]:
        known = {
            name: getattr(self, name)
            for name in self.__slots__
            if name not in ("rows", "parts", "findings")
        }
        return {
            **known,
            "findings": list(self.findings),
            "rows": [row.to_json() for row in self.rows],
            "parts": {name: part.to_json() for name, part in self.parts.items()},
        }


def evaluate(
    encoder: Encoder | Embedded | str | Path,
    data: Dataset | str | Path,
    *,
    split: Split | None = "test",
    baselines: bool = True,
    against: Sequence[Encoder] = (),
    parts: Sequence[str] = (),
    max_gallery: int | None = None,
    seed: int = 0,
    clusters: Clusters = "family",
    progress: Progress = silent,
) -> Evaluation:
    """Return how well `encoder` finds the tokens of a split by their captions, and the reverse.

    `encoder` may be a folder that `embed` wrote, whose split and cap then hold. The gallery side
    is pixels alone. `split=None` takes all tokens; `max_gallery` caps each collection to a seeded
    draw. `baselines` are fitted on the train split and scored beside, and so are the encoders
    `against`. `parts` are names of `PARTS`. Means get a 95% interval over `clusters`, where there
    are 20. Raises ModelError for what is no encoder and DatasetError where there is nothing to
    search.
    """
    check_choice("clusters", clusters, CLUSTERS)  # before hours of work
    check_parts(parts)
    found = embed_beside(
        encoder,
        data,
        split=split,
        baselines=baselines,
        against=against,
        max_gallery=max_gallery,
        seed=seed,
        progress=progress,
    )
    return evaluate_embedded(found, parts=parts, seed=seed, clusters=clusters, progress=progress)


def evaluate_embedded(
    found: Sequence[Embedded],
    *,
    parts: Sequence[str] = (),
    seed: int = 0,
    clusters: Clusters = "family",
    device: str = "cpu",
    work: Path | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Return the evaluation of `found[0]`; the others, on the same gallery, stand beside.

    `device` ranks, "cpu" or "cuda". With a folder `work` the rankings of all tokens, which are the
    long ones, go on where a stopped run was. See `evaluate`.
    """
    check_choice("clusters", clusters, CLUSTERS)
    check_parts(parts)
    gallery = found[0].gallery
    groups = gallery.families if clusters == "family" else {c: c for c in gallery.collections}
    blocks = load_blocks(device)
    rows: list[RetrievalRow] = []
    for number, each in enumerate(found):
        mine = work / f"ranking-{number}" if work else None
        scored = score_retrieval(each, blocks=blocks, work=mine, progress=progress)
        rows += with_intervals(scored, groups, seed=seed)
    return Evaluation(
        model=found[0].model,
        model_fingerprint=found[0].model_fingerprint,
        dataset=str(gallery.data.path),
        dataset_fingerprint=gallery.data.manifest.fingerprint,
        split_rule=split_rule(gallery.data),
        split=gallery.split,
        max_gallery=gallery.max_gallery,
        seed=gallery.seed,
        tokens=len(gallery),
        skipped=gallery.skipped,
        families=gallery.families,
        clusters=clusters,
        findings=findings(found, groups),
        rows=tuple(rows),
        parts={name: measure(name, found, rows, seed=seed, progress=progress) for name in parts},
    )


def embed_beside(
    encoder: Encoder | Embedded | str | Path,
    data: Dataset | str | Path,
    *,
    split: Split | None,
    baselines: bool,
    against: Sequence[Encoder],
    max_gallery: int | None,
    seed: int,
    progress: Progress,
) -> list[Embedded]:
    """Return one gallery in the space of the model and of each that stands beside it."""
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    known = _known(encoder, data)
    if known is None:
        check_encoder(encoder)
    gallery = (
        known.gallery
        if known
        else Gallery.of(data, split=split, max_gallery=max_gallery, seed=seed)
    )
    name = known.model if known else getattr(encoder, "name", "")
    if len({name, *(each.name for each in against)}) <= len(against):
        raise ConfigError(f"each model may be named once, {name} too")
    beside: list[Encoder] = list(against)
    if baselines:
        fitted = fit_baselines(data, progress=progress)
        beside += [each for each in fitted if each.name != name]
    if known:
        return [known, *embed_all(beside, gallery, progress=progress)]
    assert not isinstance(encoder, str | Path | Embedded)
    return embed_all([encoder, *beside], gallery, progress=progress)


def _known(encoder: Encoder | Embedded | str | Path, data: Dataset) -> Embedded | None:
    """Return the vectors of a model where they are made already."""
    if isinstance(encoder, Embedded):
        return encoder
    if isinstance(encoder, str | Path):
        if not is_embedded(encoder):
            raise ModelError(
                f"{str(encoder)!r} is no encoder and no folder of embeddings; `load_encoder` "
                "opens a model folder, `embed` makes embeddings"
            )
        return open_embedded(encoder, data)
    return None


def split_rule(data: Dataset) -> str | None:
    """Return how the data set was split: tables of different rules are never mixed."""
    rule = data.manifest.config.get("split", {}).get("rule")
    return rule if isinstance(rule, str) else None

"""The benchmark's figures as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.models import Encoder
from traitlens.retrieval import IndexManifest
from traitlens.standardization import decode
from traitlens.store import Dataset
from traitlens.tables import Column, Table

from .measuring import Figures, K
from .truth import Scores, Truth

_QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
_NEIGHBOURS = 600  # tokens of a collection whose nearest neighbours are looked at

_FIGURES = (
    Column(f"recall@{K}", "percent", 2),
    Column("worst", "percent", 1),
    Column("too few", "count"),
    *(
        Column(f"{kind} ms, {p}", "number", 2)
        for kind in ("CPU", "wall")
        for p in ("median", "p99")
    ),
)


def filter_tables(
    figures: Mapping[float, Mapping[str, Figures]],
    settings: Mapping[float, Mapping[str, int | None]],
    *,
    tokens: int,
) -> list[Table]:
    """Return a table for each selectivity."""
    return [
        Table(
            title=f"{100 * share:g}% of {tokens:,} tokens may be answers, one thread",
            columns=(Column("system"), Column("setting", "count"), *_FIGURES),
            rows=tuple((name, settings[share][name], *one.row()) for name, one in of_share.items()),
        )
        for share, of_share in figures.items()
    ]


def bandwidth_table(
    figures: Mapping[str, Figures],
    rates: Mapping[str, Sequence[float]],
    truth: Truth,
    *,
    rate: float,
) -> Table:
    """Return throughputs, and times beside that of reading all vectors once."""
    floor_ms = 1e3 * truth.vectors_ND.nbytes / rate
    return Table(
        title="throughput, no filter",
        columns=(
            Column("system"),
            Column("a second, one thread", "count"),
            Column("all cores", "count"),
            Column("CPU ms beside reading all vectors once", "number", 3),
        ),
        rows=tuple(
            (name, *rates[name], float(np.median(one.cpu)) / floor_ms)
            for name, one in figures.items()
        ),
        note=f"{truth.vectors_ND.nbytes / 1e6:.0f} MB of float32 at {rate / 1e9:.1f} GB/s of one "
        f"core: {floor_ms:.2f} ms",
    )


def words_table(figures: Mapping[str, Figures], *, tokens: int) -> Table:
    """Return the engine's part of searches by words, by mode."""
    return Table(
        title=f"searches by words, {tokens:,} tokens",
        columns=(Column("mode"), Column("questions", "count"), *_FIGURES),
        rows=tuple((mode, len(one.cpu), *one.row()) for mode, one in figures.items()),
    )


def indexing_table(manifest: IndexManifest) -> Table:
    """Return the seconds of each stage of the last run that wrote the index."""
    stages = ("read", "decode", "encode", "write", "optimize")
    written = manifest.changes.written
    seconds = [getattr(manifest.seconds, stage) for stage in stages]
    rows = [
        (stage, s, written / s if s else None) for stage, s in zip(stages, seconds, strict=True)
    ]
    total = sum(seconds)
    return Table(
        title=f"indexing {written:,} tokens",
        columns=(Column("stage"), Column("s", "number", 1), Column("tokens a second", "count")),
        rows=(*rows, ("sum of the stages", total, written / total if total else None)),
    )


def nearness_table(
    real: Dataset, truth: Truth, encoder: Encoder, names: Sequence[str], *, seed: int
) -> Table:
    """Return quantiles of the distance to the nearest neighbour, of as many real and made ones."""
    rng = np.random.default_rng(seed)
    rows = []
    for name in names:
        real_ND = encoder.encode_images(_pictures(real, name, rng))
        of_it = [row for row, uid in enumerate(truth.token_uids) if f":{name}/" in uid]
        drawn = rng.choice(of_it, size=min(len(of_it), len(real_ND)), replace=False)
        for what, vectors_ND in (("real", real_ND), ("made", truth.vectors_ND[drawn])):
            rows.append((name, what, len(vectors_ND), *_quantiles(vectors_ND)))
    return Table(
        title="1 - cosine to the nearest neighbour",
        columns=(
            Column("collection"),
            Column("tokens are"),
            Column("tokens", "count"),
            *(Column(f"{100 * q:g}%", "number", 4) for q in _QUANTILES),
        ),
        rows=tuple(rows),
    )


def _pictures(real: Dataset, name: str, rng: np.random.Generator) -> list[Image.Image]:
    pngs = [token.image or b"" for token in real.tokens(collections=[name], metadata=False)]
    chosen = rng.choice(len(pngs), size=min(len(pngs), _NEIGHBOURS), replace=False)
    decoded = (decode(pngs[at]) for at in chosen.tolist())
    return [picture for picture in decoded if isinstance(picture, Image.Image)]


def _quantiles(vectors_ND: Scores) -> NDArray[np.floating]:
    cosines_NN = vectors_ND @ vectors_ND.T
    np.fill_diagonal(cosines_NN, -1)
    return np.asarray(np.quantile(1 - cosines_NN.max(axis=1), _QUANTILES))

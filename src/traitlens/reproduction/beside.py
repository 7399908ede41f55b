"""What stands beside every model: chance, two baselines without a network, structured search."""

from __future__ import annotations

from collections.abc import Iterator

from traitlens import files
from traitlens.config import fingerprint
from traitlens.embedding import Gallery, embed_all
from traitlens.errors import DatasetError
from traitlens.evaluation import fit_baselines, score_retrieval
from traitlens.evaluation.retrieval import KS
from traitlens.reproduction.arms import TestedOn
from traitlens.reproduction.bench import Bench
from traitlens.reproduction.scores import Scores, Searched
from traitlens.tables import Cell, Column, Table, percents

TITLE = "Beside, without a neural network"


def beside(bench: Bench, *, tested_on: TestedOn = "all") -> dict[str, Table]:
    """Return the table of what stands beside the models in one test split, by its name.

    Baselines are fitted on the train split of the whole data set; without one there are none.
    """
    found = _baselines(bench, tested_on)
    first = next(iter(found.values()), None)
    if first is None:
        return {}
    rows = [row for name, scores in found.items() for row in _rows(name, scores)]
    return {
        "beside": Table(
            title=TITLE,
            columns=(Column("by"), Column("gallery"), Column("N", "count"), *percents(_TOPS)),
            rows=(*rows, *_bounds(first)),
            note="Text to image. The baselines are fitted on the train split; structured search "
            "reads the metadata and reaches the ceiling that equal captions leave.",
        )
    }


_TOPS = tuple(f"top-{k}" for k in KS)


def _rows(name: str, scores: Scores) -> Iterator[tuple[Cell, ...]]:
    for each in (scores.all, scores.macro, scores.micro):
        yield (name, each.gallery, each.n, *(each.recall[k] for k in KS))


def _bounds(scores: Scores) -> Iterator[tuple[Cell, ...]]:
    every: tuple[Searched, ...] = (scores.all, scores.macro, scores.micro)
    for each in every:
        yield ("chance", each.gallery, each.n, *(each.chance[k] for k in KS))
    for each in every:
        row = (each.ceiling[k] for k in KS)
        yield ("structured search (metadata)", each.gallery, each.n, *row)


def _baselines(bench: Bench, tested_on: TestedOn) -> dict[str, Scores]:
    """Return what each baseline finds; it is measured once and kept in the folder."""
    data, config = bench.tested(tested_on), bench.config
    marks = [one.manifest.fingerprint for one in (bench.data, data)]
    mark = fingerprint(*marks, config.max_gallery, config.seed)
    file = bench.out / "scores" / f"baselines-tested-on-{tested_on}-{mark[:8]}.json"
    if not file.is_file():
        try:
            fitted = fit_baselines(bench.data, progress=bench.progress)
        except DatasetError:  # no train split: zero-shot tables do without
            return {}
        gallery = Gallery.of(data, max_gallery=config.max_gallery, seed=config.seed)
        scored = {
            each.model: Scores.of(score_retrieval(each, progress=bench.progress)).to_json()
            for each in embed_all(fitted, gallery, progress=bench.progress)
        }
        files.write_json(file, scored)
    return {name: Scores.from_json(value) for name, value in files.read_json(file).items()}

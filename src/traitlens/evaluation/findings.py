"""What a reader must know before the numbers, in plain sentences."""

# Axes: N tokens, D dimensions

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens import files
from traitlens.embedding import Embedded, Gallery
from traitlens.embedding.encoding import Stored
from traitlens.evaluation.baselines import Baseline
from traitlens.metrics import MIN_CLUSTERS
from traitlens.metrics.counts import equal_rows

TRAINING = "training.json"  # in a run's folder

BLOCK = 8192  # rows at a time

MERGED = 0.02  # of the captions (or pictures) that differ but not to the model: worth a word


def findings(found: Sequence[Embedded], groups: Mapping[str, str]) -> tuple[str, ...]:
    """Return the findings about a gallery and the models that are compared on it."""
    gallery = found[0].gallery
    said = [*_about_collections(gallery), *_about_confidence(groups, gallery.families)]
    for each in found:
        said += _about_vectors(each)
    return (*said, *_about_training(found[0]), *_about_baselines(found))


def _about_collections(gallery: Gallery) -> Iterator[str]:
    if len(gallery.collections) == 1:
        yield (
            f"One collection only ({gallery.collections[0]}): the means are its own scores, and "
            "nothing is known about others."
        )
    for name in gallery.collections:
        rows = gallery.rows(name)
        if len(np.unique(gallery.caption_of[rows])) == 1:
            yield (
                f"All {rows.stop - rows.start:,} captions of {name} are equal: no search by text "
                "can be better than chance there."
            )
        if len(np.unique(gallery.picture_of[rows])) == 1:
            yield f"All {rows.stop - rows.start:,} pictures of {name} are equal."


def _about_confidence(groups: Mapping[str, str], families: Mapping[str, str]) -> Iterator[str]:
    clusters, collections = len(set(groups.values())), len(groups)
    if clusters >= MIN_CLUSTERS:
        known = len(set(families.values()))
        if known < clusters:
            yield (
                f"Intervals take {clusters} collections for independent, which are of {known} "
                "families that share art: they are too narrow."
            )
        return
    more = ""
    if clusters < collections:
        more = f" in {collections} collections, of which those of one family share art"
    yield (
        f"No confidence intervals: {clusters} independent "
        f"{'collections' if clusters == collections else 'families'}{more}; an interval needs "
        f"{MIN_CLUSTERS}."
    )


def _about_vectors(each: Embedded) -> Iterator[str]:
    gallery = each.gallery
    sides = (
        ("captions", each.texts_ND, gallery.caption_of),
        ("pictures", each.images_ND, gallery.picture_of),
    )
    for what, vectors_ND, number_N in sides:
        inputs = len(np.unique(number_N))
        zero = len(np.unique(number_N[_zero_rows(vectors_ND)]))
        if zero:
            yield (
                f"{each.model}: {zero:,} of {inputs:,} {what} became zero vectors, which tie "
                "with everything and score as chance."
            )
        merged = inputs - len(equal_rows(vectors_ND)[0])  # equal inputs have equal vectors
        if merged > MERGED * inputs:
            yield (
                f"{each.model}: {merged:,} of {inputs:,} different {what} got the vector of "
                "another one; the model cannot tell them apart (words that it does not know, or "
                "beyond its length?)."
            )


def _zero_rows(vectors_ND: Stored) -> NDArray[np.bool_]:
    """Return which rows are all zero, (N,); the vectors may be too many for memory."""
    blocks = (vectors_ND[start : start + BLOCK] for start in range(0, len(vectors_ND), BLOCK))
    return np.concatenate([~block.any(axis=1) for block in blocks])


def _about_baselines(found: Sequence[Embedded]) -> Iterator[str]:
    """Yield that baselines know a data set which the model may never have seen."""
    model, data = found[0], found[0].gallery.data
    fitted = [each.model for each in found[1:] if isinstance(each.encoder, Baseline)]
    if fitted and _trained_on(model).get("fingerprint") != data.manifest.fingerprint:
        yield (
            f"{' and '.join(fitted)} were fitted on the train split of this data set; "
            f"{model.model} was not, as far as its folder says."
        )


def _trained_on(each: Embedded) -> dict[str, Any]:
    """Return what the folder of a model says about its training data, if it does."""
    file = Path(each.model) / TRAINING
    found: dict[str, Any] = files.read_json(file).get("data", {}) if file.is_file() else {}
    return found


def _about_training(each: Embedded) -> Iterator[str]:
    """Yield whether a model may have seen this gallery in training."""
    trained = _trained_on(each)
    mine = each.gallery.data.manifest.fingerprint
    shared = sorted(set(trained.get("collections", {})) & set(each.gallery.collections))
    if trained.get("fingerprint") == mine:
        if each.gallery.split in (None, "train"):
            yield f"{each.model} was trained on tokens of this gallery: its scores flatter it."
    elif shared:
        yield (
            f"{each.model} was trained on another build of {', '.join(shared[:5])}"
            f"{' and others' if len(shared) > 5 else ''}: it may have seen tokens of this gallery."
        )

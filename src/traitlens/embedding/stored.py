"""Vectors on disk, made once and read by every evaluation.

emb/
  images.npy, texts.npy   float16 or float32, one row a token of the gallery: (N, D)
  embedding.json          the model, the data set, the split, what each row is
"""

# Axes: N tokens, D dimensions

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import traitlens
from traitlens import files
from traitlens.config import check_choice, fingerprint
from traitlens.embedding.embedded import Embedded
from traitlens.embedding.encoding import (
    BATCH,
    Stored,
    check_encoder,
    check_rows,
    fill_pictures,
    fill_texts,
)
from traitlens.embedding.gallery import Gallery
from traitlens.errors import ModelError
from traitlens.models.encoder import Encoder
from traitlens.progress import Progress, silent
from traitlens.records import Split
from traitlens.store import Dataset

SUMMARY, IMAGES, TEXTS = "embedding.json", "images.npy", "texts.npy"
DTYPES = ("float16", "float32")

_SAVED_EVERY = 32 * BATCH  # rows that a kill may cost


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedReport:
    """What was written: N rows of D numbers, for pictures and for captions."""

    tokens: int
    dimension: int
    dtype: str
    skipped: dict[str, int]


def embed(
    encoder: Encoder,
    data: Dataset | str | Path,
    out: str | Path,
    *,
    split: Split | None = "test",
    max_gallery: int | None = None,
    seed: int = 0,
    dtype: str = "float16",
    replace: bool = False,
    progress: Progress = silent,
) -> EmbedReport:
    """Write the vectors of a split's pictures and captions to the folder `out`.

    A stopped run goes on where it was and ends with the same bytes; a finished one is left alone.
    Raises ModelError when `out` is something else and `replace` does not say so.
    """
    check_encoder(encoder)
    check_choice("dtype", dtype, DTYPES)
    gallery = Gallery.of(data, split=split, max_gallery=max_gallery, seed=seed)
    summary = _summary(encoder.name, encoder.fingerprint, gallery, encoder.dimension, dtype)
    out = Path(out)
    if not _is_made(out, summary, replace=replace):
        work = files.work_folder(out, summary["fingerprint"])
        shape = (len(gallery), encoder.dimension)
        images, texts = (_Growing(work, name, shape, dtype) for name in (IMAGES, TEXTS))
        fill_pictures(
            [encoder],
            gallery,
            [images.rows_ND],
            start=images.done,
            filled=images.filled,
            progress=progress,
        )
        images.close()
        fill_texts(
            encoder,
            gallery,
            texts.rows_ND,
            start=texts.done,
            filled=texts.filled,
            progress=progress,
        )
        texts.close()
        _finish(work, out, summary)
    return _report(gallery, encoder.dimension, dtype)


def embed_arrays(
    images: str | Path,
    texts: str | Path,
    data: Dataset | str | Path,
    out: str | Path,
    *,
    model: str,
    split: Split | None = "test",
    replace: bool = False,
    progress: Progress = silent,
) -> EmbedReport:
    """Write vectors that were made elsewhere, two .npy files, as a folder of embeddings.

    Rows must be in the order of the data set: collection by collection, the kept tokens of the
    split. They are scaled to length 1. Raises ModelError for wrong shapes, zeros and NaN.
    """
    gallery = Gallery.of(data, split=split)
    arrays = [_opened(Path(path)) for path in (images, texts)]
    _check_shapes(arrays, gallery, names=(str(images), str(texts)))
    dtype = "float16" if all(array.dtype == np.float16 for array in arrays) else "float32"
    mark = fingerprint(*(files.sha256_of(Path(path)) for path in (images, texts)))
    summary = _summary(model, mark, gallery, arrays[0].shape[1], dtype)
    out = Path(out)
    if not _is_made(out, summary, replace=replace):
        work = files.work_folder(out, summary["fingerprint"])
        for name, array in zip((IMAGES, TEXTS), arrays, strict=True):
            growing = _Growing(work, name, array.shape, dtype)
            for start in range(0, len(array), BATCH):
                rows = slice(start, start + BATCH)
                growing.rows_ND[rows] = _unit(array[rows], start=start, name=f"{model}, {name}")
                progress(f"read {name}", min(rows.stop, len(array)), len(array))
            growing.close()
        _finish(work, out, summary)
    return _report(gallery, arrays[0].shape[1], dtype)


def open_embedded(
    path: str | Path, data: Dataset | str | Path, *, encoder: Encoder | None = None
) -> Embedded:
    """Return the embeddings in a folder, mapped rather than read.

    Raises ModelError when it is none, was made of another data set, or holds broken vectors.
    `encoder` may be given to read new texts; it must be the one that made them.
    """
    path = Path(path)
    summary = _read_summary(path)
    data = data if isinstance(data, Dataset) else Dataset.open(data)
    if summary["dataset_fingerprint"] != data.manifest.fingerprint:
        raise ModelError(
            f"{path} was made of the data set {summary['dataset']}, not of {data.path} as it is "
            "now; run `traitlens embed` again"
        )
    if encoder is not None and encoder.fingerprint != summary["model_fingerprint"]:
        raise ModelError(f"{path} was made with {summary['model']}, not with {encoder.name}")
    chosen = {name: summary[name] for name in ("split", "max_gallery", "seed")}
    gallery = Gallery.of(data, **chosen)
    arrays = [_opened(path / name) for name in (IMAGES, TEXTS)]
    _check_shapes(arrays, gallery, names=(str(path / IMAGES), str(path / TEXTS)))
    for name, array in zip((IMAGES, TEXTS), arrays, strict=True):
        for start in range(0, len(array), _SAVED_EVERY):
            part = array[start : start + _SAVED_EVERY]
            said = [f"row {start + row}" for row in range(len(part))]
            check_rows(part, said, name=str(path / name))
    return Embedded(
        gallery=gallery,
        model=summary["model"],
        model_fingerprint=summary["model_fingerprint"],
        images_ND=arrays[0],
        texts_ND=arrays[1],
        encoder=encoder,
    )


def is_embedded(path: str | Path) -> bool:
    """Return whether a folder is one that `embed` wrote."""
    return (Path(path) / SUMMARY).is_file()


class _Growing:
    """A .npy file that is filled from its beginning, and a note of how far."""

    def __init__(self, work: Path, name: str, shape: tuple[int, ...], dtype: str) -> None:
        path, self._note = work / "made" / name, work / f"{name}.done"
        path.parent.mkdir(exist_ok=True)
        known = self._note.is_file() and path.is_file()
        self.done = int(self._note.read_text()) if known else 0
        self.rows_ND: Stored = np.lib.format.open_memmap(
            path, mode="r+" if known else "w+", dtype=dtype, shape=shape
        )

    def filled(self, rows: int) -> None:
        """Take note that so many rows are filled, at times."""
        if rows - self.done >= _SAVED_EVERY:
            self._save(rows)

    def close(self) -> None:
        """Take note that all rows are filled."""
        self._save(len(self.rows_ND))

    def _save(self, rows: int) -> None:
        assert isinstance(self.rows_ND, np.memmap)
        self.rows_ND.flush()  # the rows first: a note must never be ahead of them
        files.write_text(self._note, str(rows))
        self.done = rows


def _summary(model: str, mark: str, gallery: Gallery, dimension: int, dtype: str) -> dict[str, Any]:
    summary = {
        "model": model,
        "model_fingerprint": mark,
        "dataset": str(gallery.data.path),
        "dataset_fingerprint": gallery.data.manifest.fingerprint,
        "split": gallery.split,
        "max_gallery": gallery.max_gallery,
        "seed": gallery.seed,
        "tokens": len(gallery),
        "dimension": dimension,
        "dtype": dtype,
        "rows": [
            {"collection": name, "tokens": int(size)}
            for name, size in zip(gallery.collections, np.diff(gallery.start), strict=True)
        ],
        "versions": {"traitlens": traitlens.__version__, "numpy": np.__version__},
    }
    names = ("model_fingerprint", "dataset_fingerprint", "split", "max_gallery", "seed", "dtype")
    return {"fingerprint": fingerprint(*(summary[name] for name in names)), **summary}


def _is_made(out: Path, summary: dict[str, Any], *, replace: bool) -> bool:
    if files.is_free(out):
        return False
    if not is_embedded(out):
        raise ModelError(f"{out} exists and holds no embeddings; choose another folder")
    if _read_summary(out)["fingerprint"] == summary["fingerprint"]:
        return True
    if not replace:
        raise ModelError(
            f"{out} exists and holds other embeddings; choose another folder or pass --replace"
        )
    return False


def _finish(work: Path, out: Path, summary: dict[str, Any]) -> None:
    """Put the finished files of `work` at `out`."""
    made = work / "made"
    files.write_json(made / SUMMARY, summary)
    files.replace_folder(made, out)
    files.clear_work(out)


def _report(gallery: Gallery, dimension: int, dtype: str) -> EmbedReport:
    return EmbedReport(
        tokens=len(gallery), dimension=dimension, dtype=dtype, skipped=gallery.skipped
    )


def _read_summary(path: Path) -> dict[str, Any]:
    if not is_embedded(path):
        raise ModelError(f"{path} holds no embeddings: it has no {SUMMARY}")
    names = {"fingerprint", "model", "model_fingerprint", "dataset", "dataset_fingerprint"}
    try:
        value = files.read_json(path / SUMMARY)
    except ValueError as error:
        raise ModelError(f"{path / SUMMARY} is broken: {error}") from None
    if not isinstance(value, dict) or not names | {"split", "max_gallery", "seed"} <= set(value):
        raise ModelError(f"{path / SUMMARY} does not say what its vectors are")
    return value


def _opened(path: Path) -> Stored:
    """Return the array of a .npy file, mapped; pickles are refused."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ModelError(f"{path} is no array that can be read: {reason}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise ModelError(f"{path} must hold floating numbers in one .npy array")
    return array


def _check_shapes(arrays: Sequence[Stored], gallery: Gallery, *, names: Sequence[str]) -> None:
    for array, name in zip(arrays, names, strict=True):
        if array.ndim != 2 or len(array) != len(gallery) or array.shape[1] == 0:
            raise ModelError(
                f"{name} has the shape {array.shape}; expected ({len(gallery)}, D), a row for "
                f"each token of {gallery.data.path}, split {gallery.split or 'all'}"
            )
    if arrays[0].shape[1] != arrays[1].shape[1]:
        raise ModelError(
            f"{names[0]} has {arrays[0].shape[1]} dimensions and {names[1]} "
            f"{arrays[1].shape[1]}; pictures and texts must lie in one space"
        )


def _unit(rows_BD: Stored, *, start: int, name: str) -> Stored:
    """Return the rows scaled to length 1; raise ModelError for zeros and NaN."""
    rows = np.asarray(rows_BD, np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    broken = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0))
    if broken.any():
        first = int(broken.argmax())
        what = "all zero" if lengths[first, 0] == 0 else "not finite"
        raise ModelError(f"row {start + first} of {name} is {what}; it has no direction to compare")
    return np.asarray(rows / lengths, np.float32)

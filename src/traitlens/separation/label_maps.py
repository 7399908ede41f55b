"""Label maps: for each token, which component one sees at each pixel, as pictures on disk.

    components/<collection>-labels.zip
      masks/<token id>.png    8 bit a pixel, 16 where there are more than 255 components; 0 is none
      labels.json             what the numbers mean, and what the maps were made from

The ids of tokens are percent-encoded, as they may hold a slash.

Axes: H height, W width, C colour channels (RGB), L labels.
"""

from __future__ import annotations

import colorsys
import io
import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens import bounded_json, files
from traitlens.errors import DatasetError
from traitlens.progress import Progress, silent
from traitlens.records import Split
from traitlens.separation.masks import FOLDER, LABELS_SUFFIX, ComponentMasks, load_masks
from traitlens.separation.separate import ANOTHER_SIZE
from traitlens.store import Dataset

Labels = NDArray[np.int16]

NONE_COLOUR = (34, 34, 38)  # of pixels that show no component

_FORMAT_VERSION = 1
_MOST_IN_A_BYTE = 255
_GOLDEN = 0.618034  # of the hue circle: successive hues that stay far apart
_SHADES = ((0.62, 0.95), (0.85, 0.70), (0.40, 0.80))  # saturation, value


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMapsReport:
    """How many maps were written: `read` = `written` + the sum of `skipped`."""

    collection: str
    path: Path
    read: int
    written: int
    skipped: Mapping[str, int]
    reused: bool  # made by an earlier run


def write_label_maps(
    data: Dataset,
    collection: str,
    *,
    folder: Path | None = None,
    split: Split | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> LabelMapsReport:
    """Write the label maps of a collection beside its components, whole or not at all.

    A token whose picture has another size than the components is skipped and counted. Maps that an
    earlier run made from the same components and tokens are left alone, unless `replace` is true.
    Raises DatasetError where there are no components.
    """
    folder = folder or data.path / FOLDER
    masks = load_masks(folder, collection)
    path = files.collection_file(folder, collection, LABELS_SUFFIX)
    mark = {"components": masks.fingerprint, "data": data.manifest.fingerprint, "split": split}
    about = None if replace else _finished(path, mark)
    reused = about is not None
    if about is None:
        about = _write(path, data, masks, split, mark, progress)
    return LabelMapsReport(
        collection=collection,
        path=path,
        read=about["read"],
        written=about["written"],
        skipped=about["skipped"],
        reused=reused,
    )


def _finished(path: Path, mark: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what an earlier run's maps say of themselves, when they were made from the same."""
    try:
        about = read_labels(path)
    except DatasetError:
        return None
    return about if about.get("made_from") == mark else None


def read_labels(path: Path) -> dict[str, Any]:
    """Return `labels.json` of a file of label maps; raise DatasetError when it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            about = bounded_json.loads(archive.read("labels.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path} is no file of label maps: {error}") from error
    if not isinstance(about, dict) or about.get("format_version") != _FORMAT_VERSION:
        raise DatasetError(f"{path} holds label maps of another version than {_FORMAT_VERSION}")
    return about


def _write(
    path: Path,
    data: Dataset,
    masks: ComponentMasks,
    split: Split | None,
    mark: Mapping[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    entry = data.entry(masks.collection)
    total = entry.kept if split is None else entry.splits.get(split, 0)
    written, skipped = 0, Counter[str]()
    with files.writing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for token in data.tokens(collections=[masks.collection], split=split):
            if (token.height, token.width) != (masks.height, masks.width):
                skipped[ANOTHER_SIZE] += 1
                continue
            image = label_image(masks.label_map(token), labels=len(masks.components))
            _put(archive, f"masks/{quote(token.token_id, safe='')}.png", _png(image))
            written += 1
            progress(f"label maps of {masks.collection}", written + skipped.total(), total)
        about = {
            "format_version": _FORMAT_VERSION,
            "collection": masks.collection,
            "made_from": dict(mark),
            "read": written + skipped.total(),
            "written": written,
            "skipped": dict(skipped),
            "labels": [None, *([*component.name] for component in masks.components)],
        }
        _put(archive, "labels.json", json.dumps(about, ensure_ascii=False).encode())
    return about


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name), data)  # dated 1980, so that equal maps give equal bytes


def _png(image: Image.Image) -> bytes:
    sink = io.BytesIO()
    image.save(sink, "png")
    return sink.getvalue()


def label_image(labels_HW: Labels, *, labels: int) -> Image.Image:
    """Return a label map as a grey picture of 8 bit, or 16 for many labels; 0 is none."""
    dtype = np.uint8 if labels <= _MOST_IN_A_BYTE else np.uint16
    return Image.fromarray((labels_HW + 1).astype(dtype))


def label_colours(count: int) -> NDArray[np.uint8]:
    """Return colours that are easy to tell apart, the first ones best: uint8 (L, 3)."""
    colours = [
        colorsys.hsv_to_rgb(at * _GOLDEN % 1, *_SHADES[at % len(_SHADES)]) for at in range(count)
    ]
    return (np.array(colours).reshape(-1, 3) * 255).round().astype(np.uint8)


def paint_labels(labels_HW: Labels, colours_LC: NDArray[np.uint8]) -> Image.Image:
    """Return a label map in colours; -1, which is none, is dark."""
    return Image.fromarray(np.concatenate([colours_LC, [NONE_COLOUR]]).astype(np.uint8)[labels_HW])

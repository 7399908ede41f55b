"""The frames of a data set, decoded once: one array on disk that the system pages in and out.

    cache/frames-<fingerprint>/
      frames.u8       uint8 (N, H, W, C), as it lies in memory
      frames.json     its shape, and what it is of

A frame of 224 px takes 150 kB: NFT1000mini, 800,000 tokens, 0.12 TB; at 64 px 10 GB. Reading is not
bounded by the machine's memory, but batches are drawn at random, so from there on by the disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from traitlens import files
from traitlens.config import fingerprint
from traitlens.models.pixels import PixelConfig, frame
from traitlens.processes import run_all
from traitlens.progress import Progress, silent
from traitlens.records import Location
from traitlens.standardization import decode
from traitlens.store import Dataset

_FRAMES = "frames.u8"
_ABOUT = "frames.json"
_AT_ONCE = 128  # tokens: the pictures that a process holds undecoded


def frames_of(
    data: Dataset,
    locations: Sequence[Location],
    pixels: PixelConfig,
    *,
    cache: Path | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> NDArray[np.uint8]:
    """Return the frames of the tokens at `locations`, in that order: uint8 (N, H, W, C), read-only.

    In the folder `cache` they are kept for all who ask for the same of the same data; a killed run
    goes on where it was, and of several at once one makes them. Without a cache they are in a file
    without a name, gone with the process.
    Shards are decoded in `workers` processes.
    """
    shape = (len(locations), pixels.height, pixels.width, 3)
    if not locations:
        return np.zeros(shape, np.uint8)
    with _folder(cache) as folder, files.locked(folder, wait=True):
        about = _about(data, locations, pixels)
        target = folder / f"frames-{fingerprint(about)}"
        if not (target / _ABOUT).is_file():
            made = _make(data, locations, pixels, target, workers=workers, progress=progress)
            files.write_json(made / _ABOUT, {**about, "shape": shape})
            files.replace_folder(made, target)
            files.clear_work(target)
        # A plain array over the mapping: `memmap` itself is slow to index.
        return np.asarray(np.memmap(target / _FRAMES, np.uint8, "r", shape=shape))


@contextmanager
def _folder(cache: Path | None) -> Iterator[Path]:
    if cache is not None:
        yield cache
        return
    with TemporaryDirectory(prefix="traitlens-") as name:
        yield Path(name)  # a mapped file outlives its name


def _about(data: Dataset, locations: Sequence[Location], pixels: PixelConfig) -> dict[str, object]:
    """Return what the frames hang on, JSON-ready."""
    return {
        "data": data.manifest.fingerprint,
        "tokens": fingerprint([(location.shard, location.row) for location in locations]),
        "pixels": [pixels.height, pixels.width, pixels.shortest_edge, pixels.resample],
        "pillow": PIL.__version__,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """The tokens of one shard, and where their frames go."""

    data: Path
    shard: str
    rows: tuple[int, ...]
    pixels: PixelConfig
    file: Path
    start: int  # the first frame
    mark: Path  # a file that is there when all is written


def _make(
    data: Dataset,
    locations: Sequence[Location],
    pixels: PixelConfig,
    target: Path,
    *,
    workers: int,
    progress: Progress,
) -> Path:
    """Write the frames, but for the pieces that an earlier run has written; return the folder."""
    work = files.work_folder(target, target.name)
    file = work / "made" / _FRAMES
    file.parent.mkdir(exist_ok=True)
    with file.open("ab") as handle:
        handle.truncate(len(locations) * pixels.height * pixels.width * 3)
    pieces = list(_pieces(data, locations, pixels, file, work / "done"))
    left = [piece for piece in pieces if not piece.mark.is_file()]
    done = len(locations) - sum(len(piece.rows) for piece in left)
    for written in run_all(_write, left, workers=workers):
        done += written
        progress("read", done, len(locations))
    return file.parent


def _pieces(
    data: Dataset, locations: Sequence[Location], pixels: PixelConfig, file: Path, marks: Path
) -> Iterator[_Piece]:
    start = 0
    shards = groupby(locations, key=lambda location: location.shard)
    for number, (shard, of_shard) in enumerate(shards):
        piece = _Piece(
            data=data.path,
            shard=shard,
            rows=tuple(location.row for location in of_shard),
            pixels=pixels,
            file=file,
            start=start,
            mark=marks / f"{number:05d}",
        )
        yield piece
        start += len(piece.rows)


def _write(piece: _Piece) -> int:
    """Write the frames of a piece and return their number."""
    data = Dataset.open(piece.data)
    locations = [Location(shard=piece.shard, row=row) for row in piece.rows]
    with piece.file.open("rb+") as file:
        file.seek(piece.start * piece.pixels.height * piece.pixels.width * 3)
        for start in range(0, len(locations), _AT_ONCE):
            for png in data.images(locations[start : start + _AT_ONCE]):
                file.write(np.ascontiguousarray(_frame(png or b"", piece.pixels)).data)
        file.flush()
        os.fsync(file.fileno())
    files.write_text(piece.mark, "")
    return len(piece.rows)


def _frame(png: bytes, pixels: PixelConfig) -> NDArray[np.uint8]:
    picture = decode(png)
    assert isinstance(picture, Image.Image), "the data set has checked its pictures"
    return frame(picture, pixels)

"""Pictures a second on one core: standardizing, beside a plain Pillow loop and img2dataset.

    python -m benchmarks.standardizing --pictures 5000 --pfp ../shared/pfp \
        --img2dataset-python /tmp/img2dataset/bin/python

Everyone makes the same of a picture: its first frame, upright, on white, exactly 512 px wide, as
RGB PNG; enlarged by nearest neighbour where it is pixel art, which everyone is told beforehand, and
smoothly otherwise. The Pillow loop opens, converts, resizes (Lanczos) and saves; an SVG goes
through resvg first. img2dataset's `Resizer` runs in its own interpreter with its default filters
(Lanczos4 up, area down), told to make the longer side 512 px where that is the width. All of them
run on one thread, in blocks of the same pictures that take turns. What counts is processor time, so
that other work on the machine does not; reading files is left out.

PNG levels: Pillow's default is 6; img2dataset has no valid default for PNG, 1 is OpenCV's quickest
that compresses, 4 the one that comes nearest to our bytes.

`--smooth` takes pixel art for any other picture, so that everyone's pixels are Lanczos.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from traitlens.processes import process_pool
from traitlens.standardization import Limits, decode, perceptual_hash, png_bytes, sizes
from traitlens.standardization.hashing import pixels_sha256
from traitlens.standardization.pixel_art import pixel_grid

from .standardizing_contenders import CONFIG, OURS, PILLOW, Answer, Contender, Job, contenders, ours
from .standardizing_corpus import Sample, by_kind, make_corpus

BLOCK = 50  # pictures after which the next contender takes its turn
COMPARED = 11  # one picture in so many has its pixels compared
CHUNK = 25  # pictures handed to a process at once


def main() -> None:
    """Make the pictures, run, print."""
    options = _parse()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        corpus = options.corpus or scratch / "corpus"
        samples = make_corpus(corpus, pictures=options.pictures, pfp=options.pfp)
        if options.smooth:
            stack.enter_context(patch.object(sizes, "pixel_grid", return_value=None))
        everyone = list(contenders(options.img2dataset_python, stack))
        jobs = [
            _job(sample, number, smooth=options.smooth) for number, sample in enumerate(samples)
        ]
        result = _race(everyone, jobs, scratch)
        _print_speeds(result, samples)
        _print_differences(result)
        _print_stages(samples[: options.pictures // 5])
        if not options.smooth:
            _print_scaling(samples[: options.pictures // 5])


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--pfp", type=Path, help="folder of collection zips; default: drawn art")
    parser.add_argument(
        "--corpus", type=Path, help="folder that keeps the pictures for another run"
    )
    parser.add_argument("--img2dataset-python", type=Path, help="interpreter that has img2dataset")
    parser.add_argument("--smooth", action="store_true", help="no picture is taken for pixel art")
    return parser.parse_args()


def _job(sample: Sample, number: int, *, smooth: bool) -> Job:
    image = decode(sample.read())
    assert isinstance(image, Image.Image), sample.name
    return Job(
        sample=sample,
        pixel_art=not smooth and pixel_grid(image) is not None,
        wide=image.width > image.height,
        out=Path(sample.name + ".png") if number % COMPARED == 0 else None,
    )


@dataclass
class Race:
    """Who needed what for which picture, and how far the pixels are from Pillow's."""

    names: list[str]
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    # Of each contender and format: how often a channel differs by 0..255, and pictures amiss.
    differences: dict[tuple[str, str], NDArray[np.int64]] = field(default_factory=dict)
    other_sizes: dict[str, int] = field(default_factory=dict)

    def both(self, name: str, numbers: Sequence[int]) -> list[int]:
        """Return those of the pictures that a contender could read; ours reads all."""
        return [number for number in numbers if self.answers[name][number].size]

    def seconds(self, name: str, numbers: Sequence[int]) -> float:
        return sum(self.answers[name][number].seconds for number in numbers)

    def bytes(self, name: str, numbers: Sequence[int]) -> int:
        return sum(self.answers[name][number].size for number in numbers)


def _race(everyone: Sequence[Contender], jobs: Sequence[Job], scratch: Path) -> Race:
    result = Race(names=[one.name for one in everyone])
    for one in everyone:
        result.answers[one.name] = []
        one.run(_aside(jobs[:20], scratch))  # imports and caches
    for number, start in enumerate(range(0, len(jobs), BLOCK)):
        turn = number % len(everyone)
        for one in [*everyone[turn:], *everyone[:turn]]:
            folder = scratch / one.name
            folder.mkdir(exist_ok=True)
            result.answers[one.name] += one.run(_aside(jobs[start : start + BLOCK], folder))
        _compare(result, jobs[start : start + BLOCK], scratch)
    return result


def _aside(jobs: Sequence[Job], folder: Path) -> list[Job]:
    """Return the jobs with their results wanted in `folder`."""
    return [
        Job(
            sample=job.sample,
            pixel_art=job.pixel_art,
            wide=job.wide,
            out=job.out and folder / job.out,
        )
        for job in jobs
    ]


def _compare(result: Race, jobs: Sequence[Job], scratch: Path) -> None:
    reference = next(name for name in result.names if name.startswith(PILLOW))
    for job in jobs:
        for name in result.names if job.out else ():
            assert job.out
            made, wanted = scratch / name / job.out, scratch / reference / job.out
            if name == reference or not made.exists():
                continue
            _count(result, name, job.sample.kind, made, wanted)
            made.unlink()


def _count(result: Race, name: str, kind: str, made: Path, wanted: Path) -> None:
    with Image.open(made) as found, Image.open(wanted) as right:
        if found.size != right.size:
            result.other_sizes[name] = result.other_sizes.get(name, 0) + 1
            return
        apart = np.abs(np.asarray(found.convert("RGB"), np.int16) - np.asarray(right, np.int16))
    counts = result.differences.setdefault((name, kind), np.zeros(256, np.int64))
    counts += np.bincount(apart.ravel(), minlength=256)


def _print_speeds(result: Race, samples: Sequence[Sample]) -> None:
    table = Table("pictures", title="Pictures a second on one core (ours: x quicker, x the bytes)")
    for name in ("count", *result.names):
        table.add_column(name, justify="right")
    groups = by_kind(samples)
    groups["all but SVG"] = [n for n, sample in enumerate(samples) if sample.kind != "SVG"]
    groups["all"] = list(range(len(samples)))
    for label, numbers in groups.items():
        cells = [_speed(result, name, numbers) for name in result.names]
        table.add_row(label, f"{len(numbers):,}", *cells)
    for label, way in (("mean KB", result.bytes), ("core seconds", result.seconds)):
        everything = groups["all"]
        scale = 1024 * len(everything) if label == "mean KB" else 1
        cells = [f"{way(name, everything) / scale:.1f}" for name in result.names]
        table.add_row(label, "", *cells)
    Console(width=160).print(table)


def _speed(result: Race, name: str, numbers: Sequence[int]) -> str:
    """Return pictures a second, and our speed and bytes over theirs, on what both can read."""
    both = result.both(name, numbers)
    if not both:
        return "cannot"
    speed = len(both) / result.seconds(name, both)
    if name == OURS:
        return f"{speed:.1f}"
    quicker = result.seconds(name, both) / result.seconds(OURS, both)
    larger = result.bytes(OURS, both) / result.bytes(name, both)
    some = "" if len(both) == len(numbers) else f" of {len(both):,}"
    return f"{speed:.1f}{some} ({quicker:.2f}, {larger:.2f})"


def _print_differences(result: Race) -> None:
    table = Table("levels of 255 from Pillow's pixels", "format")
    for column in ("greatest", "99.9% within", "beyond 2"):
        table.add_column(column, justify="right")
    for (name, kind), counts in sorted(result.differences.items()):
        shares = counts.cumsum() / counts.sum()
        most = int(counts.nonzero()[0][-1])
        within = int(np.searchsorted(shares, 0.999))
        table.add_row(name, kind, str(most), str(within), f"{1 - shares[2]:.3%}")
    Console(width=160).print(table)
    for name, count in result.other_sizes.items():
        print(f"{name}: {count} pictures of another size were not compared")


def _print_stages(samples: Sequence[Sample]) -> None:
    """Say where our time goes; the floor is decoding and encoding alone."""
    table = Table("ms a picture", title=f"Where the time goes, {len(samples):,} pictures")
    for column in ("decode", "look, resize", "hashes", "encode", "in all", "floor"):
        table.add_column(column, justify="right")
    for kind, numbers in by_kind(samples).items():
        stages_NS = np.array([_stages(samples[number].read()) for number in numbers])
        means = 1e3 * stages_NS.mean(axis=0)
        row = [*means, means.sum(), means[0] + means[3]]
        table.add_row(kind, *(f"{value:.2f}" for value in row))
    Console(width=160).print(table)


def _stages(media: bytes) -> list[float]:
    """Return the seconds of decoding, resizing, hashing and encoding."""
    ticks = [time.process_time()]
    image = decode(media)
    ticks.append(time.process_time())
    assert isinstance(image, Image.Image)
    resize = sizes.resizing(image, CONFIG.size, Limits())
    assert isinstance(resize, sizes.Resizing)
    image = resize(image)
    ticks.append(time.process_time())
    pixels_sha256(image)
    perceptual_hash(image)
    ticks.append(time.process_time())
    png_bytes(image)
    ticks.append(time.process_time())
    return list(np.diff(ticks))


def _print_scaling(samples: Sequence[Sample]) -> None:
    """Say what a second process brings; the better of two runs each."""
    chunks = [
        [sample.path for sample in samples[start : start + CHUNK]]
        for start in range(0, len(samples), CHUNK)
    ]
    best = {1: (0.0, 0.0), 2: (0.0, 0.0)}
    for workers in (1, 2, 1, 2):
        with process_pool(workers) as pool:
            list(pool.map(_standardize_files, chunks[: 2 * workers]))  # imports
            start = time.perf_counter()
            core_seconds = sum(pool.map(_standardize_files, chunks))
            speed = len(samples) / (time.perf_counter() - start)
        best[workers] = max(best[workers], (speed, 1e3 * core_seconds / len(samples)))
    for workers, (speed, core_ms) in best.items():
        print(f"{workers} process(es): {speed:.1f} pictures/s, {core_ms:.2f} core ms a picture")
    print(f"two for one: {best[2][0] / best[1][0]:.2f} times the pictures")


def _standardize_files(paths: Sequence[Path]) -> float:
    """Return the processor seconds that the files took."""
    start = time.process_time()
    for path in paths:
        ours(path.read_bytes(), path.name)
    return time.process_time() - start


if __name__ == "__main__":
    main()

"""Who takes part in `standardizing.py`: ours, a plain Pillow loop, and img2dataset's resizer."""

from __future__ import annotations

import io
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import resvg_py
from PIL import Image

from traitlens.standardization import (
    FrameConfig,
    Picture,
    SizeConfig,
    StandardizeConfig,
    standardize,
)

from .standardizing_corpus import Sample

WIDTH = 512
CONFIG = StandardizeConfig(
    size=SizeConfig(mode="paper", width=WIDTH),
    frames=FrameConfig(choice="first"),
    background="#ffffff",
)
OURS, PILLOW, IMG2DATASET = "traitlens", "Pillow", "img2dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A picture, what all are told about it, and where its PNG is wanted for comparison."""

    sample: Sample
    pixel_art: bool
    wide: bool
    out: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a contender needed for a picture; `size` is 0 where it could not read it."""

    seconds: float
    size: int


class Contender(Protocol):
    """Makes 512 px PNG of pictures."""

    @property
    def name(self) -> str: ...

    def run(self, jobs: Sequence[Job]) -> list[Answer]: ...


class Ours:
    """`standardize`, hashes and all."""

    name = OURS

    def run(self, jobs: Sequence[Job]) -> list[Answer]:
        """Standardize the pictures."""
        return [_timed(job, lambda media, job: ours(media, job.sample.name)) for job in jobs]


def ours(media: bytes, key: str) -> bytes:
    picture = standardize(media, CONFIG, key=key)
    assert isinstance(picture, Picture)
    return picture.png


@dataclass(frozen=True)
class PillowLoop:
    """What one would write by hand."""

    level: int

    @property
    def name(self) -> str:
        return f"{PILLOW}, level {self.level}"

    def run(self, jobs: Sequence[Job]) -> list[Answer]:
        """Open, convert, resize, save."""
        return [_timed(job, self._make) for job in jobs]

    def _make(self, media: bytes, job: Job) -> bytes:
        if job.sample.kind == "SVG":
            media = resvg_py.svg_to_bytes(
                svg_string=media.decode(), width=WIDTH, skip_system_fonts=True
            )
        with Image.open(io.BytesIO(media)) as opened:
            image = _on_white(opened)
        size = (WIDTH, max(1, round(image.height * WIDTH / image.width)))
        way = Image.Resampling.NEAREST if job.pixel_art else Image.Resampling.LANCZOS
        sink = io.BytesIO()
        image.resize(size, way).save(sink, "PNG", compress_level=self.level)
        return sink.getvalue()


def _on_white(opened: Image.Image) -> Image.Image:
    if not opened.has_transparency_data:
        return opened.convert("RGB")
    white = Image.new("RGBA", opened.size, "white")
    return Image.alpha_composite(white, opened.convert("RGBA")).convert("RGB")


def _timed(job: Job, make: Callable[[bytes, Job], bytes]) -> Answer:
    media = job.sample.read()
    start = time.process_time()
    png = make(media, job)
    seconds = time.process_time() - start
    if job.out:
        job.out.write_bytes(png)
    return Answer(seconds=seconds, size=len(png))


@dataclass(frozen=True)
class Img2dataset:
    """img2dataset's resizer, in the process of `img2dataset_worker.py`."""

    process: subprocess.Popen[str]
    level: int

    @property
    def name(self) -> str:
        return f"{IMG2DATASET}, level {self.level}"

    def run(self, jobs: Sequence[Job]) -> list[Answer]:
        """Have the pictures resized there."""
        files = [
            {
                "path": str(job.sample.path),
                "out": job.out and str(job.out),
                "mode": "keep_ratio_largest" if job.wide else "keep_ratio",
                "upscale": "nearest" if job.pixel_art else "lanczos",
            }
            for job in jobs
        ]
        assert self.process.stdin and self.process.stdout
        print(
            json.dumps({"level": self.level, "files": files}), file=self.process.stdin, flush=True
        )
        answers = json.loads(self.process.stdout.readline())
        return [Answer(seconds=one["seconds"], size=one["bytes"]) for one in answers]


def contenders(python: Path | None, stack: ExitStack) -> Iterator[Contender]:
    yield Ours()
    yield from (PillowLoop(level) for level in (6, 1))
    if python is None:
        print("Without --img2dataset-python, img2dataset's resizer is left out.")
        return
    process = stack.enter_context(_worker(python))
    yield from (Img2dataset(process, level) for level in (1, 4))


@contextmanager
def _worker(python: Path) -> Iterator[subprocess.Popen[str]]:
    script = Path(__file__).with_name("img2dataset_worker.py")
    with subprocess.Popen(
        [python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()

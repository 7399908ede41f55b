"""Mutated files of every format through the guarded decoders: is every promise kept?

    python benchmarks/mutated_media.py --files 10000 --seed 0
    python benchmarks/mutated_media.py --files 2000 --pfp ../shared/pfp --save /tmp/culprits

The sound files are those that the tests draw, one of each variant, and with --pfp real pictures
encoded anew in each format. Printed is what became of the mutated ones, by format. The exit
status is 1 when a promise is broken: one answer for each file, none later than its time allows, the
same answer among other files, the memory within its limit, and every kept picture a PNG that
decodes to the size it is said to have. What a decoder failed on costs a row and is no broken
promise; --save keeps it to look at.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
import zipfile
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' drawn files

from tests.standardization.mutations import mutated
from tests.standardization.samples import encoded, image_svg, sample_media, video
from traitlens.standardization import (
    FrameConfig,
    Limits,
    Picture,
    Rejection,
    SizeConfig,
    StandardizeConfig,
)
from traitlens.standardization.guard import (
    CRASHED,
    GRACE_S,
    OUT_OF_MEMORY,
    TIMED_OUT,
    GuardedStandardizer,
)
from traitlens.standardization.guard_child import ROOM_BYTES

FAILURES = (TIMED_OUT, CRASHED, OUT_OF_MEMORY)
START_S = 15.0  # to start a child on a busy machine; a file that fails may need two
BASE_BYTES = 256 * 2**20  # that a child with all decoders has without a file
MODES = (("native", "first"), ("whole", "random"), ("paper", "mean"))
PICTURES_OF_EACH = 2
ASKED_AGAIN = 500  # files of each mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A mutated file, its format, and how it was made."""

    kind: str
    name: str
    media: bytes


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a format's files."""

    reasons: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    slowest_name: str = ""

    @property
    def files(self) -> int:
        return self.reasons.total()


def main() -> None:
    """Mutate, standardize, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pfp", type=Path, help="a folder of zips with images/*.png")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds a file")
    parser.add_argument("--memory", type=int, default=512, help="MiB a file")
    parser.add_argument("--save", type=Path, help="a folder for files that a decoder failed on")
    parser.add_argument("--save-most", type=int, default=100)
    options = parser.parse_args()
    sound = sample_media() | (real_media(options.pfp) if options.pfp else {})
    limits = Limits(timeout_s=options.timeout, max_memory_bytes=options.memory * 2**20)
    judge = Judge(limits)
    for number, (size, frame) in enumerate(MODES):
        config = StandardizeConfig(
            size=SizeConfig(mode=size), frames=FrameConfig(choice=frame), limits=limits
        )
        numbers = range(number, options.files, len(MODES))
        shown = track(numbers, f"{size}, {frame}")
        judge.run(cases_of(sound, shown, seed=options.seed), config)
    if judge.answers != options.files:
        judge.broken.append(f"{judge.answers} answers for {options.files} files")
    outcomes = dict(sorted(judge.outcomes.items()))
    outcomes["all"] = together(outcomes.values())
    wide = None if sys.stdout.isatty() else 140  # of a file, which has no width of its own
    Console(width=wide).print(outcome_table(outcomes), reason_table(outcomes))
    slowest = max(outcomes.values(), key=lambda outcome: outcome.slowest_s)
    print(f"slowest: {slowest.slowest_name}, {slowest.slowest_s:.2f} s")
    print(f"most memory that a child had resident: {judge.peak_bytes / 2**20:.0f} MiB")
    print(f"asked again in another order: {judge.asked_again} files")
    if options.save:
        save(judge.culprits[: options.save_most], options.save)
    for promise in judge.broken:
        print(f"broken: {promise}")
    raise SystemExit(1 if judge.broken else 0)


def cases_of(sound: dict[str, bytes], numbers: Iterable[int], *, seed: int) -> Iterator[Case]:
    """Yield mutated file `number` for each number: the formats in turn, and their variants."""
    kinds: dict[str, list[str]] = {}
    for name in sound:
        kinds.setdefault(name.partition("/")[0], []).append(name)
    others = list(sound.values())
    for number in numbers:
        rng = np.random.default_rng([seed, number])
        kind = list(kinds)[number % len(kinds)]
        name = kinds[kind][rng.integers(len(kinds[kind]))]
        media = mutated(kind, sound[name], others=others, rng=rng)
        yield Case(kind=kind, name=f"{name} seed {seed} number {number}", media=media)


def real_media(folder: Path) -> dict[str, bytes]:
    """Return some pictures of each zip of a folder, encoded in each format."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".png"))
            images = [name for name in names if "images/" in name][:PICTURES_OF_EACH]
            for number, name in enumerate(images):
                image = Image.open(archive.open(name)).convert("RGBA")
                for kind, media in encodings(image):
                    found[f"{kind}/{path.stem}-{number}"] = media
    return found


def encodings(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield a picture as a file of each format."""
    opaque = image.convert("RGB")
    yield "png", encoded(image)
    yield "jpeg", encoded(opaque, "JPEG")
    yield "webp", encoded(image, "WEBP")
    yield "avif", encoded(image, "AVIF", speed=10)
    yield "gif", encoded(opaque, "GIF", save_all=True, append_images=[opaque.rotate(90)])
    yield "bmp", encoded(opaque, "BMP")
    yield "svg", image_svg(encoded(image)).encode()
    large = opaque.resize((max(64, image.width // 2 * 2), max(64, image.height // 2 * 2)))
    yield "mp4", video("libx264", "mp4", [large, large.rotate(90)])
    yield "webm", video("libvpx-vp9", "webm", [large], options={"cpu-used": "8"})


class Judge:
    """Runs cases, counts what became of them and notes each promise that is not kept."""

    def __init__(self, limits: Limits) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.broken: list[str] = []
        self.culprits: list[tuple[Case, Rejection]] = []
        self.answers = 0
        self.peak_bytes = 0
        self._limits = limits
        self.asked_again = 0

    def run(self, cases: Iterable[Case], config: StandardizeConfig) -> None:
        """Standardize the cases with one config; what they come to is added to the outcomes."""
        waiting: deque[Case] = deque()
        again: list[tuple[Case, Picture | Rejection]] = []

        def files() -> Iterator[tuple[bytes, str]]:
            for case in cases:
                waiting.append(case)
                yield case.media, case.name

        with GuardedStandardizer(config) as guard:
            last_s = time.monotonic()
            for answer in guard.pictures(files()):
                seconds = time.monotonic() - last_s
                case = waiting.popleft()
                self._note(case, answer, seconds, peak_bytes(guard.child_pid))
                if len(again) < ASKED_AGAIN and answer != TIMED_OUT:
                    again.append((case, answer))
                last_s = time.monotonic()
        self._compare(again[::-1], config)

    def _compare(
        self, known: Sequence[tuple[Case, Picture | Rejection]], config: StandardizeConfig
    ) -> None:
        """Ask again with other files beside each; how long one takes is the machine's matter."""
        with GuardedStandardizer(config) as guard:
            answers = guard.pictures((case.media, case.name) for case, _ in known)
            for (case, first), second in zip(known, answers, strict=True):
                self.asked_again += 1
                if second not in (first, TIMED_OUT):
                    self.broken.append(f"{case.name} was answered otherwise the second time")

    def _note(
        self, case: Case, answer: Picture | Rejection, seconds: float, peak: int | None
    ) -> None:
        self.answers += 1
        outcome = self.outcomes.setdefault(case.kind, Outcome())
        outcome.reasons["kept" if isinstance(answer, Picture) else answer.reason] += 1
        self.peak_bytes = max(self.peak_bytes, peak or 0)
        if seconds > outcome.slowest_s:
            outcome.slowest_s, outcome.slowest_name = seconds, case.name
        attempts = 2 if answer in FAILURES else 1
        if seconds > attempts * (self._limits.timeout_s + GRACE_S + START_S):
            self.broken.append(f"{case.name} was answered after {seconds:.1f} s")
        if (peak or 0) > self._limits.max_memory_bytes + ROOM_BYTES + BASE_BYTES:
            self.broken.append(f"{case.name} took {peak} bytes")
        if isinstance(answer, Picture):
            self.broken += [f"{case.name}: {what}" for what in faults(answer, self._limits)]
        elif answer in FAILURES:
            self.culprits.append((case, answer))


def faults(picture: Picture, limits: Limits) -> Iterator[str]:
    """Yield what is not as it is said to be with a kept picture."""
    try:
        with Image.open(io.BytesIO(picture.png)) as image:
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        yield f"kept, and Pillow says {error}"
        return
    if image.size != (picture.width, picture.height):
        yield f"{image.size} px, said to be {picture.width} x {picture.height}"
    if image.format != "PNG" or image.mode not in ("RGB", "RGBA"):
        yield f"a {image.format} of mode {image.mode}"
    if picture.width * picture.height > limits.max_pixels:
        yield f"{picture.width} x {picture.height} px is beyond the limit"


def peak_bytes(pid: int | None) -> int | None:
    """Return the most memory that a process has had resident, or None where that is not told."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) * 1024 if lines else None  # none: it just died


def outcome_table(outcomes: dict[str, Outcome]) -> Table:
    """Return what became of the files, a format a row."""
    made = Table(title="mutated files")
    heads = ("files", "kept", "rejected", "timed out", "crashed", "no memory", "slowest, s")
    for head in ("format", *heads):
        made.add_column(head, justify="left" if head == "format" else "right", no_wrap=True)
    for kind, outcome in outcomes.items():
        failures = [outcome.reasons[failure.reason] for failure in FAILURES]
        rejected = outcome.files - outcome.reasons["kept"] - sum(failures)
        numbers = [outcome.files, outcome.reasons["kept"], rejected, *failures]
        made.add_row(kind, *(f"{number:,}" for number in numbers), f"{outcome.slowest_s:.2f}")
    return made


def reason_table(outcomes: dict[str, Outcome]) -> Table:
    """Return why files were rejected, a reason a row and a format a column."""
    made = Table(title="rejected, by reason")
    for head in ("reason", *outcomes):
        made.add_column(head, justify="left" if head == "reason" else "right", no_wrap=True)
    total = together(outcomes.values())
    for reason, _ in total.reasons.most_common():
        counts = [outcome.reasons[reason] for outcome in outcomes.values()]
        made.add_row(reason, *(f"{count:,}" if count else "" for count in counts))
    return made


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Return what became of the files of all formats."""
    total = Outcome()
    for outcome in outcomes:
        total.reasons += outcome.reasons
        total.slowest_s = max(total.slowest_s, outcome.slowest_s)
    return total


def save(culprits: Sequence[tuple[Case, Rejection]], folder: Path) -> None:
    """Write the files that a decoder failed on, named after what was mutated and how it failed."""
    folder.mkdir(parents=True, exist_ok=True)
    for case, answer in culprits:
        name = f"{answer.reason} {case.name}".replace(" ", "-").replace("/", "-")
        (folder / name).write_bytes(case.media)


if __name__ == "__main__":
    main()

"""Tokens a second and peak memory of `traitlens build`, at 1x and at N x of the tokens.

    python benchmarks/building.py --pfp ../shared/pfp --repeat 10

The input is repeated as further collections of other names (`--repeat 10`), and with
`--one-large` also as one collection of all tokens, which memory could depend on. Time should
grow with the tokens, memory should not. Memory is the proportional set size of all processes of the
command, looked at five times a second (Linux only).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from traitlens.store import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one build took."""

    name: str
    collections: int
    tokens: int
    kept: int
    seconds: float
    peak_mb: float
    data_mb: float


def main() -> None:
    """Build the input once and repeated; print."""
    options = _parse()
    sources = sorted(options.pfp.glob("*.zip"))
    with TemporaryDirectory(dir=options.scratch) as name:
        scratch = Path(name)
        runs = [_build("1x", sources, scratch, options.build)]
        if options.repeat > 1:
            repeated = scratch / "repeated"
            many = [
                _renamed(zipped, repeated, n) for n in range(options.repeat) for zipped in sources
            ]
            runs.append(_build(f"{options.repeat}x", many, scratch, options.build))
            shutil.rmtree(repeated)
        if options.one_large:
            large = _merged(sources, scratch / "large.zip")
            runs.append(_build("1x as one collection", [large], scratch, options.build))
    _print(runs)


def _renamed(source: Path, folder: Path, number: int) -> Path:
    """Return a copy of a zip whose collection has another name."""
    folder.mkdir(exist_ok=True)
    copy = folder / f"{source.stem}-{number}.zip"
    shutil.copyfile(source, copy)
    with zipfile.ZipFile(copy, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a second member of one name: the last one counts
        info = json.loads(archive.read("collection.json"))
        archive.writestr("collection.json", json.dumps({**info, "collection": copy.stem}))
    return copy


def _merged(sources: Iterable[Path], target: Path) -> Path:
    """Return a zip with the tokens of all sources, under ids of their own."""
    with zipfile.ZipFile(target, "w") as merged:
        for source in sources:
            with zipfile.ZipFile(source) as archive:
                for name in archive.namelist():
                    folder, _, file = name.partition("/")
                    if folder in ("images", "metadata") and file:
                        merged.writestr(f"{folder}/{source.stem}-{file}", archive.read(name))
    return target


def _build(name: str, sources: list[Path], scratch: Path, extra: list[str]) -> Run:
    out = scratch / "data"
    command = [sys.executable, "-m", "traitlens.cli.main", "build", *map(str, sources)]
    start = time.perf_counter()
    with subprocess.Popen([*command, "-o", str(out), *extra], stdout=subprocess.DEVNULL) as process:
        peak_kb = 0
        while process.poll() is None:
            peak_kb = max(peak_kb, sum(map(_pss_kb, _tree(process.pid))))
            time.sleep(0.2)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{name}: the build failed")
    data = Dataset.open(out)
    run = Run(
        name=name,
        collections=len(data.collections),
        tokens=sum(entry.read for entry in data.manifest.collections),
        kept=data.count(),
        seconds=seconds,
        peak_mb=peak_kb / 1024,
        data_mb=sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 2**20,
    )
    shutil.rmtree(out)
    return run


def _tree(pid: int) -> Iterator[int]:
    """Yield a process and all below it."""
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))
    except OSError:  # it ended meanwhile
        return


def _pss_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def _print(runs: list[Run]) -> None:
    table = Table(title="traitlens build", title_justify="left")
    for column in ("input", "collections", "tokens", "kept", "s", "tokens/s", "peak MB", "data MB"):
        table.add_column(column, justify="left" if column == "input" else "right")
    for run in runs:
        table.add_row(
            run.name,
            f"{run.collections:,}",
            f"{run.tokens:,}",
            f"{run.kept:,}",
            f"{run.seconds:.1f}",
            f"{run.tokens / run.seconds:,.0f}",
            f"{run.peak_mb:,.0f}",
            f"{run.data_mb:,.0f}",
        )
    Console().print(table)
    first = runs[0]
    for run in runs[1:]:
        tokens, seconds = run.tokens / first.tokens, run.seconds / first.seconds
        memory = run.peak_mb / first.peak_mb
        Console().print(
            f"{run.name}: {tokens:.2f}x tokens, {seconds:.2f}x time, {memory:.2f}x memory"
        )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pfp", type=Path, required=True, help="a folder of collections in zips")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--one-large", action="store_true")
    parser.add_argument("--scratch", type=Path, help="where to work (default: the system's)")
    parser.add_argument("build", nargs="*", help="options of build, after --: -- --size paper")
    return parser.parse_args()


if __name__ == "__main__":
    main()

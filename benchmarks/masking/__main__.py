"""The study of masking: does it help, and what beats it? One command, which goes on where it was.

    python -m benchmarks.masking --pfp ../shared/pfp --work runs/masking

`protocol` says what is asked and how it will be judged, `arms` what is compared, `plan` which
trials there are. Outcomes are one JSON file a trial in `--work`; a stopped study goes on with what
is missing. `--stages` runs the first ones only; the report is of what was run.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from traitlens.cli.console import LiveProgress

from .art import make_art
from .report import write_report
from .study import Study


def main() -> None:
    """Make the art, run what is missing, write the report."""
    options = _options()
    with LiveProgress() as progress:
        make_art(options.pfp, options.work, progress=progress)
        study = Study(
            work=options.work,
            steps=options.steps,
            processes=options.processes,
            stages=options.stages,
            progress=progress,
        )
        study.run()
    write_report(study, options.work)
    print((options.work / "report.md").read_text())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pfp", type=Path, default=Path("../shared/pfp"), help="folder of zips")
    parser.add_argument("--work", type=Path, default=Path("runs/masking"))
    parser.add_argument("--steps", type=int, default=400, help="of every trial but the longer ones")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--stages", type=int, default=5, help="how many of the five to run")
    return parser.parse_args()


if __name__ == "__main__":
    main()

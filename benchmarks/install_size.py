"""What the light install weighs.

    python benchmarks/install_size.py
    python benchmarks/install_size.py --extra build

Makes a virtual environment in a temporary folder, installs this checkout into it as users do, with
the versions of constraints.txt, and prints the MB (10^6 bytes on disk) of each distribution.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LIMIT_MB = 400
_PIPS = {"pip", "setuptools"}

# Runs in the new environment, which has nothing of ours that could measure it.
_MEASURE = """
import importlib.metadata, pathlib
for distribution in importlib.metadata.distributions():
    files = {pathlib.Path(distribution.locate_file(f)).resolve() for f in distribution.files or ()}
    held = sum(512 * file.stat().st_blocks for file in files if file.is_file())
    print(distribution.name, distribution.version, held)
"""


def main() -> None:
    """Print the table, and whether the light install is within its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extra", action="append", default=[], help="An extra, such as build.")
    extras = parser.parse_args().extra
    with tempfile.TemporaryDirectory() as folder:
        sizes = _installed(Path(folder), f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT))
    ours = {name: mb for name, mb in sizes.items() if name.split()[0] not in _PIPS}
    for name, mb in sorted(ours.items(), key=lambda item: -item[1]):
        print(f"{mb:8.1f}  {name}")
    total = sum(ours.values())
    print(f"{total:8.1f}  in all, pip aside")
    if not extras and total > _LIMIT_MB:
        raise SystemExit(f"the light install may have {_LIMIT_MB} MB")


def _installed(folder: Path, what: str) -> dict[str, float]:
    """Return {distribution and version: MB} of a new environment."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), what], check=True)
    done = subprocess.run([python, "-c", _MEASURE], check=True, capture_output=True, text=True)
    rows = (line.rsplit(" ", 1) for line in done.stdout.splitlines())
    return {name: int(held) / 1e6 for name, held in rows}


if __name__ == "__main__":
    main()

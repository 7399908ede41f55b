"""Held-out tokens of seen collections: does the model find them by their captions?

    python benchmarks/retrieval.py runs/a data/ --out retrieval.json

Prints the tables and, as the last line, macro top-1 and top-10 as shares of their ceilings and
top-1 over that of the better baseline. The data set must be split `by_token`. Encoding takes
nearly all the time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from traitlens import files
from traitlens.errors import DatasetError, TraitlensError
from traitlens.evaluation import Evaluation, evaluate, headline, headline_line, split_rule, tables
from traitlens.models import SHIPPED, load_encoder
from traitlens.store import Dataset


def main() -> None:
    args = _parse()
    try:
        found = run(args.model, args.data, max_gallery=args.max_gallery)
    except TraitlensError as error:
        sys.exit(f"error: {error}")
    console = Console()
    for table in tables(found):
        console.print(table)
    console.print(headline_line(headline(found)), highlight=False, soft_wrap=True)
    if args.out is not None:
        files.write_json(args.out, found.to_json())


def run(model: str, path: Path, *, max_gallery: int | None) -> Evaluation:
    """Return the evaluation of a model on the test split of a data set."""
    data = Dataset.open(path)
    if split_rule(data) != "by_token":
        raise DatasetError(f"{path} is split {split_rule(data)!r}; this benchmark needs 'by_token'")
    return evaluate(load_encoder(model), data, max_gallery=max_gallery)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help=f"a model folder or name, or {SHIPPED!r}")
    parser.add_argument("data", type=Path, help="a data set folder that `traitlens build` wrote")
    parser.add_argument("--max-gallery", type=int, metavar="N", help="at most N tokens each")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all rows as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()

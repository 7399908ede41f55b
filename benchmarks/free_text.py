"""Queries as people type them: does the model find the picture that was meant?

    python benchmarks/free_text.py runs/a data/ --queries ../shared/queries/pfp.jsonl

Prints top-1/5/10, MRR and the median rank beside the same model's score on template captions and
beside chance. The gallery is the token's whole collection, or one split of it. For reporting only:
tune nothing on it. Encoding the collections takes nearly all the time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from traitlens import files
from traitlens.errors import TraitlensError
from traitlens.evaluation import evaluate_free_text, free_text_tables
from traitlens.models import SHIPPED, load_encoder
from traitlens.records import SPLITS


def main() -> None:
    args = _parse()
    try:
        encoder = load_encoder(args.model)
        found = evaluate_free_text(encoder, args.data, args.queries, split=args.split)
    except TraitlensError as error:
        sys.exit(f"error: {error}")
    console = Console()
    for table in free_text_tables(found):
        console.print(table)
    if args.out is not None:
        files.write_json(args.out, found.to_json())


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help=f"a model folder or name, or {SHIPPED!r}")
    parser.add_argument("data", type=Path, help="a data set folder that `traitlens build` wrote")
    parser.add_argument("--queries", type=Path, required=True, help="a JSON lines file")
    parser.add_argument("--split", choices=SPLITS, help="search this split alone")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all ranks as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""What search finds, and when it should say that nothing fits.

    python -m benchmarks.searching DATA --work /tmp/searching --splits ../shared/pfp/splits.json
        --queries ../shared/queries/pfp.jsonl --seen nouns lilnouns moonbirds cryptoadz

DATA is a data set of real collections. `--splits` parts its collections into families to choose by
(train, validation) and to report on (test); `--seen` names those whose art the encoder was trained
on. The indexes are made once, in the work folder.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from traitlens.cli.console import LiveProgress, console
from traitlens.evaluation.queries import read_queries
from traitlens.store import Dataset
from traitlens.tables import Table, to_markdown, to_rich

from . import cutoff, free_text, precision
from .indexes import bare, held_out, opened


def main() -> None:
    """Print the tables."""
    options = _options()
    data = Dataset.open(options.data)
    some = held_out(data, options.work)
    tokens = {
        name: list(some.tokens(collections=[name], images=False)) for name in some.collections
    }
    splits = json.loads(options.splits.read_text())
    queries = read_queries(options.queries)
    with LiveProgress() as progress:
        with (
            opened(some, options.work / "idx-held-out", model=options.model) as full,
            opened(
                bare(some, options.work), options.work / "idx-bare", model=options.model
            ) as dark,
        ):
            found = precision.measure(
                {"metadata": full, "pictures alone": dark},
                tokens,
                per_size=options.per_size,
                seed=options.seed,
                progress=progress,
            )
        shares = cutoff.measure(
            tokens, queries, per_size=options.per_size, seed=options.seed, progress=progress
        )
        with opened(data, options.work / "idx-all", model=options.model) as whole:
            ranks = free_text.measure(whole, queries, progress=progress)
    unseen = [name for name in tokens if name not in options.seen]
    chosen = [*splits["train"], *splits["validation"]]
    for table in (
        precision.table(found, unseen, title="Precision at 10, collections unseen by the encoder"),
        precision.table(found, options.seen, title="Precision at 10, collections it has seen"),
        cutoff.table(shares, chosen, title="Refused, families to choose by"),
        cutoff.table(shares, splits["test"], title="Refused, test families"),
        free_text.table(ranks),
    ):
        _show(table, markdown=options.markdown)


def _show(table: Table, *, markdown: bool) -> None:
    if markdown:
        print(to_markdown(table))
    else:
        console().print(to_rich(table))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--splits", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--seen", nargs="*", default=[])
    parser.add_argument("--model", default="shipped")
    parser.add_argument("--per-size", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""`traitlens subset`: some tokens of each collection as a data set of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import LiveProgress, console
from traitlens.records import SPLITS


def subset(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The subset's folder.")],
    per_collection: Annotated[
        int, typer.Option(help="Tokens of each collection; all where it has fewer, and for 0.")
    ] = 1000,
    train_share: Annotated[
        float, typer.Option(help="Share of these tokens' train split that stays, in [0, 1].")
    ] = 1.0,
    collection: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the tokens.")] = 0,
    replace: Annotated[bool, typer.Option(help="Replace what stands at --out.")] = False,
) -> None:
    """Take some tokens of each collection, drawn at random, into a data set of their own."""
    from rich.markup import escape
    from rich.table import Table

    from traitlens.store import Dataset
    from traitlens.subsets import subset

    opened = Dataset.open(data)
    with LiveProgress() as progress:
        made = subset(
            opened,
            out,
            per_collection=per_collection or None,
            train_share=train_share,
            collections=collection or None,
            seed=seed,
            replace=replace,
            progress=progress,
        )
    title = f"{escape(str(made.path))}: {made.count():,} of {opened.count():,} tokens"
    table = Table("collection", title=title, title_justify="left")
    for column in ("kept", *SPLITS):
        table.add_column(column, justify="right")
    for entry in made.manifest.collections:
        counts = (entry.kept, *(entry.splits.get(split, 0) for split in SPLITS))
        table.add_row(escape(entry.name), *(f"{count:,}" for count in counts))
    console().print(table)

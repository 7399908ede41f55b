"""`traitlens build`: collections in, a data set out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console
from traitlens.records import SPLITS

if TYPE_CHECKING:
    from traitlens.store import Dataset


def build(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders or zips with images/ and metadata/.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The data set's folder.")],
    max_width: Annotated[
        int, typer.Option("--size.max-width", help="Wider pictures are reduced to this, in px.")
    ] = 512,
    split: Annotated[
        str, typer.Option("--split.rule", help="by_token, or by_collection as in the paper.")
    ] = "by_token",
    seed: Annotated[int, typer.Option("--split.seed", help="Seeds the split.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one a core.")
    ] = None,
    replace: Annotated[bool, typer.Option(help="Replace what stands at --out.")] = False,
) -> None:
    """Build a data set from collections of tokens: pictures, traits, captions, splits."""
    from traitlens.construction import BuildConfig, build
    from traitlens.split import SplitConfig
    from traitlens.standardization import SizeConfig

    config = BuildConfig(
        size=SizeConfig(max_width=max_width), split=SplitConfig(rule=split, seed=seed)
    )
    with LiveProgress() as progress:
        data = build(paths, out, config=config, workers=workers, replace=replace, progress=progress)
    _print(data)


def _print(data: Dataset) -> None:
    from rich.table import Table

    entries = data.manifest.collections
    table = Table(title=f"{data.path}: {data.count():,} tokens", title_justify="left")
    table.add_column("collection", no_wrap=True)
    for column in ("read", "kept", *SPLITS):
        table.add_column(column, justify="right")
    if any(entry.rejected for entry in entries):
        table.add_column("rejected")
    for entry in entries:
        counts = (entry.read, entry.kept, *(entry.splits[split] for split in SPLITS))
        why = ", ".join(f"{count} x {reason}" for reason, count in entry.rejected.items())
        table.add_row(entry.name, *map(str, counts), *([why] if len(table.columns) > 6 else []))
    console().print(table)
    console().print(
        f"data card: {data.path / 'README.md'}\nnext: traitlens index {data.path} -o idx/",
        soft_wrap=True,
    )

"""`traitlens reproduce`: a table of the paper beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from traitlens.reproduction import Reproduction
    from traitlens.reproduction.config import Recipe


def reproduce(
    table: Annotated[
        str, typer.Argument(help="Such as table3, or list, which prints what there is.")
    ],
    data: Annotated[
        Path | None, typer.Argument(help="A data set that `traitlens build` made.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", help="The folder of all runs, which tables share, and reports."
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="tiny, shipped, a folder or a name on the hub; may be repeated. By default the "
            "paper's on NFT1000, else tiny."
        ),
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="plain (as CLIP), ours, or auto: plain for a checkpoint.")
    ] = "auto",
    steps: Annotated[int | None, typer.Option(help="Of each run; by default the recipe's.")] = None,
    batch_size: Annotated[int, typer.Option(help="Tokens a step.")] = 256,
    learning_rate: Annotated[
        float | None, typer.Option(help="Its peak; by default the recipe's.")
    ] = None,
    fill: Annotated[
        str, typer.Option("--masking.fill", help="What fills a hole: zero, mean or other.")
    ] = "other",
    seeds: Annotated[int, typer.Option(help="Train so many of each and print mean and sd.")] = 1,
    seed: Annotated[int, typer.Option(help="The first one; it draws mini and galleries, too.")] = 0,
    per_collection: Annotated[int, typer.Option(help="Tokens of each collection in mini.")] = 1000,
    max_gallery: Annotated[
        int | None, typer.Option(help="Search at most so many tokens of a collection.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the whole record to this file, too.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write one row a number to this file, too.")
    ] = None,
) -> None:
    """Print a table of the paper: its numbers, ours, the differences, and what differs besides."""
    from traitlens.errors import ConfigError
    from traitlens.reproduction import (
        ReproductionConfig,
        catalogue,
        find,
        oddities_table,
        reproduce,
    )
    from traitlens.tables import to_rich

    if table == "list":
        console().print(to_rich(catalogue()))
        return
    if find(table) is None and data is None:
        console().print(to_rich(oddities_table()))
        return
    if data is None or out is None:
        raise ConfigError(
            f"{table} needs a data set and a folder: traitlens reproduce {table} data/ -o repro/"
        )
    config = ReproductionConfig(
        recipe=cast("Recipe", recipe),
        steps=steps,
        seeds=seeds,
        per_collection=per_collection,
        max_gallery=max_gallery,
        batch_size=batch_size,
        learning_rate=learning_rate,
        fill=fill,
        seed=seed,
    )
    models = {name: name for name in model} if model else None
    with LiveProgress() as progress:
        found = reproduce(table, data, out, models=models, config=config, progress=progress)
    _print(found, out)
    _write(found, json_file, csv_file)


def _print(found: Reproduction, out: Path) -> None:
    from rich.markup import escape

    from traitlens.tables import to_rich

    page = console()
    for note in found.notes:
        page.print(f"- {escape(note)}", soft_wrap=True)
    for table in found.tables():
        page.print(to_rich(table))
    page.print(f"report: {escape(str(out / found.table))}", soft_wrap=True)


def _write(found: Reproduction, json_file: Path | None, csv_file: Path | None) -> None:
    from traitlens import files
    from traitlens.tables import to_csv

    if json_file:
        files.write_json(json_file, found.to_json())
    if csv_file:
        files.write_text(csv_file, to_csv(found.long_table()))

"""`traitlens components`: which pixels belong to which trait."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from traitlens.cli.console import LiveProgress, console
from traitlens.config import check_choice, from_dict, put, read_assignment
from traitlens.records import SPLITS, Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from traitlens.separation import SeparationConfig, SeparationReport


def components(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder for what is found; else within the data set."),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="How they are found; `paper` is the paper's recipe.")
    ] = None,
    collection: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Look at this split only: train, validation or test.")
    ] = None,
    sheet: Annotated[bool, typer.Option(help="Draw a sheet to judge each collection by.")] = False,
    sheet_values: Annotated[int, typer.Option(help="Trait values on a sheet.")] = 33,
    label_maps: Annotated[
        bool, typer.Option(help="Write for each token which component one sees at each pixel.")
    ] = False,
    min_tokens: Annotated[
        int | None, typer.Option(help="Tokens a trait value needs to get a component.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Tokens that are looked at in a collection, at most.")
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(help="Pixels that are looked at in a collection, at most.")
    ] = None,
    colour_bits: Annotated[
        int | None, typer.Option(help="Bits of a colour channel; else as the art suggests.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Draws the tokens, where not all are.")] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any field, such as contrast.share=.3; repeatable."),
    ] = None,
    replace: Annotated[bool, typer.Option(help="Find them anew.")] = False,
) -> None:
    """Separate the pictures of each collection into the components that show its traits."""
    from traitlens.separation import components, write_component_sheet, write_label_maps
    from traitlens.store import Dataset

    given = {
        "method": method,
        "min_tokens": min_tokens,
        "max_tokens": max_tokens,
        "max_pixels": max_pixels,
        "colour_bits": colour_bits,
        "seed": seed,
    }
    config, side = _config(given, assign or ()), _side(split)
    opened = Dataset.open(data)
    names = [opened.entry(name).name for name in collection or opened.collections]
    with LiveProgress() as progress:
        reports = components(
            opened,
            out=out,
            config=config,
            split=side,
            collections=names,
            replace=replace,
            progress=progress,
        )
        written = [
            write_label_maps(
                opened, name, folder=out, split=side, replace=replace, progress=progress
            )
            for name in (names if label_maps else ())
        ]
    console().print(_table(reports, method=config.method))
    for report in reports if sheet else ():
        path = write_component_sheet(opened, report.collection, folder=out, values=sheet_values)
        console().print(f"sheet: {path}", soft_wrap=True)
    for maps in written:
        left_out = "".join(f"; {count:,} x {why}" for why, count in maps.skipped.items())
        said = f"label maps: {maps.path}, {maps.written:,} of {maps.read:,} tokens{left_out}"
        console().print(said, soft_wrap=True)
    if out is None:
        console().print(f"next: traitlens train {data} --masking.p 0.5 -o runs/a", soft_wrap=True)


def _config(given: Mapping[str, Any], assignments: Sequence[str]) -> SeparationConfig:
    """Return the config with what was given; `--set` has the last word."""
    from traitlens.separation import SeparationConfig

    values = {name: value for name, value in given.items() if value is not None}
    for assignment in assignments:
        put(values, *read_assignment(assignment))
    return from_dict(SeparationConfig, values)


def _side(split: str | None) -> Split | None:
    """Return the split that was asked for, None for all tokens."""
    if split is not None:
        check_choice("--split", split, SPLITS)
    return cast("Split | None", split)


def _table(reports: Sequence[SeparationReport], *, method: str) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("collection", title=f"components by {method}", title_justify="left")
    for column in ("tokens", "used", "trait values", "with a mask"):
        table.add_column(column, justify="right")
    table.add_column("why not the others")
    for report in reports:
        counts = (report.read, report.used, report.values, report.with_mask)
        why = ", ".join(f"{count} x {reason}" for reason, count in report.without_mask.items())
        table.add_row(escape(report.collection), *map(str, counts), why)
    return table

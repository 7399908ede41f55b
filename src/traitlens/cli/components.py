"""`traitlens components`: which pixels belong to which trait."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import LiveProgress, console


def components(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    method: Annotated[
        str, typer.Option(help="contrast, or paper for the paper's recipe.")
    ] = "contrast",
    collection: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
    sheet: Annotated[bool, typer.Option(help="Draw a contact sheet for each collection.")] = False,
    replace: Annotated[bool, typer.Option(help="Find them anew.")] = False,
) -> None:
    """Separate the pictures of each collection into the components that show its traits."""
    from rich.markup import escape
    from rich.table import Table

    from traitlens.separation import SeparationConfig, components, write_component_sheet
    from traitlens.store import Dataset

    opened = Dataset.open(data)
    with LiveProgress() as progress:
        reports = components(
            opened,
            config=SeparationConfig(method=method),
            collections=collection or None,
            replace=replace,
            progress=progress,
        )
    table = Table("collection", title=f"components by {method}", title_justify="left")
    for column in ("tokens", "used", "trait values", "with a mask"):
        table.add_column(column, justify="right")
    table.add_column("why not the others")
    for report in reports:
        counts = (report.read, report.used, report.values, report.with_mask)
        why = ", ".join(f"{count} x {reason}" for reason, count in report.without_mask.items())
        table.add_row(escape(report.collection), *map(str, counts), why)
    console().print(table)
    if sheet:
        for report in reports:
            path = write_component_sheet(opened, report.collection)
            console().print(f"sheet: {path}", soft_wrap=True)
    console().print(f"next: traitlens train {data} --masking.p 0.5 -o runs/a", soft_wrap=True)

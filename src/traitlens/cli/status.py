"""`traitlens status`: what was collected, what is missing, and which media died where."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import console


def status(
    raw: Annotated[Path, typer.Argument(help="A folder that `traitlens collect` made.")],
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a collected folder holds: tokens by status and reason, and the dead assets."""
    from traitlens.collecting.status import status as status_of
    from traitlens.tables import to_rich

    report = status_of(raw)
    if json_:
        import json

        print(json.dumps(report.to_json(), indent=1, ensure_ascii=False))
        return
    for table in report.tables():
        console().print(to_rich(table))

"""`traitlens compare`: what two evaluations differ in, and what may be concluded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import console


def compare(
    a: Annotated[Path, typer.Argument(help="A file that `traitlens evaluate --json` wrote.")],
    b: Annotated[Path, typer.Argument(help="Another, of the same split of the same data set.")],
    by: Annotated[
        str, typer.Option(help="What is independent of each other: family, or collection.")
    ] = "family",
    model_a: Annotated[
        str | None, typer.Option(help="Another model of the first file, as a baseline.")
    ] = None,
    model_b: Annotated[
        str | None, typer.Option(help="Another model of the second file, as a baseline.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all of it to this file, too.")
    ] = None,
) -> None:
    """Print the differences, B minus A, with confidence, and what a reader may conclude."""
    from typing import cast

    from traitlens import files
    from traitlens.evaluation import compare
    from traitlens.evaluation.scoring import Clusters
    from traitlens.tables import to_rich

    found = compare(a, b, model_a=model_a, model_b=model_b, by=cast("Clusters", by))
    out = console()
    for table in found.tables():
        out.print(to_rich(table))
    for sentence in (found.conclusion, *found.warnings):
        out.print(sentence, soft_wrap=True, markup=False)
    if json_file:
        files.write_json(json_file, found.to_json())

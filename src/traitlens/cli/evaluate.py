"""`traitlens evaluate`: how well a model finds tokens, beside chance, ceiling and baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import LiveProgress, console


def evaluate(
    model: Annotated[str, typer.Argument(help="shipped, a run's folder, or a name on the hub.")],
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    split: Annotated[
        str, typer.Option(help="train, validation, test, or all for every token.")
    ] = "test",
    baselines: Annotated[
        bool, typer.Option(help="Fit raw pixels and colour histograms and score them beside.")
    ] = True,
    max_gallery: Annotated[
        int | None, typer.Option(help="Draw at most so many tokens a collection.")
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(help="JSON lines of collection, token_id and query to score.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every row to this file, too.")
    ] = None,
) -> None:
    """Print top-1/5/10 in both directions, within each collection and over all."""
    from typing import cast

    from traitlens import files
    from traitlens.evaluation import (
        evaluate,
        evaluate_free_text,
        free_text_tables,
        headline,
        headline_line,
        tables,
    )
    from traitlens.models import load_encoder
    from traitlens.records import Split

    encoder = load_encoder(model)
    side = None if split == "all" else cast("Split", split)
    with LiveProgress() as progress:
        found = evaluate(
            encoder,
            data,
            split=side,
            baselines=baselines,
            max_gallery=max_gallery,
            progress=progress,
        )
        asked = (
            evaluate_free_text(encoder, data, queries, split=side, progress=progress)
            if queries
            else None
        )
    out = console()
    for table in tables(found):
        out.print(table)
    out.print(headline_line(headline(found)), soft_wrap=True)
    for table in free_text_tables(asked) if asked else ():
        out.print(table)
    if json_file:
        written = found.to_json() | ({"free_text": asked.to_json()} if asked else {})
        files.write_json(json_file, written)

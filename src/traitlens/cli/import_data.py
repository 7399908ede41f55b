"""`traitlens import`: a data set in, from an export or from NFT1000 zips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import LiveProgress, console


def import_data(
    path: Annotated[
        Path, typer.Argument(help="What `traitlens export` wrote, or NFT1000 zips or folders.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The data set's folder.")],
    collection: Annotated[
        list[str] | None, typer.Option(help="Only this collection; may be repeated.")
    ] = None,
    replace: Annotated[bool, typer.Option(help="Replace the data set at --out.")] = False,
) -> None:
    """Import a data set: what an export held comes back, token by token."""
    from traitlens.exchange import import_data

    with LiveProgress() as progress:
        data = import_data(
            path, out, collections=collection or None, replace=replace, progress=progress
        )
    rejected = sum(sum(entry.rejected.values()) for entry in data.manifest.collections)
    lines = [
        f"{out}: {data.count():,} tokens of {len(data.collections)} collections"
        + (f", {rejected:,} rejected" if rejected else "")
    ]
    if not any(sum(entry.splits.values()) for entry in data.manifest.collections):
        lines.append(f"they have no splits; `traitlens build {path} -o …` makes some")
    lines.append(f"next: traitlens index {out} -o idx/")
    console().print("\n".join(lines), soft_wrap=True, markup=False)

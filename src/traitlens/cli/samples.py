"""`traitlens samples`: sample collections, drawn on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import LiveProgress, console


def samples(
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to draw into.")],
    style: Annotated[
        list[str] | None, typer.Option(help="A DiceBear style; may be given several times.")
    ] = None,
    tokens: Annotated[int, typer.Option(help="Tokens in each collection.")] = 300,
    size: Annotated[int, typer.Option(help="Width and height, in px.")] = 128,
    seed: Annotated[int, typer.Option(help="Seeds the palettes and the tokens.")] = 0,
    masks: Annotated[bool, typer.Option(help="Draw exact component masks, too.")] = False,
) -> None:
    """Draw sample collections, to try everything on without any download."""
    from traitlens.sources.dicebear_styles import DEMO_STYLES
    from traitlens.sources.samples import SampleConfig, draw_samples

    config = SampleConfig(
        styles=tuple(style or DEMO_STYLES), tokens=tokens, size=size, seed=seed, masks=masks
    )
    with LiveProgress() as progress:
        folders = draw_samples(out, config, progress=progress)
    for folder in folders:
        console().print(f"{folder}: {tokens} tokens", soft_wrap=True)
    console().print(f"next: traitlens build {out} -o data/", soft_wrap=True)

"""`traitlens train`: a data set in, an encoder out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import LiveProgress, console


def train(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The run's folder.")],
    model: Annotated[
        str, typer.Option(help="tiny, a folder, or a name such as openai/clip-vit-base-patch32.")
    ] = "tiny",
    steps: Annotated[int, typer.Option(help="Optimizer steps.")] = 2000,
    batch_size: Annotated[int, typer.Option(help="Tokens a step.")] = 256,
    learning_rate: Annotated[float, typer.Option(help="Its peak, after the warm-up.")] = 6e-4,
    seed: Annotated[int, typer.Option(help="Seeds weights, batches and masks.")] = 0,
    masking_p: Annotated[
        float,
        typer.Option("--masking.p", help="Chance that a component is hidden; the paper has 0.5."),
    ] = 0.0,
    masking_fill: Annotated[
        str, typer.Option("--masking.fill", help="What fills the hole: zero, mean or other.")
    ] = "other",
    mixed: Annotated[
        float, typer.Option("--sampling.mixed", help="Share of batches over all collections.")
    ] = 0.1,
    partial: Annotated[
        float, typer.Option("--captions.partial", help="Share of captions with some traits only.")
    ] = 0.5,
    replace: Annotated[bool, typer.Option(help="Replace what stands at --out.")] = False,
) -> None:
    """Train an encoder on the train split, with the paper's dynamic masking by choice."""
    from traitlens.training import (
        CaptionConfig,
        MaskingConfig,
        SamplingConfig,
        TrainConfig,
        train,
    )

    config = TrainConfig(
        model=model,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        masking=MaskingConfig(p=masking_p, fill=masking_fill),
        sampling=SamplingConfig(mixed=mixed),
        captions=CaptionConfig(partial=partial),
    )
    with LiveProgress() as progress:
        report = train(data, out, config=config, replace=replace, progress=progress)
    lines = [
        f"{out}: {report.parameters:,} parameters, {report.steps} steps over {report.tokens:,} "
        f"tokens, loss {report.loss:.3f}",
        f"next: traitlens evaluate {out} {data}",
    ]
    if masking_p:
        lines.insert(
            1, f"{report.tags_without_mask:,} of {report.tags:,} tags have no mask and were kept"
        )
    console().print("\n".join(lines), soft_wrap=True)

"""`traitlens train`: a data set in, an encoder out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traitlens.cli.console import LiveProgress, console
from traitlens.config import put, read_assignment, read_toml
from traitlens.progress import Progress, silent

if TYPE_CHECKING:
    from traitlens.training import TrainConfig, TrainReport


def train(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The run's folder.")],
    recipe: Annotated[
        Path | None,
        typer.Option("--config", help="A TOML file with any fields; the flags below come on top."),
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any field, such as objective.targets=overlap; repeatable."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="tiny (the default), a folder, or a name such as openai/clip-vit-base-patch32."
        ),
    ] = None,
    text_tower: Annotated[
        str | None,
        typer.Option("--text-tower", help="A sentence encoder, folder or name, to read texts."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps; default 2000.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Tokens a step; default 256.")] = None,
    chunk: Annotated[
        int | None,
        typer.Option(help="Tokens encoded at once, where the batch does not fit in memory."),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Its peak, after the warm-up; default 6e-4.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="auto, bf16, fp16 or fp32.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seeds weights, batches and masks.")] = None,
    vision: Annotated[
        str | None,
        typer.Option("--adapt.vision", help="Train the picture tower: full, lora or frozen."),
    ] = None,
    text: Annotated[
        str | None, typer.Option("--adapt.text", help="Train the text tower: full, lora or frozen.")
    ] = None,
    masking_p: Annotated[
        float | None,
        typer.Option(
            "--masking.p", help="Chance that a component is hidden; default 0, the paper has 0.5."
        ),
    ] = None,
    masking_fill: Annotated[
        str | None,
        typer.Option(
            "--masking.fill",
            help="What fills the hole: zero, mean, image, other (the default), blur or beneath.",
        ),
    ] = None,
    swaps: Annotated[
        float | None,
        typer.Option("--swaps.share", help="Share of tokens with a twin that differs in a trait."),
    ] = None,
    mixed: Annotated[
        float | None,
        typer.Option(
            "--sampling.mixed", help="Share of batches over all collections; default 0.1."
        ),
    ] = None,
    partial: Annotated[
        float | None,
        typer.Option(
            "--captions.partial", help="Share of captions with some traits only; default 0.5."
        ),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option("--validation.every", help="Steps between validations; default 250, 0: none."),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            "--validation.patience", help="End after so many validations that were no better."
        ),
    ] = None,
    save_every: Annotated[
        int, typer.Option(help="Steps between states, from which a stopped run goes on.")
    ] = 250,
    cache: Annotated[
        Path | None, typer.Option(help="A folder that keeps decoded pictures and components.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that draw batches; 0: a thread.")] = 0,
    tensorboard: Annotated[bool, typer.Option(help="Write TensorBoard's files, too.")] = False,
    replace: Annotated[bool, typer.Option(help="Replace what stands at --out.")] = False,
) -> None:
    """Train an encoder on the train split, with the paper's dynamic masking by choice.

    On several GPUs: torchrun --nproc-per-node 8 -m traitlens.cli.main train data/ -o run/
    """
    from traitlens.config import from_dict
    from traitlens.training import TrainConfig, is_first
    from traitlens.training import train as run

    flags = {
        "model": model,
        "text_tower": text_tower,
        "steps": steps,
        "batch_size": batch_size,
        "chunk": chunk,
        "learning_rate": learning_rate,
        "precision": precision,
        "seed": seed,
        "adapt.vision": vision,
        "adapt.text": text,
        "masking.p": masking_p,
        "masking.fill": masking_fill,
        "swaps.share": swaps,
        "sampling.mixed": mixed,
        "captions.partial": partial,
        "validation.every": every,
        "validation.patience": patience,
    }
    config = from_dict(TrainConfig, _values(recipe, flags, fields or ()))
    with _live(shown=is_first()) as progress:
        report = run(
            data,
            out,
            config=config,
            save_every=save_every,
            cache=cache,
            workers=workers,
            tensorboard=tensorboard,
            replace=replace,
            progress=progress,
        )
    if is_first():
        console().print("\n".join(_lines(report, config, data, out)), soft_wrap=True)


def _values(recipe: Path | None, flags: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Return the fields that a file, then flags, then assignments name."""
    values = read_toml(recipe) if recipe else {}
    for path, value in flags.items():
        if value is not None:
            put(values, path, value)
    for assignment in fields:
        put(values, *read_assignment(assignment))
    return values


@contextmanager
def _live(*, shown: bool) -> Iterator[Progress]:
    """Give a progress for the terminal; where several processes train, one of them is shown."""
    if not shown:
        yield silent
        return
    with LiveProgress() as progress:
        yield progress


def _lines(report: TrainReport, config: TrainConfig, data: Path, out: Path) -> list[str]:
    lines = [
        f"{out}: {report.trainable:,} of {report.parameters:,} parameters, {report.steps} steps "
        f"over {report.tokens:,} tokens, loss {report.loss:.3f}"
    ]
    if report.validation is not None:
        lines.append(
            f"validation: top-1 {100 * report.validation:.1f}% on {report.validated:,} tokens, "
            f"after step {report.best_step}"
        )
    elif config.validation.every:
        lines.append("validation: too few tokens in the validation split to choose weights by")
    if config.masking.p:
        lines.append(
            f"{report.tags_without_mask:,} of {report.tags:,} tags have no mask and were kept"
        )
    if config.swaps.share:
        lines.append(
            f"{report.components_untrusted:,} of {report.components:,} components do not paint "
            "their tokens as they look, or have one token alone, and were not swapped"
        )
    return [*lines, f"next: traitlens evaluate {out} {data}"]

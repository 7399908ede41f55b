"""`traitlens build`: collections in, a data set out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traitlens.cli.console import LiveProgress, console
from traitlens.records import SPLITS

if TYPE_CHECKING:
    from traitlens.construction import BuildConfig
    from traitlens.store import Dataset


def build(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders or zips with images/ and metadata/.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The data set's folder.")],
    preset: Annotated[
        str, typer.Option(help="default, or paper: all values of NFT1000. The rest overrides it.")
    ] = "default",
    size: Annotated[
        str | None,
        typer.Option(
            help="paper: exactly --size.width wide; whole: pixel art enlarged by the largest whole "
            "factor up to it; native: as it is, up to it."
        ),
    ] = None,
    width: Annotated[int | None, typer.Option("--size.width", help="In px.")] = None,
    frame: Annotated[
        str | None,
        typer.Option("--frames.choice", help="Of an animation: random, first, middle or mean."),
    ] = None,
    frames: Annotated[
        int | None, typer.Option("--frames.count", help="How many frames of an animation.")
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="Fills what is transparent: #rrggbb, or keep.")
    ] = None,
    style: Annotated[
        str | None, typer.Option("--captions.style", help="plain, tags, sentence or typed.")
    ] = None,
    order: Annotated[
        str | None,
        typer.Option("--captions.order", help="identifying (the rarest first) or metadata."),
    ] = None,
    min_tokens: Annotated[
        int | None, typer.Option("--filters.min-tokens", help="Smaller collections are dropped.")
    ] = None,
    off: Annotated[
        list[str] | None,
        typer.Option("--filters.off", help="A rule that nothing falls to; see filters.json."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split.rule", help="by_token, by_collection (the paper's), by_combination, official."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--split.seed", help="Seeds the split.")] = None,
    families: Annotated[
        Path | None,
        typer.Option(help="JSON {collection: family}: overrides the families that are found."),
    ] = None,
    block_list: Annotated[
        Path | None,
        typer.Option(help="Hashes, CIDs and token uids that are rejected, one a line."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one a core.")
    ] = None,
    on: Annotated[
        str,
        typer.Option(
            help="processes; ray, started here (it listens on the network); ray:HOST:PORT."
        ),
    ] = "processes",
    replace: Annotated[bool, typer.Option(help="Replace what stands at --out.")] = False,
) -> None:
    """Build a data set from collections of tokens: pictures, captions, splits, a data card."""
    from traitlens.construction import build, read_families
    from traitlens.filtering import BlockList

    config = _config(
        preset,
        {
            "standardize.size.mode": size,
            "standardize.size.width": width,
            "standardize.frames.choice": frame,
            "standardize.frames.count": frames,
            "standardize.background": background,
            "captions.style": style,
            "captions.order": order,
            "filters.min_tokens": min_tokens,
            "filters.off": tuple(off) if off else None,
            "split.rule": split,
            "split.seed": seed,
        },
    )
    with LiveProgress() as progress:
        data = build(
            paths,
            out,
            config=config,
            families=read_families(families) if families else None,
            blocked=BlockList.read(block_list) if block_list else None,
            workers=workers,
            on=on,
            replace=replace,
            progress=progress,
        )
    _print(data)


def _config(preset: str, options: dict[str, Any]) -> BuildConfig:
    """Return a preset with the options that were given in it."""
    from traitlens.config import check_choice
    from traitlens.construction import PRESETS

    check_choice("--preset", preset, PRESETS)
    config = PRESETS[preset]
    for name, value in options.items():
        if value is not None:
            config = _with(config, name.split("."), value)
    return config


def _with(config: Any, path: list[str], value: Any) -> Any:
    name, *below = path
    return replace(config, **{name: _with(getattr(config, name), below, value) if below else value})


def _print(data: Dataset) -> None:
    from rich.table import Table

    entries = data.manifest.collections
    table = Table(title=f"{data.path}: {data.count():,} tokens", title_justify="left")
    table.add_column("collection", no_wrap=True)
    for column in ("read", "kept", *SPLITS):
        table.add_column(column, justify="right")
    if any(entry.rejected for entry in entries):
        table.add_column("rejected")
    for entry in entries:
        counts = (entry.read, entry.kept, *(entry.splits[split] for split in SPLITS))
        why = ", ".join(f"{count} x {reason}" for reason, count in entry.rejected.items())
        table.add_row(entry.name, *map(str, counts), *([why] if len(table.columns) > 6 else []))
    console().print(table)
    console().print(
        f"data card: {data.path / 'README.md'}\nnext: traitlens index {data.path} -o idx/",
        soft_wrap=True,
    )

"""`traitlens embed`: a data set in, the vectors of its pictures and captions out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from traitlens.embedding.stored import EmbedReport


def embed(
    model: Annotated[
        str,
        typer.Argument(
            help="shipped, a run's folder, or a name on the hub; with --images the name to print."
        ),
    ],
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder of the vectors.")],
    split: Annotated[str, typer.Option(help="train, validation, test, or all.")] = "test",
    max_gallery: Annotated[
        int | None, typer.Option(help="Draw at most so many tokens a collection.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of that draw.  [default: 0]")] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float16 or float32.  [default: float16]")
    ] = None,
    replace: Annotated[bool, typer.Option(help="Replace other vectors at --out.")] = False,
    images: Annotated[
        Path | None,
        typer.Option(help="With --texts: .npy of vectors made elsewhere, a row a token."),
    ] = None,
    texts: Annotated[
        Path | None, typer.Option(help="With --images: the same of the captions.")
    ] = None,
) -> None:
    """Encode the pictures and captions of a split, once for every evaluation to come."""
    from traitlens.cli.evaluate import side_of
    from traitlens.embedding import embed, embed_arrays
    from traitlens.errors import ConfigError
    from traitlens.models import load_encoder

    side = side_of(split)
    with LiveProgress() as progress:
        if images is None and texts is None:
            made = embed(
                load_encoder(model),
                data,
                out,
                split=side,
                max_gallery=max_gallery,
                seed=seed or 0,
                dtype=dtype or "float16",
                replace=replace,
                progress=progress,
            )
        elif images is None or texts is None:
            raise ConfigError("--images and --texts belong together: pass both files")
        elif (max_gallery, seed, dtype) != (None, None, None):
            raise ConfigError(
                "--images and --texts are taken as they are: leave out --max-gallery, --seed "
                "and --dtype"
            )
        else:
            made = embed_arrays(
                images, texts, data, out, model=model, split=side, replace=replace,
                progress=progress,
            )  # fmt: skip
    _print(made, data, out)


def _print(made: EmbedReport, data: Path, out: Path) -> None:
    left_out = "".join(f", left out {count:,} x {why}" for why, count in made.skipped.items())
    console().print(
        f"{out}: {made.tokens:,} tokens, {made.dimension} dimensions, {made.dtype}{left_out}\n"
        f"next: traitlens evaluate {out} {data}",
        soft_wrap=True,
        markup=False,
    )

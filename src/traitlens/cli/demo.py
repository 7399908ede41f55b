"""`traitlens demo`: the whole way, on sample collections, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import LiveProgress, console


def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Where everything is written.")] = Path(
        "demo"
    ),
    tokens: Annotated[int, typer.Option(help="Tokens in each sample collection.")] = 300,
) -> None:
    """Draw sample collections, build, index and search them; write a page with the answers."""
    from rich.markup import escape

    from traitlens.cli.search import print_answer
    from traitlens.showcase import LABELS, demo
    from traitlens.sources.samples import SampleConfig

    with LiveProgress() as progress:
        shown = demo(out, samples=SampleConfig(tokens=tokens), progress=progress)
    for number, section in enumerate(shown.sections, start=1):
        console().print(f"\n[bold]{number}. {escape(section.heading)}[/]", soft_wrap=True)
        print_answer(section.answer, labels=LABELS)
    console().print(
        f"\n{shown.tokens:,} tokens of {len(shown.collections)} collections, "
        f"searched with the encoder that ships with the package.\n"
        f"page:  {shown.page}\nsheet: {shown.sheet}\n"
        f'next:  traitlens search "green monster with horns" --index {out / "idx"}\n'
        "       traitlens build COLLECTION.zip -o data/   # a collection of your own",
        soft_wrap=True,
    )

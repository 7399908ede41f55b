"""`traitlens index`: a data set in, something to search out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from traitlens.retrieval import RecallCheck


def index(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The index's folder.")],
    model: Annotated[
        str, typer.Option(help="shipped, a run's folder, or a name on the hub.")
    ] = "shipped",
    engine: Annotated[
        str | None, typer.Option(help="edge (Qdrant, embedded), or exact (the reference).")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A Qdrant server, instead; its key is in QDRANT_API_KEY.")
    ] = None,
    update: Annotated[
        bool, typer.Option(help="Bring the index at --out in step with another data set.")
    ] = False,
    replace: Annotated[bool, typer.Option(help="Replace the index at --out.")] = False,
    check: Annotated[
        bool, typer.Option(help="Compare its answers with a scan of all vectors.")
    ] = False,
) -> None:
    """Encode the pictures of a data set and write an index that `traitlens search` opens."""
    from typing import cast

    from traitlens.config import check_choice
    from traitlens.engines import ENGINES, EngineName
    from traitlens.models import load_encoder
    from traitlens.retrieval import IndexConfig, check_index, index

    name = engine or ("server" if url else "edge")
    check_choice("engine", name, ENGINES)
    config = IndexConfig(engine=cast("EngineName", name), url=url)
    encoder = load_encoder(model)
    with LiveProgress() as progress:
        made = index(
            data,
            out,
            encoder=encoder,
            config=config,
            update=update,
            replace=replace,
            progress=progress,
        )
    why = "".join(f", {count} x {reason}" for reason, count in made.rejected.items())
    done = made.changes
    changes = f" ({done.written:,} written, {done.renamed:,} renamed, {done.deleted:,} deleted)"
    console().print(
        f"{out}: {made.indexed:,} tokens, {made.dimension} dimensions{why}"
        f"{changes if update else ''}\n"
        f'next: traitlens search "red hat" --index {out}',
        soft_wrap=True,
    )
    if check:
        _print_check(check_index(out, encoder=encoder))


def _print_check(found: RecallCheck) -> None:
    from traitlens.retrieval.checking import GOOD

    parts = {"pictures": found.pictures, "in one collection": found.one_collection}
    said = parts if found.words is None else {**parts, "words": found.words}
    shown = ", ".join(f"{name} {recall:.3f}" for name, recall in said.items())
    out = console()
    out.print(f"recall@{found.k} of {found.queries} searches each: {shown}", soft_wrap=True)
    if found.worst < GOOD:
        out.print(f"warning: below {GOOD}; make the index anew with --replace", soft_wrap=True)

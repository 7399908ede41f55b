"""`traitlens search`: words, a picture or a token in, ranked tokens out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traitlens.cli.console import console

if TYPE_CHECKING:
    from PIL import Image

    from traitlens.retrieval import Answer, Hit, Mode

_TRAITS_SHOWN = 6  # in a row of the table; the JSON has all


def search(
    words: Annotated[str | None, typer.Argument(help="What the token looks like.")] = None,
    index: Annotated[
        Path, typer.Option("-i", "--index", help="An index that `traitlens index` made.")
    ] = Path("idx"),
    image: Annotated[Path | None, typer.Option(help="A picture to search with.")] = None,
    like: Annotated[
        str | None, typer.Option(help="A token to search with: collection/token_id.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="A filter: 'collection=nouns AND NOT Head=\"Cat\"'.")
    ] = None,
    mode: Annotated[
        str, typer.Option(help="hybrid, dense (looks alone) or traits (metadata alone).")
    ] = "hybrid",
    k: Annotated[int, typer.Option("-k", help="How many hits.")] = 10,
    fold: Annotated[bool, typer.Option(help="Show equal pictures once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a page with the pictures.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Write a PNG with the pictures.")] = None,
) -> None:
    """Find tokens by words, by a picture, or by another token."""
    from typing import cast

    from traitlens import files
    from traitlens.retrieval import Index, Section, answers_page, answers_sheet
    from traitlens.standardization import png_bytes

    picture = _open_picture(image) if image else None
    with Index.open(index) as opened:
        answer = opened.search(
            words,
            image=picture,
            like=like,
            where=where,
            mode=cast("Mode", mode),
            k=k,
            fold=fold,
        )
    section = Section(answer=answer, picture=picture)
    if html:
        files.write_text(html, answers_page("traitlens", [section]))
    if sheet:
        files.write_bytes(sheet, png_bytes(answers_sheet([section])))
    if as_json:
        print(json.dumps(as_dict(answer), indent=1, ensure_ascii=False))
    else:
        print_answer(answer)


def _open_picture(path: Path) -> Image.Image:
    """Return the picture in a file; raise QueryError for anything else."""
    from traitlens.errors import QueryError
    from traitlens.standardization import MAX_BYTES, Rejection, decode

    if not path.is_file():
        raise QueryError(f"no such picture: {path}")
    with path.open("rb") as file:
        picture = decode(file.read(MAX_BYTES + 1))
    if isinstance(picture, Rejection):
        raise QueryError(f"{path} cannot be searched with: {picture.reason}")
    return picture


def print_answer(answer: Answer, *, labels: dict[str, str] | None = None) -> None:
    """Print an answer as a table; `labels` says something about a collection."""
    from rich.markup import escape
    from rich.table import Table

    timings = answer.timings
    table = Table(
        title=escape(str(answer.query)),
        title_justify="left",
        caption=f"{answer.matching:,} tokens to choose from; "
        f"understand {timings.understand_ms:.0f} ms, encode {timings.encode_ms:.0f} ms, "
        f"search {timings.search_ms:.0f} ms, fetch {timings.fetch_ms:.0f} ms",
        caption_justify="left",
    )
    table.add_column("", justify="right")
    table.add_column("score", justify="right")
    table.add_column("token", no_wrap=True)
    table.add_column("traits; matched ones in bold")
    for hit in answer.hits:
        label = (labels or {}).get(hit.collection)
        name = escape(f"{hit.collection} {hit.token_id}") + (f" [dim]({label})[/]" if label else "")
        table.add_row(str(hit.rank), f"{hit.score:.3f}", name, _traits(hit))
    out = console()
    if answer.hits:
        out.print(table)
    else:
        out.print(escape(str(answer.query)), style="italic")
    if answer.note:
        out.print(f"note: {escape(answer.note)}", soft_wrap=True)


def _traits(hit: Hit) -> str:
    """Return a hit's traits, the matched ones first, as many as a line or two hold.

    What it lacks of what was asked for follows.
    """
    from rich.markup import escape

    others = [trait for trait in hit.traits if trait not in set(hit.matched)]
    parts = [f"[bold]{escape(str(trait))}[/]" for trait in hit.matched]
    parts += [escape(str(trait)) for trait in others[: max(0, _TRAITS_SHOWN - len(parts))]]
    more = len(hit.traits) - len(parts)
    shown = ", ".join(parts) + (f" [dim]and {more} more[/]" if more > 0 else "")
    return shown + (f" [yellow]lacks {escape(', '.join(hit.missing))}[/]" if hit.missing else "")


def as_dict(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON-ready values, without the pictures."""
    from dataclasses import asdict

    return {
        "query": str(answer.query),
        "matching": answer.matching,
        "fits": answer.fits,
        "note": answer.note,
        "timings": asdict(answer.timings),
        "hits": [{k: v for k, v in asdict(hit).items() if k != "image"} for hit in answer.hits],
    }

"""`traitlens describe`: what is in a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from rich.table import Table

    from traitlens.description import Description, Publication
    from traitlens.store import Dataset

_ROWS = 50  # collections in the table, and themes; --json has all
_THEMES = 10
_NAME_CHARS = 22


def describe(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print every number as JSON.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with charts and pictures.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Count anew what was stored with the data set.")
    ] = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Write the card and croissant.json anew, in the data set."),
    ] = False,
    title: Annotated[str | None, typer.Option(help="With --write: the data set's title.")] = None,
    url: Annotated[str | None, typer.Option(help="With --write: where it is published.")] = None,
    licence: Annotated[str | None, typer.Option(help="With --write: of the whole.")] = None,
    published: Annotated[
        str | None, typer.Option(help="With --write: the day, such as 2026-11-21.")
    ] = None,
) -> None:
    """Print what is in a data set: counts, themes, traits, rarity, captions, licences."""
    import json

    from traitlens.description import Publication
    from traitlens.description import describe as described
    from traitlens.description import write as write_all
    from traitlens.errors import ConfigError
    from traitlens.store import Dataset

    opened = Dataset.open(data)
    publication = Publication(title=title, url=url, licence=licence, published=published)
    if publication != Publication() and not write:
        raise ConfigError("--title, --url, --licence and --published need --write")
    with LiveProgress() as progress:
        if write:
            found = write_all(opened, publication=publication, progress=progress)
        else:
            found = described(opened, fresh=fresh, progress=progress)
        if html:
            _write_page(html, opened, found, publication, progress)
    if as_json:
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
    else:
        _print(found)
        if html:
            console().print(f"page: {html}", soft_wrap=True, markup=False)


def _write_page(
    path: Path,
    data: Dataset,
    found: Description,
    publication: Publication,
    progress: LiveProgress,
) -> None:
    from traitlens import files
    from traitlens.description.findings import read_findings
    from traitlens.description.page import COLLECTIONS_DRAWN, description_page
    from traitlens.description.surveying import galleries

    drawn = [one.name for one in found.collections[:COLLECTIONS_DRAWN]]
    page = description_page(
        found,
        galleries(data, drawn, progress=progress),
        findings=read_findings(data.path),
        publication=publication,
    )
    files.write_text(path, page)


def _print(found: Description) -> None:
    out = console()
    out.print(_overview(found))
    out.print(_collections(found))
    if len(found.collections) > _ROWS:
        more = len(found.collections) - _ROWS
        out.print(f"and {more:,} collections more: --json has all", soft_wrap=True)
    out.print(_themes(found))
    if found.counts.rejected:
        out.print(_rejected(found))


def _overview(found: Description) -> Table:
    from rich.table import Table

    from traitlens.description.card import overview_rows

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
    for name, value in overview_rows(found):
        table.add_row(name, value)
    return table


def _collections(found: Description) -> Table:
    from rich.table import Table

    from traitlens.description.texts import count, percent

    table = Table(title="collections", title_justify="left")
    table.add_column("collection", no_wrap=True, max_width=_NAME_CHARS, overflow="ellipsis")
    table.add_column("theme", no_wrap=True, max_width=10, overflow="ellipsis")
    for column in ("kept", "types", "traits", "top-1"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in found.collections[:_ROWS]:
        numbers = (one.counts.kept, one.traits.types, one.traits.distinct)
        top1 = percent(one.captions.ceilings.top1)
        table.add_row(_said(one.name), _said(one.theme), *map(count, numbers), top1)
    table.caption = "top-1: the most that any search by text can reach"
    table.caption_justify = "left"
    return table


def _themes(found: Description) -> Table:
    from rich.table import Table

    from traitlens.description.texts import count

    shown = min(_THEMES, len(found.themes))
    table = Table(title=f"themes ({shown} of {len(found.themes):,})", title_justify="left")
    table.add_column("theme", no_wrap=True, max_width=40, overflow="ellipsis")
    for column in ("collections", "tokens"):
        table.add_column(column, justify="right")
    for group in found.themes[:shown]:
        table.add_row(_said(group.name), count(group.collections), count(group.tokens))
    return table


def _rejected(found: Description) -> Table:
    from rich.table import Table

    from traitlens.description.texts import count

    table = Table(title="rejected", title_justify="left")
    table.add_column("reason", max_width=60)
    table.add_column("tokens", justify="right")
    for reason, number in found.counts.rejected.items():
        table.add_row(_said(reason), count(number))
    return table


def _said(text: str) -> str:
    """Return a stranger's words for the terminal: no control sequences, no markup."""
    from rich.markup import escape

    from traitlens.plain_text import one_line

    return escape(one_line(text))

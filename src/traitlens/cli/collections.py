"""`traitlens collections`: what NFT1000 consists of, to choose from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import console

if TYPE_CHECKING:
    from traitlens.collecting.catalogue import CatalogueEntry
    from traitlens.collecting.volumes import Volumes
    from traitlens.tables import Table

SORTS = ("listed", "name", "size")

_NAMED = 5  # collections named in a note


def collections(
    search: Annotated[
        str | None, typer.Option(help="Only those with this in the name or the contract.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Only those of the authors' train, validation or test.")
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(help="listed (the authors' order, the default), name, or size."),
    ] = None,
    volume: Annotated[
        Path | None,
        typer.Option(help="A CSV file with an address or a name, and a volume: the largest first."),
    ] = None,
    top: Annotated[int | None, typer.Option(help="Only the first so many, in that order.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the collections of NFT1000; `traitlens collect nft1000:NAME` takes one of them."""
    import json

    from traitlens.collecting.volumes import read_volumes
    from traitlens.config import check_range
    from traitlens.errors import ConfigError
    from traitlens.tables import to_rich

    if volume and sort:
        raise ConfigError("--volume orders by volume, so it cannot stand beside --sort")
    if top is not None:
        check_range("--top", top, low=1)
    volumes = read_volumes(volume) if volume else None
    entries = _chosen(search, split, sort, volumes)[:top]
    if as_json:
        print(json.dumps([_record(e, volumes) for e in entries], indent=1, ensure_ascii=False))
    else:
        out = console()
        out.print(to_rich(_table(entries, volumes)))
        for sentence in _notes(entries, volumes):
            out.print(sentence, soft_wrap=True, markup=False)


def _chosen(
    search: str | None, split: str | None, sort: str | None, volumes: Volumes | None
) -> tuple[CatalogueEntry, ...]:
    from traitlens.collecting import catalogue
    from traitlens.config import check_choice
    from traitlens.records import SPLITS

    entries = catalogue.catalogue()
    if split is not None:
        check_choice("--split", split, SPLITS)
        entries = catalogue.in_split(split, entries)
    if search is not None:
        entries = catalogue.search(search, entries)
    if volumes is not None:
        return catalogue.by_volume(entries, volumes.known)
    check_choice("--sort", sort or "listed", SORTS)
    if sort == "name":
        return catalogue.by_name(entries)
    return catalogue.by_size(entries) if sort == "size" else entries


def _record(entry: CatalogueEntry, volumes: Volumes | None) -> dict[str, object]:
    record = entry.to_json()
    return record if volumes is None else {**record, "volume": volumes.known[entry.contract]}


def _table(entries: tuple[CatalogueEntry, ...], volumes: Volumes | None) -> Table:
    from traitlens.tables import Cell, Column, Table

    columns = [Column("name"), Column("split"), Column("tokens", "count"), Column("contract")]
    rows: list[tuple[Cell, ...]] = [(e.name, e.split, e.tokens, e.contract) for e in entries]
    if volumes is not None:
        columns.append(Column("volume", "number"))
        rows = [(*row, volumes.known[e.contract]) for row, e in zip(rows, entries, strict=True)]
    tokens = sum(entry.tokens for entry in entries)
    title = f"NFT1000: {len(entries):,} collections, {tokens:,} tokens"
    return Table(title=title, columns=tuple(columns), rows=tuple(rows))


def _notes(entries: tuple[CatalogueEntry, ...], volumes: Volumes | None) -> list[str]:
    """Return what a reader must know of the listed collections and of the list of volumes."""
    notes = [f"{e.name}: {', '.join(said)}" for e in entries if (said := _remarks(e))]
    if volumes is not None and volumes.unknown:
        named = ", ".join(list(volumes.unknown)[:_NAMED])
        more = ", ..." if len(volumes.unknown) > _NAMED else ""
        notes.append(f"not in NFT1000, but in the list: {len(volumes.unknown):,} ({named}{more})")
    return notes


def _remarks(entry: CatalogueEntry) -> list[str]:
    remarks = [f"called {entry.also} in the authors' partition"] if entry.also else []
    if entry.listed_twice:
        remarks.append("stands twice in the authors' training list")
    if entry.sha256 is None:
        remarks.append("no SHA-256 is published for its zip")
    return remarks

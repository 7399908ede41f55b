"""`traitlens leaks`: what is on two sides of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.table import Table

    from traitlens.split import Leak, LeakReport
    from traitlens.store import Dataset

_PAIRS_ON_A_SHEET = 24
_GROUPS_SHOWN = 20


def leaks(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    bits: Annotated[
        int, typer.Option(help="Perceptual hashes that differ in at most so many of 64 bits.")
    ] = 3,
    difference: Annotated[
        float, typer.Option(help="Pictures that differ by at most so much of 255 on average.")
    ] = 2.0,
    compared: Annotated[int, typer.Option(help="Look-alikes compared by pixels, in all.")] = 3000,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    sheet: Annotated[
        Path | None, typer.Option(help="Draw the closest pairs side by side, as PNG.")
    ] = None,
) -> None:
    """List the tokens of one split that have an equal or a near-duplicate in another."""
    from traitlens.split import LeakConfig, find_leaks
    from traitlens.store import Dataset

    opened = Dataset.open(data)
    config = LeakConfig(bits=bits, difference=difference, compared=compared)
    with LiveProgress() as progress:
        report = find_leaks(opened, config=config, progress=progress)
    if sheet is not None:
        _write_sheet(opened, report, sheet)
    if json_:
        import json

        print(json.dumps(report.to_json(), indent=1, ensure_ascii=False))
        return
    _print(report)
    if sheet is not None:
        console().print(f"sheet: {sheet}", soft_wrap=True)


def _print(report: LeakReport) -> None:
    said = f"{report.held_out:,} of {report.tokens:,} tokens are held out"
    console().print(f"{said}; of these, in an earlier split,", soft_wrap=True)
    console().print(f"  {report.equal_total:,} have equal pixels", soft_wrap=True)
    about = "" if report.exact else "about "
    look_alikes = f"{report.look_alikes:,} look-alikes by hash"
    compared = f"{report.compared:,} compared by pixels"
    console().print(
        f"  {about}{report.near_duplicates:,} near-duplicates ({look_alikes}, {compared})",
        soft_wrap=True,
    )
    if report.equal:
        console().print(_table_of_pairs("equal pixels", report.equal))
    if report.groups:
        console().print(_table_of_groups(report))
    if report.closest:
        console().print(_table_of_pairs("closest near-duplicates", report.closest))


def _table_of_groups(report: LeakReport) -> Table:
    from rich.markup import escape
    from rich.table import Table

    # What is least to be expected first: near-duplicates in other collections.
    groups = sorted(
        report.groups,
        key=lambda g: (g.held_out == g.seen or not g.near_duplicates, -g.estimate, -g.look_alikes),
    )
    shown = groups[:_GROUPS_SHOWN]
    title = f"look-alikes, {len(shown)} of {len(groups)} pairs of collections and splits"
    table = Table("held out", "seen in", title=title, title_justify="left")
    for column in ("look-alikes", "compared", "near-duplicates"):
        table.add_column(column, justify="right")
    for group in shown:
        sides = (
            f"{escape(group.held_out)} ({group.held_out_split})",
            f"{escape(group.seen)} ({group.seen_split})",
        )
        counts = (group.look_alikes, group.compared, group.near_duplicates)
        table.add_row(*sides, *(f"{count:,}" for count in counts))
    return table


def _table_of_pairs(title: str, pairs: tuple[Leak, ...]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    shown = pairs[:_GROUPS_SHOWN]
    table = Table(title=f"{title}, {len(shown)} of {len(pairs)} listed", title_justify="left")
    for column in ("held out", "seen in", "bits", "difference"):
        table.add_column(column, justify="right" if column in ("bits", "difference") else "left")
    for leak in shown:
        names = [
            f"{escape(side.collection)} {escape(side.token_id[:20])} ({side.split})"
            for side in (leak.held_out, leak.seen)
        ]
        table.add_row(*names, str(leak.bits), f"{leak.difference:.2f}")
    return table


def _write_sheet(data: Dataset, report: LeakReport, path: Path) -> None:
    """Draw the closest pairs, the held-out token on the left of each."""
    from traitlens import files
    from traitlens.sheets import contact_sheet
    from traitlens.standardization.png import png_bytes

    pairs = (*report.equal, *report.closest)[:_PAIRS_ON_A_SHEET]
    sides = [side for leak in pairs for side in (leak.held_out, leak.seen)]
    pictures = [_picture(image) for image in data.images([side.location for side in sides])]
    labels = [f"{side.collection}\n{side.token_id[:12]} {side.split}" for side in sides]
    image = contact_sheet(pictures, labels, columns=6, cell_px=120)
    files.write_bytes(path, png_bytes(image))


def _picture(image: bytes | None) -> Image | None:
    import io

    from PIL import Image

    if image is None:
        return None
    with Image.open(io.BytesIO(image)) as opened:
        return opened.convert("RGBA")

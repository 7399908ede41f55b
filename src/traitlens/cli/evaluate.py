"""`traitlens evaluate`: how well a model finds tokens, beside chance, ceiling and baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from traitlens.embedding import Embedded
    from traitlens.models.encoder import Encoder
    from traitlens.records import Split
    from traitlens.reporting import Report

_ROWS = 60  # longer tables are for --html and --csv

# Parts that word texts of their own, so that vectors alone are not enough for them.
_READING = ("short queries", "swaps", "association")


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="shipped, a run's folder, a name on the hub, or a folder of `traitlens embed`."
        ),
    ],
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    split: Annotated[
        str | None, typer.Option(help="train, validation, test, or all.  [default: test]")
    ] = None,
    baselines: Annotated[
        bool, typer.Option(help="Fit raw pixels and colour histograms and score them beside.")
    ] = True,
    against: Annotated[
        list[str] | None, typer.Option(help="Another model to score beside; may be repeated.")
    ] = None,
    max_gallery: Annotated[
        int | None, typer.Option(help="Draw at most so many tokens a collection.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    clusters: Annotated[
        str, typer.Option(help="What intervals are over: family or collection.")
    ] = "family",
    queries: Annotated[
        Path | None, typer.Option(help="JSON lines of collection, token_id and query to score.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page with tables, charts and pictures.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write every number to this file.")
    ] = None,
    csv_folder: Annotated[
        Path | None, typer.Option("--csv", help="Write a file for each table to this folder.")
    ] = None,
    device: Annotated[str, typer.Option(help="What ranks: cpu, cuda or cuda:N.")] = "cpu",
    work: Annotated[
        Path | None, typer.Option(help="A folder in which a stopped ranking waits to go on.")
    ] = None,
    pools: Annotated[bool, typer.Option("--pools", help="Hard against random pools.")] = False,
    swaps: Annotated[bool, typer.Option("--swaps", help="Captions with a trait swapped.")] = False,
    association: Annotated[
        bool, typer.Option("--association", help="Colours of one part taken for another's.")
    ] = False,
    short_queries: Annotated[
        bool, typer.Option("--short-queries", help="Queries of one to three traits.")
    ] = False,
    overlap: Annotated[
        bool, typer.Option("--overlap", help="Hits graded by the traits that they share.")
    ] = False,
    difficulty: Annotated[
        bool, typer.Option("--difficulty", help="The paper's CVI beside accuracy; --html has it.")
    ] = False,
    identifiability: Annotated[
        bool, typer.Option("--identifiability", help="What no search by text can find.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="All of these.")] = False,
) -> None:
    """Print top-1/5/10 in both directions, within each collection and over all."""
    from typing import cast

    from traitlens import files
    from traitlens.config import check_choice
    from traitlens.evaluation import PARTS, embed_beside, read_queries
    from traitlens.evaluation.parts import check_parts
    from traitlens.evaluation.scoring import CLUSTERS, Clusters
    from traitlens.models import load_encoder
    from traitlens.models.blocks import load_blocks
    from traitlens.reporting import measure_report, report_page, write_csv

    check_choice("--clusters", clusters, CLUSTERS)
    load_blocks(device)
    for file in (html, json_file):
        if file:
            files.check_writable(file)
    side = side_of(split)
    asked = None if queries is None else read_queries(queries)
    flags = {
        "overlap": overlap,
        "short queries": short_queries,
        "pools": pools,
        "swaps": swaps,
        "association": association,
        "difficulty": difficulty or html is not None,
        "identifiability": identifiability,
    }
    parts = list(PARTS) if full else [name for name, wanted in flags.items() if wanted]
    check_parts(parts)
    reading = [name for name in parts if name in _READING] + ["--queries"] * (queries is not None)
    encoder = _open(model, data, split=split, max_gallery=max_gallery, reading=reading)
    with LiveProgress() as progress:
        found = embed_beside(
            encoder,
            data,
            split=side,
            baselines=baselines,
            against=[load_encoder(name) for name in against or ()],
            max_gallery=max_gallery,
            seed=seed,
            progress=progress,
        )
        report = measure_report(
            found,
            queries=asked,
            parts=parts,
            clusters=cast("Clusters", clusters),
            device=device,
            work=work,
            errors=any((html, json_file, csv_folder)),
            seed=seed,
            progress=progress,
        )
        page = report_page(report, found[0]) if html else ""
    _print(report)
    if html:
        files.write_text(html, page)
        console().print(f"page: {html}", soft_wrap=True, markup=False)
    if json_file:
        files.write_json(json_file, report.to_json())
    if csv_folder:
        written = write_csv(report, csv_folder)
        console().print(f"{len(written)} tables: {csv_folder}", soft_wrap=True, markup=False)


def side_of(split: str | None) -> Split | None:
    """Return the split that was asked for, None for all tokens."""
    from typing import cast

    from traitlens.config import check_choice
    from traitlens.records import SPLITS

    if split is None:
        return "test"
    check_choice("--split", split, (*SPLITS, "all"))
    return None if split == "all" else cast("Split", split)


def _open(
    model: str, data: Path, *, split: str | None, max_gallery: int | None, reading: list[str]
) -> Encoder | Embedded:
    """Return a model, or vectors that were made already, with their model where texts are new."""
    from traitlens.embedding import is_embedded, open_embedded
    from traitlens.errors import ConfigError, ModelError
    from traitlens.models import load_encoder

    if not is_embedded(model):
        return load_encoder(model)
    if split is not None or max_gallery is not None:
        raise ConfigError(
            f"{model} holds the vectors of one split; --split and --max-gallery are options of "
            "`traitlens embed`"
        )
    found = open_embedded(model, data)
    if not reading:
        return found
    try:
        encoder = load_encoder(found.model)
    except ModelError as error:
        raise ModelError(
            f"{model} holds vectors alone, and {', '.join(reading)} needs their model to read new "
            f"texts: {error}"
        ) from error
    return open_embedded(model, data, encoder=encoder)


def _print(report: Report) -> None:
    from rich.markup import escape

    from traitlens.plain_text import one_line
    from traitlens.reporting import headline, headline_line, plain
    from traitlens.tables import to_rich

    out = console()
    for finding in report.evaluation.findings:
        out.print(f"[bold]note:[/] {escape(one_line(finding, max_chars=600))}", soft_wrap=True)
    shown = [table for table in report.tables() if len(table.rows) <= _ROWS]
    for table in shown:
        out.print(to_rich(plain(table)))
    longer = len(report.tables()) - len(shown)
    if longer:
        out.print(f"{longer} tables of over {_ROWS} rows: --html and --csv have them")
    line = headline_line(headline(report.evaluation))
    out.print(escape(one_line(line)), soft_wrap=True)

"""`traitlens caption`: a language model writes captions, which are checked and compared."""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from traitlens.captions import CaptionReport, CaptionWriter, WritingReport
    from traitlens.store import Dataset


def caption(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    url: Annotated[
        str | None, typer.Option(help="An OpenAI-compatible endpoint: http://localhost:11434/v1.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="The endpoint's model.")] = None,
    key_env: Annotated[
        str | None, typer.Option(help="The environment variable with the endpoint's key.")
    ] = None,
    local: Annotated[
        str | None, typer.Option(help="A language model here: a folder or a name on the hub.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the captions are called (default: the model's name).")
    ] = None,
    rate: Annotated[str | None, typer.Option(help="At most so fast: 5/s, 300/min.")] = None,
    batch: Annotated[int, typer.Option(help="Tokens at once.")] = 8,
    timeout: Annotated[float, typer.Option(help="Seconds for one answer of an endpoint.")] = 120,
    limit: Annotated[int | None, typer.Option(help="Tokens of each collection.")] = None,
    seed: Annotated[int, typer.Option(help="Draws the tokens of --limit and of the page.")] = 0,
    attempts: Annotated[
        int, typer.Option(help="Captions asked for while one drops or invents a trait.")
    ] = 2,
    pictures: Annotated[bool, typer.Option(help="Show a vision model the picture, too.")] = False,
    collection: Annotated[
        list[str] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
    replace: Annotated[
        bool, typer.Option(help="Write them anew, if another writer's have the name.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write a page with captions side by side.")
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(help="A kind for the page: plain, tags, sentence, typed, or a name."),
    ] = None,
) -> None:
    """Have captions written by a language model, check them, and compare them with templates."""
    from traitlens.captions import WritingConfig, caption_report, write_captions
    from traitlens.store import Dataset

    opened = Dataset.open(data)
    _check_choice_of_writer(url=url, model=model, local=local, report=report)
    if local or url:
        config = WritingConfig(limit=limit, seed=seed, attempts=attempts, pictures=pictures)
        called = name or name_of_model(local or model or "")
        _check_first(opened, called, pictures=pictures, local=local)
        opening = (
            _local_writer(local, batch=batch)
            if local
            else _endpoint_writer(
                url or "",
                model or "",
                key_env,
                rate=rate,
                batch=batch,
                timeout_s=timeout,
                seed=seed,
            )
        )
        with LiveProgress() as progress, opening as writer:
            written = write_captions(
                opened,
                writer,
                name=called,
                config=config,
                collections=collection or None,
                replace=replace,
                progress=progress,
            )
        _print_written(written)
    if report:
        with LiveProgress() as progress:
            made = caption_report(opened, report, kinds=compare or (), seed=seed, progress=progress)
        _print_report(made)
        console().print(f"page: {report}", soft_wrap=True)
    elif local or url:
        console().print(f"next: traitlens caption {data} --report captions.html", soft_wrap=True)


def name_of_model(model: str) -> str:
    """Return a name for a model's captions: "llama3-8b" for "meta/llama3:8b"."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", model.rstrip("/").rpartition("/")[2]).strip(".-_")[:64]


def _check_choice_of_writer(
    *, url: str | None, model: str | None, local: str | None, report: Path | None
) -> None:
    from traitlens.errors import ConfigError

    if url and local:
        raise ConfigError("captions are written by --url or by --local, not by both")
    if bool(url) != bool(model):
        given, missing = ("--url", "--model") if url else ("--model", "--url")
        raise ConfigError(f"{given} needs {missing}: the endpoint's address and its model's name")
    if not (url or local or report):
        raise ConfigError(
            "nothing to do: --url and --model, or --local, name a writer, and --report a page"
        )


def _check_first(data: Dataset, name: str, *, pictures: bool, local: str | None) -> None:
    """Raise ConfigError for what should not be found out after a model was loaded."""
    from traitlens.captions.written import captions_folder
    from traitlens.errors import ConfigError

    captions_folder(data.path, name)
    if pictures and local:
        raise ConfigError("--pictures needs an endpoint: local models are shown the traits alone")


def _endpoint_writer(
    url: str,
    model: str,
    key_env: str | None,
    *,
    rate: str | None,
    batch: int,
    timeout_s: float,
    seed: int,
) -> AbstractContextManager[CaptionWriter]:
    from traitlens.captions import EndpointConfig, OpenAIWriter, parse_rate
    from traitlens.errors import ConfigError

    key = os.environ.get(key_env, "").strip() if key_env else None
    if key_env and not key:
        raise ConfigError(f"the environment variable {key_env} is empty; it should hold the key")
    config = EndpointConfig(
        url=url,
        model=model,
        batch=batch,
        rate_per_s=parse_rate(rate) if rate else None,
        timeout_s=timeout_s,
        seed=seed,
    )
    return OpenAIWriter(config, key=key)


def _local_writer(name: str, *, batch: int) -> AbstractContextManager[CaptionWriter]:
    from traitlens.models.caption_writer import TransformersWriter

    return nullcontext(TransformersWriter(name, batch=batch))


def _print_written(report: WritingReport) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("collection", title=f"captions {escape(report.name)}", title_justify="left")
    for column in ("captions", "new", "say all", "leave out", "invent", "both", "failed"):
        table.add_column(column, justify="right")
    for row in report.collections:
        counts = (row.captions, row.asked, *row.statuses.values())
        table.add_row(escape(row.collection), *(f"{count:,}" for count in counts))
    console().print(table)
    console().print(f"in {report.folder}", soft_wrap=True)


def _print_report(report: CaptionReport) -> None:
    from rich.markup import escape
    from rich.table import Table

    title = f"kinds of captions, of {report.tokens:,} tokens"
    table = Table("kind", title=title, title_justify="left")
    heads = ("captions", "say all", "leave out", "invent", "both", "failed", "words", "distinct")
    for column in heads:
        table.add_column(column, justify="right")
    for row in report.totals:
        statuses = [row.statuses[key] for key in ("ok", "dropped", "invented", "both", "failed")]
        counts = [f"{count:,}" for count in (row.captions, *statuses)]
        table.add_row(escape(row.kind), *counts, f"{row.words_each:.1f}", f"{row.distinct:,}")
    console().print(table)

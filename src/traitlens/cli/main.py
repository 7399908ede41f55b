"""`traitlens`: the commands, and how their errors reach the user."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import traitlens
from traitlens.cli.build import build
from traitlens.cli.components import components
from traitlens.cli.console import errors_console
from traitlens.cli.demo import demo
from traitlens.cli.evaluate import evaluate
from traitlens.cli.index import index
from traitlens.cli.samples import samples
from traitlens.cli.search import search
from traitlens.cli.train import train
from traitlens.errors import TraitlensError

app = typer.Typer(
    name="traitlens",
    help="Find any NFT by describing it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo, samples, build, components, train, evaluate, index, search):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"traitlens {traitlens.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Find any NFT by describing it."""


def main() -> None:
    """Run a command; a mistake or a failing disk is one sentence and exit status 1."""
    try:
        app()
    except TraitlensError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
    except KeyboardInterrupt:
        _fail("stopped; finished parts are kept, run the same command again to go on", code=130)


def _fail(message: str, *, code: int = 1) -> None:
    errors_console().print(f"[bold red]error:[/] {_escape(message)}", soft_wrap=True)
    sys.exit(code)


def _escape(message: str) -> str:
    from rich.markup import escape

    return escape(message)

"""`traitlens`: the commands, and how their errors reach the user."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

import traitlens
from traitlens.cli.build import build
from traitlens.cli.caption import caption
from traitlens.cli.collect import collect
from traitlens.cli.collections import collections
from traitlens.cli.compare import compare
from traitlens.cli.components import components
from traitlens.cli.console import errors_console
from traitlens.cli.demo import demo
from traitlens.cli.describe import describe
from traitlens.cli.embed import embed
from traitlens.cli.evaluate import evaluate
from traitlens.cli.explain import explain
from traitlens.cli.export import export
from traitlens.cli.export_model import export_model
from traitlens.cli.import_data import import_data
from traitlens.cli.index import index
from traitlens.cli.leaks import leaks
from traitlens.cli.mcp import mcp
from traitlens.cli.reproduce import reproduce
from traitlens.cli.samples import samples
from traitlens.cli.search import search
from traitlens.cli.serve import serve
from traitlens.cli.status import status
from traitlens.cli.subset import subset
from traitlens.cli.takedown import takedown
from traitlens.cli.train import train
from traitlens.errors import TraitlensError

# What the light install leaves out, and the extra that brings it.
EXTRAS = dict.fromkeys(("pyarrow", "aiohttp", "yarl"), "build")
EXTRAS |= dict.fromkeys(("torch", "transformers", "safetensors", "onnx", "peft"), "train")
EXTRAS |= {
    "qdrant_client": "server",
    "mcp": "mcp",
    "dicebear": "samples",
    "av": "video",
    "ray": "ray",
    "datasets": "huggingface",
}

app = typer.Typer(
    name="traitlens",
    help="Find any NFT by describing it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# In the order of the help page: the tokens, the data set, the model, the search.
COMMANDS: tuple[Callable[..., None], ...] = (
    demo,
    samples,
    collections,
    collect,
    status,
    build,
    describe,
    caption,
    subset,
    leaks,
    takedown,
    export,
    import_data,
    components,
    train,
    export_model,
    embed,
    evaluate,
    compare,
    reproduce,
    index,
    search,
    explain,
    serve,
    mcp,
)
for command in COMMANDS:
    app.command("import" if command is import_data else None)(command)


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
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        extra = EXTRAS[error.name]
        _fail(f"this needs {error.name}; `pip install 'traitlens[{extra}]'` installs it")
    except OSError as error:
        _fail(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))


def _fail(message: str) -> None:
    errors_console().print(f"[bold red]error:[/] {_escape(message)}", soft_wrap=True)
    sys.exit(1)


def _escape(message: str) -> str:
    from rich.markup import escape

    return escape(message)


if __name__ == "__main__":
    main()

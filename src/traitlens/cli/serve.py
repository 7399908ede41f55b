"""`traitlens serve`: an index behind HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from traitlens.cli.console import console


def serve(
    index: Annotated[Path, typer.Argument(help="An index, or a link to one.")],
    host: Annotated[str, typer.Option(help="Where it listens; a key is needed elsewhere.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="0 for any that is free.")] = 8080,
    allow_hosts: Annotated[
        list[str] | None, typer.Option(help="A name that requests may be addressed to.")
    ] = None,
    rate: Annotated[
        float, typer.Option(help="Requests a second of one client, by each worker.")
    ] = 20.0,
    workers: Annotated[int, typer.Option(help="Processes, each with an encoder of its own.")] = 1,
) -> None:
    """Serve an index: /search, /image-search, /tokens, /facets, /health, /metrics.

    Anywhere but on loopback clients need the key in TRAITLENS_API_KEY. An index that takes this
    one's place (a link that is pointed elsewhere) is served without a pause. SIGTERM and Ctrl-C
    end it after the requests that are under way.
    """
    from traitlens.service import ServeConfig
    from traitlens.service.config import API_KEY
    from traitlens.service.running import run

    config = ServeConfig(
        host=host,
        port=port,
        api_key=os.environ.get(API_KEY) or None,
        hosts=tuple(allow_hosts or ()),
        rate=rate,
        workers=workers,
    )

    def tell(address: str) -> None:
        said = f"serving {index} at {address}, described at /openapi.json; Ctrl-C ends it"
        console().print(said, soft_wrap=True)

    run(index, config, tell=tell)

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
    rate: Annotated[float, typer.Option(help="Requests a second of one client.")] = 20.0,
) -> None:
    """Serve an index: /search, /image-search, /tokens, /facets, /health, /metrics.

    Anywhere but on loopback clients need the key in TRAITLENS_API_KEY. An index that takes this
    one's place (a link that is pointed elsewhere) is served without a pause.
    """
    import uvicorn

    from traitlens.service import ServeConfig
    from traitlens.service.app import create_app
    from traitlens.service.config import API_KEY

    config = ServeConfig(
        host=host,
        port=port,
        api_key=os.environ.get(API_KEY) or None,
        hosts=tuple(allow_hosts or ()),
        rate=rate,
    )
    app = create_app(index, config)
    console().print(
        f"serving {index} at http://{host}:{port}, described at /openapi.json; Ctrl-C ends it",
        soft_wrap=True,
    )
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=10,
    )

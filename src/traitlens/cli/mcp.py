"""`traitlens mcp`: an index for assistants."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def mcp(
    index: Annotated[Path, typer.Argument(help="An index that `traitlens index` made.")],
    pictures: Annotated[
        Path | None, typer.Option(help="A folder whose pictures may be searched with.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Speak HTTP at this port of loopback, not stdio.")
    ] = None,
) -> None:
    """Let an assistant search an index: a server of the Model Context Protocol, over stdio."""
    from contextlib import closing

    from traitlens.errors import ConfigError
    from traitlens.retrieval import Index
    from traitlens.service.assistant import create_server
    from traitlens.service.config import ServeConfig
    from traitlens.service.uploads import Uploads

    if pictures is not None and not pictures.is_dir():
        raise ConfigError(f"--pictures must be a folder; got {pictures}")
    uploads = Uploads(max_bytes=ServeConfig().max_body_bytes)
    with closing(uploads), Index.open(index) as opened:
        opened.warm_up()
        server = create_server(opened, uploads, pictures=pictures)
        if port is None:
            server.run("stdio")
        else:
            server.run("streamable-http", host="127.0.0.1", port=port)

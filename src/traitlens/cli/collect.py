"""`traitlens collect`: from a contract's address to a collection on disk."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from traitlens.collecting.config import CollectConfig
    from traitlens.collecting.pipeline import CollectReport

_REASONS_SHOWN = 5


def collect(
    source: Annotated[
        str,
        typer.Argument(
            help="A contract, 0x…, or nft1000:NAME, one that `traitlens collections` lists."
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The collection's folder.")],
    rpc: Annotated[str | None, typer.Option(help="The URL of a node.")] = None,
    provider: Annotated[
        str | None,
        typer.Option(
            help="Instead of a node: alchemy (key in ALCHEMY_API_KEY) or nftscan (NFTSCAN_API_KEY)."
        ),
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(
            help="The chain by its CAIP-2 name: a provider's, eip155:1 by default, or the one that "
            "the node must be of."
        ),
    ] = None,
    block: Annotated[
        int | None, typer.Option(help="Collect the state at this block; by default the latest.")
    ] = None,
    from_block: Annotated[
        int | None, typer.Option(help="Where the contract's logs begin; saves a node some work.")
    ] = None,
    ids: Annotated[str | None, typer.Option(help="Only these tokens: 0-9999, or 1,5,7-9.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only so many tokens.")] = None,
    gateway: Annotated[
        list[str] | None, typer.Option(help="An IPFS gateway; repeat it for more, the best first.")
    ] = None,
    allow_private_hosts: Annotated[
        list[str] | None,
        typer.Option(
            help="A host, or host:port, of your own network that may be asked; repeat it."
        ),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(help="How many requests are on the way at once.")
    ] = None,
    max_held_bytes: Annotated[
        int | None,
        typer.Option(help="How many bytes are held of all answers on the way; 268435456."),
    ] = None,
    retry: Annotated[
        str | None,
        typer.Option(help="Another round of what is missing: failed (may pass), or all."),
    ] = None,
    recheck: Annotated[
        str | None,
        typer.Option(
            help="What a later run asks for again: chain (nothing that the chain does not name), "
            "documents (at addresses that may change; the default), media (there, too)."
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option(help="Give a stopped run up, and what it had fetched.")
    ] = False,
) -> None:
    """Collect the tokens of a contract: metadata, pictures, and a record of each."""
    from traitlens.collecting.pipeline import collect as collect_tokens

    options = {
        "rpc": rpc,
        "provider": provider,
        "chain": chain,
        "block": block,
        "from_block": from_block,
        "ids": ids,
        "limit": limit,
        "retry": retry,
        "recheck": recheck,
    }
    fetching = {
        "gateways": tuple(gateway) if gateway else None,
        "allow_private_hosts": tuple(allow_private_hosts) if allow_private_hosts else None,
        "concurrency": concurrency,
        "max_held_bytes": max_held_bytes,
    }
    config = _config(options, fetching)
    with LiveProgress() as progress:
        report = collect_tokens(source, out, config=config, restart=restart, progress=progress)
    tell(report, without=[name for name in ("block", "ids", "limit") if options[name] is not None])


def _config(options: dict[str, Any], fetching: dict[str, Any]) -> CollectConfig:
    """Return the defaults with the options that were given."""
    from traitlens.collecting.config import CollectConfig
    from traitlens.collecting.fetch_config import FetchConfig

    fetch = FetchConfig(**{name: value for name, value in fetching.items() if value is not None})
    given = {name: value for name, value in options.items() if value is not None}
    return CollectConfig(**given, fetch=fetch)


def tell(report: CollectReport, *, without: list[str]) -> None:
    """Say what came and what to do next; `without` are options that no retry goes with."""
    path, lines = shlex.quote(str(report.path)), [f"{report.path}"]
    if report.statuses:
        counts = ", ".join(f"{count:,} {status}" for status, count in report.statuses.items())
        asked = sum(report.requests.values())
        lines = [f"{report.path}: {report.tokens:,} tokens: {counts}"]
        lines.append(f"this run: {report.taken:,} tokens, {asked:,} requests")
    for reason, count in list(report.reasons.items())[:_REASONS_SHOWN]:
        lines.append(f"  {count:,} x {reason}")
    if report.statuses.get("failed"):
        but = f", without --{' and --'.join(without)}" if without else ""
        lines.append(f"what failed may pass: the same command with --retry failed{but}")
    if report.reasons:
        lines.append(f"what is missing: traitlens status {path}")
    if not report.statuses or report.statuses["collected"]:
        lines.append(f"next: traitlens build {path} -o data/")
    console().print("\n".join(lines), soft_wrap=True, markup=False)

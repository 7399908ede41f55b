"""`traitlens export`: a data set out, as others read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from traitlens.exchange import Export

_NEXT = {
    "nft1000": "the list is collections.json, the checksums SHA256SUMS",
    "webdataset": 'open with: datasets.load_dataset("{out}") or webdataset.WebDataset',
    "huggingface": 'open with: datasets.load_dataset("{out}")',
}


def export(
    data: Annotated[Path, typer.Argument(help="A data set.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The export's folder.")],
    to: Annotated[str, typer.Option(help="nft1000, webdataset or huggingface.")] = "nft1000",
    collection: Annotated[
        list[str] | None, typer.Option(help="Only this collection; may be repeated.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Only the kept tokens of train, validation or test.")
    ] = None,
    max_tokens: Annotated[
        int, typer.Option("--shard.max-tokens", help="A shard's tokens; NFT1000 has no shards.")
    ] = 10_000,
    max_mb: Annotated[
        int, typer.Option("--shard.max-mb", min=1, help="A shard's size in MB.")
    ] = 500,
    replace: Annotated[bool, typer.Option(help="Replace the export that stands at --out.")] = False,
) -> None:
    """Export a data set: NFT1000 zips, WebDataset shards, or a Hugging Face data set."""
    from traitlens.exchange import ExportConfig, export

    config = ExportConfig(max_shard_tokens=max_tokens, max_shard_bytes=max_mb * 10**6)
    with LiveProgress() as progress:
        made = export(
            data,
            out,
            to=to,
            collections=collection or None,
            split=split,
            config=config,
            replace=replace,
            progress=progress,
        )
    _print(made, out)


def _print(made: Export, out: Path) -> None:
    from traitlens.exchange.record import SIDES

    counts = {
        side: sum(collection.sides.count(letter) for collection in made.collections)
        for side, letter in SIDES.items()
    }
    said = ", ".join(f"{count:,} {side}" for side, count in counts.items() if count)
    console().print(
        f"{out}: {made.tokens:,} tokens of {len(made.collections)} collections as {made.format} "
        f"({said})\n{_NEXT[made.format].format(out=out)}",
        soft_wrap=True,
        markup=False,
    )

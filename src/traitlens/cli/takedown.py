"""`traitlens takedown`: tokens out of a data set and out of what was made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from traitlens.cli.console import LiveProgress, console

if TYPE_CHECKING:
    from traitlens.filtering import BlockList
    from traitlens.removal import TakedownReport

_SHOWN = 20  # tokens that are named one by one


def takedown(
    data: Annotated[Path, typer.Argument(help="A data set that `traitlens build` made.")],
    token: Annotated[
        list[str] | None, typer.Option(help="A token's uid, eip155:1/erc721:0x…/7; repeatable.")
    ] = None,
    content_hash: Annotated[
        list[str] | None,
        typer.Option("--hash", help="SHA-256 of the original media or of the pixels; repeatable."),
    ] = None,
    cid: Annotated[
        list[str] | None, typer.Option(help="A CID, of a file or of a folder; repeatable.")
    ] = None,
    listed: Annotated[
        Path | None, typer.Option("--list", help="A file of such entries, one a line.")
    ] = None,
    index: Annotated[
        list[Path] | None, typer.Option(help="An index of the data set; repeatable.")
    ] = None,
    run: Annotated[
        list[Path] | None,
        typer.Option(help="A training run: says whether it saw the tokens; repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what would go, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take tokens down for good: from the shards, cards, captions, components and indexes.

    Without a token, hash, CID or list, what was asked for earlier is finished, also in indexes that
    were not named then.
    """
    from traitlens.removal import takedown

    blocked = _blocked(token or (), content_hash or (), cid or (), listed)
    indexes, runs = index or (), run or ()
    if dry_run or not yes:
        with LiveProgress() as progress:
            plan = takedown(
                data, blocked, indexes=indexes, runs=runs, dry_run=True, progress=progress
            )
        _print(plan, data)
        if dry_run or not (plan.taken or plan.earlier):
            return
        _ask(plan)
    with LiveProgress() as progress:
        report = takedown(data, blocked, indexes=indexes, runs=runs, progress=progress)
    _print(report, data)


def _blocked(
    tokens: list[str] | tuple[str, ...],
    hashes: list[str] | tuple[str, ...],
    cids: list[str] | tuple[str, ...],
    listed: Path | None,
) -> BlockList:
    """Return what the options name; each must be of its kind."""
    from traitlens.errors import ConfigError
    from traitlens.filtering import BlockList

    blocked = BlockList.read(listed) if listed else BlockList()
    kinds = {
        "--token": (tokens, "token_uids"),
        "--hash": (hashes, "hashes"),
        "--cid": (cids, "cids"),
    }
    for option, (values, kind) in kinds.items():
        for value in values:
            entry = BlockList.of([value], origin=option)
            if not getattr(entry, kind):
                raise ConfigError(f"{option} has {value!r}, which is another kind of entry")
            blocked |= entry
    return blocked


def _ask(plan: TakedownReport) -> None:
    """Let the user confirm; where nobody can answer, `--yes` is needed."""
    import sys

    from traitlens.errors import ConfigError

    if not sys.stdin.isatty():
        raise ConfigError("a take-down cannot be undone: confirm it with --yes")
    count = len(plan.taken)
    what = f"Take {_count(count, 'token')} down" if count else "Finish the take-down"
    typer.confirm(f"{what}? It cannot be undone.", abort=True)


def _print(report: TakedownReport, data: Path) -> None:
    lines = [
        *_tokens(report),
        *(f"not found: {entry}" for entry in report.unmatched),
        *_copies(report),
        *_derived(report, data),
        *(f"retrain: {run} was trained while the tokens were there" for run in report.retrain),
    ]
    console().print("\n".join(lines), soft_wrap=True, markup=False)


def _tokens(report: TakedownReport) -> list[str]:
    verb = "would go" if report.dry_run else "taken down"
    earlier = f", {report.earlier:,} earlier" if report.earlier else ""
    named = [
        f"  {token.collection} {token.token_id}: {', '.join(token.entries)}"
        for token in report.taken[:_SHOWN]
    ]
    more = len(report.taken) - _SHOWN
    return [
        f"{_count(len(report.taken), 'token')} {verb}{earlier}",
        *named,
        *([f"  and {more:,} more"] if more > 0 else []),
    ]


def _copies(report: TakedownReport) -> list[str]:
    if not report.copies:
        return []
    shown = ", ".join(report.copies[:3]) + (", …" if len(report.copies) > 3 else "")
    hashes = {token.pixels_sha256 for token in report.taken}
    hint = f"; --hash {next(iter(hashes))} takes them, too" if len(hashes) == 1 else ""
    return [f"{_count(len(report.copies), 'token')} with the same pixels left: {shown}{hint}"]


def _derived(report: TakedownReport, data: Path) -> list[str]:
    if report.dry_run:
        return []
    lines = [
        f"{index}: {_count(count, 'point')} deleted" for index, count in report.indexes.items()
    ]
    if report.captions or report.values:
        captions = _count(report.captions, "written caption")
        lines.append(f"{captions} and {_count(report.values, 'component')} forgotten")
    if report.cleared:
        lines.append(f"leftovers of killed commands removed: {', '.join(report.cleared)}")
    if report.taken or report.earlier:
        lines.append(
            f"kept out of another build by: traitlens build ... --block-list {data}/blocked.txt"
        )
    if (data / ".git").exists():
        lines.append(f"{data}/.git keeps what was committed; rewrite its history")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"

"""`collect`: from a contract's address to a collection on disk.

A run lists the tokens, asks where their metadata lie, and takes them, many at once. Each record is
written as it comes (`ledger`), the files wait beside (`workspace`), and at the end all of it gets
to its place. A run that is killed is taken up by the same call; one on a finished collection takes
only what is new or changed (`updating`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import traitlens
from traitlens import files
from traitlens.collecting.config import CollectConfig
from traitlens.collecting.fetching import Fetcher
from traitlens.collecting.hub import download_collection
from traitlens.collecting.ledger import Ledger, Records, Status
from traitlens.collecting.listing import Listing, open_listing, write_listing
from traitlens.collecting.records import Contract, ListedToken
from traitlens.collecting.run_log import RunLog
from traitlens.collecting.running import Run
from traitlens.collecting.taking import Taker
from traitlens.collecting.updating import history, known_uris, removed_files
from traitlens.collecting.workspace import INFO, TOKENS, Plan, Workspace, claim, workspace
from traitlens.errors import CollectError
from traitlens.plain_text import one_line
from traitlens.progress import Progress, silent

NFT1000 = "nft1000:"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """What `collect` has put into a folder.

    `statuses` and `reasons` count all tokens of the collection, `taken` those of which this run
    asked for something, `requests` what was really sent, by host.
    """

    path: Path
    statuses: Mapping[Status, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    taken: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """How many tokens the collection has."""
        return sum(self.statuses.values())


def collect(
    source: str,
    out: str | Path,
    *,
    config: CollectConfig | None = None,
    restart: bool = False,
    progress: Progress = silent,
) -> CollectReport:
    """Return what was collected of `source` into the folder `out`.

    A source is a contract's address, or nft1000:NAME for a collection of the published data set,
    whose zip comes into `out`, checked. A run that was stopped is taken up; `restart` gives it up
    instead. What is in `out` from an earlier run is brought up to date.

    Raises CollectError where the source, the node, the provider, the folder or the disk is not what
    it should be; a token that cannot be had is a record with a reason.
    """
    config, out = config or CollectConfig(), Path(out)
    try:
        if source.lower().startswith(NFT1000):
            return _download(source[len(NFT1000) :], out, config, progress)
        with workspace(out) as work:
            if claim(work, {"source": source.lower(), **config.choice()}, restart=restart):
                return _report(out, Records.open(out / TOKENS))
            report = _outside_loops(lambda: _run(_collect(source, work, config, progress)))
            return replace(report, path=out)
    except OSError as error:  # the disk's: those of the network are reasons of tokens
        said, where = error.strerror or error, error.filename or out
        raise CollectError(
            f"{said}: {where}; what is there is kept, and the same command goes on"
        ) from error


def _download(name: str, out: Path, config: CollectConfig, progress: Progress) -> CollectReport:
    begun = time.monotonic()
    if said := config.of_a_contract():
        raise CollectError(f"{NFT1000}NAME is a zip that comes whole; {said} does not go with it")
    path = _outside_loops(
        lambda: download_collection(name, out, fetch_config=config.fetch, progress=progress)
    )
    return CollectReport(path=path, seconds=time.monotonic() - begun)


def _outside_loops(function: Callable[[], T]) -> T:
    """Call what runs a loop of its own, also from within one, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function).result()


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns; of the errors that came at once, raise the first."""
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


async def _collect(
    source: str, work: Workspace, config: CollectConfig, progress: Progress
) -> CollectReport:
    begun = time.monotonic()
    async with AsyncExitStack() as stack:
        base = None
        if not work.is_first:
            base = stack.enter_context(Records.open(work.out / TOKENS))
        fetcher = await stack.enter_async_context(Fetcher(config.fetch))
        listing = open_listing(source, config, fetcher)
        plan = work.read_plan()
        if plan is None:
            plan = await _plan(work, listing, config)
        else:
            await listing.check(plan.contract)
        if not work.listing.is_file():
            tokens = _listed(work, plan, listing, config, base, progress)
            await write_listing(work.listing, tokens, limit=config.limit, progress=progress)
        ledger = stack.enter_context(Ledger(work.ledger, folders=(work.content, work.out)))
        work.remove_strays(ledger.names)
        with RunLog(work.runs) as log:
            log.started(config.choice(), {"traitlens": traitlens.__version__})
            run = Run(
                work=work,
                plan=plan,
                config=config,
                listing=listing,
                taker=Taker(
                    fetcher=fetcher,
                    work=work,
                    block=plan.contract.block,
                    noted=ledger.add_document,
                ),
                ledger=ledger,
                log=log,
                base=base,
                progress=progress,
            )
            await run.take_all()
            seconds, requests = time.monotonic() - begun, dict(fetcher.requests)
            log.ended(seconds=seconds, requests=requests)
        _prepare(work, plan, config, base, ledger)
    work.finish_commit()
    records = ledger if base is None else Records.open(work.out / TOKENS)
    return _report(work.out, records, taken=len(run.taken), requests=requests, seconds=seconds)


async def _plan(work: Workspace, listing: Listing, config: CollectConfig) -> Plan:
    """Return what a new run holds to; what is asked for the first time is written down."""
    before = None if work.is_first else _contract_of(work.out)
    if before is not None and config.retry is not None:
        await listing.check(before)
        plan = Plan(contract=before)
    elif config.retry is not None:
        raise CollectError(f"{work.out} has nothing yet that could be retried")
    else:
        contract = await listing.contract()
        plan = Plan(contract=contract)
        if before is not None:
            _check_same(before, contract, work.out)
            plan = await _plan_of_changes(before, contract, listing)
    work.write_plan(plan)
    return plan


def _contract_of(out: Path) -> Contract:
    """Return the contract that a finished collection is of; raise CollectError for another file."""
    try:
        info = files.read_json(out / INFO)
        names = {field.name for field in fields(Contract)} - {"address"}
        return Contract(address=info["contract"], **{name: info[name] for name in names})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CollectError(f"{out / INFO} does not say what was collected: {error!r}") from None


def _check_same(before: Contract, now: Contract, out: Path) -> None:
    for old, new in ((before.chain_id, now.chain_id), (before.address, now.address)):
        if old != new:
            raise CollectError(f"{out} holds {old}, not {new}; choose another folder")
    if before.block is not None and now.block is not None and now.block < before.block:
        raise CollectError(
            f"{out} was collected at block {before.block:,}; it cannot go back to {now.block:,}"
        )


async def _plan_of_changes(before: Contract, now: Contract, listing: Listing) -> Plan:
    """Return the plan of a later run: what changed since the last one, where that is known."""
    if before.block is None or now.block is None:
        return Plan(contract=now)
    changes = await listing.changes(now, since=before.block)
    if changes is None:
        return Plan(contract=now)
    return Plan(
        contract=now,
        follows=True,
        minted=changes.minted,
        burnt=changes.burnt,
        refreshed=changes.refreshed,
        everything=changes.everything,
    )


def _listed(
    work: Workspace,
    plan: Plan,
    listing: Listing,
    config: CollectConfig,
    base: Records | None,
    progress: Progress,
) -> AsyncIterator[ListedToken]:
    """Return the tokens that a run looks at; where they are known they are not listed anew."""
    contract = plan.contract
    if base is None:
        return listing.tokens(contract, progress)
    if config.retry is not None:
        ids = base.failed if config.retry == "failed" else base.lacking()
        return listing.some(contract, known_uris(base.read(ids)))
    everyone = config.selection() == _selection_of(work.out) == CollectConfig().selection()
    if plan.follows and everyone:
        return listing.some(contract, dict.fromkeys(({*base.ids()} | plan.minted) - plan.burnt))
    return listing.tokens(contract, progress)


def _selection_of(out: Path) -> Any:
    return files.read_json(out / INFO).get("selection")


def _prepare(
    work: Workspace, plan: Plan, config: CollectConfig, base: Records | None, ledger: Ledger
) -> None:
    """Write the lists of the whole collection, with what this run did not look at."""
    old_ids = {*base.ids()} if base else set()
    ids = sorted({*old_ids, *ledger.ids()} - plan.burnt)
    work.prepare_commit(
        info=_info(work, plan, config),
        tokens=(ledger.line(i) if i in ledger or base is None else base.line(i) for i in ids),
        history=history(base, ledger, plan=plan) if base else (),
        removed=removed_files(base, ledger, plan=plan) if base else (),
    )


def _info(work: Workspace, plan: Plan, config: CollectConfig) -> dict[str, Any]:
    """Return what collection.json says; the node's URL is not in it, as it may hold a key."""
    contract = asdict(plan.contract)
    address = contract.pop("address")
    selection = _selection_of(work.out) if config.retry is not None else config.selection()
    return {
        "collection": one_line(plan.contract.name or "") or address,
        "chain_id": contract.pop("chain_id"),
        "contract": address,
        "source": config.provider or "JSON-RPC",
        "selection": selection,
        **contract,
    }


def _report(out: Path, records: Records, **figures: Any) -> CollectReport:
    """Return the report of a finished collection, with the figures of one run."""
    reasons: dict[str, int] = {}
    for (_, reason), count in records.counts.most_common():
        if reason is not None and count:
            reasons[reason] = reasons.get(reason, 0) + count
    return CollectReport(path=out, statuses=records.status_counts(), reasons=reasons, **figures)

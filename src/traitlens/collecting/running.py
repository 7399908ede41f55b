"""The tokens of a listing, taken many at once, and once more what may pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from traitlens.collecting.config import CollectConfig
from traitlens.collecting.ledger import Ledger, Part, Records, TokenRecord
from traitlens.collecting.listing import Listing, count_listing, read_listing
from traitlens.collecting.records import ListedToken
from traitlens.collecting.run_log import RunLog
from traitlens.collecting.taking import NotTakenError, Taken, Taker, without
from traitlens.collecting.updating import Why, reusable_document, settled, why_taken
from traitlens.collecting.workspace import Plan, Workspace
from traitlens.portions import batched
from traitlens.progress import Progress

_CHUNK = 256  # tokens whose addresses are asked for at once


@dataclass(slots=True, kw_only=True)
class Run:
    """One run, from its listing to a full ledger.

    `base` are the records of an earlier run that this one brings up to date, `taken` the ids of the
    tokens of which something was asked.
    """

    work: Workspace
    plan: Plan
    config: CollectConfig
    listing: Listing
    taker: Taker
    ledger: Ledger
    log: RunLog
    base: Records | None
    progress: Progress
    taken: set[int] = field(default_factory=set, init=False)
    _as_before: set[int] = field(default_factory=set, init=False)  # rechecked only, for a change
    _total: int = field(default=0, init=False)

    async def take_all(self) -> None:
        """Take each token of the listing that has no record, then what failed and may pass."""
        self._total = count_listing(self.work.listing)
        self._tell()
        await self._round(lambda token_id: token_id not in self.ledger)
        for number in range(self.config.rounds):
            again = self._worth_another_try()
            if not again:
                return
            await asyncio.sleep(self.config.pause_s * 2**number)
            await self._round(again.__contains__)

    def _worth_another_try(self) -> set[int]:
        """Return the ids of what failed at places that gave anything at all: others are dead."""
        failed = self.ledger.read(sorted(self.ledger.failed - self._as_before))
        return {int(record.token_id) for record in failed if self._is_alive(record)}

    def _is_alive(self, record: TokenRecord) -> bool:
        part = record.media if record.half == "media" else record.document
        return record.stale is not None or (part is not None and part.place in self.ledger.alive)

    async def _round(self, wanted: Callable[[int], bool]) -> None:
        """Take the tokens that are wanted; at most some chunks of them are in memory."""
        queue: asyncio.Queue[ListedToken | None] = asyncio.Queue(self.config.fetch.concurrency)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.config.fetch.concurrency):
                group.create_task(self._work_off(queue))
            for chunk in self._chunks(wanted):
                for token in await self.listing.resolved(self.plan.contract, chunk):
                    await queue.put(token)
            for _ in range(self.config.fetch.concurrency):
                await queue.put(None)

    def _chunks(self, wanted: Callable[[int], bool]) -> Iterator[Sequence[ListedToken]]:
        tokens = read_listing(self.work.listing)
        left = (token for token in tokens if wanted(int(token.token_id)))
        return batched(left, _CHUNK)

    async def _work_off(self, queue: asyncio.Queue[ListedToken | None]) -> None:
        while (token := await queue.get()) is not None:
            await self._take(token)
            self._tell()

    async def _take(self, token: ListedToken) -> None:
        """Bring one token's record into the ledger."""
        begun = time.monotonic()
        old = self._before(token)
        why = why_taken(token, old, plan=self.plan, config=self.config)
        if old is not None and why is None:
            self.ledger.add(old)
            return
        document = self._document_at_hand(token, old, why)
        if old is not None and why == "may have changed" and self.config.recheck != "media":
            taken = await self._take_if_changed(token, old, document)
        else:
            taken = await self.taker.take(token, document=document)
        record = settled(taken.record, old)
        if record is not taken.record:
            self.work.forget(taken.record.files())
        self.ledger.add(record)
        self.taken.add(int(token.token_id))
        if record is old and why == "may have changed":
            self._as_before.add(int(token.token_id))
        self.log.taken(taken, seconds=time.monotonic() - begun)

    def _before(self, token: ListedToken) -> TokenRecord | None:
        """Return the record that an earlier run left, with what is known beside now."""
        old = self.base.get(int(token.token_id)) if self.base else None
        return replace(old, known=dict(token.known)) if old is not None and token.known else old

    def _document_at_hand(
        self, token: ListedToken, old: TokenRecord | None, why: Why | None
    ) -> Part | None:
        """Return a document that needs not be asked for again."""
        token_id = int(token.token_id)
        return (
            self.ledger.documents.get(token_id)
            or reusable_document(self.ledger.get(token_id), token)
            or (reusable_document(old, token) if why == "retry" else None)
        )

    async def _take_if_changed(
        self, token: ListedToken, old: TokenRecord, document: Part | None
    ) -> Taken:
        """Take a token whose document is another one than it was; only that is asked for first."""
        taken = Taken(self.taker.blank(token))
        try:
            if document is None:
                document, _ = await self.taker.take_document(token, taken)
        except NotTakenError as problem:
            # That a host does not answer today says nothing of a change.
            taken.record = old if problem.passes else without(taken.record, problem)
            return taken
        if old.document is not None and document.sha256 == old.document.sha256:
            self.work.forget([document.file])
            taken.record = old
            return taken
        return await self.taker.take(token, document=document)

    def _tell(self) -> None:
        counts = self.ledger.status_counts()
        note = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
        self.progress("collect", len(self.ledger), self._total, note)

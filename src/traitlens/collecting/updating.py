"""What a later run takes again, and what it says of what changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from typing import Any, Literal

from traitlens.collecting.config import CollectConfig
from traitlens.collecting.ledger import Part, Records, TokenRecord
from traitlens.collecting.places import LASTING
from traitlens.collecting.records import ListedToken
from traitlens.collecting.taking import is_whole, shown
from traitlens.collecting.workspace import Plan

Why = Literal["new", "retry", "refreshed", "moved", "may have changed"]


def why_taken(
    token: ListedToken, old: TokenRecord | None, *, plan: Plan, config: CollectConfig
) -> Why | None:
    """Return why a token is looked at in this run, or None where what is there still holds."""
    if old is None:
        return "new"
    if config.retry is not None:
        return "retry"
    if plan.everything or int(token.token_id) in plan.refreshed or old.stale is not None:
        return "refreshed"
    if _moved(token, old):
        return "moved"
    if token.document is not None or _may_have_changed(old, config):
        return "may have changed"
    return None


def _moved(token: ListedToken, old: TokenRecord) -> bool:
    """Return whether the token lies at another address than before, or at none any more."""
    if token.document is None and (token.problem is not None or not token.uri):
        return old.half != "uri"
    return old.document is None or old.document.uri != shown(token.uri or "")


def _may_have_changed(old: TokenRecord, config: CollectConfig) -> bool:
    if config.recheck == "chain":
        return False
    parts = (old.document, old.media) if config.recheck == "media" else (old.document,)
    return any(part is not None and part.sha256 and part.place not in LASTING for part in parts)


def reusable_document(record: TokenRecord | None, token: ListedToken) -> Part | None:
    """Return the document of a token of which only the media are missing, at the same address."""
    if record is None or record.half != "media" or record.document is None:
        return None
    same = record.document.uri == shown(token.uri or "")
    return record.document if same and record.document.file else None


def known_uris(records: Iterable[TokenRecord]) -> dict[int, str | None]:
    """Return the ids of tokens that are tried again, with the addresses that a record has whole.

    These are the chain's, at the block of the collection, so a node that has forgotten the state
    at that block can do without it. Those of what is stale are older.
    """
    return {
        int(record.token_id): record.document.uri
        if record.document and not record.stale and is_whole(record.document.uri)
        else None
        for record in records
    }


def settled(new: TokenRecord, old: TokenRecord | None) -> TokenRecord:
    """Return the record that holds after a token was taken again.

    What is equal to what was there stays as it was. A picture or a document that is there is not
    given up for what cannot be had: it stays, marked with the reason.
    """
    if old is None:
        return new
    if _content(new) == _content(old):
        return old
    if len(new.files()) < len(old.files()):
        return replace(old, stale=new.reason)
    return new


def _content(record: TokenRecord) -> dict[str, Any]:
    """Return what must change for a token to be another one."""
    parts = {"document": record.document, "media": record.media}
    return {
        "status": record.status,
        "reason": record.reason,
        "half": record.half,
        "stale": record.stale,
        **{f"{half} uri": part and part.uri for half, part in parts.items()},
        **{f"{half} sha256": part and part.sha256 for half, part in parts.items()},
    }


def changed_tokens(
    base: Records, ledger: Records, *, burnt: Set[int]
) -> Iterator[tuple[TokenRecord | None, TokenRecord | None]]:
    """Yield the old and the new record of each token that has not the same as before, by id.

    There is no old one of a new token, and no new one of a burnt token.
    """
    gone = {token_id for token_id in burnt if token_id in base}
    for token_id in sorted({*ledger.ids()} - burnt | gone):
        if token_id in gone:
            yield base.get(token_id), None
        elif token_id not in base or base.line(token_id) != ledger.line(token_id):
            yield base.get(token_id), ledger.get(token_id)


def history(base: Records, ledger: Records, *, plan: Plan) -> Iterator[bytes]:
    """Yield a line for each token that a later run found changed, in the order of the ids."""
    for old, new in changed_tokens(base, ledger, burnt=plan.burnt):
        line = _change(old, new, block=plan.contract.block)
        if line is not None:
            yield json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def removed_files(base: Records, ledger: Records, *, plan: Plan) -> Iterator[str]:
    """Yield the files of an earlier run that are no token's any more."""
    for old, new in changed_tokens(base, ledger, burnt=plan.burnt):
        if old is not None:
            yield from sorted({*old.files()} - {*(new.files() if new else [])})


def _change(
    old: TokenRecord | None, new: TokenRecord | None, *, block: int | None
) -> dict[str, Any] | None:
    some = new or old
    if some is None or (old is not None and new is not None and _content(old) == _content(new)):
        return None
    if old is None:
        change = "new"
    elif new is None:
        change = "burnt"
    else:
        change = "missed" if new.stale and not old.stale else "changed"
    before, after = (_content(record) if record else {} for record in (old, new))
    differing = [key for key in before | after if before.get(key) != after.get(key)]
    return {
        "token_id": some.token_id,
        "block": block,
        "change": change,
        "before": {key: before[key] for key in differing if before},
        "after": {key: after[key] for key in differing if after},
    }

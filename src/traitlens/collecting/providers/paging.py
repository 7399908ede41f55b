"""Pages to the end, and never beyond: whatever keys and tokens they repeat.

A provider may give the same page key again, new keys without end, or tokens that it gave before.
Each token comes once. A listing that runs in a circle or yields nothing new is not finished, so it
ends with an error and not with a shorter list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from traitlens.collecting.records import MAX_TOKENS, ListedToken
from traitlens.errors import CollectError

MAX_BARREN_PAGES = 10  # one after another, without a token that is new

_MAX_KEY_CHARS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some tokens, and the key of the next page: None after the last."""

    tokens: Sequence[ListedToken]
    next_key: str | None


async def all_tokens(
    page_of: Callable[[str | None], Awaitable[Page]], *, of: str, max_tokens: int = MAX_TOKENS
) -> AsyncIterator[ListedToken]:
    """Yield the tokens of all pages, each once, in the order in which they come.

    `of` says whose they are. Raises CollectError when a page key comes again, when pages bring
    nothing new, and beyond `max_tokens`.
    """
    seen: set[str] = set()
    keys: set[str] = set()
    key: str | None = None
    barren = 0
    while True:
        page = await page_of(key)
        before = len(seen)
        for token in page.tokens:
            if token.token_id not in seen:
                seen.add(token.token_id)
                yield token
        if page.next_key is None:
            return
        barren = 0 if len(seen) > before else barren + 1
        if page.next_key in keys:
            raise CollectError(f"{of}: the same page comes again after {len(seen):,} tokens")
        if barren >= MAX_BARREN_PAGES or len(seen) > max_tokens:
            raise CollectError(f"{of}: the pages do not end after {len(seen):,} tokens")
        keys.add(page.next_key)
        key = page.next_key


def key_of_next(value: object, *, of: str) -> str | None:
    """Return the key of the next page, None where there is none.

    Raises CollectError for what can be no key: the rest of the listing would be lost in silence.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _MAX_KEY_CHARS:
        raise CollectError(f"{of}: the key of the next page is {str(value)[:40]!r}")
    return value

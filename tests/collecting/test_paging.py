"""Pages come to an end, whatever they repeat."""

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest

from traitlens.collecting.providers.paging import MAX_BARREN_PAGES, Page, all_tokens
from traitlens.collecting.records import ListedToken
from traitlens.errors import CollectError


def page(ids: Sequence[int], next_key: str | None) -> Page:
    tokens = [ListedToken(token_id=str(number), uri=None) for number in ids]
    return Page(tokens=tokens, next_key=next_key)


def walked(pages: dict[str | None, Page]) -> list[str]:
    async def page_of(key: str | None) -> Page:
        return pages[key]

    async def walk() -> list[str]:
        return [token.token_id async for token in all_tokens(page_of, of="someone")]

    return asyncio.run(walk())


def test_an_empty_listing_is_one_page() -> None:
    assert walked({None: page([], None)}) == []


def test_some_empty_pages_in_between_are_no_end() -> None:
    pages = {None: page([1], "0"), str(MAX_BARREN_PAGES - 1): page([2], None)}
    pages |= {str(at): page([], str(at + 1)) for at in range(MAX_BARREN_PAGES - 1)}
    assert walked(pages) == ["1", "2"]


def test_a_circle_of_pages_is_seen_when_it_closes() -> None:
    pages = {None: page([1], "a"), "a": page([2], "b"), "b": page([3], "a")}
    with pytest.raises(CollectError, match="someone: the same page comes again after 3 tokens"):
        walked(pages)


def test_a_contract_has_not_any_number_of_tokens() -> None:
    numbers = count()

    async def page_of(key: str | None) -> Page:
        return page([next(numbers) for _ in range(100)], str(next(numbers)))

    async def walk() -> int:
        taken = 0
        async for _ in all_tokens(page_of, of="someone", max_tokens=1000):
            taken += 1
        return taken

    with pytest.raises(CollectError, match="someone: the pages do not end after 1,100 tokens"):
        asyncio.run(walk())

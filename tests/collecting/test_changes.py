"""What happened after a block: mints, burns and announcements, on a real chain."""

import pytest

from tests.collecting.chain.asking import ask
from tests.collecting.chain.faulty_node import CAPS, faulty
from tests.collecting.chain.node import Chain
from traitlens.collecting.changes import changed_since
from traitlens.collecting.contract import open_contract
from traitlens.collecting.records import Changes
from traitlens.collecting.rpc import Rpc

NONE: frozenset[int] = frozenset()


def changes(url: str, address: str, since: int, *, block: int | None = None) -> Changes:
    async def work(rpc: Rpc) -> Changes:
        return await changed_since(rpc, await open_contract(rpc, address, block=block), since)

    return ask(url, work)


@pytest.fixture
def known(chain: Chain) -> tuple[str, int]:
    """Return a contract with the tokens 0 to 9, and the block of the last one."""
    address = chain.deploy("Logged721")
    return address, chain.send(address, "mint(uint256,uint256)", 0, 10)


def test_where_nothing_happened_nothing_changed(chain: Chain, known: tuple[str, int]) -> None:
    address, block = known
    last = chain.mine()
    nothing = Changes(block=last, minted=NONE, burnt=NONE, refreshed=NONE)
    assert changes(chain.url, address, block) == nothing


def test_mints_burns_and_announcements_are_told_apart(chain: Chain, known: tuple[str, int]) -> None:
    address, block = known
    chain.send(address, "mint(uint256,uint256)", 10, 2)
    chain.send(address, "burn(uint256)", 3)
    chain.send(address, "send(address,uint256)", "0x" + "cd" * 20, 4)
    chain.send(address, "refresh(uint256)", 5)
    last = chain.send(address, "refreshMany(uint256,uint256)", 7, 8)
    assert changes(chain.url, address, block) == Changes(
        block=last, minted=frozenset({10, 11}), burnt=frozenset({3}), refreshed=frozenset({5, 7, 8})
    )


def test_what_happened_before_or_after_is_left_out(chain: Chain, known: tuple[str, int]) -> None:
    address, block = known
    first = chain.send(address, "refresh(uint256)", 1)
    second = chain.send(address, "refresh(uint256)", 2)
    chain.send(address, "refresh(uint256)", 3)
    found = changes(chain.url, address, first, block=second)
    assert (found.block, found.refreshed) == (second, frozenset({2}))
    assert changes(chain.url, address, block - 1, block=block).minted == frozenset(range(10))


def test_since_the_pinned_block_itself_nothing_changed(
    chain: Chain, known: tuple[str, int]
) -> None:
    address, block = known
    assert changes(chain.url, address, block, block=block).minted == NONE


def test_what_came_and_went_is_burnt_and_what_went_and_came_is_minted(
    chain: Chain, known: tuple[str, int]
) -> None:
    address, block = known
    chain.send(address, "mint(uint256,uint256)", 10, 1)
    chain.send(address, "refresh(uint256)", 10)
    chain.send(address, "burn(uint256)", 10)
    chain.send(address, "burn(uint256)", 2)
    chain.send(address, "mint(uint256,uint256)", 2, 1)
    found = changes(chain.url, address, block)
    assert (found.minted, found.burnt, found.refreshed) == (frozenset({2}), frozenset({10}), NONE)


@pytest.mark.parametrize(("first", "last"), [(0, 2**256 - 1), (0, 100_000)])
def test_an_announcement_for_everything_is_one(
    chain: Chain, known: tuple[str, int], first: int, last: int
) -> None:
    address, block = known
    chain.send(address, "refreshMany(uint256,uint256)", first, last)
    found = changes(chain.url, address, block)
    assert (found.everything, found.refreshed) == (True, NONE)


def test_announcements_without_end_are_one_for_everything(
    chain: Chain, known: tuple[str, int]
) -> None:
    address, block = known
    for _ in range(3):
        chain.send(address, "refreshMany(uint256,uint256)", 0, 39_999)
    assert changes(chain.url, address, block).everything


def test_an_announcement_that_ends_before_it_begins_is_none(
    chain: Chain, known: tuple[str, int]
) -> None:
    address, block = known
    chain.send(address, "refreshMany(uint256,uint256)", 9, 2)
    assert changes(chain.url, address, block).refreshed == NONE


def test_tokens_that_were_minted_at_once_are_minted(chain: Chain, known: tuple[str, int]) -> None:
    address, block = known
    chain.send(address, "mintAtOnce(uint256,uint256)", 20, 25)
    assert changes(chain.url, address, block).minted == frozenset(range(20, 26))


def test_an_erc_1155_id_is_burnt_when_none_of_it_is_left(chain: Chain) -> None:
    address = chain.deploy("Multi1155")
    chain.send(address, "mint(uint256,uint256)", 1, 10)
    block = chain.send(address, "mint(uint256,uint256)", 2, 10)
    chain.send(address, "mint(uint256,uint256)", 1, 5)
    chain.send(address, "burn(uint256,uint256)", 1, 5)  # ten are left
    chain.send(address, "burn(uint256,uint256)", 2, 10)
    chain.send(address, "mint(uint256,uint256)", 3, 1)
    chain.send(address, "announce(uint256)", 1)
    found = changes(chain.url, address, block)
    assert (found.minted, found.burnt) == (frozenset({1, 3}), frozenset({2}))
    assert found.refreshed == frozenset({1})


def test_a_provider_that_caps_its_logs_tells_the_same(chain: Chain, known: tuple[str, int]) -> None:
    address, block = known
    for token_id in range(10, 20):
        chain.send(address, "mint(uint256,uint256)", token_id, 1)
        chain.mine(2)
    with faulty(chain.url, before=CAPS["PublicNode"].before) as node:
        assert changes(node.url, address, block) == changes(chain.url, address, block)

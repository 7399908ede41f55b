"""The errors of well-known nodes and providers, word for word, and what is made of them.

Gathered from their documentation and from reports of those who met them: INFURA/infura#237,
boundless-xyz/boundless#838, OffchainLabs/arbitrum-sdk#609, bobanetwork/boba_legacy#827,
paradigmxyz/reth#23810, enviodev/hyperindex#605, latticexyz/mud#1522, base/node#234 and #368,
safe-global/safe-eth-py#254, ethereum/go-ethereum#16471, and the tests of ponder-sh/ponder.
"""

import pytest

from traitlens.collecting.rpc_errors import ErrorKind, Suggestion, kind_of, suggestion

RANGES: list[tuple[str, int | None]] = [
    (
        "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range. "
        "Based on your parameters, this block range should work: [0x1180fca, 0x1180fd3]. Upgrade "
        "to PAYG for expanded block range.",
        10,
    ),
    (
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range "
        "and no limit on the response size, or you can request any block range with a cap of 10K "
        "logs in the response. Based on your parameters and the response size limit, this block "
        "range should work: [0xc5dc00, 0xc614a7]",
        0xC614A7 - 0xC5DC00 + 1,
    ),
    (
        "Query timeout exceeded. Consider reducing your block range. Based on your parameters and "
        "the response size limit, this block range should work: [0x5223c98, 0x5223e80]",
        0x5223E80 - 0x5223C98 + 1,
    ),
    ("query returned more than 10000 results", None),
    ("query returned more than 10000 results. Try with this block range [0x1, 0x10].", 16),
    ("range 1000000 exceeds limit of 10000", 10_000),
    ("eth_getLogs is limited to a 10,000 range", 10_000),
    ("eth_getLogs and eth_newFilter are limited to a 10,000 blocks range", 10_000),
    ("block range is too wide", None),
    ("block range is too wide (maximum 1024)", 1024),
    ("Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800", 800),
    ("requested too many blocks from 0 to 5000000, maximum is set to 1024", 1024),
    ("Maximum allowed number of requested blocks is 10000", 10_000),
    ("exceed maximum block range: 50000", 50_000),
    ("ranges over 10000 blocks are not supported on freetier", 10_000),
    ("query exceeds max results 20000, retry with the range 24383075-24383096", 22),
    ("query exceeds max block range 100000", 100_000),
    ("block range greater than 10000 max", 10_000),
    ("block range exceeds 1000", 1000),
    ("invalid params: range 9009594 is bigger than range limit 2000", 2000),
    (
        "block range is larger than max block range, block range = 5120, max block range = 5000",
        5000,
    ),
    ("eth_getLogs range is too large, max is 10k blocks", 10_000),
    ("please limit the query to at most 1000 blocks", 1000),
    ("eth_getLogs is limited to 1024 block range", 1024),
    ("exceeds the range allowed for your plan (5000 > 500)", 500),
    ("query must be smaller than size 1024", 1024),
    ("maximum [from, to] blocks distance: 3000", 3000),
    ("Block range limit exceeded. See more details at https://docs.chainstack.com", None),
    ("logs matched by query exceeds limit of 10000", None),
    ("backend response too large", None),
    ("response size should not greater than 10000000 bytes", None),
    ("block range too large", None),
    ("block range too high", None),
]

OTHERS: list[tuple[str, int | None, ErrorKind]] = [
    ("execution reverted: rate limit exceeded, missing trie node", 3, "reverted"),
    ("execution reverted", -32000, "reverted"),
    ("VM execution error.: Out of gas", -32015, "reverted"),
    ("VM Exception while processing transaction: revert", -32603, "reverted"),
    ("EVM error InvalidFEOpcode", -32603, "reverted"),
    ("invalid opcode: INVALID", -32000, "reverted"),
    ("execution aborted (timeout = 5s)", -32000, "reverted"),
    ("out of gas", -32000, "reverted"),
    ("daily request count exceeded, request rate limited", -32005, "rate limited"),
    ("rate limit exceeded", -32005, "rate limited"),
    ("Your app has exceeded its compute units per second capacity.", 429, "rate limited"),
    ("credits limited to 6000/sec", -32012, "rate limited"),
    ("100/second request limit reached - reduce calls per second", -32007, "rate limited"),
    ("over rate limit", -32016, "rate limited"),
    ("429 Too Many Requests", -32000, "rate limited"),
    ("missing trie node b03d68ac (path ) state 0xc6eb is not available", -32000, "no state"),
    ("required historical state unavailable (reexec=128)", -32000, "no state"),
    ("historical state not available in path scheme yet", -32000, "no state"),
    ("old data not available due to pruning", -32000, "no state"),
    ("pruned history unavailable", 4444, "no state"),
    ("header not found", -32000, "no block"),
    ("header for hash not found", -32001, "no block"),
    ("hash 0xab is not currently canonical", -32000, "no block"),
    ("BlockOutOfRangeError: block height is 5 but requested was 9", -32602, "no block"),
    ("the method eth_getLogs does not exist/is not available", -32601, "refused"),
    ("eth_getLogs is disabled on this endpoint", -32000, "refused"),
    ("Unauthorized: You must authenticate your request with an API key.", -32000, "refused"),
    ("batch too large", -32600, "too much"),
    ("query timed out", -32000, "other"),
    ("context deadline exceeded", -32000, "other"),
    ("no backend is currently healthy to serve traffic", -32011, "other"),
    ("Internal error", -32603, "other"),
]


@pytest.mark.parametrize(("message", "blocks"), RANGES)
def test_a_refused_range_is_known_and_the_number_of_blocks_that_would_do_is_read(
    message: str, blocks: int | None
) -> None:
    found = suggestion(message)
    assert (kind_of(message), found and found.blocks) == ("too much", blocks)


def test_a_range_that_would_work_here_is_told_from_what_is_never_passed() -> None:
    free, size, _, _, results = (suggestion(message) for message, _ in RANGES[:5])
    assert free == Suggestion(blocks=10, anywhere=True)
    assert size == Suggestion(blocks=0xC614A7 - 0xC5DC00 + 1, anywhere=False)
    assert results == Suggestion(blocks=16, anywhere=False)


@pytest.mark.parametrize(("message", "code", "kind"), OTHERS)
def test_other_errors_are_told_apart_by_what_to_do_about_them(
    message: str, code: int | None, kind: ErrorKind
) -> None:
    assert kind_of(message, code=code) == kind


def test_a_range_that_ends_before_it_begins_is_no_suggestion() -> None:
    assert suggestion("this block range should work: [0x20, 0x10]") is None


def test_a_number_without_end_is_no_suggestion() -> None:
    assert suggestion("Max range: " + "9" * 500) is None

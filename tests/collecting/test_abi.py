"""Reading what contracts answer, held against eth-abi and against bytes that mean harm."""

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from traitlens.collecting.abi import (
    REVERTS,
    SELECTORS,
    TOPICS,
    aggregate_data,
    call_data,
    read_address,
    read_aggregate,
    read_bool,
    read_bytes,
    read_revert,
    read_uint,
    read_uints,
    supports_data,
    word,
)

UINTS = st.integers(min_value=0, max_value=(1 << 256) - 1)
ADDRESS = "0x" + "ab" * 20


@pytest.mark.parametrize("signature", SELECTORS)
def test_a_selector_is_the_beginning_of_its_signatures_hash(signature: str) -> None:
    assert SELECTORS[signature] == keccak(signature.encode())[:4].hex()


@pytest.mark.parametrize("selector", REVERTS)
def test_the_selector_of_an_error_is_the_beginning_of_its_signatures_hash(selector: str) -> None:
    assert selector == keccak(REVERTS[selector].encode())[:4].hex()


@pytest.mark.parametrize("signature", TOPICS)
def test_a_topic_is_its_signatures_hash(signature: str) -> None:
    assert TOPICS[signature] == "0x" + keccak(signature.encode()).hex()


@given(UINTS)
def test_a_call_is_written_as_eth_abi_writes_it(value: int) -> None:
    expected = bytes.fromhex("c87b56dd") + encode(["uint256"], [value])
    assert call_data("tokenURI(uint256)", value) == expected


def test_an_interface_is_asked_for_as_eth_abi_writes_it() -> None:
    interface = bytes.fromhex("80ac58cd")
    assert supports_data("80ac58cd") == bytes.fromhex("01ffc9a7") + encode(["bytes4"], [interface])


@given(st.lists(st.tuples(st.integers(0, (1 << 160) - 1), st.binary(max_size=100)), max_size=5))
def test_many_calls_are_written_as_eth_abi_writes_them(calls: list[tuple[int, bytes]]) -> None:
    pairs = [(f"0x{address:040x}", data) for address, data in calls]
    expected = encode(["(address,bool,bytes)[]"], [[(to, True, data) for to, data in pairs]])
    assert aggregate_data(pairs) == bytes.fromhex("82ad56cb") + expected


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=100)), max_size=5))
def test_the_results_of_many_calls_are_read_back(results: list[tuple[bool, bytes]]) -> None:
    data = encode(["(bool,bytes)[]"], [results])
    assert read_aggregate(data, count=len(results)) == results


@given(st.binary(max_size=200))
def test_a_string_is_read_back(content: bytes) -> None:
    assert read_bytes(encode(["bytes"], [content])) == content


def test_a_string_without_its_padding_is_read() -> None:
    assert read_bytes(word(32) + word(3) + b"abc") == b"abc"


@given(st.lists(UINTS, max_size=5), st.lists(UINTS, max_size=5))
def test_two_lists_of_numbers_are_read_back(ids: list[int], values: list[int]) -> None:
    data = encode(["uint256[]", "uint256[]"], [ids, values])
    assert (read_uints(data, at=0), read_uints(data, at=32)) == (ids, values)


@given(st.binary(max_size=400))
def test_no_bytes_make_a_reader_fail_or_invent_any(data: bytes) -> None:
    found = [read_bytes(data) or b"", *(part for _, part in read_aggregate(data, count=2) or [])]
    assert all(part in data for part in found)
    assert len(read_uints(data, at=0) or []) <= len(data) // 32
    read_revert(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01" * 31,
        word(32),
        word(32) + word(4) + b"abc",
        word(2**255) + word(1),
        word(32) * 1 + word(2**256 - 1),
    ],
)
def test_what_is_no_string_is_none(data: bytes) -> None:
    assert read_bytes(data) is None


def test_a_list_whose_length_is_more_than_there_is_is_none() -> None:
    assert read_uints(word(32) + word(2**200) + word(1), at=0) is None


def test_results_that_share_their_bytes_are_refused() -> None:
    # A hundred entries that all point at one kilobyte would unfold into a hundred.
    entry = word(1) + word(64) + word(1024) + b"x" * 1024
    data = word(32) + word(100) + word(3200) * 100 + entry
    assert read_aggregate(data, count=100) is None


def test_fewer_results_than_calls_are_refused() -> None:
    assert read_aggregate(encode(["(bool,bytes)[]"], [[(True, b"")]]), count=2) is None


def test_only_0_and_1_are_a_bool() -> None:
    assert [read_bool(word(value)) for value in (0, 1, 2)] == [False, True, None]


def test_an_address_fills_twenty_bytes_and_is_not_zero() -> None:
    assert read_address(word(int(ADDRESS, 16))) == ADDRESS
    assert read_address(word(0)) is None
    assert read_address(word(1 << 160)) is None


def test_less_than_a_word_is_no_number() -> None:
    assert read_uint(b"\x01" * 31) is None


def test_a_reason_is_one_short_line() -> None:
    said = encode(["string"], ["not\nyet \u202e" + "x" * 1000])
    reason = read_revert(bytes.fromhex("08c379a0") + said)
    assert reason is not None
    assert reason.startswith("not yet xxx")
    assert len(reason) == 200


def test_a_panic_an_unknown_error_and_silence_are_told_apart() -> None:
    assert read_revert(bytes.fromhex("4e487b71") + word(0x11)) == "panic 0x11"
    assert read_revert(bytes.fromhex("12345678") + word(1)) == "custom error 0x12345678"
    assert read_revert(b"") is None


def test_a_reason_that_is_no_utf8_or_empty_is_none_or_a_line() -> None:
    said = [encode(["bytes"], [text]) for text in (b"\xff\x00\tname\r\n", b" \n")]
    reasons = [read_revert(bytes.fromhex("08c379a0") + text) for text in said]
    assert reasons == ["\N{REPLACEMENT CHARACTER} name", None]

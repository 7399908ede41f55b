"""CIDs of known content, as Kubo makes them, and texts that are none."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collecting.gateway_server import as_v0, base32, base58, cid_v1, varint
from traitlens.collecting.cids import BASE36, DAG_PB, RAW, Cid, is_cid, parse_cid, read_varint
from traitlens.collecting.records import FetchError

# `ipfs add` of "hello world\n", of nothing, and of an empty directory
HELLO_V0 = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"
HELLO_BLOCK = b"\x0a\x12\x08\x02\x12\x0chello world\n\x18\x0c"
EMPTY_FILE_V0, EMPTY_FILE_BLOCK = (
    "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
    bytes.fromhex("0a0408021800"),
)
EMPTY_DIRECTORY_V0, EMPTY_DIRECTORY_BLOCK = (
    "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",
    bytes.fromhex("0a020801"),
)
EMPTY_RAW_V1 = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"


def base36(binary: bytes) -> str:
    value, out = int.from_bytes(binary, "big"), ""
    while value:
        value, digit = divmod(value, 36)
        out = BASE36[digit] + out
    return "k" + out


@pytest.mark.parametrize(
    ("text", "block"),
    [
        (HELLO_V0, HELLO_BLOCK),
        (EMPTY_FILE_V0, EMPTY_FILE_BLOCK),
        (EMPTY_DIRECTORY_V0, EMPTY_DIRECTORY_BLOCK),
        (EMPTY_RAW_V1, b""),
    ],
)
def test_a_known_cid_fits_its_block_and_no_other(text: str, block: bytes) -> None:
    cid = parse_cid(text)
    assert cid.fits(block)
    assert not cid.fits(block + b"\x00")


def test_version_0_and_1_of_one_block_are_equal() -> None:
    block = b"anything"
    v1 = base32(cid_v1(DAG_PB, block))
    assert parse_cid(as_v0(v1)) == parse_cid(v1)


def test_a_raw_and_a_dag_pb_cid_of_one_hash_differ() -> None:
    assert parse_cid(base32(cid_v1(RAW, b"x"))) != parse_cid(base32(cid_v1(DAG_PB, b"x")))


@given(st.binary(max_size=64), st.sampled_from([RAW, DAG_PB]))
def test_every_base_says_the_same(block: bytes, codec: int) -> None:
    binary = cid_v1(codec, block)
    said = parse_cid(base32(binary))
    for text in (
        "B" + base32(binary)[1:].upper(),
        "f" + binary.hex(),
        "F" + binary.hex().upper(),
        "z" + base58(binary),
        base36(binary),
    ):
        assert parse_cid(text) == said
    assert str(said) == base32(binary)


@pytest.mark.parametrize(
    ("code", "digest"),
    [
        (0x13, hashlib.sha512(b"x").digest()),
        (0x16, hashlib.sha3_256(b"x").digest()),
        (0xB220, hashlib.blake2b(b"x", digest_size=32).digest()),
    ],
)
def test_other_hashes_are_checked_too(code: int, digest: bytes) -> None:
    cid = parse_cid(base32(b"\x01" + varint(RAW) + varint(code) + varint(len(digest)) + digest))
    assert cid.fits(b"x")
    assert not cid.fits(b"y")


def test_a_small_identity_cid_holds_its_content() -> None:
    assert parse_cid("bafkqaaa").inline == b""
    cid = parse_cid(base32(b"\x01" + varint(RAW) + b"\x00\x02hi"))
    assert cid.inline == b"hi"


def test_a_large_identity_cid_is_refused() -> None:
    content = bytes(129)
    assert not is_cid(base32(b"\x01" + varint(RAW) + b"\x00" + varint(len(content)) + content))


def test_sha1_is_refused_as_it_can_be_forged() -> None:
    assert not is_cid(base32(b"\x01" + varint(0x78) + b"\x11\x14" + hashlib.sha1(b"x").digest()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Qm",
        "NewUriToReplace",
        HELLO_V0[:-1],
        HELLO_V0 + "1",
        HELLO_V0.lower(),
        HELLO_V0.replace("T", "0", 1),  # 0 is no base58 digit
        EMPTY_RAW_V1[:-1],
        EMPTY_RAW_V1 + "a",
        EMPTY_RAW_V1[:-3] + "!!!",
        "b",
        "z",
        "f01",
        "b" + "a" * 300,
        base32(b"\x02" + cid_v1(RAW, b"")[1:]),  # version 2
        base32(b"\x01" + varint(RAW) + b"\x12\x1f" + bytes(31)),  # a short hash
        base32(b"\x01" + b"\xff" * 12),  # an endless number
        "ﬀ" * 46,
        EMPTY_RAW_V1.replace("i", "\u0131"),  # which is an I in capitals
        EMPTY_RAW_V1 + "=",
        "f" + cid_v1(RAW, b"").hex(" "),
    ],
)
def test_what_is_no_cid_is_an_unusable_address(text: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse_cid(text)
    assert caught.value.reason == "unusable address"


@given(st.text(max_size=80))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    assert is_cid(text) in (True, False)


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_varint_is_read_as_written(value: int) -> None:
    assert read_varint(b"\x00" + varint(value), 1) == (value, 1 + len(varint(value)))


def test_a_cid_shows_its_canonical_spelling() -> None:
    assert str(Cid(codec=RAW, hash_code=0x12, digest=hashlib.sha256(b"").digest())) == EMPTY_RAW_V1

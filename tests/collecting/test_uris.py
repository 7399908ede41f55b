"""Addresses as contracts and documents write them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collecting.test_cids import EMPTY_RAW_V1 as V1
from tests.collecting.test_cids import HELLO_V0 as V0
from traitlens.collecting.cids import parse_cid
from traitlens.collecting.records import FetchError
from traitlens.collecting.uris import inline_content, parse_uri

TX = "MkwJUiGCyTRIFkyrrnpApVEdAcFggVIFYtHIE65h8D8"


@pytest.mark.parametrize(
    "text",
    [
        f"ipfs://{V0}/1.json",
        f"ipfs://ipfs/{V0}/1.json",
        f"ipfs://ipfs/ipfs/{V0}/1.json",
        f"ipfs://ipfs://{V0}/1.json",
        f"IPFS://{V0}/1.json",
        f"ipfs:///{V0}/1.json",
        f"ipfs:{V0}/1.json",
        f"ipfs:/ipfs/{V0}/1.json",
        f"/ipfs/{V0}/1.json",
        f"ipfs/{V0}/1.json",
        f"{V0}/1.json",
        f"{V0}//./1.json",
        f"  ipfs://{V0}/1.json\n",
        f"\ufeffipfs://{V0}/1.json",
        f"ipfs://{V0}/1.json?name=x",
        f"ipfs://{V0}/1.json#x",
        f"ipfs://{V0}/x/../1.json",
        f"https://ipfs.io/ipfs/{V0}/1.json",
        f"http://127.0.0.1:8080/ipfs/{V0}/1.json",
        f"https://someone.mypinata.cloud/ipfs/{V0}/1.json?pinataGatewayToken=secret",
        f"https://ipfs.io/ipfs/ipfs/{V0}/1.json",
        f"https://ipfs.io/ipfs/ipfs://{V0}/1.json",
        f"https://ipfs.io//ipfs//{V0}/1.json",
        f"ipfs://https://ipfs.io/ipfs/{V0}/1.json",
        f"ipfs://gateway.pinata.cloud/ipfs/{V0}/1.json",
        f"gateway.pinata.cloud/ipfs/{V0}/1.json",
        f"//ipfs.io/ipfs/{V0}/1.json",
    ],
)
def test_ipfs_content_is_recognised_however_it_is_written(text: str) -> None:
    uri = parse_uri(text)
    assert (uri.kind, uri.cid, uri.segments) == ("ipfs", parse_cid(V0), ("1.json",))
    assert uri.at("https://gw.example/") == f"https://gw.example/ipfs/{V0}/1.json"


def test_a_subdomain_gateway_is_recognised() -> None:
    uri = parse_uri(f"https://{V1}.ipfs.dweb.link/a%20b.png")
    assert (uri.kind, uri.cid, uri.segments) == ("ipfs", parse_cid(V1), ("a b.png",))


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("My%20File.png", ("My File.png",)),
        ("My File.png", ("My File.png",)),
        ("Ape #12.png", ("Ape #12.png",)),
        ("what?.png", ("what?.png",)),
        ("1.json?v=2.png", ("1.json",)),
        ("1.json?a/b.png", ("1.json",)),
        ("a?b#c.png", ("a?b#c.png",)),
        ("index.html?seed=5", ("index.html",)),
        ("index.html#5", ("index.html",)),
        ("100%.png", ("100%.png",)),
        ("é.png", ("é.png",)),
    ],
)
def test_names_are_decoded_and_a_query_is_not_part_of_them(
    path: str, names: tuple[str, ...]
) -> None:
    assert parse_uri(f"ipfs://{V0}/{path}").segments == names


def test_a_name_with_odd_characters_is_encoded_for_the_gateway() -> None:
    assert parse_uri(f"ipfs://{V0}/Ape #1?.png").at("https://g").endswith("/Ape%20%231%3F.png")


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("ipns://docs.ipfs.tech/x", "docs.ipfs.tech"),
        ("ipfs://ipns/docs.ipfs.tech/x", "docs.ipfs.tech"),
        ("https://dweb.link/ipns/docs.ipfs.tech/x", "docs.ipfs.tech"),
        ("https://my--name-eth.ipns.dweb.link/x", "my-name.eth"),
    ],
)
def test_ipns_names_are_recognised(text: str, root: str) -> None:
    uri = parse_uri(text)
    assert (uri.kind, uri.root, uri.segments) == ("ipns", root, ("x",))


@pytest.mark.parametrize(
    "text",
    [
        f"ar://{TX}/1.json",
        f"https://arweave.net/{TX}/1.json",
        f"https://arweave.net/raw/{TX}/1.json",
        f"https://{'a' * 52}.arweave.net/{TX}/1.json?ext=json",
    ],
)
def test_arweave_is_recognised(text: str) -> None:
    uri = parse_uri(text)
    assert (uri.kind, uri.root, uri.segments) == ("arweave", TX, ("1.json",))
    assert uri.at("https://g") == f"https://g/{TX}/1.json"


def test_other_pages_of_an_arweave_gateway_are_ordinary_pages() -> None:
    assert parse_uri("https://arweave.net/info").kind == "http"


@pytest.mark.parametrize(
    ("text", "base", "found"),
    [
        ("2.png", f"ipfs://{V0}/m/1.json", f"/ipfs/{V0}/m/2.png"),
        ("../i/2.png", f"ipfs://{V0}/m/1.json", f"/ipfs/{V0}/i/2.png"),
        ("/i/2.png", f"https://ipfs.io/ipfs/{V0}/m/1.json", f"/ipfs/{V0}/i/2.png"),
        ("./2.png", f"ar://{TX}/1.json", f"/{TX}/2.png"),
    ],
)
def test_a_relative_address_stays_below_its_base(text: str, base: str, found: str) -> None:
    assert parse_uri(text, base=base).at("") == found


def test_a_relative_address_of_a_page_is_joined_as_a_browser_does() -> None:
    uri = parse_uri("../2.png?x=1", base="https://a.example/m/1.json")
    assert uri.url == "https://a.example/2.png?x=1"


def test_an_absolute_address_does_not_care_for_the_base() -> None:
    assert parse_uri("https://a.example/1", base="data:,x").url == "https://a.example/1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "1.png",
        "NewUriToReplace/1.png",
        "ipfs://NewUriToReplace/1.png",
        "ipfs://",
        f"ipfs://{V0}/../../etc/passwd",
        f"ipfs://{V0}/%2e%2e/x",
        f"ipfs://{V0}/a%2Fb",
        f"ipfs://{V0}/a%00b",
        f"ipfs://{V0.lower()}/1",
        "ar://short",
        "ipns://../x",
        "https://",
        "https:///path",
        "http://[::1",
        "http://a b/",
        "http://host:99999/",
        "http://host:0/",
        "http://user:password@host.example/",
        "http://user@host.example/",
        "http://:password@host.example/",
        "http:\\\\host.example\\x",
        "https://host.example/\nHost: other",
        "https://host.example/\ud800",
        "https://host.example/" + "x" * 9000,
        "C:\\Users\\x.png",
        "localhost:8080/x",
    ],
)
def test_what_cannot_be_fetched_is_an_unusable_address(text: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse_uri(text)
    assert caught.value.reason == "unusable address"


def test_a_relative_address_cannot_leave_its_root() -> None:
    with pytest.raises(FetchError, match="leads out"):
        parse_uri("../../x", base=f"ipfs://{V0}/m/1.json")


def test_inline_data_are_no_base() -> None:
    with pytest.raises(FetchError, match="relative to inline data"):
        parse_uri("1.png", base="data:application/json,{}")


@pytest.mark.parametrize(
    ("text", "content", "claimed"),
    [
        ("data:application/json;base64,eyJhIjoxfQ==", b'{"a":1}', "application/json"),
        ("data:application/json;base64,eyJhIjoxfQ", b'{"a":1}', "application/json"),
        ("DATA:application/json,%7B%22a%22%3A1%7D", b'{"a":1}', "application/json"),
        ('data:application/json;utf8,{"a":"50%"}', b'{"a":"50%"}', "application/json"),
        ('data:application/json,{"a":"x%22y"}', b'{"a":"x%22y"}', "application/json"),
        ("data:image/svg+xml;utf8,<svg fill='%23fff'/>", b"<svg fill='#fff'/>", "image/svg+xml"),
        ("data:image/svg+xml,<svg fill='#fff'/>", b"<svg fill='#fff'/>", "image/svg+xml"),
        ("data:,plain", b"plain", None),
        (' {"name": "bare"}', b' {"name": "bare"}', "application/json"),
        ("<svg xmlns=''/>", b"<svg xmlns=''/>", "image/svg+xml"),
    ],
)
def test_inline_content_is_read(text: str, content: bytes, claimed: str | None) -> None:
    assert inline_content(parse_uri(text), max_bytes=100) == (content, claimed)


@pytest.mark.parametrize("text", ["data:image/png;base64,%%%", "data:no comma", "data:;base64,a"])
def test_broken_inline_content_is_an_unusable_address(text: str) -> None:
    with pytest.raises(FetchError, match="unusable address"):
        inline_content(parse_uri(text), max_bytes=100)


@pytest.mark.parametrize("text", ["data:,abcd", "data:;base64,YWJjZA==", '{"a": 1}'])
def test_inline_content_may_not_be_too_large(text: str) -> None:
    with pytest.raises(FetchError, match="too large"):
        inline_content(parse_uri(text), max_bytes=3)


@pytest.mark.parametrize(
    ("text", "times"), [(" " * 1_000_000 + "x", 1), (f"ipfs://{V0}/" + "?" * 8000 + ".png", 1000)]
)
def test_a_long_address_is_read_in_one_pass(text: str, times: int) -> None:
    """Else this takes an hour, and some minutes."""
    for _ in range(times):
        with contextlib.suppress(FetchError):
            parse_uri(text)


@given(st.text(max_size=60), st.sampled_from(["", "http://", "ipfs://", "https://a/ipfs/", "ar:"]))
def test_no_text_does_worse_than_being_refused(text: str, before: str) -> None:
    try:
        parse_uri(before + text, base="https://a.example/b")
    except FetchError as error:
        assert error.reason == "unusable address"

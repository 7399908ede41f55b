"""Data URIs as on-chain collections write them, and bare SVG."""

import base64
from urllib.parse import quote

import pytest

from traitlens.standardization import Rejection, data_uri_bytes, is_inline_media

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="100%" fill="#fff"/>'
PACKED = base64.b64encode(SVG.encode()).decode()


@pytest.mark.parametrize(
    "uri",
    [
        f"data:image/svg+xml;base64,{PACKED}",
        f"data:image/svg+xml;base64,{PACKED.rstrip('=')}",
        f"data:image/svg+xml;charset=utf-8;base64,{PACKED}",
        f"DATA:image/svg+xml;BASE64,{PACKED}",
        f" data:image/svg+xml ; base64,{PACKED[:20]}\n {PACKED[20:]}",
        f"data:image/svg+xml;base64,{quote(PACKED, safe='')}",
        f"data:;base64,{PACKED.replace('+', '-').replace('/', '_')}",
        f"data:image/svg+xml,{quote(SVG)}",
        f"data:image/svg+xml;utf8,{quote(SVG)}",
        f"data:image/svg+xml;utf8,{SVG}",
        f"data:image/svg+xml;charset=UTF-8,{SVG.replace('#', '%23').replace('<', '%3C')}",
        SVG,
    ],
)
def test_the_same_media_come_out_of_every_way_to_write_them(uri: str) -> None:
    assert is_inline_media(uri)
    assert data_uri_bytes(uri) == SVG.encode()


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("data:image/png;base64", "broken data URI"),
        ("data:image/png;base64,AAAAA", "broken data URI"),
        ("data:image/png;base64,AA*A", "broken data URI"),
        ("https://example.org/1.png", "broken data URI"),
        ("", "broken data URI"),
    ],
)
def test_what_is_no_data_uri_is_rejected(uri: str, reason: str) -> None:
    assert data_uri_bytes(uri) == Rejection(reason)


def test_nothing_larger_than_the_limit_comes_out() -> None:
    fits = base64.b64encode(bytes(300)).decode()
    assert data_uri_bytes(f"data:;base64,{fits}", 300) == bytes(300)
    assert data_uri_bytes(f"data:;base64,{fits}", 299) == Rejection("media too large")
    assert data_uri_bytes("data:," + "%00" * 300, 299) == Rejection("media too large")
    assert data_uri_bytes(SVG, 10) == Rejection("media too large")


@pytest.mark.parametrize("text", ["ipfs://Qm/1.png", "QmHash", "", "not <svg", "database.png"])
def test_addresses_are_not_taken_for_media(text: str) -> None:
    assert not is_inline_media(text)

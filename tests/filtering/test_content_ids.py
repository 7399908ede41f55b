"""CIDs against known ones: of the IPFS documentation, and of another implementation of UnixFS.

The latter are of `ipfs-unixfs-importer` 17.1 (npm), run on `drawn_bytes` with a layout's options.
"""

from __future__ import annotations

import pytest

from traitlens.filtering.content_ids import (
    LAYOUTS,
    Layout,
    content_multihashes,
    multihash_in,
    multihash_of,
    multihashes_in,
)

HELLO = b"hello world\n"
HELLO_V0 = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"
HELLO_RAW = "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"
HELLO_RAW_BASE_16 = "f01551220a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447"

NODES, RAW, WIDE = LAYOUTS
# So that a few bytes make a tree of four levels, with a node of a single child on each
SMALL_NODES = Layout(chunk_bytes=10, links=3, raw_leaves=False)
SMALL_RAW = Layout(chunk_bytes=10, links=3, raw_leaves=True)


def drawn_bytes(size: int) -> bytes:
    return bytes((i * 7 + (i >> 8)) % 251 for i in range(size))


@pytest.mark.parametrize(
    ("media", "layout", "cid"),
    [
        (b"", NODES, "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"),
        (b"", RAW, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
        (HELLO, NODES, HELLO_V0),
        (HELLO, RAW, HELLO_RAW),
        (drawn_bytes(100), SMALL_NODES, "QmTjc9iCJoybKrUYeFK2zfayJu9ZnsmAznqip9ni7xAXWm"),
        (
            drawn_bytes(100),
            SMALL_RAW,
            "bafybeiella5cb4dm47k22qfgv2fvcyozvrihpw5cu3zlpjmo6xyuie5gwi",
        ),
        (drawn_bytes(2**18), NODES, "QmeRRMEECss6WLCw9Y4K8hTyadhty2BM6rjs8uo6y3tS4g"),
        (
            drawn_bytes(2**18),
            RAW,
            "bafkreia6v2bbokgslc7artghpu4vfiolbbsa274pi6ofend5zebvtsukzu",
        ),
        (drawn_bytes(2**18 + 1), NODES, "QmV3tFLCKLxc6NXA1DjJLPDcKx6cVrAZf6ZTyYsUNoURSv"),
        (
            drawn_bytes(2**18 + 1),
            RAW,
            "bafybeid6wkppew56vum455g2d2u2lws6jrh2ohzau5wmcggc5szvmu6ria",
        ),
        (
            drawn_bytes(3_000_000),
            WIDE,
            "bafybeif7bq24vdglhapnouedibubr5bottg76vabtesr62dssxpayacfhi",
        ),
    ],
)
def test_the_cid_of_bytes_is_that_of_other_implementations(
    media: bytes, layout: Layout, cid: str
) -> None:
    assert multihash_in(media, layout) == multihash_of(cid)


def test_a_file_is_found_under_each_layout_it_may_have_been_added_in() -> None:
    media = drawn_bytes(300_000)
    cids = (
        "QmRPdo8oxtzvkSnJptdG3gunpzcoroBc7QLGSPfp5VinvC",
        "bafybeidm7cm6cwhh53liqkt62b453qcrpqgji7htqbnvy4vr44vwhkaq6y",
        "bafkreihpspvdlygvpqsa22ebu6rir47cckieeirqwy5w5sxbecxd53e4zy",
    )
    assert content_multihashes(media) == {multihash_of(cid) for cid in cids}


@pytest.mark.parametrize(
    "same",
    [
        HELLO_RAW.upper(),
        HELLO_RAW_BASE_16,
        HELLO_RAW_BASE_16.upper(),
        "zb2rhi36Gc9GJWijLEL6zW45MBux5FcFv5gJmjXA7VAMozEXY",  # base 58
        "k2cwuecvan95uqzq14dj3a18wx6av6tgr73nxvopxn3j5kvyr0apys7b",  # base 36
    ],
)
def test_a_cid_is_the_same_in_every_base(same: str) -> None:
    assert multihash_of(same) == multihash_of(HELLO_RAW) is not None


def test_the_codec_of_a_cid_does_not_count() -> None:
    as_node = "f0170" + HELLO_RAW_BASE_16[5:]
    assert multihash_of(as_node) == multihash_of(HELLO_RAW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Qm",
        "banana",
        "b",
        "z",
        "f01",
        "image.png",
        HELLO_V0[:-1],
        HELLO_V0.replace("8", "0"),  # base 58 has no zero
        HELLO_RAW[:-1],
        HELLO_RAW + "a",
        "B" + HELLO_RAW[1:],  # upper case by its prefix, lower by its letters
        HELLO_RAW_BASE_16 + "00",
        "f" + "ff" * 20,
        "z" * 100_000,
        "béé",
    ],
)
def test_what_is_no_cid_has_no_multihash(text: str) -> None:
    assert multihash_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        HELLO_V0,
        f"ipfs://{HELLO_V0}",
        f"ipfs://ipfs/{HELLO_RAW}/1.png",
        f"https://ipfs.io/ipfs/{HELLO_V0}/7.json?filename=a.json",
        f"https://{HELLO_RAW}.ipfs.dweb.link/1.png",
        f"ipfs%3A%2F%2F{HELLO_V0}",
    ],
)
def test_cids_are_found_in_all_kinds_of_addresses(text: str) -> None:
    assert multihashes_in(text) == {multihash_of(HELLO_V0 if HELLO_V0 in text else HELLO_RAW)}


def test_an_address_without_cid_has_none() -> None:
    assert multihashes_in("https://example.com/tokens/7.png") == set()

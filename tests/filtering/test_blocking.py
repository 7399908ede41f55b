"""What a block list says, and what it blocks."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import draw, drawn_token, png
from traitlens.errors import ConfigError
from traitlens.filtering import BlockList, emptied

MEDIA = b"hello world\n"
CID_V0 = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"  # of MEDIA, wrapped
CID_RAW = "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"  # of MEDIA, as it is
FOLDER = "QmPMc4tcBsMqLRuCQtPmPe84bpSjrC3Ky7t3JWuHXYB4aS"
UID = "eip155:1/erc721:0xb47e3cd837ddf8e4c57f05d70ab865de6e193bbb/7804"
TOKEN = replace(drawn_token("robots", 7), sha256=hashlib.sha256(MEDIA).hexdigest())


def read(tmp_path: Path, text: str) -> BlockList:
    path = tmp_path / "blocked.txt"
    path.write_text(text, encoding="utf-8")
    return BlockList.read(path)


def test_each_kind_of_line_is_read_and_comments_are_not(tmp_path: Path) -> None:
    digest = "AB" * 32
    text = f"\ufeff# ours\n\nsha256:{digest}\n  {'0' * 64}  # placeholder\n{CID_V0}\n{UID}\n"
    assert read(tmp_path, text) == BlockList(
        hashes=frozenset({"ab" * 32, "0" * 64}),
        cids=frozenset({CID_V0}),
        token_uids=frozenset({UID}),
    )


def test_what_it_writes_it_reads(tmp_path: Path) -> None:
    blocked = BlockList.of(["ab" * 32, CID_V0, CID_RAW, UID, TOKEN.token_uid])
    assert len(blocked) == 5
    assert read(tmp_path, "\n".join(blocked.lines())) == blocked


def test_a_list_of_comments_blocks_nothing(tmp_path: Path) -> None:
    blocked = read(tmp_path, "# nothing yet\n")
    assert blocked == BlockList()
    assert blocked.reason(TOKEN, MEDIA) is None


@pytest.mark.parametrize(
    "line",
    [
        "ab" * 31,
        "sha256:xyz",
        "sha1:" + "ab" * 20,
        "cryptopunks",
        CID_V0[:-1],
        "eip155:1/erc721:0xb4",
    ],
)
def test_a_wrong_line_is_one_error_with_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"blocked.txt, line 3: .* is no SHA-256 .*no CID"):
        read(tmp_path, f"# ours\n{CID_V0}\n{line}\n")


def test_an_address_is_refused_since_a_folder_would_be_blocked_for_one_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 1: .* give the CID alone"):
        read(tmp_path, f"ipfs://{FOLDER}/7.png")
    assert read(tmp_path, f"ipfs://{FOLDER}").cids == {FOLDER}


def test_a_long_wrong_line_is_shown_in_part(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, "x" * 100_000)
    assert len(str(error.value)) < 400


def test_a_list_that_cannot_be_read_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        BlockList.read(tmp_path / "none.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        BlockList.read(tmp_path / "binary.txt")


def test_media_are_blocked_by_their_hash() -> None:
    blocked = BlockList.of([f"sha256:{TOKEN.sha256}"])
    assert blocked.reason(TOKEN) == "blocked: content hash"
    assert blocked.reason(replace(TOKEN, sha256="00" * 32)) is None


def test_pixels_are_blocked_by_their_hash_however_they_were_stored() -> None:
    assert TOKEN.pixels_sha256
    blocked = BlockList.of([TOKEN.pixels_sha256])
    assert blocked.reason(replace(TOKEN, sha256="00" * 32)) == "blocked: content hash"


@pytest.mark.parametrize("cid", [CID_V0, CID_RAW, CID_RAW.upper()])
def test_media_are_blocked_by_each_of_their_cids(cid: str) -> None:
    blocked = BlockList.of([cid])
    assert blocked.reason(TOKEN, MEDIA) == "blocked: CID"
    assert blocked.reason(replace(TOKEN, sha256=None), b"hello world") is None


def test_without_the_media_the_cid_of_a_single_raw_block_is_known() -> None:
    assert BlockList.of([CID_RAW]).reason(TOKEN) == "blocked: CID"
    assert BlockList.of([CID_V0]).reason(TOKEN) is None


@pytest.mark.parametrize(
    "metadata",
    [
        f'{{"image":"ipfs://{FOLDER}/7.png"}}',
        f'{{"image":"https://gateway.pinata.cloud/ipfs/{FOLDER}"}}',
        f'{{"animation_url":"{FOLDER}"}}',
        f'{{"properties":{{"files":[{{"uri":"ipfs://ipfs/{FOLDER}/a%20b.mp4"}}]}}}}',
    ],
)
def test_what_the_metadata_link_is_blocked_by_its_cid(metadata: str) -> None:
    token = replace(TOKEN, metadata=metadata)
    assert BlockList.of([FOLDER]).reason(token) == "blocked: CID"
    assert BlockList.of([CID_V0]).reason(token) is None


def test_where_a_token_came_from_is_blocked_by_its_cid() -> None:
    token = replace(TOKEN, source_uri=f"ipfs://{FOLDER}/7")
    assert BlockList.of([FOLDER]).reason(token) == "blocked: CID"


def test_a_token_is_blocked_by_its_uid_in_any_case_of_its_address() -> None:
    token = replace(TOKEN, token_uid=UID)
    mixed = "eip155:1/erc721:0xb47e3cd837dDF8e4c57F05d70Ab865de6e193BBB/7804"
    assert BlockList.of([mixed]).reason(token) == "blocked: token"
    assert BlockList.of([mixed[:-1]]).reason(token) is None
    assert BlockList.of([TOKEN.token_uid]).reason(TOKEN) == "blocked: token"


def test_every_entry_that_blocks_a_token_is_named() -> None:
    blocked = BlockList.of([CID_RAW, str(TOKEN.sha256), TOKEN.token_uid, "00" * 32])
    assert sorted(blocked.entries_of(TOKEN)) == sorted(
        [CID_RAW, f"sha256:{TOKEN.sha256}", TOKEN.token_uid]
    )


def test_the_fingerprint_changes_with_what_is_blocked_not_with_its_spelling() -> None:
    blocked = BlockList.of([CID_RAW, UID])
    assert blocked.fingerprint == BlockList.of([UID, "# again", CID_RAW.upper()]).fingerprint
    assert blocked.fingerprint != BlockList.of([CID_RAW]).fingerprint
    assert BlockList().fingerprint != blocked.fingerprint


def test_two_lists_make_one() -> None:
    both = BlockList.of([CID_RAW]) | BlockList.of([UID])
    assert both == BlockList.of([UID, CID_RAW])


def test_a_list_reaches_other_processes_whole() -> None:
    blocked = BlockList.of([CID_RAW, UID])
    assert blocked.reason(TOKEN) is not None  # with what was worked out in between
    again = pickle.loads(pickle.dumps(blocked))
    assert again == blocked
    assert again.reason(TOKEN) == "blocked: CID"


def test_of_an_emptied_row_nothing_stays_but_its_name_and_the_reason() -> None:
    full = replace(
        TOKEN,
        image=png(draw({"background": "red"})),
        more_images=(b"more",),
        name="Robot 7",
        metadata='{"name":"Robot 7"}',
        caption_spans=((0, 1),),
        frame_count=3,
        frame=2,
        perceptual_hash="0123456789abcdef",
    )
    row = emptied(full, "blocked: CID")
    assert (row.token_uid, row.collection, row.token_id) == (TOKEN.token_uid, "robots", "7")
    assert (row.status, row.reason, row.split) == ("rejected", "blocked: CID", None)
    plain = replace(row, token_uid="", collection="", token_id="", status="kept", reason=None)
    assert not any(
        value for value in (plain.image, plain.more_images, plain.traits, plain.caption, plain.name)
    )
    assert not any((plain.metadata, plain.source_uri, plain.sha256, plain.pixels_sha256))
    assert not any((plain.perceptual_hash, plain.caption_spans, plain.media_type, plain.width))

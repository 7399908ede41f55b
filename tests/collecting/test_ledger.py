"""Records of tokens are written as they come and survive whatever stops a run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from traitlens.collecting.ledger import (
    Ledger,
    Part,
    Records,
    TokenRecord,
    cut_torn_line,
    is_token_id,
)
from traitlens.errors import CollectError

BIG = 2**256 - 1


def part(token_id: int, *, folder: str = "metadata", ending: str = "json") -> Part:
    return Part(
        uri=f"ipfs://x/{token_id}",
        place="ipfs",
        url=f"ipfs://x/{token_id}",
        sha256="ab",
        bytes=2,
        proof="verified",
        file=f"{folder}/{token_id}.{ending}",
    )


def collected(token_id: int, *, ending: str = "png") -> TokenRecord:
    return TokenRecord(
        token_id=str(token_id),
        status="collected",
        block=7,
        document=part(token_id),
        media=part(token_id, folder="images", ending=ending),
        known={"price": 1.5},
    )


def failed(token_id: int, reason: str = "timed out") -> TokenRecord:
    return TokenRecord(
        token_id=str(token_id),
        status="failed",
        reason=reason,
        half="document",
        document=Part(uri="https://a.example/1", place="a.example"),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the files of the tokens 0 to 9 and of the largest."""
    for token_id in (*range(10), BIG):
        for name in (f"metadata/{token_id}.json", f"images/{token_id}.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"{}")
    return tmp_path


def ledger(folder: Path) -> Ledger:
    return Ledger(folder / "ledger.jsonl", folders=(folder,))


@pytest.mark.parametrize("record", [collected(3), failed(4), replace(collected(5), stale="x")])
def test_a_record_is_one_line_and_back(record: TokenRecord) -> None:
    line = record.to_line()
    assert line.count(b"\n") == 1
    assert TokenRecord.from_json(json.loads(line)) == record


def test_what_is_not_known_is_not_written() -> None:
    assert json.loads(failed(4).to_line()) == {
        "token_id": "4",
        "status": "failed",
        "reason": "timed out",
        "half": "document",
        "document": {"uri": "https://a.example/1", "place": "a.example"},
    }


def test_a_ledger_takes_up_what_is_there(folder: Path) -> None:
    with ledger(folder) as first:
        for token_id in (9, 2, BIG):
            first.add(collected(token_id))
        first.add_document("5", part(5))
        first.add(failed(4))
    with ledger(folder) as second:
        assert list(second.ids()) == [2, 4, 9, BIG]
        assert second.documents == {5: part(5)}
        assert second.failed == {4}
        assert second.alive == {"ipfs"}
        assert second.get(9) == collected(9)
        assert second.get(5) is None
        assert second.status_counts() == {"collected": 3, "rejected": 0, "failed": 1}


def test_the_last_record_of_a_token_holds(folder: Path) -> None:
    with ledger(folder) as first:
        first.add(failed(3))
        first.add(collected(3))
        assert first.status_counts() == {"collected": 1, "rejected": 0, "failed": 0}
    with ledger(folder) as second:
        assert second.get(3) == collected(3)
        assert second.failed == set()
        assert second.status_counts() == {"collected": 1, "rejected": 0, "failed": 0}


def test_a_ledger_cut_at_any_byte_has_all_lines_before(folder: Path) -> None:
    with ledger(folder) as whole:
        for token_id in range(3):
            whole.add(failed(token_id))
    written = whole.path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(written) if byte == ord("\n")]
    for cut in range(len(written)):
        whole.path.write_bytes(written[:cut])
        with ledger(folder) as left:
            assert len(left) == sum(end <= cut for end in ends)
            left.add(collected(7))
        with ledger(folder) as again:
            assert len(again) == len(left)


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"", b""), (b"a", b""), (b"a\n", b"a\n"), (b"a\nb", b"a\n"), (b"x" * 200_000, b"")],
)
def test_a_torn_line_is_cut_off(before: bytes, after: bytes, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(before)
    cut_torn_line(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == after


def test_a_token_whose_files_were_lost_is_taken_again(folder: Path) -> None:
    with ledger(folder) as first:
        for token_id in (1, 2, 3):
            first.add(collected(token_id))
        first.add_document("5", part(5))
    (folder / "images/1.png").write_bytes(b"")  # as after a loss of power
    (folder / "metadata/2.json").unlink()
    (folder / "metadata/5.json").unlink()
    with ledger(folder) as second:
        assert list(second.ids()) == [3]
        assert not second.documents


def test_files_are_named_by_their_records_only(folder: Path) -> None:
    with ledger(folder) as one:
        one.add(collected(1))
        one.add_document("5", part(5))
        assert one.names("images/1.png")
        assert one.names("metadata/5.json")
        assert not one.names("images/1.gif")
        assert not one.names("metadata/6.json")
        assert not one.names("images/.DS_Store")


def test_a_damaged_ledger_is_said_to_be(folder: Path) -> None:
    (folder / "ledger.jsonl").write_bytes(b"\0\0\0\n")
    with pytest.raises(CollectError, match="is damaged"), ledger(folder):
        pass


@pytest.mark.parametrize(
    "line",
    [
        '{"token_id": "../../etc", "status": "collected"}',
        '{"token_id": "1", "status": "lost"}',
        '{"token_id": "1", "status": "failed", "media": {"uri": "", "place": "", '
        '"file": "../../.ssh/id"}}',
        '{"token_id": "1", "status": "failed", "more": 1}',
        '{"token_id": "1", "status": "failed", "reason": 5}',
        '{"token_id": "1", "status": "failed", "half": []}',
        '{"token_id": "1", "status": "failed", "known": ' + "[" * 100_000,
        '{"token_id": "1", "status": "failed", "reason": "' + "x" * 2**20 + '"}',
        '{"status": "failed"}',
        "[]",
        "1",
        "{",
    ],
)
def test_a_strangers_list_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "tokens.jsonl").write_text(line + "\n")
    with pytest.raises(CollectError, match="no list of collected tokens"):
        Records.open(tmp_path / "tokens.jsonl")


@pytest.mark.parametrize("text", ["0", "7", "10000", str(BIG)])
def test_a_uint256_in_decimal_is_a_token_id(text: str) -> None:
    assert is_token_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "01",
        "1.0",
        "1e3",
        "0x1",
        "../1",
        "\u0661",
        "\u00b2",
        " 1",
        str(BIG + 1),
        "9" * 5000,
        7,
    ],
)
def test_nothing_else_is_a_token_id(text: object) -> None:
    assert not is_token_id(text)


def test_a_stale_token_may_pass_where_its_reason_may(folder: Path) -> None:
    with ledger(folder) as one:
        one.add(replace(collected(1), stale="timed out"))
        one.add(replace(collected(2), stale="not found"))
        assert one.failed == {1}
        assert one.lacking() == {1, 2}

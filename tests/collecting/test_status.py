"""What stands in a raw folder is counted, and so are the dead assets and where they lived."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from traitlens.collecting.ledger import Ledger, Part, TokenRecord
from traitlens.collecting.status import StatusReport, status
from traitlens.collecting.workspace import Workspace
from traitlens.errors import CollectError


def here(place: str, file: str, *, proof: Any = "verified") -> Part:
    return Part(uri="x", place=place, sha256="ab", bytes=1, proof=proof, file=file)


def record(
    number: int,
    *,
    place: str = "ipfs",
    reason: str | None = None,
    half: Any = "media",
    failed: bool = False,
    **more: Any,
) -> TokenRecord:
    """Return a token whose half at `place` is missing for a reason, or collected from there."""
    missing = Part(uri="x", place=place)
    document: Part | None = here("ipfs", f"metadata/{number}.json")
    media: Part | None = here(place, f"images/{number}.png")
    if reason is not None:
        media = missing if half == "media" else None
        document = missing if half == "document" else None if half == "uri" else document
    missed = "failed" if failed else "rejected"
    return TokenRecord(
        token_id=str(number),
        status="collected" if reason is None else missed,  # type: ignore[arg-type]
        reason=reason,
        half=half if reason else None,
        document=document,
        media=media,
        **more,
    )


# Ten tokens, by hand: four are here, three of their media are gone, one is silent, two unusable.
TOKENS = [
    record(0),
    record(1),
    record(2, place="on chain"),
    record(3, place="a.example", stale="not found"),
    record(4, reason="not found"),
    record(5, place="a.example", reason="refused"),
    record(6, place="dead.example", reason="not found", half="document"),
    record(7, place="a.example", reason="timed out", failed=True),
    record(8, place="a.example", reason="media of no known kind"),
    record(9, reason="tokenURI failed", half="uri"),
]
INFO = {"collection": "apes", "chain_id": "eip155:1", "contract": "0x1", "block": 5}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    lines = b"".join(token.to_line() for token in TOKENS)
    (tmp_path / "raw/tokens.jsonl").write_bytes(lines)
    (tmp_path / "raw/collection.json").write_text(json.dumps(INFO))
    return tmp_path / "raw"


def fates(report: StatusReport, half: str) -> dict[str, list[int]]:
    """Return for each place: here, gone, silent, unusable, verified."""
    found = report.media if half == "media" else report.documents
    return {one.place: [*one.counts.values(), one.verified] for one in found}


def test_tokens_are_counted_by_status_and_reason(raw: Path) -> None:
    report = status(raw)
    assert report.statuses == {"collected": 4, "rejected": 5, "failed": 1}
    assert report.tokens == 10
    assert report.stale == 1
    assert sum(missing.tokens for missing in report.reasons) == 6
    assert {(one.half, one.reason, one.place) for one in report.reasons} >= {
        ("media", "not found", "ipfs"),
        ("document", "not found", "dead.example"),
        ("uri", "tokenURI failed", "none named"),
    }


def test_the_dead_are_counted_where_they_lived(raw: Path) -> None:
    report = status(raw)
    assert fates(report, "media") == {
        "ipfs": [2, 1, 0, 0, 2],
        "a.example": [1, 1, 1, 1, 1],
        "no document": [0, 1, 0, 1, 0],
        "on chain": [1, 0, 0, 0, 1],
    }
    assert fates(report, "documents") == {
        "ipfs": [8, 0, 0, 0, 8],
        "dead.example": [0, 1, 0, 0, 0],
        "none named": [0, 0, 0, 1, 0],
    }
    assert report.media_gone == 3 / 10
    assert next(one for one in report.media if one.place == "a.example").gone_share == 1 / 4


def test_each_token_is_counted_once_in_each_report(raw: Path) -> None:
    report = status(raw)
    for found in (report.media, report.documents):
        assert sum(one.tokens for one in found) == report.tokens


def test_json_says_what_the_tables_say(raw: Path) -> None:
    said = status(raw).to_json()
    assert json.loads(json.dumps(said)) == said
    assert (said["collection"], said["media_gone"]) == ("apes", 0.3)
    assert said["media"][0]["place"] == "a.example"


def test_the_tables_have_a_row_for_each_place_and_one_for_all(raw: Path) -> None:
    counts, reasons, documents, media = status(raw).tables()
    assert counts.rows[0] == ("collected", 4, 0.4)
    assert "1 are older" in counts.note
    assert len(reasons.rows) == 6
    assert documents.rows[-1][:3] == ("all", 10, 8)
    assert media.rows[-1] == ("all", 10, 4, 3, 1, 2, 4, 0.3)


def test_many_hosts_are_one_row_beyond_the_largest(tmp_path: Path) -> None:
    lines = [record(n, place=f"{n}.example") for n in range(50)]
    (tmp_path / "tokens.jsonl").write_bytes(b"".join(line.to_line() for line in lines))
    (tmp_path / "collection.json").write_text("{}")
    *_, media = status(tmp_path).tables()
    assert media.rows[-2][:2] == ("30 other places", 30)
    assert media.rows[-1][:2] == ("all", 50)


def test_an_empty_collection_has_a_report(raw: Path) -> None:
    (raw / "tokens.jsonl").write_bytes(b"")
    report = status(raw)
    assert (report.tokens, report.media_gone, report.media) == (0, None, ())
    assert [table.rows for table in report.tables()] == [()]


def test_a_stopped_run_is_seen_and_left_as_it_is(tmp_path: Path) -> None:
    work = Workspace(tmp_path / "raw")
    work.path.mkdir()
    with Ledger(work.ledger, folders=(work.content,)) as ledger:
        for token in TOKENS[4:8]:
            ledger.add(token)
    with work.ledger.open("ab") as file:
        file.write(b'{"token_id":"11","status":"coll')  # it is being written right now
    before = work.ledger.read_bytes()
    report = status(tmp_path / "raw")
    assert (report.tokens, report.unfinished) == (4, 4)
    assert "a run has 4 so far" in report.tables()[0].note
    (work.path / "listing.jsonl").write_text("{}\n" * 9)
    assert "a run has 4 of 9 so far" in status(tmp_path / "raw").tables()[0].note
    assert work.ledger.read_bytes() == before


def test_a_strangers_words_do_not_steer_the_terminal(raw: Path) -> None:
    hostile = record(0, place="a\x1b[2Jb", reason="no\n\x1b]0;pwned\x07")
    (raw / "tokens.jsonl").write_bytes(hostile.to_line())
    (raw / "collection.json").write_text(json.dumps({**INFO, "collection": "\x1b[31mapes"}))
    said = json.dumps([[*table.shown(), table.title] for table in status(raw).tables()])
    assert "\\u001b" not in said
    assert "\\u0007" not in said


def test_a_folder_of_something_else_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="nothing was collected there"):
        status(tmp_path)
    with pytest.raises(CollectError, match=r"there is no .*/other"):
        status(tmp_path / "other")


def test_what_hangs_on_the_url_of_one_gateway_is_counted(raw: Path) -> None:
    def written(number: int, uri: str, place: str) -> bytes:
        part = Part(uri=uri, place=place)
        return replace(record(number, reason="not found"), media=part).to_line()

    lines = [
        written(1, "https://gateway.example/ipfs/Qm/1", "ipfs"),
        written(2, "HTTPS://GATEWAY.example/ipfs/Qm/2", "ipfs"),
        written(3, "https://arweave.example/abc", "arweave"),
        written(4, "ipfs://Qm/4", "ipfs"),
        written(5, "https://a.example/5", "a.example"),
        written(6, "http://[", "ipfs"),
    ]
    (raw / "tokens.jsonl").write_bytes(b"".join(lines))
    report = status(raw)
    assert report.gateways == {"gateway.example": 2, "arweave.example": 1, "[": 1}
    assert report.to_json()["gateways"] == report.gateways
    assert report.tables()[-1].rows[0] == ("gateway.example", 2)

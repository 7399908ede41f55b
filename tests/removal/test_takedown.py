"""Tokens are taken down: nothing of them stays, everything else does, and a kill loses nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers import ColourEncoder, drawn_token, png, rejected_token, write_dataset
from traitlens import description, files, shards
from traitlens.captions.written import (
    WrittenCaption,
    append_lines,
    captions_folder,
    only_writer,
    read_lines,
)
from traitlens.config import fingerprint
from traitlens.errors import ConfigError, DatasetError, IndexingError, ModelError
from traitlens.filtering import BLOCKED_FILE, BlockList
from traitlens.records import Token, Trait
from traitlens.removal import TAKEN_DOWN, derived, takedown
from traitlens.retrieval import Index, IndexConfig, IndexManifest, index
from traitlens.separation import components, load_masks
from traitlens.store import Dataset

COLOUR = (1, 254, 77)  # of no other token
SECRET = replace(
    drawn_token("robots", 3),
    image=png(Image.new("RGB", (24, 24), COLOUR)),
    more_images=(png(Image.new("RGB", (24, 24), (2, 253, 78))),),
    traits=(Trait("Hat", "Secret Crown"), Trait("Body", "Red")),
    caption="a robot with a secret crown",
    caption_spans=((15, 27), (0, 0)),
    name="The Secret Robot",
    metadata='{"name":"The Secret Robot","image":"ipfs://QmPMc4tcBsMqLRuCQtPmPe84bpSjrC3Ky7t3JWuHXYB4aS/3.png"}',
    sha256="5e" * 32,
    pixels_sha256="ec" * 32,
    perceptual_hash="0123456789abcdef",
)
UID = SECRET.token_uid
CID = "QmPMc4tcBsMqLRuCQtPmPe84bpSjrC3Ky7t3JWuHXYB4aS"
ONE = BlockList.of([UID])


def make(path: Path) -> Dataset:
    """Write two collections; of the first, token 3 is SECRET."""
    robots = [SECRET if n == 3 else drawn_token("robots", n) for n in range(12)]
    owls = [drawn_token("owls", n) for n in range(8)]
    made = write_dataset(path, {"robots": [*robots, rejected_token("robots", 12)], "owls": owls})
    description.write(made)
    return made


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return make(tmp_path / "data")


def rows(path: Path) -> dict[str, Token]:
    tokens = Dataset.open(path).tokens(rejected=True)
    return {token.token_uid: token for token in tokens}


def files_with(folder: Path, data: bytes) -> list[str]:
    found = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return [file.relative_to(folder).as_posix() for file in found if data in file.read_bytes()]


def pictures_with(folder: Path, colour: tuple[int, int, int]) -> list[str]:
    """Return the PNG files of a folder in which a pixel has the colour."""
    found = []
    for file in sorted(folder.rglob("*.png")):
        pixels_HWC = np.asarray(Image.open(file).convert("RGB"))
        if (pixels_HWC == colour).all(axis=2).any():
            found.append(file.name)
    return found


def bytes_of(folder: Path) -> dict[str, bytes]:
    found = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}


# The rows


def test_of_the_row_nothing_stays_but_its_uid_and_the_reason(data: Dataset) -> None:
    report = takedown(data, ONE)
    assert [(token.token_uid, token.entries) for token in report.taken] == [(UID, (UID,))]
    row = rows(data.path)[UID]
    assert replace(row, location=None) == Token(
        token_uid=UID,
        collection="robots",
        token_id="3",
        traits=(),
        caption="",
        status="rejected",
        reason=TAKEN_DOWN,
    )


def test_every_other_row_is_as_it_was_and_where_it_was(data: Dataset) -> None:
    before = rows(data.path)
    takedown(data, ONE)
    after = rows(data.path)
    assert before.keys() == after.keys()
    assert [uid for uid in before if before[uid] != after[uid]] == [UID]


def test_shards_without_such_tokens_are_not_touched(data: Dataset) -> None:
    owls = data.path / "tokens/owls-00000.parquet"
    before = owls.stat().st_mtime_ns, owls.read_bytes()
    takedown(data, ONE)
    assert (owls.stat().st_mtime_ns, owls.read_bytes()) == before


def test_no_file_has_the_bytes_of_the_picture_any_more(data: Dataset) -> None:
    assert SECRET.image
    assert files_with(data.path, SECRET.image) == ["tokens/robots-00000.parquet"]
    assert files_with(data.path, SECRET.more_images[0]) == ["tokens/robots-00000.parquet"]
    takedown(data, ONE)
    assert files_with(data.path.parent, SECRET.image) == []
    assert files_with(data.path.parent, SECRET.more_images[0]) == []


def test_no_text_has_its_name_traits_or_hashes_any_more(data: Dataset) -> None:
    takedown(data, ONE)
    for word in ("Secret", SECRET.sha256, SECRET.pixels_sha256, SECRET.perceptual_hash):
        assert word
        assert files_with(data.path, word.encode()) == []


def test_the_counts_close(data: Dataset) -> None:
    takedown(data, ONE)
    entry = Dataset.open(data.path).entry("robots")
    assert (entry.read, entry.kept) == (13, 11)
    assert entry.rejected == {"broken picture": 1, TAKEN_DOWN: 1}
    assert sum(entry.splits.values()) == 11
    assert Dataset.open(data.path).entry("owls") == data.entry("owls")


@pytest.mark.parametrize("entry", [SECRET.sha256, SECRET.pixels_sha256, CID])
def test_tokens_go_by_content_and_by_cid_too(data: Dataset, entry: str) -> None:
    report = takedown(data, BlockList.of([entry]))
    assert [token.token_uid for token in report.taken] == [UID]


def test_a_rejected_row_can_be_taken_down(data: Dataset) -> None:
    uid = rejected_token("robots", 12).token_uid
    takedown(data, BlockList.of([uid]))
    assert rows(data.path)[uid].reason == TAKEN_DOWN
    assert Dataset.open(data.path).entry("robots").rejected == {TAKEN_DOWN: 1}


def test_all_tokens_of_a_collection_can_be_taken_down(data: Dataset) -> None:
    takedown(data, BlockList.of(token.token_uid for token in data.tokens(collections=["owls"])))
    entry = Dataset.open(data.path).entry("owls")
    assert (entry.read, entry.kept, entry.rejected) == (8, 0, {TAKEN_DOWN: 8})


# What was made of the data set


def test_the_card_the_sheets_and_the_checksums_are_made_anew(data: Dataset) -> None:
    assert "contact_sheet.png" in pictures_with(data.path, COLOUR)
    takedown(data, ONE)
    assert pictures_with(data.path, COLOUR) == []
    assert TAKEN_DOWN in (data.path / "README.md").read_text()
    sums = (data.path / "SHA256SUMS").read_text()
    shard = data.path / "tokens/robots-00000.parquet"
    assert hashlib.sha256(shard.read_bytes()).hexdigest() in sums
    manifest = (data.path / "dataset.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() in (data.path / "croissant.json").read_text()


def test_a_leak_report_is_made_anew_where_there_was_one(
    data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []

    def write_leaks(data: Dataset, **_: object) -> None:
        kept.append(data.count())

    monkeypatch.setattr("traitlens.split.write_leaks", write_leaks, raising=False)
    takedown(data, ONE)
    assert kept == []
    files.write_json(data.path / "leaks.json", {"pairs": [UID]})
    takedown(data, BlockList.of([drawn_token("owls", 1).token_uid]))
    assert kept == [18]


def test_components_of_values_that_nobody_has_any_more_are_forgotten(data: Dataset) -> None:
    components(data)
    folder = data.path / "components"
    assert ("Hat", "Secret Crown") in load_masks(folder, "robots").masks
    report = takedown(data, ONE)
    names = load_masks(folder, "robots").masks.keys()
    assert ("Hat", "Secret Crown") not in names
    assert any(kind == "Hat" for kind, _ in names)
    assert report.values == 1


def write_captions(data: Dataset) -> Path:
    folder = captions_folder(data.path, "model")
    folder.mkdir(parents=True)
    described = {"writer": {}, "data": data.manifest.fingerprint}
    files.write_json(folder / "writer.json", {"fingerprint": fingerprint(described), **described})
    tokens = data.tokens(collections=["robots"])
    lines = [WrittenCaption(token_uid=t.token_uid, caption=t.caption, status="ok") for t in tokens]
    append_lines(folder / "robots.jsonl", lines)
    return folder


def test_written_captions_lose_the_token_and_stay_those_of_the_data_set(data: Dataset) -> None:
    folder = write_captions(data)
    assert takedown(data, ONE).captions == 1
    left = read_lines(folder / "robots.jsonl")
    assert len(left) == 11
    assert UID not in {line.token_uid for line in left}
    value = files.read_json(folder / "writer.json")
    assert value["data"] == Dataset.open(data.path).manifest.fingerprint
    assert value.pop("fingerprint") == fingerprint(value)


# Indexes and runs


@pytest.mark.parametrize("engine", ["exact", "edge"])
def test_an_index_loses_the_token_and_stays_one_of_the_data_set(data: Dataset, engine: str) -> None:
    idx = data.path.parent / "idx"
    config = IndexConfig(engine=engine)  # type: ignore[arg-type]
    index(data, idx, encoder=ColourEncoder(), config=config)
    report = takedown(data, ONE, indexes=[idx])
    assert report.indexes == {str(idx): 1}
    with Index.open(idx, encoder=ColourEncoder()) as opened:
        answer = opened.search("red", k=20)
        assert len(opened) == 19
    assert UID not in {hit.token_uid for hit in answer.hits}
    assert "no pictures" not in (answer.note or "")
    assert all(hit.image for hit in answer.hits)
    manifest = IndexManifest.read_from(idx)
    assert (manifest.read, manifest.indexed) == (19, 19)
    again = index(Dataset.open(data.path), idx, encoder=ColourEncoder(), config=config)
    assert again == manifest, "nothing is left to index"


def test_an_index_that_was_not_named_is_served_by_a_later_call(data: Dataset) -> None:
    idx = data.path.parent / "idx"
    index(data, idx, encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    takedown(data, ONE)
    with Index.open(idx, encoder=ColourEncoder()) as opened:
        assert "has changed since" in (opened.search("red").note or "")
    report = takedown(data.path, indexes=[idx])
    assert (report.taken, report.earlier, report.indexes) == ((), 1, {str(idx): 1})
    assert files_with(idx, b"Secret") == []


def test_an_index_of_another_data_set_is_refused_before_anything_is_touched(
    data: Dataset, tmp_path: Path
) -> None:
    other = write_dataset(tmp_path / "other", {"cats": [drawn_token("cats", 1)]})
    index(other, tmp_path / "idx", encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    before = bytes_of(data.path)
    with pytest.raises(IndexingError, match="another data set"):
        takedown(data, ONE, indexes=[tmp_path / "idx"])
    assert bytes_of(data.path) == before


def write_run(path: Path, mark: str) -> Path:
    files.write_json(path / "training.json", {"data": {"fingerprint": mark}})
    return path


def test_a_run_that_saw_the_tokens_is_named_and_a_later_one_is_not(
    data: Dataset, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", data.manifest.fingerprint)
    assert takedown(data, ONE, runs=[run]).retrain == (str(run),)
    assert takedown(data.path, runs=[run]).retrain == (str(run),), "also when asked again"
    later = write_run(tmp_path / "later", Dataset.open(data.path).manifest.fingerprint)
    assert takedown(data.path, runs=[later]).retrain == ()
    owl = BlockList.of([drawn_token("owls", 1).token_uid])
    assert takedown(data.path, owl, runs=[run, later]).retrain == (str(run), str(later))


def test_a_folder_that_is_no_run_is_refused_before_anything_is_touched(
    data: Dataset, tmp_path: Path
) -> None:
    before = bytes_of(data.path)
    with pytest.raises(ModelError, match="is no run"):
        takedown(data, ONE, runs=[tmp_path])
    assert bytes_of(data.path) == before


# What is asked for, and what is told


def test_what_was_asked_for_and_what_went_is_a_block_list_for_the_next_build(
    data: Dataset,
) -> None:
    takedown(data, BlockList.of([CID]))
    takedown(data.path, BlockList.of([drawn_token("owls", 1).token_uid]))
    blocked = BlockList.read(data.path / BLOCKED_FILE)
    assert blocked == BlockList.of([CID, UID, drawn_token("owls", 1).token_uid])


def test_entries_that_name_no_token_are_told(data: Dataset) -> None:
    report = takedown(data, BlockList.of(["00" * 32, UID]))
    assert report.unmatched == (f"sha256:{'00' * 32}",)


def test_tokens_that_show_the_same_pixels_are_told(tmp_path: Path) -> None:
    twins = [drawn_token("robots", n) for n in (1, 2, 3)]
    twins[1:] = [replace(token, pixels_sha256="ab" * 32) for token in twins[1:]]
    made = write_dataset(tmp_path / "data", {"robots": twins})
    report = takedown(made, BlockList.of([twins[1].token_uid]))
    assert report.copies == (twins[2].token_uid,)


def test_a_dry_run_tells_and_changes_nothing(data: Dataset, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", data.manifest.fingerprint)
    before = bytes_of(tmp_path)
    report = takedown(data, ONE, runs=[run], dry_run=True)
    assert [token.token_uid for token in report.taken] == [UID]
    assert report.retrain == (str(run),)
    assert bytes_of(tmp_path) == before


@pytest.mark.parametrize("blocked", [None, BlockList.of(["00" * 32])])
def test_nothing_asked_for_changes_nothing(data: Dataset, blocked: BlockList | None) -> None:
    before = bytes_of(data.path)
    report = takedown(data, blocked)
    assert (report.taken, report.earlier) == ((), 0)
    assert bytes_of(data.path) == before


def test_a_broken_list_in_the_data_set_is_told(data: Dataset) -> None:
    (data.path / BLOCKED_FILE).write_text("garbage")
    with pytest.raises(ConfigError, match=r"blocked\.txt, line 1"):
        takedown(data)


def test_the_fingerprint_is_another_one_and_knows_those_before(data: Dataset) -> None:
    takedown(data, ONE)
    once = Dataset.open(data.path).manifest
    takedown(data.path, BlockList.of([drawn_token("owls", 1).token_uid]))
    twice = Dataset.open(data.path).manifest
    marks = [data.manifest.fingerprint, once.fingerprint, twice.fingerprint]
    assert len(set(marks)) == 3
    assert twice.config["takedowns"] == [
        {"before": marks[0], "tokens": 1},
        {"before": marks[1], "tokens": 1},
    ]


def test_the_same_take_down_leaves_the_same_bytes_in_one_step_or_two(tmp_path: Path) -> None:
    owls = [drawn_token("owls", n) for n in range(8)]
    uids = [owls[1].token_uid, owls[5].token_uid]
    a, b = (write_dataset(tmp_path / name, {"owls": owls}) for name in "ab")
    takedown(a, BlockList.of(uids))
    takedown(b, BlockList.of(uids[:1]))
    takedown(b.path, BlockList.of(uids[1:]))
    one, two = Dataset.open(a.path).manifest, Dataset.open(b.path).manifest
    assert one.fingerprint == two.fingerprint
    assert one.collections == two.collections
    shard = "tokens/owls-00000.parquet"
    assert (a.path / shard).read_bytes() == (b.path / shard).read_bytes()


# Kills


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


def killed_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, *, call: int) -> None:
    """Let the `call`th call (from 1) of a function never begin."""
    original, calls = getattr(owner, name), iter(range(1, 1000))

    def stub(*arguments: object, **options: object) -> object:
        if next(calls) == call:
            raise Killed
        return original(*arguments, **options)

    monkeypatch.setattr(owner, name, stub)


KILLS = [
    (shards, "write_shard", 1),
    (shards, "write_shard", 2),
    (derived, "forget_components", 1),
    (derived, "adopt_captions", 1),
    (files, "write_json", 2),
    (description, "write", 1),
    (files, "write_text", 2),
    (derived, "clear_leftovers", 1),
]


@pytest.mark.parametrize(("owner", "name", "call"), KILLS)
def test_a_killed_take_down_is_finished_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, call: int
) -> None:
    blocked = BlockList.of([UID, drawn_token("owls", 1).token_uid])
    killed, whole = (make(tmp_path / side / "data") for side in ("killed", "whole"))
    for each in (killed, whole):
        components(each)
        write_captions(each)
    idx = tmp_path / "idx"
    index(killed, idx, encoder=ColourEncoder(), config=IndexConfig(engine="exact"))
    with monkeypatch.context() as patch:
        killed_at(patch, owner, name, call=call)
        with pytest.raises(Killed):
            takedown(killed, blocked, indexes=[idx])
    takedown(killed.path, indexes=[idx])
    takedown(whole, blocked)
    assert bytes_of(killed.path) == bytes_of(whole.path)
    with Index.open(idx, encoder=ColourEncoder()) as opened:
        assert len(opened) == 18
        assert opened.data is not None


def test_leftovers_of_killed_commands_are_removed(data: Dataset) -> None:
    assert SECRET.image
    beside = data.path.parent
    leftovers = [
        data.path / "tokens/.robots-00000.parquet.ab12_x9z",
        beside / ".data.unfinished/standardized/robots-00000.parquet",
        beside / ".data.old/tokens/robots-00000.parquet",
        beside / ".data.k2_f8a1b/robots-00000.parquet",
    ]
    innocent = [data.path / ".gitattributes", beside / ".database.old/notes.txt"]
    for file in (*leftovers, *innocent):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(SECRET.image)
    report = takedown(data, ONE)
    assert len(report.cleared) == 4
    assert not any(file.exists() for file in leftovers)
    assert all(file.exists() for file in innocent)


def test_two_take_downs_at_once_are_refused(data: Dataset) -> None:
    with only_writer(data.path), pytest.raises(DatasetError, match="another process"):
        takedown(data, ONE)

"""Files and folders are there whole or not at all."""

import os
from pathlib import Path

import pytest

from traitlens import files
from traitlens.errors import DatasetError


def test_a_failed_block_leaves_the_old_folder_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("kept")
    with pytest.raises(RuntimeError), files.replacing_folder(target) as made:
        (made / "new").write_text("half")
        raise RuntimeError
    assert [file.name for file in tmp_path.iterdir()] == ["out"]
    assert (target / "old").read_text() == "kept"


def test_a_finished_block_takes_the_old_folders_place(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("gone")
    with files.replacing_folder(target) as made:
        (made / "new").write_text("whole")
    assert [file.name for file in target.iterdir()] == ["new"]


def test_a_failed_write_leaves_the_old_file_and_no_scraps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.txt"
    files.write_text(file, "old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        files.write_text(file, "new")
    assert [f.name for f in tmp_path.iterdir()] == ["a.txt"]
    assert file.read_text() == "old"


def test_a_work_folder_is_kept_for_the_same_work_and_cleared_for_another(tmp_path: Path) -> None:
    target = tmp_path / "out"
    (files.work_folder(target, "a") / "part").write_text("done")
    assert (files.work_folder(target, "a") / "part").exists()
    assert not (files.work_folder(target, "b") / "part").exists()


@pytest.mark.parametrize("name", ["", ".", "../x", "/etc/x", "a/b"])
def test_a_collection_that_is_called_like_a_path_has_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="cannot be the name of a collection"):
        files.collection_file(tmp_path, name, ".jsonl")
    assert files.collection_file(tmp_path, "a.b c", ".jsonl") == tmp_path / "a.b c.jsonl"


def test_what_a_killed_process_left_half_written_is_cleared_when_work_goes_on(
    tmp_path: Path,
) -> None:
    work = files.work_folder(tmp_path / "data", "mark")
    files.write_text(work / "deep/done.txt", "whole")
    with pytest.raises(KeyboardInterrupt), files.writing(work / "deep/new.txt") as temporary:
        temporary.write_text("half")

        kept = temporary.with_name(temporary.name.replace("new", "old"))
        kept.write_text("half")
        raise KeyboardInterrupt
    assert len(list((work / "deep").iterdir())) == 2
    files.work_folder(tmp_path / "data", "mark")
    assert [path.name for path in (work / "deep").iterdir()] == ["done.txt"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such lock")
def test_a_locked_folder_keeps_others_out_until_the_block_ends(tmp_path: Path) -> None:
    with (
        files.locked(tmp_path / "made", wait=False),
        pytest.raises(BlockingIOError),
        files.locked(tmp_path / "made", wait=False),
    ):
        pass
    with files.locked(tmp_path / "made", wait=False):
        assert (tmp_path / "made").is_dir()

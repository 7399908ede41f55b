"""Files and folders are there whole or not at all."""

from pathlib import Path

import pytest

from traitlens import files


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

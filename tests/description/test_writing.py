"""The files of a description."""

from pathlib import Path

from tests.helpers import drawn_dataset
from traitlens.description import describe, write
from traitlens.store import Dataset


def contents(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_the_same_data_set_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(drawn_dataset(tmp_path / name, {"robots": 40, "owls": 12}))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 10})
    write(data)
    before = contents(tmp_path)
    write(data)
    assert contents(tmp_path) == before


def test_the_data_set_itself_is_not_touched(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 10})
    before = contents(tmp_path)
    write(data)
    added = contents(tmp_path).items() - before.items()
    assert {name for name, _ in added} == {
        "README.md",
        "SHA256SUMS",
        "contact_sheet.png",
        "croissant.json",
        "mean_images.png",
        "statistics.json",
    }
    assert before.items() <= contents(tmp_path).items()
    assert list(Dataset.open(tmp_path).tokens(rejected=True))


def test_what_is_written_is_what_is_counted(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 10})
    written = write(data)
    assert written == describe(data) == describe(data, fresh=True)


def test_checksums_report_their_progress(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    data = drawn_dataset(tmp_path, {"robots": 3, "owls": 2})
    write(data, progress=lambda stage, done, total, note="": told.append((stage, done, total)))
    assert [(done, total) for stage, done, total in told if stage == "checksums"] == [
        (0, 2),
        (1, 2),
        (2, 2),
    ]

"""What is exported and imported again is the same data set, in every format."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.exchange.odd import collections, tokens_of, write_odd
from tests.helpers import drawn_dataset, drawn_token, rejected_token, write_dataset
from traitlens import shards
from traitlens.errors import ConfigError, DatasetError
from traitlens.exchange import FORMATS, ExportConfig, exporting, importing
from traitlens.exchange.exporting import export
from traitlens.exchange.importing import import_data
from traitlens.exchange.record import Source
from traitlens.records import CollectionInfo, Token
from traitlens.store import Dataset

every_format = pytest.mark.parametrize("to", FORMATS)

Found = list[tuple[CollectionInfo, Sequence[Token]]]


def round_trip(data: Dataset, folder: Path, to: str) -> Dataset:
    export(data, folder / "export", to=to)
    return import_data(folder / "export", folder / "back")


@every_format
@given(found=collections)
@settings(  # an example writes and reads many files: to shrink a failing one takes minutes
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_odd_tokens_come_back_equal_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, to: str, found: Found
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    data = write_odd(folder / "data", found)
    back = round_trip(data, folder, to)
    assert tokens_of(back) == tokens_of(data)
    for entry, original in zip(back.manifest.collections, data.manifest.collections, strict=True):
        assert replace(entry, shards=()) == replace(original, shards=())
    shutil.rmtree(folder)


@every_format
def test_the_files_of_the_data_set_come_back_byte_by_byte(tmp_path: Path, to: str) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 30, "owls": 8}, rejected=2)
    back = round_trip(data, tmp_path, to)
    names = sorted(file.name for file in (data.path / "tokens").iterdir())
    assert [file.name for file in sorted((back.path / "tokens").iterdir())] == names
    for name in names:
        original = (data.path / "tokens" / name).read_bytes()
        assert (back.path / "tokens" / name).read_bytes() == original


@every_format
def test_an_import_says_how_its_data_set_was_made_and_what_it_came_as(
    tmp_path: Path, to: str
) -> None:
    token = drawn_token("apes", 1)
    data = write_odd(tmp_path / "data", [(CollectionInfo(name="apes"), [token])])
    config = round_trip(data, tmp_path, to).manifest.config
    assert config["split"] == {"rule": "by_token"}
    assert config["imported"]["format"] == to
    assert config["imported"]["dataset"]["fingerprint"] == data.manifest.fingerprint


@every_format
def test_the_same_data_set_gives_the_same_bytes(tmp_path: Path, to: str) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 12})
    for name in ("a", "b"):
        export(data, tmp_path / name, to=to)
    files = [file for file in (tmp_path / "a").rglob("*") if file.is_file()]
    assert len(files) > 2
    for file in files:
        other = tmp_path / "b" / file.relative_to(tmp_path / "a")
        assert file.read_bytes() == other.read_bytes()


@every_format
def test_only_the_named_collections_and_the_asked_split_are_exported(
    tmp_path: Path, to: str
) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 20, "owls": 20}, rejected=3)
    made = export(data, tmp_path / "x", to=to, collections=["owls"], split="test")
    back = import_data(tmp_path / "x", tmp_path / "back")
    expected = [replace(t, location=None) for t in data.tokens(collections=["owls"], split="test")]
    assert made.tokens == len(expected) > 0
    assert tokens_of(back) == expected


@every_format
def test_only_the_named_collections_are_imported(tmp_path: Path, to: str) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 3, "owls": 3})
    export(data, tmp_path / "x", to=to)
    back = import_data(tmp_path / "x", tmp_path / "back", collections=["owls"])
    assert back.collections == ("owls",)
    with pytest.raises(DatasetError, match="did you mean 'owls'"):
        import_data(tmp_path / "x", tmp_path / "other", collections=["owl"])


@every_format
def test_a_killed_export_goes_on_with_the_collections_that_are_missing(
    tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 5, "owls": 5})
    write, written = exporting._WRITE[to], []

    def once(source: Source, *rest: object) -> dict[str, list[str]]:
        written.append(source.entry.name)
        if len(written) == 2:
            raise KeyboardInterrupt
        return write(source, *rest)  # type: ignore[arg-type]

    monkeypatch.setitem(exporting._WRITE, to, once)
    with pytest.raises(KeyboardInterrupt):
        export(data, tmp_path / "x", to=to)
    assert not (tmp_path / "x").exists()
    export(data, tmp_path / "x", to=to)
    assert written == ["robots", "owls", "owls"]
    export(data, tmp_path / "at once", to=to)
    for file in (tmp_path / "at once").rglob("*.*"):
        again = tmp_path / "x" / file.relative_to(tmp_path / "at once")
        assert file.is_dir() or again.read_bytes() == file.read_bytes()


def test_a_killed_export_goes_on_when_its_files_were_half_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 5, "owls": 5})
    move, moved = exporting._move, []

    def some(part: Path, place: Path) -> None:
        moved.append(place)
        if len(moved) == 3:
            raise KeyboardInterrupt
        move(part, place)

    monkeypatch.setattr(exporting, "_move", some)
    with pytest.raises(KeyboardInterrupt):
        export(data, tmp_path / "x", to="huggingface")
    monkeypatch.undo()
    export(data, tmp_path / "x", to="huggingface")
    assert tokens_of(import_data(tmp_path / "x", tmp_path / "back")) == tokens_of(data)


@every_format
def test_a_killed_import_goes_on_with_the_collections_that_are_missing(
    tmp_path: Path, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 5, "owls": 5})
    export(data, tmp_path / "x", to=to)
    write, written = shards.write_shard, []

    def once(path: Path, tokens: object) -> int:
        written.append(path.name)
        if len(written) == 2:
            raise KeyboardInterrupt
        return write(path, tokens)  # type: ignore[arg-type]

    monkeypatch.setattr(importing, "write_shard", once)
    with pytest.raises(KeyboardInterrupt):
        import_data(tmp_path / "x", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    back = import_data(tmp_path / "x", tmp_path / "back")
    assert written == ["robots-00000.parquet", "owls-00000.parquet", "owls-00000.parquet"]
    assert tokens_of(back) == tokens_of(data)


def test_an_export_of_the_same_is_left_alone_and_another_is_replaced_only_when_asked(
    tmp_path: Path,
) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 3})
    made = export(data, tmp_path / "x")
    before = (tmp_path / "x" / "export.json").stat().st_mtime_ns
    assert export(data, tmp_path / "x") == made
    assert (tmp_path / "x" / "export.json").stat().st_mtime_ns == before
    with pytest.raises(DatasetError, match=r"is another export; .*--replace"):
        export(data, tmp_path / "x", to="webdataset")
    assert export(data, tmp_path / "x", to="webdataset", replace=True).format == "webdataset"


def test_an_import_of_the_same_is_left_alone_and_another_is_replaced_only_when_asked(
    tmp_path: Path,
) -> None:
    for name, size in {"a": 3, "b": 4}.items():
        data = drawn_dataset(tmp_path / name, {"robots": size})
        export(data, tmp_path / f"x{name}")
    first = import_data(tmp_path / "xa", tmp_path / "back")
    assert import_data(tmp_path / "xa", tmp_path / "back") == first
    with pytest.raises(DatasetError, match=r"was not imported from this; .*--replace"):
        import_data(tmp_path / "xb", tmp_path / "back")
    assert import_data(tmp_path / "xb", tmp_path / "back", replace=True).count() == 4


@pytest.mark.parametrize("replace_it", [False, True])
def test_what_is_no_export_and_no_data_set_is_never_replaced(
    tmp_path: Path, replace_it: bool
) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 3})
    export(data, tmp_path / "x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match="is no export"):
        export(data, tmp_path / "mine", replace=replace_it)
    with pytest.raises(DatasetError, match="is no export"):
        export(data, tmp_path / "data", replace=replace_it)
    with pytest.raises(DatasetError, match="is no data set"):
        import_data(tmp_path / "x", tmp_path / "mine", replace=replace_it)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_wrong_wishes_are_refused_in_one_sentence(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 3})
    with pytest.raises(ConfigError, match="to must be one of nft1000, webdataset, huggingface"):
        export(data, tmp_path / "x", to="coco")
    with pytest.raises(ConfigError, match="split must be one of train"):
        export(data, tmp_path / "x", split="dev")
    with pytest.raises(DatasetError, match="did you mean 'robots'"):
        export(data, tmp_path / "x", collections=["robot"])
    with pytest.raises(DatasetError, match="no collection was named"):
        export(data, tmp_path / "x", collections=[])
    with pytest.raises(ConfigError, match="max_tokens must be at least 1"):
        ExportConfig(max_shard_tokens=0)


def test_what_cannot_be_imported_is_refused_in_one_sentence(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 3})
    with pytest.raises(DatasetError, match="is a data set already"):
        import_data(data.path, tmp_path / "x")
    with pytest.raises(DatasetError, match="no such file or folder"):
        import_data(tmp_path / "nowhere", tmp_path / "x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="nothing that can be imported: accepted are"):
        import_data(tmp_path / "empty", tmp_path / "x")


def test_an_export_of_rejected_tokens_alone_is_no_data_set(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", {"robots": [rejected_token("robots", 1)]})
    export(data, tmp_path / "x")
    with pytest.raises(DatasetError, match=r"none of the tokens .* could be kept"):
        import_data(tmp_path / "x", tmp_path / "back")


@pytest.mark.parametrize("to", ["webdataset", "huggingface"])
def test_a_shard_that_is_missing_damaged_or_short_stops_the_import(tmp_path: Path, to: str) -> None:
    data = drawn_dataset(tmp_path / "data", {"robots": 20})
    made = export(data, tmp_path / "x", to=to)
    (name,) = made.collections[0].files["train"]
    shard = tmp_path / "x" / name
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-2000])
    with pytest.raises(DatasetError, match="its SHA-256 is not the listed one"):
        import_data(tmp_path / "x", tmp_path / "back")
    (tmp_path / "x" / "SHA256SUMS").unlink()
    with pytest.raises(DatasetError, match=r"is no shard of this export|has fewer tokens"):
        import_data(tmp_path / "x", tmp_path / "back")
    shard.unlink()
    with pytest.raises(DatasetError, match="is missing; the export lists it"):
        import_data(tmp_path / "x", tmp_path / "back")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"export_version": 99}, "has export version 99"),
        ({"collections": 3}, "is no record of an export"),
        ({"collections": [{}]}, "is no record of an export"),
    ],
)
def test_a_broken_record_of_an_export_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    export(drawn_dataset(tmp_path / "data", {"robots": 3}), tmp_path / "x", to="webdataset")
    record = tmp_path / "x" / "export.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), **change}))
    with pytest.raises(DatasetError, match=message):
        import_data(tmp_path / "x", tmp_path / "back")


@pytest.mark.parametrize("name", ["../data/dataset.json", "/etc/passwd", "train/../../x", ""])
def test_an_export_cannot_name_files_outside_of_itself(tmp_path: Path, name: str) -> None:
    export(drawn_dataset(tmp_path / "data", {"robots": 3}), tmp_path / "x", to="webdataset")
    record = tmp_path / "x" / "export.json"
    value = json.loads(record.read_text())
    value["collections"][0]["files"]["train"] = [name]
    record.write_text(json.dumps(value))
    with pytest.raises(DatasetError, match="are no files of an export"):
        import_data(tmp_path / "x", tmp_path / "back")

"""Every table runs end to end; tables share runs; what was stopped goes on; bad input is named."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.helpers import drawn_token, write_dataset
from tests.reproduction.conftest import SHORT, Reproduced, configured
from traitlens import files
from traitlens.config import to_dict
from traitlens.construction import BuildConfig
from traitlens.errors import ConfigError, DatasetError, ModelError
from traitlens.evaluation import evaluate
from traitlens.models import load_encoder
from traitlens.records import Split
from traitlens.reproduction import Compared, Reproduction, names, reproduce
from traitlens.store import Dataset
from traitlens.training.loop import Loop


def lines(found: Reproduction, *, run: str, gallery: str | None = None) -> list[Compared]:
    return [
        each
        for each in found.compared
        if each.run == run and gallery in (None, each.gallery) and each.ours
    ]


def only(found: Reproduction, *, run: str, gallery: str | None = None) -> Compared:
    (line,) = lines(found, run=run, gallery=gallery)
    return line


def settings(found: Reproduction) -> dict[str, tuple[str, str]]:
    return {each.name: (each.paper, each.ours) for each in found.settings}


def fail(*_: object, **__: object) -> NoReturn:
    raise AssertionError("this was made before")


@pytest.mark.parametrize("name", names())
def test_every_table_is_written_whole(reproduced: Reproduced, name: str) -> None:
    folder = reproduced.out / name
    report = json.loads((folder / "report.json").read_text())
    assert report["table"] == name
    assert report["dataset_fingerprint"] == reproduced.data.manifest.fingerprint
    assert not report["same_data"]
    text = (folder / "report.md").read_text()
    assert text.startswith(f"# {reproduced.tables[name].title}")
    for note in report["notes"]:
        assert note in text


def test_only_reports_lie_in_their_folders_and_nothing_is_left_over(reproduced: Reproduced) -> None:
    made = {path.name for path in reproduced.out.iterdir()}
    shared = {"reproduction.json", "mini-20-s0", "models", "cache", "runs", "embeddings", "scores"}
    assert made == {*names(), *shared}
    runs = sorted(path.name.rpartition("-")[0] for path in (reproduced.out / "runs").iterdir())
    assert runs == ["tiny-all-p0-s0", *(f"tiny-mini-p{p}-s0" for p in ("0", "0.3", "0.5", "0.7"))]


def test_n_chance_and_ceiling_stand_beside(reproduced: Reproduced) -> None:
    line = only(reproduced.tables["table1"], run="fine-tuned on all")
    assert line.n == 8
    assert line.chance == pytest.approx({"top-1": 1 / 8, "top-5": 5 / 8, "top-10": 1.0})
    assert line.ceiling["top-10"] == 1.0
    assert line.paper == pytest.approx({"top-1": 0.1063, "top-5": 0.2032, "top-10": 0.2519})
    assert line.difference["top-10"] == pytest.approx(1.0 - 0.2519)  # all 8 are among the first 10


def test_the_scores_are_those_of_evaluate(reproduced: Reproduced) -> None:
    (run,) = (reproduced.out / "runs").glob("tiny-all-*")
    encoder = load_encoder(run, backend="torch")
    row = evaluate(encoder, reproduced.data, baselines=False).row(scope="all")
    line = only(reproduced.tables["table1"], run="fine-tuned on all")
    assert line.ours == ({f"top-{k}": share for k, share in row.recall.items()},)


def test_tables_3_and_4_and_the_headline_have_one_run_on_mini(reproduced: Reproduced) -> None:
    third, fourth = reproduced.tables["table3"], reproduced.tables["table4"]
    for run in ("fine-tuned on mini", "fine-tuned on mini, masking p = 0.5"):
        assert only(third, run=run).ours == only(fourth, run=run).ours
    assert only(third, run="fine-tuned on mini").paper["top-1"] == pytest.approx(0.1693)
    assert only(fourth, run="fine-tuned on mini").paper["top-1"] == pytest.approx(0.1210)
    assert any("are one run here" in note for note in third.notes)


def test_table_5_has_table_1s_row_of_all_collections(reproduced: Reproduced) -> None:
    first, fifth = reproduced.tables["table1"], reproduced.tables["table5"]
    for run in ("untrained", "fine-tuned on all"):
        one, other = only(first, run=run), only(fifth, run=run, gallery="all_collections")
        assert one.ours == other.ours
    galleries = {each.gallery for each in lines(fifth, run="untrained")}
    assert galleries == {"robots", "owls", "cats", "all_collections", "macro", "micro"}


def test_macro_is_the_mean_over_collections_and_micro_that_over_queries(
    reproduced: Reproduced,
) -> None:
    fifth = reproduced.tables["table5"]

    def top1(gallery: str) -> float:
        return only(fifth, run="fine-tuned on all", gallery=gallery).mean["top-1"]

    assert top1("macro") == pytest.approx((top1("robots") + top1("owls") + top1("cats")) / 3)
    weighted = 3 * top1("robots") + 3 * top1("owls") + 2 * top1("cats")
    assert top1("micro") == pytest.approx(weighted / 8)


def test_the_papers_collections_are_there_though_not_measured(reproduced: Reproduced) -> None:
    fifth = reproduced.tables["table5"]
    papers = [each for each in fifth.compared if each.gallery == "Gazer"]
    assert [each.run for each in papers] == ["zero-shot", "fine-tuned on all"]
    assert all(each.ours == () and each.n == 2100 for each in papers)
    assert any("None of the paper's ten" in note and "3 of ours" in note for note in fifth.notes)


def test_the_papers_own_collections_stand_beside_its_numbers(tmp_path: Path) -> None:
    splits: dict[str, Split] = {"apedaoremix": "test", "hor1zon": "test", "owls": "train"}
    data = of_splits(tmp_path / "data", splits)
    fifth = reproduce("table5", data, tmp_path / "out", config=SHORT)
    line = only(fifth, run="fine-tuned on all", gallery="apedaoremix")
    assert line.paper == pytest.approx({"top-1": 0.0004, "top-5": 0.0018, "top-10": 0.0036})
    assert line.difference["top-5"] == pytest.approx(1 - 0.0018)  # all 4 are among the first 5
    galleries = {each.gallery for each in fifth.compared}
    assert "Gazer" in galleries
    assert not {"hor1zon", "APE DAO REMIX!"} & galleries
    sixth = reproduce("table6", data, tmp_path / "out", config=SHORT)
    ours = [each for each in sixth.compared if each.gallery == "hor1zon"]
    assert [each.paper for each in ours] == [
        pytest.approx({"top-1": 0.000286, "top-5": 0.001429, "top-10": 0.004858}),
        {"CVI": 0.0005},
    ]
    assert not any(each.gallery == "Hor1zon" for each in sixth.compared)


def test_the_headline_subtracts_seed_by_seed(reproduced: Reproduced) -> None:
    found = reproduced.tables["headline"]
    with_mask = only(found, run="fine-tuned on mini, masking p = 0.5").mean
    with_all = only(found, run="fine-tuned on all").mean
    gain = only(found, run="gain of mini with masking over all")
    assert gain.paper["top-1"] == pytest.approx(0.0744)
    assert gain.mean["top-5"] == pytest.approx(with_mask["top-5"] - with_all["top-5"])
    share = only(found, run="share of the training data")
    mini = Dataset.open(reproduced.out / "mini-20-s0").count(split="train")
    assert share.mean["share"] == pytest.approx(mini / 64)  # 24 + 24 + 16 tokens to train on


def test_table_6_has_cvi_beside_top_k_and_says_what_may_be_concluded(
    reproduced: Reproduced,
) -> None:
    found = reproduced.tables["table6"]
    own = {each.gallery: each for each in found.compared if each.kind == "number" and each.ours}
    assert {"robots", "owls", "cats"} <= set(own)
    assert all(own[name].ours[0]["CVI"] > 0 for name in ("robots", "owls", "cats"))
    jsd = only(found, run="JSD of CVI and top-k")
    assert jsd.paper["top-1"] == pytest.approx(0.055468, abs=5e-7)
    assert any(note.startswith("tiny: ") for note in found.notes)
    assert any("untrained here" in note for note in found.notes)


def test_figures_are_not_published_and_say_so(reproduced: Reproduced) -> None:
    for name in ("fig7", "fig11"):
        found = reproduced.tables[name]
        text = (reproduced.out / name / "report.md").read_text()
        assert "not published" in text
        assert any("our reading" in note for note in found.notes)
        assert (reproduced.out / name / "series.svg").read_text().startswith("<svg")
        assert len((reproduced.out / name / "series.csv").read_text().splitlines()) > 3


def test_the_alphas_go_from_captions_to_pictures(reproduced: Reproduced) -> None:
    series = reproduced.tables["fig11"].series["series"]
    assert [row[0] for row in series.rows] == [step / 100 for step in range(101)]
    best = only(reproduced.tables["fig11"], run="untrained: alpha of the lowest divergence")
    lowest = min(series.rows, key=lambda row: (row[1], row[0]))
    assert best.mean["top-1"] == lowest[0]


def test_the_splits_are_counted(reproduced: Reproduced) -> None:
    found = reproduced.tables["split"]
    train, validation, test, whole = found.compared
    assert train.ours[0] == {"collections": 3, "tokens": 64}
    assert validation.ours[0]["tokens"] == test.ours[0]["tokens"] == 8
    assert test.difference["tokens"] == 8 - 1_000_838
    assert whole.ours[0] == {"collections": 3, "tokens": 80}
    lists = {row[0]: row for row in found.more["lists"].rows}
    assert lists["train"][4] == 9710


def test_settings_are_those_of_the_run(reproduced: Reproduced) -> None:
    said = settings(reproduced.tables["table3"])
    assert said["steps, batch"] == ("silent", "2 of 8")
    assert said["resolution of the input"] == ("silent", "64 x 64 px")
    assert said["split"] == ("by collection, 80:5:15", "by_token, 80:5:15, seed 0")
    assert said["fill of a hole"] == ("silent", "the pixels of another token of the batch")
    assert said["models"] == ("CLIP ViT-B/32", "tiny")
    assert "AdamW, learning rate 0.0006" in said["optimizer"][1]
    assert "not NFT1000: 80 tokens" in said["data set"][1]
    assert "p" not in settings(reproduced.tables["table1"])
    assert settings(reproduced.tables["table6"])["models"][0] == "not known to us"


def test_other_data_and_another_rule_are_said_first(reproduced: Reproduced) -> None:
    notes = reproduced.tables["table1"].notes
    assert "the differences compare different data" in notes[0]
    assert "by_token: unseen tokens of seen collections" in notes[1]


def test_asking_again_makes_nothing_anew(
    reproduced: Reproduced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loop, "run", fail)
    monkeypatch.setattr("traitlens.embedding.stored.fill_pictures", fail)
    monkeypatch.setattr("traitlens.reproduction.bench.score_retrieval", fail)
    again = reproduce("table4", reproduced.data, reproduced.out, config=SHORT)
    assert again == reproduced.tables["table4"]


def test_a_stopped_table_goes_on_after_the_runs_that_are_finished(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[float] = []
    run = Loop.run

    def stopping(loop: Loop, *args: Any, **options: Any) -> Any:
        if len(steps) == 1:
            raise KeyboardInterrupt
        steps.append(loop.config.masking.p)
        return run(loop, *args, **options)

    def counting(loop: Loop, *args: Any, **options: Any) -> Any:
        steps.append(loop.config.masking.p)
        return run(loop, *args, **options)

    monkeypatch.setattr(Loop, "run", stopping)
    with pytest.raises(KeyboardInterrupt):
        reproduce("headline", data, tmp_path / "out", config=SHORT)
    assert not (tmp_path / "out" / "headline").exists()
    monkeypatch.setattr(Loop, "run", counting)
    reproduce("headline", data, tmp_path / "out", config=SHORT)
    assert steps == [0.0, 0.5]


def test_two_seeds_give_a_mean_and_a_spread(data: Dataset, tmp_path: Path) -> None:
    config = replace(SHORT, seeds=2, max_gallery=2)
    found = reproduce("table1", data, tmp_path / "out", config=config, models={"mine": "tiny"})
    line = only(found, run="fine-tuned on all")
    assert line.subject == "mine"
    assert line.n == 6  # two of each collection
    one, other = (ours["top-1"] for ours in line.ours)
    assert line.mean["top-1"] == pytest.approx((one + other) / 2)
    assert line.sd["top-1"] == pytest.approx(abs(one - other) / 2**0.5)
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 2
    assert not any("One seed" in note for note in found.notes)


def test_a_model_with_weights_is_searched_as_it_is(data: Dataset, tmp_path: Path) -> None:
    found = reproduce("table6", data, tmp_path / "out", models={"shipped": "shipped"})
    assert lines(found, run="zero-shot", gallery="robots")
    assert not any("untrained" in note for note in found.notes)


def test_a_wrong_name_gets_the_good_ones_and_the_nearest(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"one of split, table1, .* got 'tabel3', did you mean"):
        reproduce("tabel3", data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_alias_is_the_same_table(reproduced: Reproduced) -> None:
    again = reproduce("collections", reproduced.data, reproduced.out, config=SHORT)
    assert again.table == "fig7"


def test_a_folder_of_something_else_is_refused(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(ConfigError, match="is no reproduction"):
        reproduce("split", data, tmp_path)


def test_a_folder_of_another_data_set_is_refused(reproduced: Reproduced, tmp_path: Path) -> None:
    other = write_dataset(tmp_path / "other", {"robots": [drawn_token("robots", 9)]})
    with pytest.raises(ConfigError, match="is a reproduction on the data set"):
        reproduce("split", other, reproduced.out)


def test_a_report_does_not_replace_what_is_no_report(data: Dataset, tmp_path: Path) -> None:
    files.write_text(tmp_path / "out" / "reproduction.json", json.dumps(mark(data)))
    files.write_text(tmp_path / "out" / "split" / "thesis.tex", "")
    with pytest.raises(ConfigError, match="is no report"):
        reproduce("split", data, tmp_path / "out")


def mark(data: Dataset) -> Mapping[str, str]:
    return {"dataset_fingerprint": data.manifest.fingerprint, "dataset": str(data.path)}


def of_splits(path: Path, splits: Mapping[str, Split]) -> Dataset:
    """Return whole collections of 4 tokens in their splits."""
    collections = {
        name: [replace(drawn_token(name, number), split=split) for number in range(4)]
        for name, split in splits.items()
    }
    config = to_dict(BuildConfig())
    by_collection = {**config, "split": {**config["split"], "rule": "by_collection"}}
    return configured(write_dataset(path, collections), by_collection)


def test_without_a_test_split_nothing_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loop, "run", fail)
    data = of_splits(tmp_path / "data", {"robots": "train", "owls": "validation"})
    with pytest.raises(DatasetError, match="0 tokens in its test split"):
        reproduce("table1", data, tmp_path / "out", config=SHORT)


def test_without_a_train_split_nothing_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traitlens.reproduction.bench.embed", fail)
    data = of_splits(tmp_path / "data", {"robots": "test"})
    with pytest.raises(DatasetError, match="0 tokens to train on"):
        reproduce("table1", data, tmp_path / "out", config=SHORT)


def test_alpha_of_one_collection_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traitlens.reproduction.bench.embed", fail)
    data = of_splits(tmp_path / "data", {"robots": "test", "owls": "train"})
    with pytest.raises(ConfigError, match="has 1 to search; at least 3"):
        reproduce("alpha", data, tmp_path / "out", config=SHORT)


def test_whole_collections_are_counted_into_mini_and_warned_of(tmp_path: Path) -> None:
    splits: dict[str, Split] = {"robots": "test", "owls": "train", "cats": "train"}
    data = of_splits(tmp_path / "data", splits)
    config = replace(SHORT, per_collection=3)
    train = reproduce("split", data, tmp_path / "out", config=config).compared[0]
    assert train.ours[0] == {"collections": 2, "tokens": 8, "mini": 6}
    found = reproduce("table1", data, tmp_path / "out", config=config)
    assert any("little more than chance" in note for note in found.notes)


def test_a_model_that_does_not_exist_is_refused_before_any_work(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loop, "run", fail)
    models = {"tiny": "tiny", "absent": str(tmp_path / "absent")}
    with pytest.raises(ModelError, match="absent"):
        reproduce("table1", data, tmp_path / "out", config=SHORT, models=models)
    assert not (tmp_path / "out").exists()


def test_no_model_at_all_is_refused(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one model"):
        reproduce("table1", data, tmp_path / "out", models={})


def test_a_wrong_fill_is_refused_before_any_work(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"masking\.fill must be one of"):
        reproduce("table3", data, tmp_path / "out", config=replace(SHORT, fill="pink"))


@pytest.mark.parametrize("table", ["table1", "table3", "table4", "table5"])
def test_baselines_and_bounds_stand_beside(reproduced: Reproduced, table: str) -> None:
    beside = reproduced.tables[table].more["beside"]
    shown = {(row[0], row[1]): row[3:] for row in beside.rows}
    names = ("raw pixels", "colour histogram", "chance", "structured search (metadata)")
    assert set(shown) == {(name, at) for name in names for at in ("all", "macro", "micro")}
    for each in reproduced.tables[table].compared:
        if each.ours and each.gallery == "macro":
            assert shown["chance", "macro"] == tuple(each.chance.values())
            assert shown["structured search (metadata)", "macro"] == tuple(each.ceiling.values())
    assert (reproduced.out / table / "beside.csv").is_file()

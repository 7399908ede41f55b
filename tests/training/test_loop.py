"""The steps: the same weights however they are computed, and the same again after a stop."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.helpers import drawn_dataset
from tests.models.checkpoints import siglip
from tests.training.small_clip import go, small_clip, small_loop, weights_of
from traitlens.errors import ConfigError
from traitlens.progress import silent
from traitlens.store import Dataset
from traitlens.training import (
    AdaptConfig,
    CaptionConfig,
    MaskingConfig,
    ObjectiveConfig,
    SwapConfig,
    TrainConfig,
    ValidationConfig,
)
from traitlens.training.course import Course
from traitlens.training.loop import Loop

CONFIG = TrainConfig(
    steps=5,
    batch_size=8,
    learning_rate=1e-3,
    warmup=0.0,
    masking=MaskingConfig(p=0.5),
    swaps=SwapConfig(share=0.5),
    captions=CaptionConfig(ramp=0.0),
    objective=ObjectiveConfig(phrase_form="sigmoid"),
    validation=ValidationConfig(every=0),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return drawn_dataset(tmp_path_factory.mktemp("loop") / "data", {"robots": 60, "owls": 40})


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("masks")


class Scores:
    """A validator that gives the scores of a list."""

    tokens = 50

    def __init__(self, *scores: float) -> None:
        self._scores = list(scores)

    def score(self, towers: Any, *, progress: Any = silent) -> float:
        return self._scores.pop(0)


def changed(**values: Any) -> TrainConfig:
    return dataclasses.replace(CONFIG, **values)


def same(one: Loop, other: Loop) -> bool:
    a, b = weights_of(one), weights_of(other)
    return all(torch.equal(a[name], b[name]) for name in a | b)


@pytest.mark.parametrize("chunk", [1, 3])
def test_a_batch_in_chunks_ends_with_the_weights_of_a_whole_one(
    data: Dataset, clip: Path, masks: Path, tmp_path: Path, chunk: int
) -> None:
    whole = small_loop(data, clip, config=CONFIG, masks=masks)
    before = weights_of(whole)
    parts = small_loop(data, clip, config=changed(chunk=chunk), masks=masks)
    go(whole, tmp_path / "a")
    go(parts, tmp_path / "b")
    after = weights_of(whole)
    for name, weight in weights_of(parts).items():
        torch.testing.assert_close(weight, after[name], rtol=0, atol=2e-5, msg=name)
    assert max(float((after[name] - before[name]).abs().max()) for name in after) > 1e-3


def stopped_at(step: int, loop: Loop, work: Path) -> None:
    """Take some steps, with a state every two, and stop."""
    work.mkdir()

    def stop(stage: str, done: int, total: int, note: str = "", /) -> None:
        if stage == "train" and done == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.run(
            work,
            save_every=2,
            mark="a",
            workers=0,
            on_point=lambda point: None,
            progress=stop,
        )


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_stopped_loop_goes_on_to_the_same_weights_and_curve(
    data: Dataset, masks: Path, tmp_path: Path, precision: str
) -> None:
    """With dropout in both towers and in LoRA, and with validation: all of it comes back."""
    clip = small_clip(tmp_path / "clip", dropout=0.3)
    config = changed(
        steps=6,
        batch_size=4,
        chunk=3,
        precision=precision,
        adapt=AdaptConfig(vision="lora", dropout=0.3),
        validation=ValidationConfig(every=3),
    )

    def fresh(*scores: float) -> Loop:
        validator = Scores(*scores)
        return small_loop(data, clip, config=config, masks=masks, validator=validator)

    straight, resumed = fresh(0.5, 0.4), fresh(0.4)
    wanted = go(straight, tmp_path / "a", save_every=2)
    stopped_at(5, fresh(0.5), tmp_path / "b")
    found = go(resumed, tmp_path / "b", save_every=2)
    assert same(straight, resumed)
    assert found.curve == wanted.curve
    assert found.best == wanted.best
    assert found.best.step == 3
    assert straight.stepper.scaler.state_dict() == resumed.stepper.scaler.state_dict()


def test_processes_that_draw_ahead_draw_what_a_thread_does(
    data: Dataset, clip: Path, masks: Path, tmp_path: Path
) -> None:
    loops = [small_loop(data, clip, config=CONFIG, masks=masks) for _ in range(2)]
    for loop, workers in zip(loops, (0, 2), strict=True):
        go(loop, tmp_path / f"{workers}", workers=workers)
    assert same(*loops)


def test_another_seed_draws_other_batches(data: Dataset, clip: Path, tmp_path: Path) -> None:
    plain = changed(masking=MaskingConfig(), swaps=SwapConfig())
    loops = [
        small_loop(data, clip, config=dataclasses.replace(plain, seed=seed)) for seed in (0, 1)
    ]
    for number, loop in enumerate(loops):
        go(loop, tmp_path / f"{number}")
    assert not same(*loops)


def validated(data: Dataset, clip: Path, work: Path, *scores: float, **values: Any) -> Course:
    config = changed(
        masking=MaskingConfig(),
        swaps=SwapConfig(),
        validation=ValidationConfig(every=1, **values),
    )
    return go(small_loop(data, clip, config=config, validator=Scores(*scores)), work, save_every=1)


def test_the_best_weights_are_kept_and_of_equal_ones_the_later(
    data: Dataset, clip: Path, tmp_path: Path
) -> None:
    course = validated(data, clip, tmp_path, 0.1, 0.7, 0.3, 0.7, 0.6)
    assert (course.best.step, course.best.score, course.step) == (4, 0.7, 5)
    assert [file.name for file in tmp_path.glob("best-*")] == ["best-4.safetensors"]
    assert [point.validation for point in course.curve] == [0.1, 0.7, 0.3, 0.7, 0.6]


def test_a_run_ends_when_its_patience_does(data: Dataset, clip: Path, tmp_path: Path) -> None:
    course = validated(data, clip, tmp_path, 0.1, 0.7, 0.7, 0.6, patience=2)
    assert course.step == 4, "an equal score is no better one"
    assert course.best.step == 3
    assert course.curve[-1].step == 4


def test_a_loss_that_is_no_number_ends_the_run(data: Dataset, clip: Path, tmp_path: Path) -> None:
    config = TrainConfig(steps=20, batch_size=8, validation=ValidationConfig(every=0))
    loop = small_loop(data, clip, config=config)
    with torch.no_grad():
        loop.towers.model.visual_projection.weight.fill_(torch.nan)
    with pytest.raises(ConfigError, match="the loss is nan after step 10; a learning_rate below"):
        go(loop, tmp_path)


@pytest.mark.parametrize(("start", "most"), [(200.0, 200.0), (20.0, 100.0)])
def test_the_temperature_stays_below_clips_bound_or_where_the_model_came_from(
    data: Dataset, clip: Path, tmp_path: Path, start: float, most: float
) -> None:
    config = TrainConfig(steps=1, batch_size=8, learning_rate=1e-9)
    loop = small_loop(data, clip, config=config)
    loop.towers.model.logit_scale.data.fill_(torch.tensor(start).log())
    again = Loop(loop.towers, loop.objective, loop.material, None, config=config, ranks=loop.ranks)
    again.towers.model.logit_scale.data.fill_(10.0)
    go(again, tmp_path)
    assert again.towers.model.logit_scale.exp().item() == pytest.approx(most, rel=1e-4)


def test_the_parts_of_the_curve_add_up_to_its_loss(
    data: Dataset, clip: Path, masks: Path, tmp_path: Path
) -> None:
    config = changed(swaps=SwapConfig())
    point = go(small_loop(data, clip, config=config, masks=masks), tmp_path).curve[-1]
    assert set(point.parts) == {"captions", "phrases"}
    assert sum(point.parts.values()) == pytest.approx(point.loss, rel=1e-5)


def test_a_siglip_learns_by_pairs_with_its_own_bias(data: Dataset, tmp_path: Path) -> None:
    folder = siglip(tmp_path / "siglip")
    objective = ObjectiveConfig(form="sigmoid", phrases=0.0)
    config = TrainConfig(steps=2, batch_size=8, chunk=3, objective=objective, precision="fp32")
    loop = small_loop(data, folder, config=config)
    before = weights_of(loop)
    course = go(loop, tmp_path / "work")
    moved = {n for n, value in weights_of(loop).items() if not torch.equal(value, before[n])}
    assert {"model.logit_bias", "model.logit_scale"} < moved
    assert "objective.caption_bias" not in moved
    assert set(course.curve[-1].parts) == {"captions"}, "nobody asked for phrases"

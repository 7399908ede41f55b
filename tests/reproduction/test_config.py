"""What a run is trained with follows from the recipe, and wrong values are refused."""

import pytest

from traitlens.errors import ConfigError
from traitlens.models import shipped_folder
from traitlens.reproduction import ReproductionConfig
from traitlens.reproduction.published import B_32
from traitlens.training import TrainConfig, ValidationConfig


def test_a_checkpoint_is_fine_tuned_as_clip_is() -> None:
    config = ReproductionConfig().training(B_32, p=0.3, seed=2)
    assert (config.model, config.masking.p, config.seed) == (B_32, 0.3, 2)
    assert config.objective.phrases == 0
    assert config.captions.partial == 0
    assert config.temperature_pace == 1
    assert (config.sampling.mixed, config.sampling.balance) == (1, 1)


def test_a_preset_is_trained_as_train_does_by_default_but_to_the_last_step() -> None:
    to_the_end = TrainConfig(validation=ValidationConfig(every=0))
    assert ReproductionConfig().training("tiny", p=0.0, seed=0) == to_the_end


def test_the_recipe_can_be_chosen() -> None:
    assert ReproductionConfig(recipe="plain").training("tiny", p=0, seed=0).objective.phrases == 0
    assert ReproductionConfig(recipe="ours").training(B_32, p=0, seed=0).objective.phrases == 1


def test_the_shipped_encoder_is_trained_on_from_its_folder() -> None:
    assert ReproductionConfig().training("shipped", p=0, seed=0).model == str(shipped_folder())


def test_what_is_asked_for_is_taken() -> None:
    config = ReproductionConfig(steps=7, batch_size=9, learning_rate=0.1, fill="mean")
    for name in ("tiny", B_32):
        made = config.training(name, p=0.5, seed=0)
        assert (made.steps, made.batch_size, made.learning_rate) == (7, 9, 0.1)
        assert made.masking.fill == "mean"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("recipe", "best"),
        ("steps", 0),
        ("seeds", 0),
        ("per_collection", 1),
        ("max_gallery", 1),
        ("batch_size", 1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
    ],
)
def test_a_wrong_value_is_named(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=repr(value)):
        ReproductionConfig(**{option: value})  # type: ignore[arg-type]

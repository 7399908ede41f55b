"""An objective's config says what it accepts."""

import pytest

from traitlens.errors import ConfigError
from traitlens.training.objectives import ObjectiveConfig


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"form": "soft"}, "objective.form must be one of softmax, sigmoid; got 'soft'"),
        ({"positives": "all"}, "objective.positives must be one of even, pairs, spared"),
        ({"targets": "jaccard"}, "objective.targets must be one of hard, overlap, context, smooth"),
        ({"phrase_form": "clip"}, "must be one of softmax, sigmoid, logsumexp; got 'clip'"),
        ({"phrase_weights": "idf"}, "must be one of all, known, given; got 'idf'"),
        ({"caption_weights": "given"}, "must be one of all, known; got 'given'"),
        ({"soften": 1.5}, r"objective.soften must be in \[0, 1\]; got 1.5"),
        ({"soften_end": -0.1}, r"objective.soften_end must be in \[0, 1\]; got -0.1"),
        ({"soften_until": 2}, r"objective.soften_until must be in \[0, 1\]; got 2"),
        ({"soft_temperature": 0}, "objective.soft_temperature must be above 0; got 0"),
        ({"margin": 3}, r"objective.margin must be in \[0, 2\]; got 3"),
        ({"hardest": -1}, "objective.hardest must be at least 0; got -1"),
        ({"phrases": float("nan")}, "objective.phrases must be at least 0; got nan"),
        ({"swaps": -1}, "objective.swaps must be at least 0; got -1"),
        ({"form": "sigmoid", "targets": "smooth"}, "must be hard with objective.form sigmoid"),
    ],
)
def test_a_value_that_is_not_accepted_is_named(options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ObjectiveConfig(**options)  # type: ignore[arg-type]


def test_soft_targets_fade() -> None:
    config = ObjectiveConfig(targets="overlap", soften=0.3)
    assert [config.softened(gone) for gone in (0, 0.5, 1)] == pytest.approx([0.3, 0.15, 0])


def test_soft_targets_may_fade_early_and_stay_faded() -> None:
    config = ObjectiveConfig(targets="overlap", soften=0.4, soften_until=0.5)
    assert [config.softened(gone) for gone in (0, 0.25, 0.5, 1)] == pytest.approx([0.4, 0.2, 0, 0])


def test_soft_targets_may_stay_or_grow() -> None:
    stay = ObjectiveConfig(targets="context", soften=0.2, soften_end=0.2)
    grow = ObjectiveConfig(targets="context", soften=0.0, soften_end=0.4, soften_until=0)
    assert [stay.softened(gone) for gone in (0, 1)] == [0.2, 0.2]
    assert grow.softened(0) == 0.4, "at once"


def test_hard_targets_are_never_softened() -> None:
    assert ObjectiveConfig(soften=0.3).softened(0) == 0

"""The objective adds up its parts, starts where the loss before it stood, and is never NaN."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.objectives.batches import (
    Rows,
    features,
    no_texts,
    softplus,
    texts,
    views,
    waves,
)
from traitlens.training.batch import Features, Loss, Texts, Views
from traitlens.training.objectives import Objective, ObjectiveConfig
from traitlens.training.objectives.config import PHRASE_FORMS, POSITIVES, TARGETS

EYE = torch.eye(3)
SCALE = torch.tensor(2.6592).exp()
CAPTIONS = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 1]]
PHRASES = [[1, 1, 0, 1], [0, 0, 1, 0], [0, 0, 1, 1]]
SOME = features(waves(4, 6, 1.3), waves(5, 6, 0.7), waves(3, 6, 2.1))

# Every option in combinations that meet each other. Captions and phrases do not.
DROPPING: list[dict[str, Any]] = [
    {},
    {"margin": 0.1, "hardest": 1, "phrase_weights": "known"},
    {"margin": 0.0, "caption_weights": "known", "phrase_weights": "given"},
]
CONFIGS = [
    ObjectiveConfig(
        form=form, positives=positives, targets=targets, phrase_form=phrase_form, **dropping
    )
    for form, targets in [*itertools.product(["softmax"], TARGETS), ("sigmoid", "hard")]
    for positives, phrase_form in zip(POSITIVES, PHRASE_FORMS, strict=True)
    for dropping in DROPPING
]


def some_views(swaps: Rows = ()) -> Views:
    overlap = (0.2 + 0.8 * np.array(CAPTIONS)).tolist()
    weights = [[1.0, 2.0, 0.5, 1.0], [0.0, 1.0, 1.0, 0.0], [1.0, 0.5, 2.0, 1.0]]
    return views(
        texts(CAPTIONS, of=[0, 1, 2, 3, 0], overlap=overlap),
        texts(PHRASES, of=[-1, -1, -1], weights=weights),
        swaps,
    )


def loss_of(
    config: ObjectiveConfig, seen: Features, truth: Views, *, bias: float | None = None
) -> Loss:
    own = None if bias is None else torch.tensor(bias)
    found: Loss = Objective(config)(seen, truth, scale=SCALE, bias=own, gone=0.0)
    return found


def total(
    config: ObjectiveConfig, seen: Features, truth: Views, *, bias: float | None = None
) -> float:
    return float(loss_of(config, seen, truth, bias=bias).total.detach())


def test_the_defaults_are_the_loss_that_was_there_before() -> None:
    # From the function of one matrix that stood here, at the same vectors.
    found = loss_of(ObjectiveConfig(), SOME, some_views())
    assert float(found.parts["captions"]) == pytest.approx(9.745384216308594, rel=1e-6)
    assert float(found.parts["phrases"]) == pytest.approx(1.7683746814727783, rel=1e-6)
    assert float(found.total) == pytest.approx(11.513758659362793, rel=1e-6)


def test_a_batch_by_hand() -> None:
    # Two equal pictures and captions, and another at right angles, at a scale of 1.
    equal = math.log(2 * math.e + 1) - 1  # of either of the two, in either direction
    other = math.log(2 + math.e) - 1
    found = Objective(ObjectiveConfig())(
        features(EYE[[0, 0, 1]], EYE[[0, 0, 1]]),
        views(texts([[1, 1, 0], [1, 1, 0], [0, 0, 1]])),
        scale=torch.tensor(1.0),
        bias=None,
        gone=0.0,
    )
    assert float(found.total) == pytest.approx((2 * equal + other) / 3)


def test_equal_captions_are_not_pushed_apart() -> None:
    images = EYE[[0, 0, 1]].clone().requires_grad_()
    truth = views(texts([[1, 1, 0], [1, 1, 0], [0, 0, 1]]))
    found = loss_of(ObjectiveConfig(), features(images, EYE[[0, 0, 1]]), truth)
    (gradient,) = torch.autograd.grad(found.total, images)
    assert gradient.abs().max() < 1e-5, "a perfect answer is left alone"


def test_vectors_need_not_be_of_unit_length() -> None:
    longer = Features(
        images_BD=5 * SOME.images_BD, captions_TD=3 * SOME.captions_TD, phrases_TD=SOME.phrases_TD
    )
    found = [total(ObjectiveConfig(), seen, some_views()) for seen in (SOME, longer)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_parts_add_up_to_the_loss_as_they_weigh() -> None:
    truth = some_views(swaps=[(0, 2)])
    once = loss_of(ObjectiveConfig(), SOME, truth)
    found = loss_of(ObjectiveConfig(phrases=0.5, swaps=2.0), SOME, truth)
    assert list(found.parts) == ["captions", "phrases", "swaps"]
    assert float(found.parts["phrases"]) == pytest.approx(0.5 * float(once.parts["phrases"]))
    assert float(found.parts["swaps"]) == pytest.approx(2 * float(once.parts["swaps"]))
    assert float(found.total) == pytest.approx(sum(float(part) for part in found.parts.values()))


def test_a_part_that_a_batch_lacks_or_a_config_leaves_out_is_not_there() -> None:
    none = views(some_views().captions)
    assert list(loss_of(ObjectiveConfig(), SOME, none).parts) == ["captions"]
    unweighted = ObjectiveConfig(phrases=0, swaps=0)
    assert list(loss_of(unweighted, SOME, some_views([(0, 2)])).parts) == ["captions"]


def test_the_curve_holds_on_to_no_graph() -> None:
    objective = Objective(ObjectiveConfig(phrase_form="sigmoid"))
    found = objective(SOME, some_views(), scale=SCALE, bias=None, gone=0.0)
    assert found.total.requires_grad
    assert not any(part.requires_grad for part in found.parts.values())


@pytest.mark.parametrize(
    ("options", "learnt"),
    [
        ({}, set()),
        ({"form": "sigmoid"}, {"caption_bias"}),
        ({"phrase_form": "sigmoid"}, {"phrase_log_scale", "phrase_bias"}),
        ({"phrase_form": "logsumexp"}, {"phrase_log_scale", "phrase_bias"}),
    ],
)
def test_what_a_form_learns_is_a_parameter(options: dict[str, str], learnt: set[str]) -> None:
    objective = Objective(ObjectiveConfig(**options))  # type: ignore[arg-type]
    scale = SCALE.clone().requires_grad_()
    objective(SOME, some_views(), scale=scale, bias=None, gone=0.0).total.backward()
    moved = {name for name, p in objective.named_parameters() if p.grad is not None and p.grad != 0}
    assert moved == learnt == set(dict(objective.named_parameters()))
    assert scale.grad is not None and scale.grad != 0, "the model's scale learns as well"


def test_a_models_own_bias_comes_before_the_objectives() -> None:
    # At right angles the logit is the bias alone: two true pairs, two others.
    config, truth = ObjectiveConfig(form="sigmoid"), views(texts([[1, 0], [0, 1]]))
    seen = features(EYE[:2], EYE[[2, 2]])
    own = (2 * softplus(10) + 2 * softplus(-10)) / 2
    assert total(config, seen, truth) == pytest.approx(own)
    assert total(config, seen, truth, bias=1.0) == pytest.approx(softplus(-1) + softplus(1))


def test_phrases_in_the_sigmoid_form_start_where_few_are_true() -> None:
    config = ObjectiveConfig(phrase_form="sigmoid")
    phrases = texts([[1, 0]], of=[-1])
    seen = features(EYE[:2], EYE[:2], EYE[:1])
    found = loss_of(config, seen, views(texts([[1, 0], [0, 1]]), phrases))
    # Cosines of 1 and 0, at a scale of 10 and a bias of -3.
    assert float(found.parts["phrases"]) == pytest.approx(softplus(-7) + softplus(-3))


def test_the_order_of_a_batch_does_not_matter() -> None:
    order = [2, 0, 3, 1]
    rows = [*order, 4]
    truth = some_views()

    def shuffled(old: Texts, rows: list[int], of: list[int]) -> Texts:
        return Texts(
            texts=old.texts,
            fits_TB=old.fits_TB[rows][:, order],
            of_T=np.array(of),
            overlap_TB=old.overlap_TB[rows][:, order],
            weights_TB=old.weights_TB[rows][:, order],
        )

    moved = views(
        shuffled(truth.captions, rows, [0, 1, 2, 3, 1]),  # what was picture 0 is now 1
        shuffled(truth.phrases, [1, 2, 0], [-1, -1, -1]),
    )
    seen = Features(
        images_BD=SOME.images_BD[order],
        captions_TD=SOME.captions_TD[rows],
        phrases_TD=SOME.phrases_TD[[1, 2, 0]],
    )
    for config in CONFIGS:
        before, after = total(config, SOME, truth), total(config, seen, moved)
        assert before == pytest.approx(after, rel=1e-5), config


DEGENERATE = {
    "one picture": views(texts([[1]]), texts([[1]], of=[-1])),
    "all captions equal": views(texts([[1, 1], [1, 1]]), texts([[1, 1]], of=[-1]), [(0, 1)]),
    "a phrase that fits nothing": views(texts([[1, 0], [0, 1]]), texts([[0, 0]], of=[-1])),
    "a caption that fits nothing": views(texts([[0, 0], [0, 1]]), texts([[1, 0]], of=[-1])),
    "a phrase known nowhere": views(
        texts([[1, 0], [0, 1]]), texts([[1, 0]], of=[-1], weights=[[0, 0]])
    ),
    "no phrases": views(texts([[1, 0], [0, 1]]), no_texts(2)),
}


@pytest.mark.parametrize("batch", DEGENERATE)
def test_a_batch_with_little_to_say_has_a_finite_loss_and_gradient(batch: str) -> None:
    truth = DEGENERATE[batch]
    sizes = (truth.pictures, len(truth.captions.texts), len(truth.phrases.texts))
    for config in CONFIGS:
        leaves = [waves(size, 4, 0.9).requires_grad_() for size in sizes]
        images, captions, phrases = leaves
        found = loss_of(
            config, Features(images_BD=images, captions_TD=captions, phrases_TD=phrases), truth
        )
        found.total.backward()  # type: ignore[no-untyped-call]
        assert math.isfinite(float(found.total.detach())), config
        assert all(leaf.grad.isfinite().all() for leaf in leaves if leaf.grad is not None), config


def test_a_models_scalars_may_be_vectors_of_one_number() -> None:
    config, truth = ObjectiveConfig(form="sigmoid", margin=0.1), some_views([(0, 2)])
    plain = total(config, SOME, truth, bias=-10.0)
    boxed = Objective(config)(SOME, truth, scale=SCALE[None], bias=torch.tensor([-10.0]), gone=0.0)
    assert boxed.total.shape == ()
    assert float(boxed.total) == pytest.approx(plain)


def test_a_perfect_model_learns_nothing_more_from_any_sharp_objective() -> None:
    # Captions and pictures agree, phrases too: what is left is nearly nothing.
    seen = features(EYE, EYE, EYE)
    eye = torch.eye(3).tolist()
    truth = views(texts(eye), texts(eye, of=[-1] * 3), [(0, 1)])
    for config in (ObjectiveConfig(), ObjectiveConfig(positives="spared", hardest=1)):
        assert total(config, seen, truth) < 1e-4

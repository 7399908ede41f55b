"""The study of masking: which trials there are, how one chooses, and what is compared."""

import importlib
from typing import Any

import pytest

# By name, as benchmarks are run and not installed.
arms: Any = importlib.import_module("benchmarks.masking.arms")
outcomes: Any = importlib.import_module("benchmarks.masking.outcomes")
plan: Any = importlib.import_module("benchmarks.masking.plan")
protocol: Any = importlib.import_module("benchmarks.masking.protocol")

STEPS = 10
CHOICE = plan.Choice(
    masks={n: arms.masked(0.5, "mean") for n in protocol.PERCENTS},
    recipe=arms.PLAIN.plus("all", {}),
    plain=arms.PLAIN,
)


def row(collection: str, top_1: float, *, direction: str = "text_to_image") -> dict[str, Any]:
    recall = {"1": top_1, "10": 1.0}
    return {"gallery": collection, "scope": "collection", "direction": direction, "recall": recall}


def outcome(scores: dict[str, float], *, validation: float = 0.0) -> dict[str, Any]:
    rows = [row(name, score) for name, score in scores.items()]
    rows += [row(name, 1.0, direction="image_to_text") for name in scores]
    return {
        "test": {"model": "a", "rows": rows},
        "validation": {"model": "a", "rows": [row(name, validation) for name in scores]},
    }


def done(arm: Any, *, validation: float, percent: int = plan.HEADLINE) -> Any:
    trial = plan.Trial(arm=arm, group=0, percent=percent, seed=protocol.SELECTION_SEED, steps=STEPS)
    return plan.Done(trial=trial, outcome=outcome({"nouns": 0.0}, validation=validation))


def test_every_cluster_is_in_one_group_and_there_are_enough_for_an_interval() -> None:
    names = [name for group in protocol.GROUPS for name in group]
    assert len(names) == len(set(names)) == 32
    assert set(protocol.STYLES) < set(names)
    assert all(protocol.unseen_group(group) != group for group in range(len(protocol.GROUPS)))


def test_the_grid_crosses_chances_and_fills_at_one_seed_and_fewer_fills_at_other_shares() -> None:
    trials = plan.grid(STEPS)
    whole = 1 + len(arms.PS) + len(arms.PS) * len(arms.FILLS)
    fewer = 1 + 1 + len(arms.PS) * len(plan.FEW_FILLS)
    assert len({trial.name for trial in trials}) == len(trials)
    groups, others = len(protocol.SELECTION_GROUPS), len(protocol.PERCENTS) - 1
    assert len(trials) == (whole + fewer * others) * groups
    assert {trial.seed for trial in trials} == {protocol.SELECTION_SEED}


def test_confirming_trials_have_fresh_seeds_a_group_each() -> None:
    trials = plan.confirmation(CHOICE, STEPS)
    assert protocol.SELECTION_SEED not in protocol.SEEDS
    assert len(protocol.SEEDS) >= 8
    everywhere = [(a, n) for a in (arms.PLAIN, CHOICE.recipe) for n in protocol.PERCENTS]
    for arm, percent in [*everywhere, (arms.tags_only(0.5), plan.HEADLINE)]:
        of_arm = [t for t in trials if t.arm == arm and t.percent == percent]
        assert [(t.seed, t.group) for t in of_arm] == [(s, s) for s in protocol.SEEDS]


def test_longer_trials_take_more_steps_of_the_headline_and_of_all_data_without_masking() -> None:
    trials = plan.longer(CHOICE, STEPS)
    assert {t.steps for t in trials} == {plan.LONGER * STEPS}
    assert {t.arm for t in trials if t.percent == 100} == {CHOICE.plain}


@pytest.mark.parametrize("trial", [*plan.grid(STEPS), *plan.ideas(CHOICE.masks, STEPS)], ids=str)
def test_every_arm_is_a_config(trial: Any) -> None:
    config = arms.train_config(trial.arm, steps=trial.steps, seed=trial.seed)
    assert (config.steps, config.seed, config.validation.keep) == (
        STEPS,
        protocol.SELECTION_SEED,
        "last",
    )


def test_arms_of_one_name_but_other_settings_are_other_trials() -> None:
    name, settings = next(iter(arms.IDEAS.items()))
    ideas = [arms.PLAIN.plus("x", {}), arms.PLAIN.plus("x", settings)]
    trials = [plan.Trial(arm=arm, group=0, percent=3, seed=0, steps=STEPS) for arm in ideas]
    assert trials[0].name != trials[1].name, name


def test_the_choice_is_made_on_validation_at_one_share_of_the_data() -> None:
    first, second = arms.masked(0.3, "zero"), arms.masked(0.7, "zero")
    trials = [
        done(first, validation=0.2),
        done(second, validation=0.3),
        done(first, validation=0.9, percent=100),
    ]
    assert plan.best(trials, [first, second], percent=plan.HEADLINE) == second


def test_clusters_are_averaged_over_trials_and_the_other_direction_is_left_out() -> None:
    found = [outcome({"nouns": 0.2, "clay-7": 0.4}), outcome({"nouns": 0.4})]
    assert outcomes.by_cluster(found, outcomes.PRIMARY) == pytest.approx(
        {"nouns": 0.3, "clay-7": 0.4}
    )


def test_a_difference_is_paired_and_told_for_real_and_drawn_art() -> None:
    ours = [outcome({"nouns": 0.5, "clay-7": 0.3, "mfers": 0.9})]
    theirs = [outcome({"nouns": 0.2, "clay-7": 0.4})]
    gain = outcomes.difference(ours, theirs, outcomes.PRIMARY)
    assert (gain.real, gain.drawn) == pytest.approx((0.3, -0.1))
    assert gain.mean == pytest.approx(0.1)
    assert (gain.wins, gain.clusters) == (1, 2)
    assert gain.interval is None  # two clusters say nothing of a third
    assert gain.p == 1.0  # one of two signs is as far from zero


def test_short_queries_are_those_of_the_model_itself_and_of_collections() -> None:
    def query(model: str, collection: str, at_10: float | None) -> dict[str, Any]:
        precision = None if at_10 is None else {"10": at_10}
        return {"model": model, "collection": collection, "traits": 1, "precision": precision}

    rows = [query("a", "nouns", 0.4), query("chance", "nouns", 0.1), query("a", "macro", 0.9)]
    measured = outcome({"nouns": 0.1})
    measured["test"]["parts"] = {"short queries": {"rows": [*rows, query("a", "clay-7", None)]}}
    one_trait = next(m for m in outcomes.SECONDARY if m.name == "P@10, 1 trait")
    assert one_trait.of(measured) == {"nouns": 0.4}

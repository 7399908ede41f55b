"""Lines of tables from searches: the paper's top-k beside ours, with N, chance and ceiling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from traitlens.models.tiny import is_preset
from traitlens.reproduction.arms import ZERO_SHOT, Arm, TestedOn
from traitlens.reproduction.bench import Bench
from traitlens.reproduction.published import MODELS, PerK, stands_for
from traitlens.reproduction.record import Compared
from traitlens.reproduction.scores import Scores, Searched, named

Pick = Callable[[Scores], Searched]


def line(
    bench: Bench,
    model: str,
    arm: Arm,
    *,
    paper: PerK | None,
    gallery: str,
    pick: Pick = lambda scores: scores.all,
    tested_on: TestedOn = "all",
) -> Compared:
    """Return the line of a model in one gallery, by default that of all test tokens."""
    found = [pick(scores) for scores in bench.scores(model, arm, tested_on=tested_on)]
    return Compared(
        subject=model,
        run=run_words(bench.models[model], arm),
        gallery=gallery,
        paper=named(paper) if paper else {},
        ours=tuple(named(each.recall) for each in found),
        n=found[0].n,
        chance=named(found[0].chance),
        ceiling=named(found[0].ceiling),
    )


def lines(
    bench: Bench,
    table: dict[str, dict[Arm, PerK]],
    arms: Sequence[Arm],
    *,
    gallery: str,
    tested_on: TestedOn = "all",
) -> tuple[Compared, ...]:
    """Return the lines of each model and arm in the gallery of all test tokens."""
    return tuple(
        line(
            bench,
            model,
            arm,
            paper=table[stands_for(checkpoint, table)][arm],
            gallery=gallery,
            tested_on=tested_on,
        )
        for model, checkpoint in bench.models.items()
        for arm in arms
    )


def run_words(checkpoint: str, arm: Arm) -> str:
    """Return the name of a run; a preset without pre-training is no zero-shot model."""
    return "untrained" if arm == ZERO_SHOT and is_preset(checkpoint) else arm.words


def stand_ins(bench: Bench, published: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each model that the paper's table does not have."""
    known = list(published)
    for model, checkpoint in bench.models.items():
        if checkpoint not in known:
            yield (
                f"{model} is not in the paper's table; its lines stand beside {MODELS[known[0]]}."
            )

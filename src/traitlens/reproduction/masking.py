"""Tables 3 and 4 and the headline: how much data, and what dynamic masking adds."""

from __future__ import annotations

from collections.abc import Iterator

from traitlens.reproduction.arms import ON_ALL, ON_MINI, ZERO_SHOT, masked
from traitlens.reproduction.bench import Bench
from traitlens.reproduction.beside import beside
from traitlens.reproduction.lines import lines, stand_ins
from traitlens.reproduction.published import (
    DEFAULT_P,
    HEADLINE_GAIN,
    HEADLINE_SHARE,
    L_14,
    TABLE_3,
    TABLE_4,
)
from traitlens.reproduction.record import Compared, Made

CHANCES = (0.0, 0.3, 0.5, 0.7)
TABLE_3_ARMS = tuple(map(masked, CHANCES))
TABLE_4_ARMS = (ZERO_SHOT, ON_MINI, ON_ALL, masked(DEFAULT_P))
HEADLINE_ARMS = (ON_ALL, masked(DEFAULT_P))

_GALLERY = "mini, all collections"


def table3(bench: Bench) -> Made:
    """Return top-k on mini's test split by the chance to hide a component."""
    return Made(
        compared=lines(bench, TABLE_3, TABLE_3_ARMS, gallery=_GALLERY, tested_on="mini"),
        notes=(*stand_ins(bench, TABLE_3), *_one_run(), *_about_mini(bench), *_about_masks(bench)),
        more=beside(bench, tested_on="mini"),
    )


def table4(bench: Bench) -> Made:
    """Return top-k on mini's test split by what a model was fine-tuned on."""
    return Made(
        compared=lines(bench, TABLE_4, TABLE_4_ARMS, gallery=_GALLERY, tested_on="mini"),
        notes=(*stand_ins(bench, TABLE_4), *_one_run(), *_about_mini(bench), *_about_masks(bench)),
        more=beside(bench, tested_on="mini"),
    )


def headline(bench: Bench) -> Made:
    """Return what mini with masking gains over all of the data without, and mini's share of it."""
    table = {L_14: TABLE_4[L_14]}
    runs = lines(bench, table, HEADLINE_ARMS, gallery=_GALLERY, tested_on="mini")
    gains = [
        _gain(model, with_all, with_mask)
        for model, with_all, with_mask in zip(bench.models, runs[::2], runs[1::2], strict=True)
    ]
    mini, all_tokens = (bench.tested(on).count(split="train") for on in ("mini", "all"))
    share = Compared(
        subject="mini",
        run="share of the training data",
        paper={"share": HEADLINE_SHARE},
        ours=({"share": mini / all_tokens},),
        n=mini,
    )
    return Made(
        compared=(*runs, *gains, share),
        notes=(
            *stand_ins(bench, [L_14]),
            "The gain is that of masking and of the smaller data together; masking alone is "
            "table 3, p = 0.5 less p = 0.",
            *_about_mini(bench),
            *_about_masks(bench),
        ),
    )


def _gain(model: str, with_all: Compared, with_mask: Compared) -> Compared:
    """Return mini with masking less all without: of the paper, and seed by seed of ours."""
    pairs = zip(with_all.ours, with_mask.ours, strict=True)
    paper = {name: with_mask.paper[name] - with_all.paper[name] for name in with_all.paper}
    return Compared(
        subject=model,
        run="gain of mini with masking over all",
        gallery=_GALLERY,
        paper={**paper, "top-1": HEADLINE_GAIN},
        ours=tuple({name: new[name] - old[name] for name in old} for old, new in pairs),
        n=with_mask.n,
    )


def _one_run() -> Iterator[str]:
    """Yield the first of the paper's oddities, as it comes out for one model here."""
    model = next(iter(TABLE_3))
    apart, together = TABLE_3[model][masked(0.0)][1], TABLE_4[model][ON_MINI][1]
    yield (
        "Table 3's p = 0 and table 4's fine-tuned on mini are one run here, so they agree; the "
        f"paper prints {apart:.2%} and {together:.2%} for them."
    )


def _about_mini(bench: Bench) -> Iterator[str]:
    mini, whole = bench.tested("mini").count(), bench.data.count()
    if mini == whole:
        yield (
            f"No collection has more than {bench.config.per_collection:,} tokens, so mini is all "
            "of the data: fine-tuned on mini and on all differ by nothing but the vocabulary's and "
            "the batches' draw."
        )
    else:
        yield f"mini has {mini:,} of {whole:,} tokens ({mini / whole:.0%})."


def _about_masks(bench: Bench) -> Iterator[str]:
    """Yield how many tags masking can hide at all."""
    for model in bench.models:
        report = bench.summary(model, masked(DEFAULT_P))["report"]
        yield (
            f"{model}: {report['tags_without_mask']:,} of {report['tags']:,} tags of mini have no "
            "mask and are never hidden."
        )

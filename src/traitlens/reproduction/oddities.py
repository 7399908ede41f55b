"""What does not add up in the paper: its numbers, what arithmetic settles, what is done here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import sqrt

from traitlens.metrics import lift, rank_correlation
from traitlens.reproduction.arms import ON_ALL, ON_MINI, ZERO_SHOT, masked
from traitlens.reproduction.published import (
    B_32,
    HEADLINE_GAIN,
    L_14,
    SIZES,
    TABLE_1,
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_5_ALL,
    TABLE_6,
    TOKENS,
    PerK,
)
from traitlens.split import official_collections, official_counts
from traitlens.tables import Column, Table


@dataclass(frozen=True, slots=True)
class Oddity:
    """A point at which the paper's numbers disagree, or say less than they seem to."""

    name: str
    paper: str
    arithmetic: str
    here: str


def oddities() -> tuple[Oddity, ...]:
    """Return every point that does not add up; the arithmetic is of the printed numbers."""
    return (
        _p0(),
        _all_collections(),
        _chance(),
        _order(),
        _multiples(),
        _sizes(),
        _headline(),
        _gallery_size(),
        _softmax(),
    )


def oddities_table() -> Table:
    """Return the oddities as a table of words."""
    return Table(
        title="What does not add up in the paper",
        columns=tuple(map(Column, ("point", "paper", "arithmetic", "here"))),
        rows=tuple((o.name, o.paper, o.arithmetic, o.here) for o in oddities()),
    )


def _p0() -> Oddity:
    apart, together = TABLE_3[B_32][masked(0.0)][1], TABLE_4[B_32][ON_MINI][1]
    with_mask = TABLE_4[B_32][masked(0.5)][1]
    return Oddity(
        "table 3 at p = 0 and table 4, fine-tuned on mini",
        f"{_percent(apart)} and {_percent(together)} top-1, nominally one run of ViT-B/32.",
        f"They are {_points(apart - together)} points apart. Masking's {_percent(with_mask)} gains "
        f"{_points(with_mask - apart)} over the first and {_points(with_mask - together)} over the "
        "second.",
        "One run serves both tables, and masking is measured against p = 0 in the same pipeline.",
    )


def _all_collections() -> Oddity:
    one, other = TABLE_1[L_14][ON_ALL], TABLE_5_ALL.fine_tuned
    same = TABLE_1[L_14][ZERO_SHOT] == TABLE_5_ALL.zero_shot
    apart = " / ".join(_points(other[k] - one[k]) for k in one)
    return Oddity(
        "table 5's all_collections and table 1",
        f"{_triple(other)} and {_triple(one)}, both ViT-L/14 fine-tuned, in 1,000,838 tokens.",
        f"{apart} points apart, while the zero-shot rows are {'equal' if same else 'unequal'}: the "
        "gallery is one, the fine-tuned models are not, or not at one time.",
        "One run, one gallery, one number: table 5's row is table 1's.",
    )


def _chance() -> Oddity:
    row = TABLE_6["Savage Droids"]
    hits = ", ".join(f"{share * row.n:.2f}" for share in row.recall.values())
    chance = ", ".join(_percent(k / row.n, 4) for k in row.recall)
    return Oddity(
        "Savage Droids in table 6",
        f"{_triple(row.recall, 4)} zero-shot.",
        f"Of {row.n:,} tokens these are {hits} hits, and a random order has {chance}: exactly "
        "chance. CVI 0.0003 there goes with a score that says nothing of the pictures.",
        "Every line has N and chance beside it, and difficulty is given as lift over chance too.",
    )


def _order() -> Oddity:
    three, five = TABLE_3[B_32][masked(0.3)], TABLE_3[B_32][masked(0.5)]
    n = SIZES["test"].mini_tokens
    gap = three[1] - five[1]
    error = sqrt(three[1] * (1 - three[1]) / n + five[1] * (1 - five[1]) / n)
    return Oddity(
        "p = 0.3 and p = 0.5 in table 3",
        f"{_triple(three)} and {_triple(five)}; p = 0.5 is the paper's default.",
        f"At top-1 p = 0.3 leads by {_points(gap)} points, {gap * n:.0f} of {n:,} queries; as "
        f"independent draws that is {gap / error:.1f} standard errors, and queries of one "
        "collection are not independent. At top-5 and top-10 p = 0.5 leads.",
        "`--seeds` trains several and prints mean and sd: an order within the sd is none.",
    )


def _multiples() -> Oddity:
    fine = [(name, share, row.n) for name, row in TABLE_6.items() for share in row.recall.values()]
    coarse = [
        (name, share, row.n)
        for name, row in TABLE_5.items()
        for shares in (row.zero_shot, row.fine_tuned)
        for share in shares.values()
    ]
    wrong = list(_no_multiples(coarse, digits=2))
    strays = "; ".join(f"{name}'s {_percent(share)} of {n:,}" for name, share, n in wrong)
    matching = len(fine) - len(list(_no_multiples(fine, digits=4)))
    return Oddity(
        "printed percentages are multiples of 1/N",
        "Tables 5 and 6 print top-k of single collections; table 6 prints no N.",
        f"With the authors' sizes {matching} of {len(fine)} numbers of table 6 are whole hits to "
        f"the last digit, so its galleries are whole collections (for COCO the N is inferred). Of "
        f"table 5 {len(coarse) - len(wrong)} of {len(coarse)} are; not so {strays or 'none'}.",
        "N stands in every line; ties count in expectation, so ours need not be whole hits.",
    )


def _no_multiples(
    printed: Iterable[tuple[str, float, int]], *, digits: int
) -> Iterator[tuple[str, float, int]]:
    """Yield what no whole number of hits rounds to."""
    for name, share, n in printed:
        percent = round(100 * share, digits)
        if round(100 * round(share * n) / n, digits) != percent:
            yield name, share, n


def _sizes() -> Oddity:
    lists, sizes = official_counts()["train"], SIZES["train"]
    excess, lack = lists.tokens - sizes.tokens, sizes.mini_tokens - lists.mini_tokens
    equal = [each.name for each in official_collections() if each.tokens == excess]
    renamed = next(each for each in official_collections() if each.also)
    printed = sum(size.tokens for size in SIZES.values())
    return Oddity(
        "sizes of the train split",
        f"{sizes.tokens:,} tokens, {sizes.mini_tokens:,} in mini; {printed:,} in all (printed as "
        f"{TOKENS / 1e6:g} M).",
        f"The lists add up to {lists.tokens:,} and {lists.mini_tokens:,}: {excess:,} more, as many "
        f"as {' or '.join(equal)} has, and {lack:,} fewer in mini, which leaving that collection "
        f"out would make {lack + min(excess, 1000):,}. {renamed.name} ({renamed.tokens:,} tokens) "
        f"is {renamed.also} in the partition. Validation and test agree exactly. Open.",
        "All 800 collections of the lists are in train; `split` prints every sum.",
    )


def _headline() -> Oddity:
    gain = TABLE_4[L_14][masked(0.5)][1] - TABLE_4[L_14][ON_ALL][1]
    share = SIZES["train"].mini_tokens / SIZES["train"].tokens
    agrees = "as printed" if abs(gain - HEADLINE_GAIN) < 5e-5 else "unlike the printed number"
    alone = TABLE_3[B_32][masked(0.5)][1] - TABLE_3[B_32][masked(0.0)][1]
    return Oddity(
        "the headline: 13% of the data with masking, +7.44 points",
        "ViT-L/14 on mini with masking against all of the data without.",
        f"{_points(gain)} points, {agrees}; mini has {share:.1%} of the pairs. The baseline has no "
        "masking, so data and masking change together, and the number of steps is not stated. "
        f"Masking alone is {_points(alone)} points of ViT-B/32 in table 3.",
        "Every run takes equally many steps, and `table3` measures masking alone.",
    )


def _gallery_size() -> Oddity:
    rows = list(TABLE_6.values())
    index, sizes = [row.index for row in rows], [float(row.n) for row in rows]
    top = [row.recall[1] for row in rows]
    lifts = [lift(row.recall[1], 1 / row.n) for row in rows]
    times = [row.recall[1] * row.n for row in rows]
    return Oddity(
        "CVI and the size of the gallery in table 6",
        "CVI and top-1 rise together over ten rows.",
        f"Spearman's rho with CVI: top-1 {rank_correlation(index, top):.2f}, N "
        f"{rank_correlation(index, sizes):.2f}, lift over chance "
        f"{rank_correlation(index, lifts):.2f}, multiples of chance "
        f"{rank_correlation(index, times):.2f}. The printed rows cannot tell CVI from N.",
        "`table6` cuts every gallery to the same N and asks again.",
    )


def _softmax() -> Oddity:
    name = "Tasty Bones"
    row = TABLE_6[name]
    most = (row.n - 1) / row.n**2
    return Oddity(
        "what the cosines in CVI are",
        f"{name} has CVI {row.index}; that the cosines are raw is not said.",
        f"Rows of probabilities could reach (N - 1) / N^2 = {most:.2g} at N = {row.n:,} at most, "
        f"{row.index / most:.1f} times less: no softmax was taken.",
        "Raw cosines of unit vectors, population variance, the diagonal as written; without it "
        "beside.",
    )


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f}%"


def _points(share: float) -> str:
    return f"{100 * share:.2f}"


def _triple(shares: PerK, digits: int = 2) -> str:
    return " / ".join(f"{100 * share:.{digits}f}" for share in shares.values()) + "%"

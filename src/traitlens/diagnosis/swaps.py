"""Does a model read each trait? Texts with one trait swapped, beside readers that see no picture.

A model that finds the right token may have read two of its eight traits. So it is asked about one
at a time: do the token's own traits fit its picture better than the same with one value swapped?
(Two-alternative forced choice. The likelier text can be told without a look at the picture, so two
controls stand beside: see `BlindReader`, and the model itself with the collection's mean picture.)
And of two tokens that differ in one trait, do captions and pictures find each other? See
`near_pairs`.

The scores are our own reading of counterfactual and compositional tests; ties count one half.
"""

# Axes: Q questions, 2 texts or pictures, P pairs, N tokens of a collection, D dimensions

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from traitlens import metrics
from traitlens.config import check_range
from traitlens.diagnosis.blind import BlindReader
from traitlens.diagnosis.near_pairs import draw_pairs, group_shares
from traitlens.diagnosis.overlap import MACRO
from traitlens.diagnosis.questions import (
    MIN_QUESTIONS,
    Array,
    Rows,
    drawing,
    even_wording,
    mean,
    one_gallery,
    scores_of,
    too_few,
)
from traitlens.diagnosis.swap_records import GroupRow, SwapExample, SwapRow, Swaps, worst
from traitlens.diagnosis.swapping import Swap, draw_swaps
from traitlens.embedding import Embedded
from traitlens.models.encoder import Vectors
from traitlens.progress import Progress, silent
from traitlens.records import Token

EXAMPLES = 4  # of each of the worst trait types


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Answered:
    """The questions about a collection and how often each was answered rightly, each (Q,)."""

    collection: str
    swaps: list[Swap]
    tokens: list[Token]  # that were asked about
    blind_Q: Array | None
    right: dict[str, Array]  # of each model
    mean_picture: dict[str, Array]


def swaps(
    found: Sequence[Embedded],
    *,
    per_collection: int = 200,
    seed: int = 0,
    progress: Progress = silent,
) -> Swaps:
    """Return how each model tells traits from swapped ones, and near pairs of tokens apart.

    At most `per_collection` questions of either kind are asked about each collection, the same of
    all models. Raises ConfigError below 1, and ModelError for a model that cannot read new texts.
    """
    check_range("per_collection", per_collection, low=1)
    gallery = one_gallery(found)
    answered: list[_Answered] = []
    groups: list[GroupRow] = []
    skipped: dict[str, str] = {}
    skipped_groups: dict[str, str] = {}
    for done, name in enumerate(gallery.collections, start=1):
        tokens = gallery.tokens(name)
        asked = _ask(found, name, tokens, most=per_collection, seed=seed)
        if isinstance(asked, str):
            skipped[name] = asked
        else:
            answered.append(asked)
        pairs_P2 = draw_pairs(
            tokens,
            gallery.caption_of[gallery.rows(name)],
            most=per_collection,
            rng=drawing(seed, "near pairs", name),
        )
        if too_few(len(pairs_P2), most=per_collection):
            skipped_groups[name] = (
                f"{len(pairs_P2)} pairs of tokens differ in one trait alone, below {MIN_QUESTIONS}"
            )
        else:
            groups += [_group_row(embedded, name, pairs_P2) for embedded in found]
        progress("swapped traits", done, len(gallery.collections), name)
    rows = [row for each in answered for row in _rows(each)]
    types = [row for each in answered for row in _type_rows(each)]
    return Swaps(
        per_collection=per_collection,
        seed=seed,
        rows=(*rows, *_means(rows)),
        types=tuple(types),
        groups=(*groups, *_group_means(groups)),
        examples=tuple(_examples(found[0].model, worst(types), answered)),
        skipped=skipped,
        skipped_groups=skipped_groups,
    )


def _ask(
    found: Sequence[Embedded], name: str, tokens: Sequence[Token], *, most: int, seed: int
) -> _Answered | str:
    """Return the questions about a collection with everyone's answers, or why there are none."""
    data = found[0].gallery.data
    rng = drawing(seed, "swaps", name)
    drawn = draw_swaps(name, tokens, most=most, config=even_wording(data), rng=rng)
    if too_few(len(drawn), most=most):
        return f"{len(drawn)} traits can be swapped, below {MIN_QUESTIONS}"
    asked = [tokens[swap.row] for swap in drawn]
    reader = BlindReader.of(data.tokens(collections=[name], split="train", images=False))
    answers = {each.model: _answers(each, name, drawn) for each in found}
    return _Answered(
        collection=name,
        swaps=drawn,
        tokens=asked,
        blind_Q=None if reader is None else _blindly(reader, drawn, tokens),
        right={model: right_Q for model, (right_Q, _) in answers.items()},
        mean_picture={model: unseen_Q for model, (_, unseen_Q) in answers.items()},
    )


def _blindly(reader: BlindReader, drawn: Sequence[Swap], tokens: Sequence[Token]) -> Array:
    """Return how right the blind reader is, as if it knew neither token of a question: (Q,)."""
    answers = []
    for swap in drawn:
        asked = tokens[swap.row]
        beside = [trait for trait in asked.traits if trait != swap.trait]
        without = {asked.token_uid, tokens[swap.donor].token_uid}
        answers.append(reader.prefers(swap.trait, swap.instead, beside=beside, without=without))
    return np.array(answers)


def _answers(embedded: Embedded, name: str, drawn: Sequence[Swap]) -> tuple[Array, Array]:
    """Return how right a model is with each token's picture, and with the mean picture: (Q,)."""
    images_ND, _ = embedded.of(name)
    texts = [text for swap in drawn for text in (swap.right, swap.wrong)]
    texts_Q2D = embedded.encode_texts(texts).reshape(len(drawn), 2, -1)
    mean_1D = images_ND.mean(axis=0, dtype=np.float64, keepdims=True)
    seen_QD = images_ND[[swap.row for swap in drawn]]
    return _first_wins(scores_of(seen_QD, texts_Q2D)), _first_wins(scores_of(mean_1D, texts_Q2D))


def _first_wins(scores_Q2: Array) -> Array:
    """Return 1 where the first score is higher, 1/2 for a tie; NaN is lower than any: (Q,)."""
    right_Q2 = np.broadcast_to([True, False], scores_Q2.shape)
    return metrics.hits(metrics.count(scores_Q2, right_Q2), 1)


def _rows(answered: _Answered) -> Iterator[SwapRow]:
    """Yield how each model did over all trait types of a collection."""
    everything = np.arange(len(answered.swaps))
    for model in answered.right:
        yield _row(answered, model, everything, trait_type=None)


def _type_rows(answered: _Answered) -> Iterator[SwapRow]:
    """Yield how each model did with each trait type of a collection."""
    types = np.array([swap.trait.trait_type for swap in answered.swaps])
    for model in answered.right:
        for trait_type in sorted(set(types.tolist())):
            rows = np.flatnonzero(types == trait_type)
            yield _row(answered, model, rows, trait_type=trait_type)


def _row(answered: _Answered, model: str, asked: Rows, *, trait_type: str | None) -> SwapRow:
    right_Q, blind_Q = answered.right[model][asked], answered.blind_Q
    blind = None if blind_Q is None else float(blind_Q[asked].mean())
    accuracy = float(right_Q.mean())
    return SwapRow(
        model=model,
        collection=answered.collection,
        trait_type=trait_type,
        questions=len(asked),
        accuracy=accuracy,
        mean_picture=float(answered.mean_picture[model][asked].mean()),
        blind=blind,
        above_blind=None if blind is None else accuracy - blind,
    )


def _means(rows: Sequence[SwapRow]) -> Iterator[SwapRow]:
    """Yield the mean over collections of each model."""
    for model in dict.fromkeys(row.model for row in rows):
        mine = [row for row in rows if row.model == model]
        blind = [row.blind for row in mine if row.blind is not None]
        above = [row.above_blind for row in mine if row.above_blind is not None]
        yield SwapRow(
            model=model,
            collection=MACRO,
            questions=sum(row.questions for row in mine),
            accuracy=mean(row.accuracy for row in mine),
            mean_picture=mean(row.mean_picture for row in mine),
            blind=mean(blind) if blind else None,
            above_blind=mean(above) if above else None,
        )


def _group_row(embedded: Embedded, name: str, pairs_P2: Rows) -> GroupRow:
    images_ND, texts_ND = embedded.of(name)
    shares = group_shares(_crossed(images_ND[pairs_P2], texts_ND[pairs_P2]))
    return GroupRow(
        model=embedded.model,
        collection=name,
        pairs=len(pairs_P2),
        text=float(shares.text.mean()),
        image=float(shares.image.mean()),
        group=float(shares.group.mean()),
    )


def _crossed(images_P2D: Vectors, texts_P2D: Vectors) -> Array:
    """Return the scores of both captions of a pair (first axis) with both pictures: (P, 2, 2)."""
    by_image = [scores_of(images_P2D[:, which], texts_P2D) for which in (0, 1)]
    return np.stack(by_image, axis=2)


def _group_means(rows: Sequence[GroupRow]) -> Iterator[GroupRow]:
    """Yield the mean over collections of each model."""
    for model in dict.fromkeys(row.model for row in rows):
        mine = [row for row in rows if row.model == model]
        yield GroupRow(
            model=model,
            collection=MACRO,
            pairs=sum(row.pairs for row in mine),
            text=mean(row.text for row in mine),
            image=mean(row.image for row in mine),
            group=mean(row.group for row in mine),
        )


def _examples(
    model: str, types: Sequence[SwapRow], answered: Sequence[_Answered]
) -> Iterator[SwapExample]:
    """Yield some questions about each of some trait types, those answered wrongly first."""
    by_collection = {each.collection: each for each in answered}
    for row in types:
        each = by_collection[row.collection]
        asked = [q for q, swap in enumerate(each.swaps) if swap.trait.trait_type == row.trait_type]
        right_Q = each.right[model]
        for question in sorted(asked, key=lambda q: right_Q[q])[:EXAMPLES]:
            swap = each.swaps[question]
            yield SwapExample(
                collection=each.collection,
                token_id=each.tokens[question].token_id,
                trait_type=swap.trait.trait_type,
                value=swap.trait.value,
                instead=swap.instead.value,
                right=float(right_Q[question]),
            )

"""Verdicts on the values and trait types of a collection, from what the probe read."""

# Axes: n probed pictures, V distinct values, W probed ones, U ones that are used to tell others, K
# ones of which that is known

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from traitlens.diagnosis.identifiability_records import (
    ABSTRACT,
    FAINT,
    SAME,
    TOO_FEW,
    UNSEEN,
    VERDICTS,
    VISIBLE,
    Guess,
    TypeFinding,
    Verdict,
)
from traitlens.diagnosis.identifiability_traits import CONSTANT, Mentions
from traitlens.diagnosis.probes import (
    Bools,
    Floats,
    Reading,
    auc,
    discoveries,
    held_out_scores,
    rank_error,
    read,
    scaled,
)

MIN_TOKENS = 8  # that have a value, and that lack it
MIN_TO_FIT = 2  # that have a value from which others are told
FALSE_RATE = 0.05  # at most so many of the values that are said to show do not, in expectation
VISIBLE_AUC = 0.9
UNSEEN_BELOW = 0.75  # the upper end of the AUC's interval

# "Not read" means "unseen" only where the probe reads such values. With few tokens that is asked
# of the collection's other types: of 300 drawn people of 13 parts each the probe learns little.
POWER = 0.5  # share of the comparable values that must be read
COMPARABLE = 1.5  # as many tokens at most, relative to the value in question
MIN_COMPARABLE = 5
ENOUGH_TOKENS = 50  # no need to ask

TYPE_VISIBLE = 0.5  # share of a type's judged mentions
TYPE_UNSEEN = 0.75
FOLLOWS_MARGIN = 0.01  # of AUC, and a standard error, by which a picture must say more than traits

Numbers = NDArray[np.int64]
Words = NDArray[np.str_]
Areas = NDArray[np.float64]
Array = TypeVar("Array", Words, Areas, Bools)

_WORD = "<U8"  # holds every verdict
_JUDGED: tuple[Verdict, ...] = (VISIBLE, FAINT, UNSEEN)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """The verdict on each value of a collection, (V,); numbers are NaN where nothing was probed.

    `reasons` has the abstract trait types, and why they are; `guesses` those that were probed.
    """

    mentions: Mentions
    reasons: dict[str, str]
    verdict_V: Words
    auc_V: Areas
    p_V: Areas
    others_auc_V: Areas
    follows_V: Bools  # which ones the other traits tell as well as the picture does
    guesses: dict[str, Guess | None]

    @classmethod
    def of(cls, mentions: Mentions, reasons: dict[str, str]) -> Judged:
        """Return what there is to say before any probe."""
        verdicts = [_by_form(reasons.get(trait.trait_type)) for trait in mentions.values]
        unknown_V = np.full(len(verdicts), np.nan)
        return cls(
            mentions=mentions,
            reasons=reasons,
            verdict_V=np.array(verdicts, _WORD),
            auc_V=unknown_V,
            p_V=unknown_V,
            others_auc_V=unknown_V,
            follows_V=np.zeros(len(verdicts), np.bool_),
            guesses={},
        )

    @property
    def shows(self) -> Bools:
        """Which values may show: those of too few tokens do where their type does."""
        shows_V = np.isin(self.verdict_V, [VISIBLE, FAINT, TOO_FEW, SAME])
        for numbers in self.mentions.types.values():
            if self._verdict_of(numbers) == UNSEEN:
                shows_V[numbers[self.verdict_V[numbers] == TOO_FEW]] = False
        return shows_V

    def mention_shares(self) -> dict[str, float]:
        """Return for each verdict the share of what the captions mention; they add up to 1."""
        counts_V = self.mentions.counts
        total = max(1, int(counts_V.sum()))
        return {v: float(counts_V[self.verdict_V == v].sum() / total) for v in VERDICTS}

    def types(self, collection: str) -> tuple[TypeFinding, ...]:
        """Return a finding for each trait type."""
        return tuple(
            self._type(collection, name, numbers) for name, numbers in self.mentions.types.items()
        )

    def _type(self, collection: str, name: str, numbers: Numbers) -> TypeFinding:
        counts = self.mentions.counts[numbers]
        verdicts, follows = self.verdict_V[numbers], self.follows_V[numbers]
        return TypeFinding(
            collection=collection,
            trait_type=name,
            verdict=self._verdict_of(numbers),
            reason=self.reasons.get(name, ""),
            values=len(numbers),
            judged=int(np.isin(verdicts, _JUDGED).sum()),
            mentions=int(counts.sum()),
            visible=float(counts[verdicts == VISIBLE].sum() / counts.sum()),
            unseen=float(counts[verdicts == UNSEEN].sum() / counts.sum()),
            follows=float(counts[follows].sum() / counts.sum()),
            guess=self.guesses.get(name),
        )

    def _verdict_of(self, numbers: Numbers) -> Verdict:
        """Return the verdict on a type from those on its values, which count by their tokens."""
        counts, verdicts = self.mentions.counts[numbers], self.verdict_V[numbers]
        of = {verdict: int(counts[verdicts == verdict].sum()) for verdict in _JUDGED}
        judged = sum(of.values())
        if judged == 0:
            return _by_form(self.reasons.get(self.mentions.values[numbers[0]].trait_type))
        if of[UNSEEN] >= TYPE_UNSEEN * judged:
            return UNSEEN
        return VISIBLE if of[VISIBLE] >= TYPE_VISIBLE * judged else FAINT


def _by_form(reason: str | None) -> Verdict:
    """Return what there is to say of a value before any probe, by the reason of its type."""
    if reason is None:
        return TOO_FEW
    return SAME if reason == CONSTANT else ABSTRACT


def probe(
    judged: Judged,
    rows: Numbers,
    readers: Sequence[Floats],
    *,
    probed_V: Bools,
    rng: np.random.Generator,
) -> Judged:
    """Return the verdicts with those on the values `probed_V`, from the pictures of `rows` (n,)."""
    has_nW = judged.mentions.has(rows, probed_V)
    types_W = judged.mentions.type_names[probed_V]
    reading = read(readers, has_nW, rng=rng)
    guesses = {
        name: guess(
            [scores[:, types_W == name] for scores in reading.scores], has_nW[:, types_W == name]
        )
        for name in dict.fromkeys(types_W.tolist())
    }
    verdict_W = judge(reading, has_nW.sum(axis=0), types_W)
    return replace(
        judged,
        verdict_V=_placed(judged.verdict_V, probed_V, verdict_W),
        auc_V=_placed(judged.auc_V, probed_V, reading.auc_V),
        p_V=_placed(judged.p_V, probed_V, reading.p_V),
        guesses=guesses,
    )


def follow(judged: Judged, rows: Numbers, fold_n: Numbers) -> Judged:
    """Return the verdicts with what is known of the read values from the traits that may show.

    A value follows when the traits of the other types tell it as well as the picture does, within
    its error. The error by ranks is that of an AUC of one half; it shrinks towards an AUC of 1.
    """
    counts_V = judged.mentions.counts_among(rows)
    used_V = judged.shows & (counts_V >= MIN_TO_FIT)
    others_V = _placed(
        judged.others_auc_V,
        used_V,
        others_auc(
            judged.mentions.has(rows, used_V),
            judged.mentions.type_names[used_V],
            np.isin(judged.verdict_V[used_V], [VISIBLE, FAINT]),
            fold_n,
        ),
    )
    known_V = ~np.isnan(others_V)
    auc_K = judged.auc_V[known_V]
    error_K = rank_error(counts_V[known_V], len(rows)) * 2 * np.sqrt(auc_K * (1 - auc_K))
    follows_K = others_V[known_V] >= auc_K - error_K - FOLLOWS_MARGIN
    return replace(
        judged,
        others_auc_V=others_V,
        follows_V=_placed(judged.follows_V, known_V, follows_K),
    )


def judge(reading: Reading, counts_W: Numbers, types_W: Words) -> Words:
    """Return the verdict on each probed value, (W,): visible, faint, unseen or too few.

    `counts_W` are its tokens among the probed, `types_W` its trait type.
    """
    found_W = discoveries(reading.p_V, FALSE_RATE)
    unseen_W = _could_be_read(found_W, counts_W, types_W) & (reading.upper_V < UNSEEN_BELOW)
    choices = [found_W & (reading.auc_V >= VISIBLE_AUC), found_W, unseen_W]
    return np.select(choices, [VISIBLE, FAINT, UNSEEN], TOO_FEW).astype(_WORD)


def _could_be_read(found_W: Bools, counts_W: Numbers, types_W: Words) -> Bools:
    """Return for which values the probe would have had enough tokens."""
    could_W: Bools = counts_W >= ENOUGH_TOKENS
    for number in np.flatnonzero(~could_W):
        like_W = (types_W != types_W[number]) & (counts_W <= COMPARABLE * counts_W[number])
        if like_W.sum() >= MIN_COMPARABLE:
            could_W[number] = found_W[like_W].mean() >= POWER
    return could_W


def others_auc(has_nU: Bools, types_U: Words, read_U: Bools, fold_n: Numbers) -> Areas:
    """Return how well each read value is told from the values of the other types, (U,).

    The same regression as for pictures, on traits instead of features; NaN for what is not read.
    """
    areas_U = np.full(len(read_U), np.nan)
    for name in dict.fromkeys(types_U[read_U].tolist()):
        asked_U, others_U = read_U & (types_U == name), types_U != name
        if others_U.any():
            scores = held_out_scores(scaled(has_nU[:, others_U]), has_nU[:, asked_U], fold_n)
            areas_U[asked_U] = auc(scores, has_nU[:, asked_U])
    return areas_U


def guess(scores: Sequence[Floats], has_nW: Bools) -> Guess | None:
    """Return the guesses of the better reader; None for a type of fewer than two such values."""
    alone_n = has_nW.sum(axis=1) == 1
    true_n = has_nW[alone_n].argmax(axis=1)
    count_W = np.bincount(true_n, minlength=has_nW.shape[1])
    known_W, share_W = count_W > 0, has_nW.mean(axis=0)
    if known_W.sum() < 2:
        return None
    accuracies, balanced = [], []
    for scores_nW in scores:
        likely_n = (scores_nW[alone_n] + share_W).argmax(axis=1)
        accuracies.append(float((likely_n == true_n).mean()))
        surprising_n = (scores_nW[alone_n] / share_W).argmax(axis=1)  # as if all were as common
        right_W = np.bincount(true_n[surprising_n == true_n], minlength=len(count_W))
        balanced.append(float((right_W[known_W] / count_W[known_W]).mean()))
    return Guess(
        accuracy=max(accuracies),
        majority=float(count_W.max() / count_W.sum()),
        balanced=max(balanced),
        chance=float(1 / known_W.sum()),
    )


def _placed(all_V: Array, probed_V: Bools, new_W: Array) -> Array:
    placed_V = all_V.copy()
    placed_V[probed_V] = new_W
    return placed_V

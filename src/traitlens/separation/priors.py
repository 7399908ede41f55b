"""What a value of few tokens draws: where its type usually does, rather than what else they show.

All that a single token shows could be any of its values'. But other values of their types say where
a type draws, and the more tokens a value has, the surer it is of its own. Agreeing tokens and the
share of a type that draws at a pixel are weighed on one scale, of logarithms.

IoU of what is seen in the first 300 tokens of nouns and lilnouns, where most heads and accessories
have one token (`python -m benchmarks.separation --limit 300`): .75 and .79 without, .87 and .88
with `claimed`, .94 and .94 with `plausible` too.

Axes: N tokens, P pixels, K values, S tokens that have a value, M pixels where it draws, V other
values of a token, L slots (`Values.slots`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from traitlens.separation.shades import NONE, Shades
from traitlens.separation.values import Values

_PROOF = 2.0  # of a further token that shows what a value draws, for a claim to a pixel
_OWN_PROOF, _OTHER_PROOF = 0.5, 0.5  # of a further token, for and against a value of few tokens
_ENOUGH_PROOF = 8.0  # then others are not asked
_DOUBT = 0.04  # tokens added to those of a type, half of which draw
_LEAST_PRIOR = 0.001


def claimed(shades_NP: Shades, drawn_KP: Shades, values: Values) -> Shades:
    """Return what each value draws less what others of its tokens have the better claim to: (K, P).

    Each pixel of each token goes to the best claim among the values that draw what it shows; a
    value keeps the pixels that it gets in half of the tokens that show it.
    """
    prior_KP = _log_priors(drawn_KP, values)
    best_NP = np.full(shades_NP.shape, -1, np.int32)
    claim_NP = np.full(shades_NP.shape, -np.inf, np.float32)
    for value, rows in enumerate(values.rows):
        where_M, shows_SM = _shown(shades_NP, drawn_KP[value], rows)
        claim_M = prior_KP[value, where_M] + _PROOF * (shows_SM.sum(axis=0) - 1)
        claim_M += np.log(np.maximum(shows_SM.mean(axis=0), 1e-9))  # what it draws, all show
        cells = np.ix_(rows, where_M)
        better_SM = shows_SM & (claim_M > claim_NP[cells])
        claim_NP[cells] = np.where(better_SM, claim_M, claim_NP[cells])
        best_NP[cells] = np.where(better_SM, value, best_NP[cells])
    result_KP = drawn_KP.copy()
    for value, rows in enumerate(values.rows):
        where_M, shows_SM = _shown(shades_NP, drawn_KP[value], rows)
        got_M = (best_NP[np.ix_(rows, where_M)] == value).sum(axis=0)
        result_KP[value, where_M[2 * got_M < shows_SM.sum(axis=0)]] = NONE
    return result_KP


def _shown(
    shades_NP: Shades, drawn_P: Shades, rows_S: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where a value draws, and which of its tokens show that: (M,), (S, M)."""
    where_M = np.flatnonzero(drawn_P != NONE)
    return where_M, shades_NP[np.ix_(rows_S, where_M)] == drawn_P[where_M]


def plausible(drawn_KP: Shades, values: Values) -> Shades:
    """Return what each value draws less what others of its tokens are likelier to: (K, P).

    The others are those of other slots: likelier is whose slot draws there more often and who has
    fewer tokens, so that less is known of it.
    """
    prior_KP = _log_priors(drawn_KP, values)
    more_K = np.array([len(rows) for rows in values.rows]) - 1
    result_KP = drawn_KP.copy()
    for value in np.flatnonzero(_OWN_PROOF * more_K <= _ENOUGH_PROOF):
        others_P = np.zeros(drawn_KP.shape[1])
        for row in values.rows[value]:
            numbers_V = values.of_token[row]
            numbers_V = numbers_V[values.slots[numbers_V] != values.slots[value]]
            against_VP = prior_KP[numbers_V] - _OTHER_PROOF * more_K[numbers_V, None]
            others_P += against_VP.max(axis=0, initial=np.log(_LEAST_PRIOR))
        own_P = prior_KP[value] + _OWN_PROOF * more_K[value]
        result_KP[value, own_P < others_P / len(values.rows[value])] = NONE
    return result_KP


def _log_priors(drawn_KP: Shades, values: Values) -> NDArray[np.float64]:
    """Return the logarithm of the share of each value's slot that draws at a pixel: (K, P).

    A value counts as often as it has tokens, less one: a single token proves nothing.
    """
    slot_K = values.slots
    draws_LP = np.zeros((int(slot_K.max(initial=-1)) + 1, drawn_KP.shape[1]))
    tokens_L = np.zeros(len(draws_LP))
    for slot, drawn_P, rows in zip(slot_K, drawn_KP, values.rows, strict=True):
        draws_LP[slot] += (len(rows) - 1) * (drawn_P != NONE)
        tokens_L[slot] += len(rows) - 1
    priors_LP = (draws_LP + _DOUBT / 2) / (tokens_L[:, None] + _DOUBT)
    return np.asarray(np.log(priors_LP)[slot_K])

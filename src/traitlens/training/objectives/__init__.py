"""What a step lowers: one contrastive engine, many objectives.

Each text chooses among the batch's pictures, each picture among its texts, and the loss is the mean
of both (`engine.softmax_loss`, where rows i choose among columns j):

    -1/sum_i w_i  sum_i w_i sum_j Y_ij log( e^{S_ij/tau} / sum_k M_ik e^{S_ik/tau} )

S are cosines, Y targets, w weights of rows, M the pairs in the denominator, tau the temperature,
learnt with the model. Or every pair is asked about by itself (`engine.sigmoid_loss`):

    1/N sum_ij W_ij softplus(-z_ij (S_ij/tau + b)),   N = sum of W where z = +1

An option says what these are; options of different lines combine. F is what fits, I the own pair.

    option                   Y or z                          w, M or W               source
    positives = even         F, evenly (`targets.even`)      w = M = 1               ours, DreamLIP
    positives = pairs        I                               w = M = 1               CLIP, CCRK
    positives = spared       I                               M = 0 in F but for I    ours
    targets = overlap        (1-e) Y + e softmax(J/kappa)                            ours
    targets = context        (1-e) Y + e softmax(t.t/kappa)                          SCOLD
    targets = smooth         (1-e) Y + e/B                                           ALIGN
    margin                                                   M = 0 if s > own + m    UniME
    hardest = k                                              M = 0 below k highest    UniME
    form = sigmoid           z = +1 in Y                     W = M, of both ways     SigLIP
    phrase_form = softmax    F, evenly                       w, M of the weights     ours
    phrase_form = sigmoid    z = +1 in F                     W = the weights         SigLIP
    phrase_form = logsumexp  z = +1 in F                     W = the weights         MLCD
    swaps                    z = +1 for the true of two      W = 0 where both fit    ours

J is the overlap of traits, t.t the cosine of captions, kappa `soft_temperature`; e moves from
`soften` to `soften_end`. Where M is 0 there is no soft target either. Phrases have a scale and a
bias of their own in the last two forms. MLCD's form (`engine.logsumexp_loss`) alone looks from
pictures to texts only. Papers are named in full where the formulas are; what follows SCOLD, UniME
and MLCD is as we read them.
"""

from traitlens.training.objectives.config import ObjectiveConfig
from traitlens.training.objectives.objective import Objective

__all__ = ["Objective", "ObjectiveConfig"]

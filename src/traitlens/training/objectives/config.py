"""What a run lowers: names and numbers for the losses over captions, phrases and swaps."""

from __future__ import annotations

from dataclasses import dataclass

from traitlens.config import check_choice, check_range
from traitlens.errors import ConfigError

FORMS = ("softmax", "sigmoid")
POSITIVES = ("even", "pairs", "spared")
TARGETS = ("hard", "overlap", "context", "smooth")
PHRASE_FORMS = ("softmax", "sigmoid", "logsumexp")
CAPTION_WEIGHTS = ("all", "known")
PHRASE_WEIGHTS = ("all", "known", "given")
NO_MARGIN = 2.0  # cosines differ by 2 at most


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveConfig:
    """What a step lowers: the losses over captions, phrases and swaps, added up.

    The package's docstring has each option's formula and source.
    """

    # Captions.
    form: str = "softmax"  # or sigmoid: every pair by itself, as in SigLIP
    # Every text that fits (even), or only a picture's own, where others that fit are negatives
    # (pairs, as in CLIP) or count for nothing (spared).
    positives: str = "even"
    # Every pair counts (all), or not those that would fit if nothing were hidden (known).
    caption_weights: str = "all"
    # The positives alone (hard), or softened: by common traits (overlap), by near captions
    # (context), or evenly (smooth). Softened targets need the softmax form.
    targets: str = "hard"
    soften: float = 0.3  # share of the soft part at the first step, in [0, 1]
    soften_end: float = 0.0  # the share that it moves to, linearly, in [0, 1]
    soften_until: float = 1.0  # share of the steps after which it stays there, in [0, 1]
    soft_temperature: float = 0.1  # of the softmax over overlap or nearness, above 0
    # A negative whose cosine is above the own pair's by more is dropped, in [0, 2]; 2 drops none.
    margin: float = NO_MARGIN
    hardest: int = 0  # negatives that stay in each row; 0 keeps all
    # Phrases.
    phrases: float = 1.0  # weight of the loss over single phrases, at least 0
    phrase_form: str = "softmax"  # or sigmoid, or logsumexp: with a scale and bias of their own
    # Every pair counts (all), those whose truth is known do (known), or as they weigh (given).
    phrase_weights: str = "all"
    # Swaps.
    swaps: float = 1.0  # weight of the loss over pictures and their counterfactuals, at least 0

    def __post_init__(self) -> None:
        check_choice("objective.form", self.form, FORMS)
        check_choice("objective.positives", self.positives, POSITIVES)
        check_choice("objective.targets", self.targets, TARGETS)
        check_choice("objective.caption_weights", self.caption_weights, CAPTION_WEIGHTS)
        check_choice("objective.phrase_form", self.phrase_form, PHRASE_FORMS)
        check_choice("objective.phrase_weights", self.phrase_weights, PHRASE_WEIGHTS)
        check_range("objective.soften", self.soften, low=0, high=1)
        check_range("objective.soften_end", self.soften_end, low=0, high=1)
        check_range("objective.soften_until", self.soften_until, low=0, high=1)
        check_range("objective.margin", self.margin, low=0, high=NO_MARGIN)
        check_range("objective.hardest", self.hardest, low=0)
        check_range("objective.phrases", self.phrases, low=0)
        check_range("objective.swaps", self.swaps, low=0)
        if not self.soft_temperature > 0:
            raise ConfigError(
                f"objective.soft_temperature must be above 0; got {self.soft_temperature!r}"
            )
        if self.form == "sigmoid" and self.targets != "hard":
            raise ConfigError(
                "objective.targets must be hard with objective.form sigmoid, which asks of each "
                f"pair whether it is true; got {self.targets!r}"
            )

    def softened(self, gone: float) -> float:
        """Return the soft targets' share when `gone`, in [0, 1], of the steps are taken."""
        if self.targets == "hard":
            return 0.0
        way = min(1.0, gone / self.soften_until) if self.soften_until else 1.0
        return self.soften + way * (self.soften_end - self.soften)

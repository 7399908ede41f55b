"""A trait as training sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NO_COMPONENT = -1


@dataclass(frozen=True, slots=True)
class Tag:
    """One trait value: its words, and the component that shows it.

    `trait_type` is as the metadata write it, `kind` is the type in words ("hat").
    """

    words: str
    component: int = NO_COMPONENT  # row in `Material.layers`, NO_COMPONENT where there is no mask
    trait_type: str = ""
    kind: str = ""
    is_measure: bool = False  # a number or a date, which nobody sees
    # The type and words of the trait that a token must have for its component to have this shape
    context: tuple[str, str] | None = None


def tag_words(tags: Sequence[Tag]) -> list[str]:
    """Return the words of some tags, in order."""
    return [tag.words for tag in tags]

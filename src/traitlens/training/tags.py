"""A trait as training sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

NO_COMPONENT = -1

Name = tuple[str, str]  # a trait's type, as the metadata write it, and its words


@dataclass(frozen=True, slots=True)
class Tag:
    """One trait value: its words, and the component that shows it.

    `trait_type` is as the metadata write it, `kind` is the type in words ("hat"). A component may
    look otherwise by another trait, its context: hats are cut for a body, and hair is dyed.
    """

    words: str
    component: int = NO_COMPONENT  # row in `Material.layers`, NO_COMPONENT where there is no mask
    trait_type: str = ""
    kind: str = ""
    is_measure: bool = False  # a number or a date, which nobody sees
    context: Name | None = None  # by which the component looks as it does
    looks: tuple[tuple[Name | None, int], ...] = ()  # contexts and rows, where there are several

    @property
    def name(self) -> Name:
        """The trait type and the words."""
        return self.trait_type, self.words

    def depends_on(self, trait_type: str) -> bool:
        """Return whether the component may look otherwise by a trait of this type."""
        return any(context is not None and context[0] == trait_type for context, _ in self.looks)


def worn_together(tags: Sequence[Tag]) -> tuple[Tag, ...]:
    """Return a token's tags, each with its component as it looks beside the others."""
    if not any(tag.looks for tag in tags):
        return tuple(tags)
    names = {tag.name for tag in tags}
    return tuple(_worn_with(tag, names) for tag in tags)


def _worn_with(tag: Tag, names: set[Name]) -> Tag:
    if not tag.looks:
        return tag
    beside = (look for look in tag.looks if look[0] in names)
    context, row = next(beside, tag.looks[0])
    return tag if row == tag.component else replace(tag, component=row, context=context)


def tag_words(tags: Sequence[Tag]) -> list[str]:
    """Return the words of some tags, in order."""
    return [tag.words for tag in tags]

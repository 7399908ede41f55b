"""Why a token is an answer: the traits that the query names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from traitlens.captions import phrase
from traitlens.captions.stems import stems
from traitlens.records import Trait

# Values that say only that the trait is there: its type is what the query would name.
_YES = frozenset({"yes", "true"})
_LETTERS = re.compile(r"[^\W\d_]{2,}")

# Words that only join others; that no trait is called "wearing" is not worth a note.
_JOINING = re.compile(
    r"an?|the|and|or|with(?:out)?|in|on|of|at|to|for|from|by|as|is|are|its?|his|hers?|their|he|she|"
    r"they|that|this|these|those|who|which|has|have|having|wearing|looking|like|very|one|some|no|not"
)


def matched_traits(traits: Sequence[Trait], words: str) -> tuple[Trait, ...]:
    """Return the traits whose words all occur in `words`, singular or plural.

    >>> matched_traits([Trait("Eyes", "Blue"), Trait("Body", "Blue")], "two blue eyes")
    (Trait(trait_type='Eyes', value='Blue', display_type=None),)

    The value is enough, unless the query says of which of several traits it speaks, as here.
    """
    said = stems(words)
    found = [trait for trait in traits if (needed := _stems_needed(trait)) and needed <= said]
    by_value: dict[frozenset[str], list[Trait]] = defaultdict(list)
    for trait in found:
        by_value[stems(trait.value)].append(trait)
    kept: list[Trait] = []
    for same in by_value.values():
        named = [trait for trait in same if stems(trait.trait_type) <= said]
        kept += named or same
    return tuple(trait for trait in found if trait in kept)


def known_stems(vocabulary: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
    """Return the stems of all words in collections, trait types and values."""
    return frozenset().union(*(stems(" ".join([n, *values])) for n, values in vocabulary.items()))


def unknown_words(words: str, known: frozenset[str]) -> tuple[str, ...]:
    """Return the words of a query whose stems are not `known`, in their order.

    An encoder always finds something closest, and its scores do not tell a car from a hat
    (docs/results.md); that nothing in the index is called a car, the vocabulary knows.
    """
    said = dict.fromkeys(re.findall(r"\w+", words.lower()))
    telling = (w for w in said if _LETTERS.search(w) and not _JOINING.fullmatch(w))
    return tuple(word for word in telling if not stems(word) <= known)


def _stems_needed(trait: Trait) -> frozenset[str]:
    """Return the words that name a trait; none when it says nothing ("None", "")."""
    if not phrase(trait):
        return frozenset()
    value = stems(trait.value)
    if value <= _YES:
        return stems(trait.trait_type)
    return value if _LETTERS.search(trait.value) else value | stems(trait.trait_type)

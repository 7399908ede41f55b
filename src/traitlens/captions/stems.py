"""Words without their endings, by which two ways of saying a thing are known as one."""

from __future__ import annotations

import re

# Words that only join others.
JOINING = frozenset(
    {"a", "an", "the", "and", "or", "with", "without", "in", "on", "of", "at", "to", "for", "from"}
    | {"by", "as", "is", "are", "it", "its", "his", "her", "their", "has", "have", "having"}
    | {"that", "this", "these", "wearing", "wears"}
)


def stem_list(text: str) -> list[str]:
    """Return the stems of the words of a text, in order: "Two hoodies" gives "two", "hoody"."""
    return [stem(word) for word in re.findall(r"[^\W_]+", text.lower())]


def stems(text: str) -> frozenset[str]:
    """Return the stems of the words of a text."""
    return frozenset(stem_list(text))


def telling_stems(text: str) -> frozenset[str]:
    """Return the stems of the words of a text that do more than join others, if it has any."""
    found = stems(text)
    return found - JOINING or found


def stem(word: str) -> str:
    """Return a lower-case word without its plural ending: "glasses" is "glass", "bodies" "body"."""
    if word.endswith(("sses", "ches", "shes", "xes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    return f"{word[:-2]}y" if word.endswith("ie") and len(word) > 3 else word

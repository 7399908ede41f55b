"""Strangers' words on one line, bounded, and without what cannot be seen.

A name or an error may hold a terminal's control sequences, or marks that turn the direction of
reading. Whoever puts the line into a page or a table still escapes it for that place.
"""

from __future__ import annotations

import re
import unicodedata

MAX_CHARS = 200

# Control characters and surrogates, and the invisible ones that reorder or hide what is around
# them; joiners (U+200C, U+200D) stay, since scripts and emoji need them.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+"
)
_MAX_MARKS = 4  # on one letter, as real scripts have; more of them climb over other lines


def one_line(text: str, *, max_chars: int = MAX_CHARS) -> str:
    """Return text on one line, without what cannot be seen, of at most `max_chars` characters."""
    line = " ".join(_UNSEEN.sub(" ", text[: 8 * max_chars]).split())
    line = _without_towers(line)
    return line if len(line) <= max_chars else line[: max_chars - 1].rstrip() + "…"


def _without_towers(line: str) -> str:
    if line.isascii():
        return line
    kept, marks = [], 0
    for letter in line:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= _MAX_MARKS:
            kept.append(letter)
    return "".join(kept)

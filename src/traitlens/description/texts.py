"""Strangers' words, made fit to be shown: on one line, bounded, and escaped for where they stand.

A name may hold Markdown, HTML, a terminal's control sequences or marks that turn the direction of
reading. Each is a way out of the place that it was given.
"""

from __future__ import annotations

import re

from traitlens.plain_text import MAX_CHARS, one_line

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~&:@$^=])")


def markdown(text: str | None, *, max_chars: int = MAX_CHARS) -> str:
    """Return text that stands in a Markdown table as it is: no markup, no links, no HTML."""
    line = _MARKDOWN.sub(r"\\\1", one_line(text or "", max_chars=max_chars))
    return re.sub(r"\bwww\.", r"www\.", line, flags=re.IGNORECASE)  # GitHub links it otherwise


def table(head: list[str], rows: list[list[str]], *, words: int) -> str:
    """Return a Markdown table of ready cells; all columns but the first `words` are numbers."""
    marks = ["---" if at < words else "---:" for at in range(len(head))]
    lines = [f"| {' | '.join(cells)} |\n" for cells in (head, marks, *rows)]
    return "".join(lines) + "\n"


def count(number: float) -> str:
    """Return a number with thousands parted: "7,560,000", "4.5"."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.1f}"


def percent(share: float) -> str:
    """Return a share in [0, 1] in percent; what is not all or nothing never looks like it."""
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        return ">99.9%"
    return "<0.1%" if text == "0.0" and share > 0 else f"{text.removesuffix('.0')}%"


def size_words(n_bytes: int) -> str:
    """Return a number of bytes in words: "85.1 MB"."""
    size = float(n_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"

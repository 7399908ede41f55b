"""Strangers' words on a page."""

from __future__ import annotations

from traitlens.pages import isolated
from traitlens.plain_text import one_line


def said(text: str, *, max_chars: int = 200) -> str:
    """Return text as HTML, on one line, escaped, and without what is not to be seen."""
    return isolated(one_line(text, max_chars=max_chars))

"""What an answer says besides its hits: what was not understood, and why there are so few."""

from __future__ import annotations

from traitlens.retrieval.answers import Query


def notes_on(query: Query, *, matching: int, fits: bool, hits: int) -> list[str]:
    """Return what is to be said of a query whose filter `matching` tokens satisfy."""
    said = (
        None if fits else f"nothing here fits {query.words!r}; the mode dense goes by looks alone",
        _shortage(query, matching),
        _strange(query, hits),
        _respelled(query),
    )
    return [note for note in said if note is not None]


def _strange(query: Query, hits: int) -> str | None:
    """Return which of the query's words nothing in the index is called, if any.

    An encoder always finds something closest, and its scores do not tell a car from a hat
    (docs/results.md); that nothing in the index is called a car, the vocabulary knows.
    """
    unknown = query.understood.unknown
    if not unknown:
        return None
    listed = ", ".join(f"'{word}'" for word in unknown[:8])
    follow = ": the hits follow the other words and the looks" if hits else ""
    return f"no trait here is called {listed}{follow}"


def _respelled(query: Query) -> str | None:
    """Return which words were read as others, if any."""
    changed = [t for t in query.understood.terms if t.said != t.meant]
    listed = ", ".join(f"'{term.said}' as '{term.meant}'" for term in changed[:8])
    return f"read {listed}" if changed else None


def _shortage(query: Query, matching: int) -> str | None:
    """Return why there are fewer hits than were asked for, if so."""
    if matching >= query.k:
        return None
    amount = {0: "no token", 1: "only 1 token"}.get(matching, f"only {matching} tokens")
    if query.where is not None:
        return f"{amount} satisf{'ies' if matching < 2 else 'y'} {query.where}"
    other = "other " if query.like else ""
    return f"{amount.replace('token', other + 'token')} in the index"

"""Tokens that no caption, no picture, or neither can tell apart."""

# Axes: N tokens of a collection

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from traitlens.embedding import Gallery
from traitlens.metrics import ceiling
from traitlens.records import Token
from traitlens.tables import Cell, Column, Table, percents

Kind = Literal["caption", "traits", "picture", "picture and traits"]

KS = (1, 5, 10)
SHOWN_GROUPS = 5  # of a kind and collection
SHOWN_IDS = 12  # of a group


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some tokens that share `what`; `token_ids` are the first of them."""

    what: str
    tokens: int
    token_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """The tokens of a collection that share something with another one.

    `kind` is what they share: the "caption"; the "traits", in any order; the "picture", under
    several captions; or "picture and traits". `share` of the collection's tokens do, and `ceiling`
    is the top-k that this leaves within reach when what is shared is all that one knows.
    """

    collection: str
    kind: Kind
    groups: int
    tokens: int
    share: float
    ceiling: dict[int, float]
    largest: tuple[Group, ...]


def find_alike(gallery: Gallery, collection: str, tokens: Sequence[Token]) -> tuple[Alike, ...]:
    """Return one record for each kind, also where no tokens are alike.

    `tokens` are those of the collection, in the order of the gallery's rows.
    """
    rows = gallery.rows(collection)
    pictures, captions = gallery.picture_of[rows].tolist(), gallery.caption_of[rows].tolist()
    traits = [frozenset((t.trait_type, t.value) for t in token.traits) for token in tokens]
    captions_of = defaultdict(set)
    for picture, caption in zip(pictures, captions, strict=True):
        captions_of[picture].add(caption)
    under_several: list[Hashable] = [
        picture if len(captions_of[picture]) > 1 else (picture, row)
        for row, picture in enumerate(pictures)
    ]
    keys: dict[Kind, Sequence[Hashable]] = {
        "caption": captions,
        "traits": traits,
        "picture": under_several,
        "picture and traits": list(zip(pictures, traits, strict=True)),
    }
    return tuple(_alike(collection, kind, tokens, keys[kind]) for kind in keys)


def sizes(keys: Sequence[Hashable]) -> list[int]:
    """Return for each key how many are equal to it, itself included."""
    count = Counter(keys)
    return [count[key] for key in keys]


def ceilings(keys: Sequence[Hashable]) -> dict[int, float]:
    """Return the best top-k there can be where tokens of equal keys cannot be told apart."""
    same = np.array(sizes(keys), np.int64)
    return {k: ceiling(same, k) for k in KS}


def alike_table(found: Sequence[Alike]) -> Table:
    """Return how many tokens are alike: a row a collection and kind that has any."""
    rows: list[tuple[Cell, ...]] = [
        (one.collection, one.kind, one.groups, one.tokens, one.share, *one.ceiling.values())
        for one in found
        if one.groups
    ]
    return Table(
        title="Tokens that are alike",
        columns=(
            Column("collection"),
            Column("what they share"),
            Column("groups", "count"),
            Column("tokens", "count"),
            *percents(["share", *(f"ceiling top-{k}" for k in KS)]),
        ),
        rows=tuple(rows),
        note="A ceiling is the best top-k for one who knows no more than what is shared.",
    )


def groups_table(found: Sequence[Alike]) -> Table:
    """Return the largest groups of tokens that are alike, with the ids of some of them.

    A group that shares several things has one row.
    """
    shared: dict[tuple[str, Group], list[str]] = defaultdict(list)
    for one in found:
        for group in one.largest:
            shared[one.collection, group].append(one.kind)
    rows: list[tuple[Cell, ...]] = [
        (collection, ", ".join(kinds), group.tokens, _listed(group), group.what)
        for (collection, group), kinds in shared.items()
    ]
    return Table(
        title="The largest groups of tokens that are alike",
        columns=(
            Column("collection"),
            Column("what they share"),
            Column("tokens", "count"),
            Column("token ids"),
            Column("caption"),
        ),
        rows=tuple(rows),
    )


def alike_to_json(one: Alike) -> dict[str, Any]:
    """Return the record as JSON has it, with text for the keys of `ceiling`."""
    return {**asdict(one), "ceiling": {str(k): share for k, share in one.ceiling.items()}}


def _alike(collection: str, kind: Kind, tokens: Sequence[Token], keys: Sequence[Hashable]) -> Alike:
    members: dict[Hashable, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        members[key].append(row)
    groups = [rows for rows in members.values() if len(rows) > 1]
    affected = sum(map(len, groups))
    largest = sorted(groups, key=len, reverse=True)[:SHOWN_GROUPS]
    return Alike(
        collection=collection,
        kind=kind,
        groups=len(groups),
        tokens=affected,
        share=affected / len(tokens),
        ceiling=ceilings(keys),
        largest=tuple(_group([tokens[row] for row in rows]) for rows in largest),
    )


def _group(tokens: Sequence[Token]) -> Group:
    return Group(
        what=" / ".join(dict.fromkeys(token.caption for token in tokens[:2])),
        tokens=len(tokens),
        token_ids=tuple(token.token_id for token in tokens[:SHOWN_IDS]),
    )


def _listed(group: Group) -> str:
    more = group.tokens - len(group.token_ids)
    return ", ".join(group.token_ids) + (f" and {more:,} more" if more else "")

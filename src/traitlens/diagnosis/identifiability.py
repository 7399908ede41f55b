"""Which tokens a search by words can find at all.

Three things bound it, whatever the model. Captions repeat. Pictures repeat. And a caption may
speak of what no picture shows: a rank, a vaccine, the hair below a helmet. The first two are
counted; for the third a probe tries to read each trait from the pictures (`probes`), and the
ceiling of top-k is taken again for a perfect eye that knows only the traits that may show. That is
an upper bound: what is faint, and what too few tokens have to tell, counts as showing.
"""

# Axes: N tokens of a collection, n probed pictures, V distinct values

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens.config import check_range
from traitlens.diagnosis.identifiability_records import (
    ABSTRACT,
    SAME,
    TOO_FEW,
    UNSEEN,
    CollectionFinding,
    Identifiability,
    Reach,
    TypeFinding,
    ValueFinding,
)
from traitlens.diagnosis.identifiability_traits import Mentions, abstract_types
from traitlens.diagnosis.identifiability_verdicts import MIN_TOKENS, Judged, follow, probe
from traitlens.diagnosis.probes import (
    Bools,
    Floats,
    draw_folds,
    picture_readers,
    vector_readers,
)
from traitlens.diagnosis.same_words import Alike, ceilings, find_alike, sizes
from traitlens.embedding import Embedded, Gallery
from traitlens.errors import ModelError
from traitlens.progress import Progress, silent
from traitlens.records import Token
from traitlens.shards import ROWS_PER_GROUP

MIN_PICTURES = 50  # a probe of fewer tells nothing
MAX_TOKENS = 2000

SEARCHABLE = 0.9  # ceiling of top-1, of what shows
BEYOND = 0.5  # ceiling of top-10, of what shows
HIDDEN_TYPES = 1 / 3  # so many types that do not show make a search hard
PAGE = 10  # hits that a searcher looks through
NAMED = 4  # hidden types that a verdict names
EXAMPLES = 6

Numbers = NDArray[np.int64]


def identifiability(
    gallery: Gallery,
    *,
    features: Literal["pictures"] | Embedded = "pictures",
    max_tokens: int = MAX_TOKENS,
    seed: int = 0,
    progress: Progress = silent,
) -> Identifiability:
    """Return what captions can tell apart and pictures can show, for each collection.

    The probe looks at the pictures, or at a model's vectors of them; at most `max_tokens` distinct
    pictures a collection, drawn by `seed`. The more there are the more it can tell, so a gallery
    of all splits is best. Raises ModelError where the vectors are of another gallery.
    """
    check_range("max_tokens", max_tokens, low=MIN_PICTURES)
    if features != "pictures" and features.gallery.fingerprint != gallery.fingerprint:
        raise ModelError(f"the vectors of {features.model} are of another gallery; embed this one")
    parts = []
    for number, name in enumerate(gallery.collections):
        progress("identifiability", number, len(gallery.collections), name)
        parts.append(_collection(gallery, name, features, max_tokens=max_tokens, seed=seed))
    progress("identifiability", len(parts), len(parts))
    few = {part.finding.collection: part.skipped for part in parts if part.skipped}
    return Identifiability(
        features=features if features == "pictures" else features.model,
        split=gallery.split,
        max_tokens=max_tokens,
        seed=seed,
        collections=tuple(part.finding for part in parts),
        types=tuple(one for part in parts for one in part.types),
        values=tuple(one for part in parts for one in part.values),
        alike=tuple(one for part in parts for one in part.alike),
        skipped=few,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What there is to say of one collection."""

    finding: CollectionFinding
    types: tuple[TypeFinding, ...]
    values: tuple[ValueFinding, ...]
    alike: tuple[Alike, ...]
    skipped: str


def _collection(
    gallery: Gallery,
    name: str,
    features: Literal["pictures"] | Embedded,
    *,
    max_tokens: int,
    seed: int,
) -> _Part:
    tokens, place = gallery.tokens(name), gallery.rows(name)
    mentions = Mentions.of(tokens)
    judged = Judged.of(mentions, abstract_types(tokens, mentions))
    rng = np.random.default_rng([seed, *name.encode()])
    rows = _one_a_picture(gallery.picture_of[place], most=max_tokens, rng=rng)
    probed_V = _to_probe(mentions, judged, rows)
    skipped = _too_small(rows, probed_V)
    if not skipped:
        fold_n = draw_folds(len(rows), rng=rng)
        readers = _readers(gallery, rows + place.start, features, fold_n)
        judged = probe(judged, rows, readers, probed_V=probed_V, rng=rng)
        judged = follow(judged, rows, fold_n)
    types = judged.types(name)
    return _Part(
        finding=_finding(gallery, name, judged, types, probed=0 if skipped else len(rows)),
        types=types,
        values=_values(name, tokens, judged, rng=rng),
        alike=find_alike(gallery, name, tokens),
        skipped=skipped,
    )


def _one_a_picture(picture_of_N: Numbers, *, most: int, rng: np.random.Generator) -> Numbers:
    """Return a row of each distinct picture, at most so many, in order.

    So no picture is on both sides of a fold, and shuffling labels over pictures is fair.
    """
    first = np.unique(picture_of_N, return_index=True)[1]
    return np.sort(rng.permutation(first)[:most])


def _to_probe(mentions: Mentions, judged: Judged, rows: Numbers) -> Bools:
    """Return which values have enough tokens with and without them, (V,)."""
    counts_V = mentions.counts_among(rows)
    enough_V = (counts_V >= MIN_TOKENS) & (len(rows) - counts_V >= MIN_TOKENS)
    probed_V: Bools = enough_V & (judged.verdict_V == TOO_FEW)
    return probed_V


def _too_small(rows: Numbers, probed_V: Bools) -> str:
    """Return why a collection cannot be probed, or nothing."""
    if len(rows) < MIN_PICTURES:
        return f"{len(rows)} distinct pictures; a probe needs {MIN_PICTURES}"
    if not probed_V.any():
        return f"no value that may show has {MIN_TOKENS} tokens with and {MIN_TOKENS} without it"
    return ""


def _readers(
    gallery: Gallery, rows: Numbers, features: Literal["pictures"] | Embedded, fold_n: Numbers
) -> list[Floats]:
    if features == "pictures":
        return picture_readers(_pictures(gallery, rows), fold_n)
    return vector_readers(np.asarray(features.images_ND[rows], np.float32), fold_n)


def _pictures(gallery: Gallery, rows: Numbers) -> Iterator[Image.Image]:
    for start in range(0, len(rows), ROWS_PER_GROUP):
        yield from gallery.pictures(rows[start : start + ROWS_PER_GROUP].tolist())


def _values(
    name: str, tokens: Sequence[Token], judged: Judged, *, rng: np.random.Generator
) -> tuple[ValueFinding, ...]:
    mentions, counts_V = judged.mentions, judged.mentions.counts
    return tuple(
        ValueFinding(
            collection=name,
            trait_type=trait.trait_type,
            value=trait.value,
            tokens=int(counts_V[number]),
            verdict=verdict,
            auc=_number(judged.auc_V[number]),
            p=_number(judged.p_V[number]),
            others_auc=_number(judged.others_auc_V[number]),
            follows=bool(judged.follows_V[number]),
            **(_examples(tokens, mentions, number, rng=rng) if verdict == UNSEEN else {}),
        )
        for number, (trait, verdict) in enumerate(
            zip(mentions.values, judged.verdict_V.tolist(), strict=True)
        )
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _examples(
    tokens: Sequence[Token], mentions: Mentions, number: int, *, rng: np.random.Generator
) -> dict[str, tuple[str, ...]]:
    """Return the ids of some tokens with a value and without it."""
    has_N = np.zeros(len(tokens), np.bool_)
    has_N[mentions.rows_P[mentions.values_P == number]] = True
    return {
        name: tuple(
            tokens[row].token_id for row in rng.permutation(np.flatnonzero(is_N))[:EXAMPLES]
        )
        for name, is_N in (("bearers", has_N), ("others", ~has_N))
    }


def _finding(
    gallery: Gallery, name: str, judged: Judged, types: Sequence[TypeFinding], *, probed: int
) -> CollectionFinding:
    rows = gallery.rows(name)
    captions = gallery.caption_of[rows].tolist()
    showing = judged.mentions.keys(judged.shows).tolist()
    telling = [one for one in types if one.verdict != SAME]
    hidden = [one.trait_type for one in telling if one.verdict in (UNSEEN, ABSTRACT)]
    by_caption, by_showing = ceilings(captions), ceilings(showing)
    reach: Reach = "too small to tell"
    if probed:
        reach = _reach(by_showing, len(hidden), len(telling))
    return CollectionFinding(
        collection=name,
        tokens=len(captions),
        pictures=len(np.unique(gallery.picture_of[rows])),
        probed=probed,
        captions=len(set(captions)),
        bits=math.log2(len(captions)),
        bits_left_by_caption=_bits_left(captions),
        bits_left_by_showing=_bits_left(showing),
        ceiling_by_caption=by_caption,
        ceiling_by_showing=by_showing,
        mentions=judged.mention_shares(),
        types=len(telling),
        hidden=tuple(hidden),
        alike=max(sizes(showing)),
        reach=reach,
        why=_why(captions, showing, hidden, len(telling)),
    )


def _bits_left(keys: Sequence[Hashable]) -> float:
    """Return the entropy of the token when its key is known, in bits."""
    return float(np.log2(sizes(keys)).mean())


def _reach(by_showing: dict[int, float], hidden: int, types: int) -> Reach:
    if by_showing[10] < BEYOND:
        return "beyond text search"
    if by_showing[1] < SEARCHABLE or hidden >= max(1, HIDDEN_TYPES * types):
        return "hard"
    return "searchable"


def _why(
    captions: Sequence[Hashable], showing: Sequence[Hashable], hidden: Sequence[str], types: int
) -> str:
    """Return what stands in the way of a search, in words; never nothing where it is hard."""
    reasons = []
    same_words, same_looks = max(sizes(captions)), max(sizes(showing))
    if ceilings(captions)[1] < SEARCHABLE or same_words > PAGE:
        reasons.append(f"captions repeat ({same_words:,} tokens share one)")
    if hidden:
        do = "does" if len(hidden) == 1 else "do"
        named = ", ".join([*hidden[:NAMED], *(["..."] if len(hidden) > NAMED else [])])
        reasons.append(
            f"{len(hidden)} of {types} trait types {do} not show in the picture ({named})"
        )
    if ceilings(showing)[1] < SEARCHABLE or same_looks > max(PAGE, same_words):
        shared = np.mean(np.array(sizes(showing)) > 1)
        reasons.append(f"{shared:.0%} of the tokens look like others by the traits that may show")
    return "; ".join(reasons)

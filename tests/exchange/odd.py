"""Data sets of odd tokens: names that file systems refuse, repeated ids, empty and huge values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st

from tests.helpers import COLOURS, draw, png
from traitlens import files
from traitlens.records import SPLITS, CollectionInfo, Token, Trait
from traitlens.shards import write_shard
from traitlens.store import MANIFEST, CollectionEntry, Dataset, Manifest

PICTURES = [png(draw({"background": colour})) for colour in COLOURS]

_CHARACTERS = st.characters(exclude_categories=["Cs"])
_ODD = ["..", ".", "a/b", "a\\b", "../../x", "A", "a", "CON", "nul.txt", "a~2", "a ", "~", "-", "_"]
_ODD += ["\0", "a\nb", "😀 é é", "x" * 300, str(2**256 - 1), "1.png", "collection.json", "a:b?*"]

odd_texts = st.sampled_from(_ODD) | st.text(_CHARACTERS, max_size=12)
maybe_texts = st.none() | odd_texts
hashes = st.none() | st.text("0123456789abcdef", min_size=64, max_size=64)
traits = st.builds(Trait, odd_texts, odd_texts, maybe_texts)
documents = (
    st.none()
    | odd_texts
    | st.dictionaries(odd_texts, st.integers() | odd_texts).map(
        lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )
)


@st.composite
def spans(draw_: st.DrawFn, caption: str) -> tuple[tuple[int, int], ...]:
    ends = st.integers(0, len(caption))
    pairs = draw_(st.lists(st.tuples(ends, ends), max_size=2))
    return tuple((min(pair), max(pair)) for pair in pairs)


@st.composite
def odd_tokens(draw_: st.DrawFn) -> Token:
    """Draw a token that a data set can hold; its collection is filled in later."""
    kept, caption = draw_(st.booleans()), draw_(odd_texts)
    has_picture = kept or draw_(st.booleans())
    pictures = draw_(st.lists(st.sampled_from(PICTURES), min_size=1, max_size=3))
    return Token(
        token_uid=draw_(odd_texts),
        collection="",
        token_id=draw_(odd_texts),
        traits=tuple(draw_(st.lists(traits, max_size=3))),
        caption=caption,
        caption_spans=draw_(spans(caption)),
        image=pictures[0] if has_picture else None,
        more_images=tuple(pictures[1:]) if has_picture else (),
        width=24 if has_picture else 0,
        height=24 if has_picture else 0,
        frame=draw_(st.integers(0, 9)),
        frame_count=draw_(st.integers(0, 2**31 - 1)),
        split=draw_(st.sampled_from([None, *SPLITS])) if kept else None,
        name=draw_(maybe_texts),
        metadata=draw_(documents),
        media_type=draw_(maybe_texts),
        source_uri=draw_(odd_texts),
        sha256=draw_(hashes),
        pixels_sha256=draw_(hashes),
        perceptual_hash=draw_(hashes.map(lambda digits: digits and digits[:16])),
        status="kept" if kept else "rejected",
        reason=None if kept else draw_(odd_texts),
    )


infos = st.builds(
    CollectionInfo,
    name=odd_texts.filter(bool),
    **dict.fromkeys(["chain_id", "contract", "licence", "source", "family"], maybe_texts),
    **dict.fromkeys(["theme", "description", "url"], maybe_texts),
)
collections = st.lists(
    st.tuples(infos, st.lists(odd_tokens(), max_size=5)),
    min_size=1,
    max_size=3,
    unique_by=lambda collection: collection[0].name,
).filter(lambda found: any(token.status == "kept" for _, tokens in found for token in tokens))


def write_odd(path: Path, found: Sequence[tuple[CollectionInfo, Sequence[Token]]]) -> Dataset:
    """Write a data set of these collections; open it."""
    entries = []
    for number, (info, drawn) in enumerate(found):
        tokens = [replace(token, collection=info.name) for token in drawn]
        write_shard(path / "tokens" / f"{number}.parquet", tokens)
        kept = [token for token in tokens if token.status == "kept"]
        reasons = Counter(token.reason or "" for token in tokens if token.status == "rejected")
        entries.append(
            CollectionEntry(
                info=info,
                read=len(tokens),
                kept=len(kept),
                rejected=dict(sorted(reasons.items())),
                splits={split: sum(t.split == split for t in kept) for split in SPLITS},
                shards=(f"{number}.parquet",),
                family=info.family,
            )
        )
    config = {"split": {"rule": "by_token"}}
    manifest = Manifest(
        fingerprint="0" * 16, config=config, versions={}, collections=tuple(entries)
    )
    files.write_json(path / MANIFEST, manifest.to_json())
    return Dataset.open(path)


def tokens_of(data: Dataset) -> list[Token]:
    """Return all tokens, rejected ones too, without where they are stored."""
    return [replace(token, location=None) for token in data.tokens(rejected=True)]

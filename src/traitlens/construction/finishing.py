"""Verdicts, captions and splits go into the rows: the last pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from traitlens import shards
from traitlens.captions import CaptionConfig, caption
from traitlens.construction.judging import Verdicts, read_verdicts
from traitlens.construction.shards import Shard, Workplace
from traitlens.records import Split, Token


def finish_shard(
    work: tuple[Shard, Split | None], *, place: Workplace, config: CaptionConfig
) -> int:
    """Write the final rows of a shard and return their number.

    With the shard comes the split of its collection, or None where its tokens are split.
    """
    shard, side = work
    target = place.tokens / shard.name
    if not target.is_file():
        verdicts = read_verdicts(place, shard.collection.info.name)
        shards.write_shard(target, _finished(shard, verdicts, side, place=place, config=config))
    return len(shard)


def _finished(
    shard: Shard,
    verdicts: Verdicts,
    side: Split | None,
    *,
    place: Workplace,
    config: CaptionConfig,
) -> Iterator[Token]:
    tokens = shards.read_shard(place.standardized / shard.name)
    for row, token in enumerate(tokens, start=shard.start):
        if token.status == "rejected":
            yield token
        elif row in verdicts.reasons:
            yield _rejected(token, verdicts.reasons[row])
        else:
            said = caption(token.collection, token.traits, config=config, counts=verdicts.counts)
            yield replace(
                token,
                caption=said.text,
                caption_spans=said.spans,
                split=side or verdicts.split_of(row),
            )


def _rejected(token: Token, reason: str) -> Token:
    """Return a row without its picture: what nobody can see is not kept."""
    return replace(
        token,
        status="rejected",
        reason=reason,
        image=None,
        more_images=(),
        width=0,
        height=0,
    )

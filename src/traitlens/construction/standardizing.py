"""Raw tokens become rows: traits read, media made PNG, what cannot be is rejected with a reason."""

from __future__ import annotations

import atexit
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from traitlens import files, shards
from traitlens.construction.shards import Shard, Workplace
from traitlens.filtering import BlockList, emptied
from traitlens.records import CollectionInfo, RawToken, Token, token_uid
from traitlens.sources import document_text, read_name, read_traits
from traitlens.standardization import Picture, Rejection, StandardizeConfig
from traitlens.standardization.guard import GuardedStandardizer

# Takes media with their keys, and gives one answer to each in order.
Pictures = Callable[[Iterable[tuple[bytes, str]]], Iterator[Picture | Rejection]]


def standardize_shard(
    shard: Shard, *, place: Workplace, config: StandardizeConfig, blocked: BlockList
) -> int:
    """Write the rows of a shard, as yet without caption and split; return their number."""
    found = rows(
        shard.raw_tokens(),
        shard.collection.info,
        pictures=_guarded(config).pictures,
        blocked=blocked,
    )
    return shards.write_shard(place.standardized / shard.name, found)


def rows(
    raw_tokens: Iterable[RawToken],
    info: CollectionInfo,
    *,
    pictures: Pictures,
    blocked: BlockList | None = None,
) -> Iterator[Token]:
    """Yield the row of each token of a collection: kept, or rejected with a reason."""
    blocked = blocked or BlockList()
    waiting: deque[Token] = deque()

    def media() -> Iterator[tuple[bytes, str]]:
        for raw in raw_tokens:
            waiting.append(_draft(raw, info, blocked))
            if waiting[-1].status == "kept":
                yield raw.media or b"", waiting[-1].token_uid

    for answer in pictures(media()):
        while waiting[0].status == "rejected":
            yield waiting.popleft()
        yield _with_picture(waiting.popleft(), answer, blocked)
    yield from waiting


def _draft(raw: RawToken, info: CollectionInfo, blocked: BlockList) -> Token:
    """Return a token's row but for its picture, or rejected."""
    traits = read_traits(raw.metadata) if raw.problem is None else raw.problem
    token = Token(
        token_uid=token_uid(info, raw.token_id),
        collection=raw.collection,
        token_id=raw.token_id,
        traits=() if isinstance(traits, str) else traits,
        caption="",
        name=read_name(raw.metadata),
        metadata=document_text(raw.metadata),
        source_uri=raw.source_uri,
        sha256=None if raw.media is None else files.sha256_hex(raw.media),
    )
    if (why := blocked.reason(token, raw.media)) is not None:
        return emptied(token, why)
    return replace(token, status="rejected", reason=traits) if isinstance(traits, str) else token


def _with_picture(token: Token, answer: Picture | Rejection, blocked: BlockList) -> Token:
    if isinstance(answer, Rejection):
        return replace(token, status="rejected", reason=answer.reason)
    shown = replace(
        token,
        image=answer.png,
        width=answer.width,
        height=answer.height,
        frame=answer.frame,
        frame_count=answer.frame_count,
        more_images=answer.more,
        media_type=answer.media_type,
        pixels_sha256=answer.pixels_sha256,
        perceptual_hash=answer.perceptual_hash,
    )
    why = blocked.reason(shown)  # by its pixels, which are known only now
    return shown if why is None else emptied(shown, why)


@lru_cache(maxsize=1)
def _guarded(config: StandardizeConfig) -> GuardedStandardizer:
    """Return this process's standardizer: to start its decoder costs as much as many pictures."""
    standardizer = GuardedStandardizer(config)
    atexit.register(standardizer.close)
    return standardizer

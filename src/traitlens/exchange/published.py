"""The authors' own NFT1000 zips, which carry no record of ours, as they are.

Their pictures are standardized like any other, since they are hostile media, and their captions
are taken as they stand. `traitlens build` reads the same zips, and writes captions and splits of
its own instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from traitlens import bounded_json
from traitlens.captions import caption
from traitlens.construction import rows
from traitlens.errors import DatasetError, SourceError
from traitlens.records import Token, storable
from traitlens.sources import Collection, open_sources
from traitlens.sources.nft1000 import THEIRS
from traitlens.standardization import StandardizeConfig
from traitlens.standardization.guard import GuardedStandardizer
from traitlens.standardization.limits import Limits


def open_published(path: Path) -> Collection:
    """Return the collection at `path`; raise DatasetError when there is none to be read."""
    try:
        (collection,) = open_sources([path])
    except SourceError as error:
        raise DatasetError(str(error)) from error
    return collection


def tokens(collection: Collection, limits: Limits) -> Iterator[Token]:
    """Yield the tokens of a collection in order, each with the authors' caption, without a split.

    A token for which they have none gets ours.
    """
    raw_tokens = (collection.read(found) for found in collection.found)
    with GuardedStandardizer(StandardizeConfig(limits=limits)) as standardizer:
        for token in rows(raw_tokens, collection.info, pictures=standardizer.pictures):
            yield token if token.status == "rejected" else _with_caption(token)


def _with_caption(token: Token) -> Token:
    theirs = _their_caption(token.metadata)
    if theirs:
        return replace(token, caption=storable(theirs))
    ours = caption(token.collection, token.traits)
    return replace(token, caption=ours.text, caption_spans=ours.spans)


def _their_caption(metadata: str | None) -> str:
    """Return the caption that the source left in the document."""
    try:
        texts = bounded_json.loads(metadata or "null")[THEIRS]
        return str(texts.get("caption", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""

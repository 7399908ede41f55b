"""What the stages hand on to one another: plain, frozen records.

`RawToken` is a token as a source has it, `Token` one row of the data set on disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

Status = Literal["kept", "rejected"]


@dataclass(frozen=True, slots=True)
class Trait:
    """One attribute of a token, as the OpenSea metadata standard writes it.

    A token may carry several traits of one type.
    """

    trait_type: str
    value: str
    display_type: str | None = None

    def __str__(self) -> str:
        return f"{self.trait_type}={self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawToken:
    """A token as its source has it: undecoded media and unchecked metadata.

    `problem` names what the source itself could not deliver (no picture, broken JSON).
    """

    collection: str
    token_id: str
    media: bytes | None
    metadata: Any = None
    source_uri: str
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the data set keeps a token: a file in `tokens/` and the row in it, from 0."""

    shard: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One row of the data set.

    `image` is PNG, RGB or RGBA, of `width` x `height` px; a rejected token has none. Of an
    animation it is frame `frame` of `frame_count`, and `more_images` has the further frames that
    were asked for. `caption_spans` has the [start, end) of each trait in the caption, in
    characters. `metadata` is the original JSON document. `sha256` is that of the original media,
    `pixels_sha256` that of the RGBA pixels, both in hex; look-alikes share most of the 64 bits of
    `perceptual_hash`. `token_id` is text, since it may be a uint256.
    """

    token_uid: str
    collection: str
    token_id: str
    traits: tuple[Trait, ...]
    caption: str
    caption_spans: tuple[tuple[int, int], ...] = ()
    image: bytes | None = None
    width: int = 0
    height: int = 0
    frame: int = 0
    frame_count: int = 1
    more_images: tuple[bytes, ...] = ()
    split: Split | None = None
    name: str | None = None
    metadata: str | None = None
    media_type: str | None = None
    source_uri: str = ""
    sha256: str | None = None
    pixels_sha256: str | None = None
    perceptual_hash: str | None = None
    status: Status = "kept"
    reason: str | None = None
    location: Location | None = None  # filled in by the reader, not stored


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionInfo:
    """What a source knows about a collection as a whole; all but the name may be missing."""

    name: str
    chain_id: str | None = None  # CAIP-2, e.g. "eip155:1"
    contract: str | None = None
    standard: str = "erc721"  # the contract's, or erc1155: the asset namespace of CAIP-19
    licence: str | None = None
    source: str | None = None
    family: str | None = None  # collections of one family share art
    theme: str | None = None  # what the pictures show: "ape", "punk"
    description: str | None = None
    url: str | None = None


def storable(text: str) -> str:
    """Return text that UTF-8 can hold; JSON and file names may have lone surrogates, "?" here."""
    return text.encode("utf-8", "replace").decode()


def token_uid(info: CollectionInfo, token_id: str) -> str:
    """Return the CAIP-19 identifier of a token.

    A collection without a contract gets the chain `local:files` and the asset namespace `folder`,
    so that every token has one identifier of one shape.
    """
    if info.contract:
        return f"{info.chain_id or 'eip155:1'}/{info.standard}:{info.contract.lower()}/{token_id}"
    name = quote(info.name, safe="").replace("_", "%5F").replace("~", "%7E")
    return f"local:files/folder:{name}/{quote(token_id, safe='')}"

"""The layout in which the authors of NFT1000 publish a collection, read as names and documents.

    NAME.zip (bare, or under one folder)
      captions/NAME_<id>.txt     a sentence about the picture
      images/NAME_<id>.png
      metadata/NAME_<id>.json    the token's own document
      prompts/NAME_<id>.txt      labels for generative models
      metadata_dashboard.json    project_name, contract_address, total_supply, description, …

The tree and the dashboard's keys are those of the repositories ShuxunoO/NFT-Net and NFT-NET-Hub.
What that layout has no place for, traitlens writes into the two kinds of JSON under a key of its
own, `OURS`, which no reader of the layout minds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from traitlens import bounded_json

DASHBOARD = "metadata_dashboard.json"
IMAGES, METADATA, CAPTIONS, PROMPTS = "images", "metadata", "captions", "prompts"

OURS = "traitlens"  # our key in a document and in the dashboard
THEIRS = "nft1000"  # where a document keeps the authors' caption and prompt

Texts = tuple[str | None, str | None]  # the names of a token's caption and prompt, if any

_DOCUMENT = "document"  # in OURS: the original document where it could not be the file itself


def is_layout(names: Iterable[str]) -> bool:
    """Return whether files of these names, relative to the collection, are in the layout."""
    tops = {name.partition("/")[0] for name in names}
    return DASHBOARD in tops or {IMAGES, CAPTIONS} <= tops


def prefix(stems: Sequence[str]) -> str:
    """Return what stands before the id in each of the file stems: "NAME_", or "" for nothing.

    It is what they share, up to the last "_" of it.
    """
    low, high = min(stems, default=""), max(stems, default="")
    pairs = enumerate(zip(low, high, strict=False))
    shared = low[: next((at for at, (a, b) in pairs if a != b), len(low))]
    return shared[: shared.rfind("_") + 1]


def document(value: Any, *, caption: bytes | None = None, prompt: bytes | None = None) -> Any:
    """Return a token's document as its issuer wrote it, with the authors' texts under `THEIRS`.

    A source builds captions of its own, so theirs are kept where nothing is lost.
    """
    value, _ = split_document(value)
    texts = {"caption": text(caption), "prompt": text(prompt)}
    said = {name: words for name, words in texts.items() if words}
    if not said or not isinstance(value, dict):
        return value
    return {**value, THEIRS: said}


def token_id(value: Any, stem: str) -> str:
    """Return a token's id: what we noted in its document, for a file's name may not hold it."""
    _, ours = split_document(value)
    noted = ours.get("token_id") if ours else None
    return noted if isinstance(noted, str) else stem


def texts_of(stem: str, names: Set[str]) -> Texts:
    """Return the names of a token's caption and prompt, those of them that are there."""
    caption, prompt = f"{CAPTIONS}/{stem}.txt", f"{PROMPTS}/{stem}.txt"
    return (caption if caption in names else None), (prompt if prompt in names else None)


def text(raw: bytes | None) -> str:
    """Return the words of a text file, however it is encoded."""
    return "" if raw is None else raw.decode("utf-8-sig", "replace").strip()


def join_document(
    metadata: str | None, ours: Mapping[str, Any], *, instead: Mapping[str, Any]
) -> str:
    """Return the JSON of a metadata file: the original document, and `ours` under its key.

    Where the document cannot be the file itself and come back letter by letter (it is no object,
    is not compact, or has our key), it is kept as text within ours, and the file says `instead`.
    """
    value = _same_when_written(metadata)
    if value is not None:
        return compact({**value, OURS: dict(ours)})
    return compact({**instead, OURS: {**ours, _DOCUMENT: metadata}})


def split_document(value: Any) -> tuple[Any, dict[str, Any] | None]:
    """Return the original document and what is ours in it: the reverse of `join_document`."""
    metadata, ours = original(value)
    if ours is None:
        return value, None
    try:
        return (None if metadata is None else bounded_json.loads(metadata)), ours
    except ValueError:
        return None, ours


def original(value: Any) -> tuple[str | None, dict[str, Any] | None]:
    """Return the original document as text and what is ours; (None, None) when nothing is ours."""
    ours = value.get(OURS) if isinstance(value, dict) else None
    if not isinstance(ours, dict):
        return None, None
    rest = {key: item for key, item in ours.items() if key != _DOCUMENT}
    if _DOCUMENT in ours:
        kept = ours[_DOCUMENT]
        return (kept if isinstance(kept, str) else None), rest
    return compact({key: item for key, item in value.items() if key != OURS}), rest


def compact(value: Any) -> str:
    """Return a JSON value in as few characters as it takes; raise ValueError for NaN."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _same_when_written(metadata: str | None) -> dict[str, Any] | None:
    """Return the object that `metadata` says, if writing it again gives the same text."""
    try:
        value = None if metadata is None else bounded_json.loads(metadata)
        if isinstance(value, dict) and OURS not in value and compact(value) == metadata:
            return value
    except ValueError:
        pass
    return None

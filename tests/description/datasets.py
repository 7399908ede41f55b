"""Data sets of a few hand-made tokens, whose numbers one can count."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from tests.helpers import drawn_token, png, write_dataset
from traitlens import files
from traitlens.digest import Digest
from traitlens.records import CollectionInfo, Token, Trait
from traitlens.store import MANIFEST, Dataset

EVIL = (
    '" onerror="x() </td><script>alert(1)</script> [x](http://evil.example) | `a` '
    "<!-- \x1b[31m \u202e**b**"
)


def token(number: int, *traits: str, collection: str = "robots", **changes: object) -> Token:
    """Return a token with traits such as "Hat=Cap"; its caption lists their values."""
    made = tuple(Trait(*trait.split("=", 1)) for trait in traits)
    words = " ".join(trait.value.lower() for trait in made)
    token = dataclasses.replace(
        drawn_token(collection, number), traits=made, caption=f"{collection} with {words}"
    )
    return dataclasses.replace(token, **changes)  # type: ignore[arg-type]


def rejected(number: int, reason: str, *, collection: str = "robots") -> Token:
    """Return a token that was not kept, with traits that must not count."""
    return token(
        number,
        "Hat=Rejected",
        collection=collection,
        image=None,
        width=0,
        height=0,
        split=None,
        status="rejected",
        reason=reason,
    )


def plain_png(colour: tuple[int, ...], size: tuple[int, int] = (8, 8)) -> bytes:
    return png(Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour))


def with_infos(data: Dataset, infos: Mapping[str, CollectionInfo]) -> Dataset:
    """Return the data set with what its sources say of the collections, written to its manifest."""
    entries = tuple(
        dataclasses.replace(entry, info=infos.get(entry.name, entry.info))
        for entry in data.manifest.collections
    )
    manifest = dataclasses.replace(data.manifest, collections=entries)
    files.write_json(data.path / MANIFEST, manifest.to_json())
    return Dataset.open(data.path)


def dataset(path: Path, **collections: Sequence[Token]) -> Dataset:
    return write_dataset(path, collections)


def evil_dataset(path: Path) -> Dataset:
    """Return a data set in which everything that a stranger can write is hostile."""
    tokens = [
        token(number, "a=b", token_id=f"{number}{EVIL}", media_type=EVIL, caption=EVIL,
              traits=(Trait(EVIL, f"{EVIL} {number % 2}"),))
        for number in range(4)
    ]  # fmt: skip
    data = dataset(path, robots=[*tokens, rejected(4, EVIL)])
    info = CollectionInfo(
        name="robots", licence=EVIL, source=EVIL, contract=EVIL, family=EVIL, theme=EVIL,
        description=EVIL, url=EVIL,
    )  # fmt: skip
    files.write_json(path / "leaks.json", {EVIL: {"total": 3}})
    row = {"collection": EVIL, "rule": EVIL, "value": EVIL, "limit": EVIL, "fell": True}
    files.write_json(path / "filters.json", [row])
    return with_infos(data, {"robots": info})


def digest_of(tokens: Sequence[Token]) -> Digest:
    return Digest.of(tokens)

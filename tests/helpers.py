"""A tiny data set of drawn tokens, and an encoder that can read them.

>>> data = drawn_dataset(tmp_path / "data", {"robots": 12, "owls": 8})
>>> index(data, tmp_path / "idx", encoder=ColourEncoder(), config=IndexConfig())

A token is 24 x 24 px of pixel art: a background, a body, mostly a hat, and some pins. Every trait
but the pins shows in the pixels, and `ColourEncoder` finds "red hat" where a hat is red.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from traitlens import files
from traitlens.captions import caption
from traitlens.config import fingerprint
from traitlens.models.encoder import Vectors
from traitlens.records import SPLITS, CollectionInfo, Token, Trait, token_uid
from traitlens.shards import write_shard
from traitlens.store import MANIFEST, CollectionEntry, Dataset, Manifest

COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 80, 220),
    "yellow": (240, 210, 50),
    "black": (20, 20, 20),
    "white": (245, 245, 245),
}
# Where a part is drawn, and where the encoder looks for it: left, top, right, bottom in px
PARTS = {"background": (0, 0, 3, 23), "hat": (7, 2, 16, 6), "body": (6, 8, 17, 23)}
PINS = ("Star", "Moon", "Zip & Co <b>")
SIZE_PX = 24


def draw(parts: Mapping[str, str]) -> Image.Image:
    """Return the picture of a token: {"background": "blue", "body": "red", "hat": "green"}."""
    image = Image.new("RGB", (SIZE_PX, SIZE_PX), COLOURS[parts["background"]])
    for part in ("body", "hat"):
        if part in parts:
            ImageDraw.Draw(image).rectangle(PARTS[part], fill=COLOURS[parts[part]])
    return image


def png(image: Image.Image) -> bytes:
    sink = io.BytesIO()
    image.save(sink, format="PNG")
    return sink.getvalue()


def drawn_token(collection: str, number: int, *, seed: int = 0) -> Token:
    """Return token `number` of a collection; the same arguments give the same token."""
    rng = np.random.default_rng([seed, number, *collection.encode()])
    names = list(COLOURS)
    parts = {part: names[rng.integers(len(names))] for part in ("background", "body", "hat")}
    if parts["hat"] == parts["background"]:
        del parts["hat"]  # nobody could see it
    traits = [Trait(part.title(), colour.title()) for part, colour in parts.items()]
    traits += [Trait("Pin", pin) for pin in PINS if rng.random() < 0.3]  # a repeated trait type
    image = draw(parts)
    info = CollectionInfo(name=collection)
    return Token(
        token_uid=token_uid(info, str(number)),
        collection=collection,
        token_id=str(number),
        image=png(image),
        width=image.width,
        height=image.height,
        traits=tuple(traits),
        caption=caption(collection, traits).text,
        split=SPLITS[0] if number % 10 < 8 else SPLITS[number % 10 - 7],
        media_type="image/png",
        source_uri=f"drawn/{collection}/{number}.png",
        sha256=hashlib.sha256(png(image)).hexdigest(),
        pixels_sha256=hashlib.sha256(image.convert("RGBA").tobytes()).hexdigest(),
    )


def rejected_token(collection: str, number: int) -> Token:
    """Return a token that `build` could not keep."""
    token = drawn_token(collection, number)
    return dataclasses.replace(
        token, image=None, width=0, height=0, split=None, status="rejected", reason="broken picture"
    )


def drawn_dataset(
    path: Path, sizes: Mapping[str, int], *, seed: int = 0, rejected: int = 1
) -> Dataset:
    """Write a data set of `sizes[collection]` kept tokens and some rejected ones; open it."""
    shards = {
        name: [drawn_token(name, number, seed=seed) for number in range(kept)]
        + [rejected_token(name, kept + number) for number in range(rejected)]
        for name, kept in sizes.items()
    }
    return write_dataset(path, shards)


def write_dataset(path: Path, collections: Mapping[str, Sequence[Token]]) -> Dataset:
    """Write the given tokens as a data set with one shard a collection; open it."""
    entries = []
    for name, tokens in collections.items():
        write_shard(path / "tokens" / f"{name}-00000.parquet", tokens)
        entries.append(_entry(name, tokens))
    marks = [[token.token_uid, token.sha256] for tokens in collections.values() for token in tokens]
    manifest = Manifest(
        fingerprint=fingerprint(marks), config={}, versions={}, collections=tuple(entries)
    )
    files.write_json(path / MANIFEST, manifest.to_json())
    return Dataset.open(path)


def _entry(name: str, tokens: Sequence[Token]) -> CollectionEntry:
    kept = [token for token in tokens if token.status == "kept"]
    reasons = [token.reason or "" for token in tokens if token.status == "rejected"]
    return CollectionEntry(
        info=CollectionInfo(name=name),
        read=len(tokens),
        kept=len(kept),
        rejected={reason: reasons.count(reason) for reason in sorted(set(reasons))},
        splits={split: sum(token.split == split for token in kept) for split in SPLITS},
        shards=(f"{name}-00000.parquet",),
    )


class ColourEncoder:
    """An `Encoder` without weights: one number for each part in each colour.

    Words: "red hat" is a red hat, and "red" alone is red anywhere. Pictures of any size are looked
    at as 24 x 24 px. One more number, the same for all, keeps wordless texts away from zero.
    """

    name = "colours"

    def __init__(self, *, version: str = "1") -> None:
        self.fingerprint = fingerprint("colours", version)
        self._slots = [(part, colour) for part in PARTS for colour in COLOURS]
        self.dimension = len(self._slots) + 1

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return _unit([self._of_text(text) for text in texts])

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        return _unit([self._of_image(image) for image in images])

    def _of_text(self, text: str) -> list[float]:
        words = text.lower().replace(",", " ").split()
        said = set()
        for word, following in zip(words, [*words[1:], ""], strict=True):
            parts = [following] if following in PARTS else list(PARTS)
            said |= {(part, word) for part in parts if word in COLOURS}
        return [float(slot in said) for slot in self._slots] + [0.1]

    def _of_image(self, image: Image.Image) -> list[float]:
        small = image.convert("RGB").resize((SIZE_PX, SIZE_PX), Image.Resampling.NEAREST)
        pixels_HWC = np.asarray(small, np.float32)
        palette = np.array(list(COLOURS.values()), np.float32)
        seen: list[NDArray[np.float64]] = []
        for left, top, right, bottom in PARTS.values():
            region = pixels_HWC[top : bottom + 1, left : right + 1].reshape(-1, 1, 3)
            nearest = np.linalg.norm(region - palette, axis=2).argmin(axis=1)
            seen.append(np.bincount(nearest, minlength=len(palette)) / len(region))
        background, *parts = seen
        # What has the background's colour is background: a head without a hat.
        shown = [part * (background.argmax() != np.arange(len(palette))) for part in parts]
        return [*np.concatenate([background, *shown]).tolist(), 0.1]


def _unit(rows: list[list[float]]) -> Vectors:
    vectors = np.array(rows, np.float32).reshape(len(rows), -1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


class Tags(HTMLParser):
    """Collects the tags of a page, their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

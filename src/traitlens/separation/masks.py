"""The components of a collection, in memory and on disk.

    components/<collection>.npz     what `load_masks` reads; equal components give equal bytes
    components/<collection>.json    the same for people: areas and supports, and what has no mask

A value that is drawn in several shapes, one for each value of another trait, is one component: its
region is the union of the shapes, and its variants are the shapes.

Axes: H height, W width, C the four channels RGBA, P = H x W pixels, M pixels of a component, K
components.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens import bounded_json, files
from traitlens.errors import DatasetError
from traitlens.records import Token, Trait
from traitlens.separation.pixels import Mask, Region, channels
from traitlens.separation.reading import Reading, by_flats, by_layers, by_weights
from traitlens.standardization import decode

FOLDER = "components"  # in a data set
SHEET_SUFFIX = ".png"
LABELS_SUFFIX = "-labels.zip"
FORMAT_VERSION = 4


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """The shape of a component in the tokens that also have another trait."""

    context: Trait
    region: Region


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """The part of a collection's pictures that belongs to one trait value."""

    trait: Trait
    support: int  # tokens that have the value, among those that were looked at
    visible: float  # mean share of a picture's area in which such a token shows it, in [0, 1]
    confidence: float  # how sure it is that these are its pixels, in [0, 1]
    layer: int  # 0 is the lowest; equal where it is not known which of two lies above
    region: Region
    variants: tuple[Variant, ...] = ()  # where the shape depends on another trait

    def region_for(self, traits: Collection[Trait]) -> Region:
        """Return the pixels of the component in a token of some traits."""
        return next((v.region for v in self.variants if v.context in traits), self.region)

    @property
    def name(self) -> tuple[str, str]:
        """The trait type and the value."""
        return self.trait.trait_type, self.trait.value


@dataclass(frozen=True, slots=True)
class Missing:
    """A trait value without a mask, and why."""

    trait: Trait
    support: int
    reason: str


@dataclass(frozen=True, eq=False, kw_only=True)
class ComponentMasks:
    """The components of one collection, all of one picture size.

    `config` is what they were found with, `read` and `skipped` count the tokens, `fingerprint` is
    that of the config and of the tokens. `base_HWC` is what lies beneath all components, as RGBA
    of 8 bits a channel; it is transparent where that is not known. Without any token the size is
    0 x 0.
    """

    collection: str
    height: int
    width: int
    colour_bits: int
    components: tuple[Component, ...]
    missing: tuple[Missing, ...]
    base_HWC: NDArray[np.uint8]
    reading: Reading
    read: int
    skipped: Mapping[str, int]
    config: Mapping[str, Any]
    fingerprint: str

    @property
    def method(self) -> str:
        return str(self.config["method"])

    @cached_property
    def masks(self) -> dict[tuple[str, str], Mask]:
        """The masks by trait type and value: bool (H, W), they may overlap."""
        return {name: self._mask(c.region.where_M) for name, c in self._by_name.items()}

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Component]:
        return {c.name: c for c in self.components}

    @cached_property
    def _rows(self) -> dict[tuple[str, str], int]:
        return {c.name: row for row, c in enumerate(self.components)}

    def for_token(self, token: Token) -> dict[Trait, Mask]:
        """Return the masks, bool (H, W), of those traits of the token that have one.

        They are where the components are drawn, whether or not another covers them. A token whose
        picture has another size has none.
        """
        return {
            trait: self._mask(component.region_for(token.traits).where_M)
            for trait, component in self._components_of(token)
        }

    def visible(self, token: Token, image: Image.Image | None = None) -> dict[Trait, Mask]:
        """Return where one sees each component in the token's picture: bool (H, W), disjoint.

        What a pixel shows is told as `reading` says, whose ways `Reading` explains. `image` is the
        token's picture when that is decoded already.
        """
        known = self._components_of(token)
        if not known:
            return {}
        labels_HW = self.label_map(token, image)
        return {trait: labels_HW == self._rows[c.name] for trait, c in known}

    def label_map(self, token: Token, image: Image.Image | None = None) -> NDArray[np.int16]:
        """Return what one sees at each pixel of the token's picture: int16 (H, W).

        It is the row of the component in `components`, or -1 where one sees none; all is -1 in a
        picture of another size, which keeps its own height and width.
        """
        labels_P = np.full(token.height * token.width, -1, np.int16)
        known = [component for _, component in self._components_of(token)]
        if known:
            known.sort(key=lambda c: c.layer)
            rows_V = np.array([*(self._rows[c.name] for c in known), -1], np.int16)
            regions = [c.region_for(token.traits) for c in known]
            labels_P = rows_V[self._shown(image or read_picture(token), regions)]
        return labels_P.reshape(token.height, token.width)

    def _shown(self, image: Image.Image, regions: Sequence[Region]) -> NDArray[np.intp]:
        """Return the position in `regions` of what each pixel shows, -1 for nothing: (P,)."""
        rgba_HWC = channels(image)
        if self.reading.way == "flats":
            return by_flats(rgba_HWC, regions, self.reading)
        if self.reading.way in ("layers", "grid"):
            return by_layers(rgba_HWC, regions, self.reading)
        return by_weights(rgba_HWC, regions, colour_bits=self.colour_bits)

    def _components_of(self, token: Token) -> list[tuple[Trait, Component]]:
        if (token.height, token.width) != (self.height, self.width):
            return []
        named = ((trait, (trait.trait_type, trait.value)) for trait in dict.fromkeys(token.traits))
        return [(trait, self._by_name[name]) for trait, name in named if name in self._by_name]

    def _mask(self, where: NDArray[Any]) -> Mask:
        mask_P = np.zeros(self.height * self.width, np.bool_)
        mask_P[where] = True
        return mask_P.reshape(self.height, self.width)


def read_picture(token: Token) -> Image.Image:
    """Return the decoded picture of a token of a data set; raise DatasetError for a broken one."""
    picture = decode(token.image or b"")
    if not isinstance(picture, Image.Image):
        raise DatasetError(f"the picture of {token.token_uid} cannot be read: {picture.reason}")
    return picture


def save_masks(folder: Path, masks: ComponentMasks) -> None:
    """Write the components and their summary to `folder`, each file whole or not at all."""
    # The npz is what others go by, so it comes last.
    files.write_json(_file(folder, masks.collection).with_suffix(".json"), summary(masks))
    files.write_bytes(_file(folder, masks.collection), to_bytes(masks))


def load_masks(folder: str | Path, collection: str) -> ComponentMasks:
    """Return the components of a collection from the folder in which `components` left them.

    Raise DatasetError when there are none, or the file is no such file.
    """
    path = _file(Path(folder), collection)
    if not path.is_file():
        raise DatasetError(
            f"{path} does not exist: no components of {collection!r}; run `traitlens components`"
        )
    try:
        return from_bytes(path.read_bytes())
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(
            f"{path} is no file of components ({error}); run `traitlens components --replace`"
        ) from error


def forget_values(folder: Path, collection: str, *, left: Container[tuple[str, str]]) -> int:
    """Remove what is known of trait values that no token has any longer; return how many they were.

    `left` has the types and values that there still are: their pixels are those of the tokens that
    stay. A sheet of the collection and its label maps show tokens, so they go too, and so do
    files that cannot be read. Where there are no components, nothing is done.
    """
    path = _file(folder, collection)
    for suffix in (SHEET_SUFFIX, LABELS_SUFFIX):
        files.collection_file(folder, collection, suffix).unlink(missing_ok=True)
    if not path.is_file():
        return 0
    try:
        masks = load_masks(folder, collection)
    except DatasetError:
        path.unlink()
        path.with_suffix(".json").unlink(missing_ok=True)
        return 0
    found = tuple(_less_contexts(c, left) for c in masks.components if c.name in left)
    missing = tuple(m for m in masks.missing if (m.trait.trait_type, m.trait.value) in left)
    gone = len(masks.components) + len(masks.missing) - len(found) - len(missing)
    if gone:
        save_masks(folder, replace(masks, components=found, missing=missing))
    return gone


def _less_contexts(component: Component, left: Container[tuple[str, str]]) -> Component:
    """Return a component without its variants in contexts that there are no longer."""
    kept = tuple(v for v in component.variants if (v.context.trait_type, v.context.value) in left)
    return replace(component, variants=kept)


def _file(folder: Path, collection: str) -> Path:
    return files.collection_file(folder, collection, ".npz")


def summary(masks: ComponentMasks) -> dict[str, Any]:
    """Return what a person wants to know about the components, JSON-ready."""
    area = max(1, masks.height * masks.width)
    return {
        **_about(masks),
        "components": [
            {
                "trait_type": c.trait.trait_type,
                "value": c.trait.value,
                "support": c.support,
                "area": round(len(c.region) / area, 5),
                "visible": round(c.visible, 5),
                "confidence": round(c.confidence, 5),
                "layer": c.layer,
            }
            for c in masks.components
        ],
    }


def _about(masks: ComponentMasks) -> dict[str, Any]:
    """Return everything but the pixels, JSON-ready."""
    return {
        "format_version": FORMAT_VERSION,
        "collection": masks.collection,
        "height": masks.height,
        "width": masks.width,
        "colour_bits": masks.colour_bits,
        "reading": asdict(masks.reading),
        "read": masks.read,
        "skipped": dict(masks.skipped),
        "config": dict(masks.config),
        "fingerprint": masks.fingerprint,
        "components": [
            [asdict(c.trait), c.support, c.visible, c.confidence, c.layer] for c in masks.components
        ],
        "variants": [
            [row, asdict(v.context)] for row, c in enumerate(masks.components) for v in c.variants
        ],
        "missing": [[asdict(m.trait), m.support, m.reason] for m in masks.missing],
    }


def to_bytes(masks: ComponentMasks) -> bytes:
    """Return the contents of the file: an npz without time stamps, so equal in equal bytes out."""
    regions = [c.region for c in masks.components]
    regions += [v.region for c in masks.components for v in c.variants]
    pixels = masks.height * masks.width
    dense_KP = np.zeros((len(regions), pixels), np.bool_)
    for dense_P, region in zip(dense_KP, regions, strict=True):
        dense_P[region.where_M] = True
    about = json.dumps(_about(masks), ensure_ascii=False, sort_keys=True).encode()
    return _npz(
        {
            "about": np.frombuffer(about, np.uint8),
            "masks": np.packbits(dense_KP, axis=1),
            "colours": _joined((r.colours_M for r in regions), np.dtype("<u4")),
            "weights": _joined((r.weights_M for r in regions), np.dtype("u1")),
            "rgba": _joined((r.rgba_M4.ravel() for r in regions), np.dtype("u1")),
            "base": masks.base_HWC,
        }
    )


def _joined(parts: Iterable[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)


def _npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, unlike those of np.savez
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def from_bytes(data: bytes) -> ComponentMasks:
    """Return the components in a file's contents; raise ValueError or KeyError for other bytes."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        about = bounded_json.loads(archive["about"].tobytes())
        if about["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format version {about['format_version']!r}, not {FORMAT_VERSION}")
        packed_KB, base_HWC = archive["masks"], archive["base"]
        colours, weights, rgba = (archive[name] for name in ("colours", "weights", "rgba"))
    pixels, named = about["height"] * about["width"], about.pop("components")
    contexts = about.pop("variants")
    if packed_KB.shape != (len(named) + len(contexts), -(-pixels // 8)):
        raise ValueError(f"masks have shape {packed_KB.shape}")
    if base_HWC.shape != (about["height"], about["width"], 4):
        raise ValueError(f"the base has shape {base_HWC.shape}")
    dense_KP = np.unpackbits(packed_KB, axis=1, count=pixels).astype(np.bool_)
    ends_K = np.cumsum(dense_KP.sum(axis=1), dtype=np.int64)
    total = int(ends_K[-1]) if len(ends_K) else 0
    if colours.shape != (total,) or weights.shape != (total,) or rgba.shape != (4 * total,):
        raise ValueError("masks and colours differ in length")
    where_K = (np.flatnonzero(dense_P).astype(np.int32) for dense_P in dense_KP)
    parts = _split(ends_K, colours, weights, rgba.reshape(-1, 4))
    regions = [Region(*each) for each in zip(where_K, *parts, strict=True)]
    variants: list[list[Variant]] = [[] for _ in named]
    for (row, context), region in zip(contexts, regions[len(named) :], strict=True):
        variants[row].append(Variant(Trait(**context), region))
    components = (
        Component(Trait(**trait), support, visible, confidence, layer, region, tuple(of_it))
        for (trait, support, visible, confidence, layer), region, of_it in zip(
            named, regions, variants, strict=False
        )
    )
    missing = (Missing(Trait(**trait), *rest) for trait, *rest in about.pop("missing"))
    del about["format_version"]
    reading = Reading(**about.pop("reading"))
    return ComponentMasks(
        **about,
        components=tuple(components),
        missing=tuple(missing),
        base_HWC=base_HWC,
        reading=reading,
    )


def _split(ends_K: NDArray[np.int64], *joined: NDArray[Any]) -> list[list[NDArray[Any]]]:
    return [np.split(array, ends_K)[:-1] for array in joined]

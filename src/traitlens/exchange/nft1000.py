"""The published NFT1000 layout: one zip a collection, and the authors' list of them.

    collections.json         the authors' list: names, contracts, counts, SHA-256 of the zips
    SHA256SUMS
    NAME.zip                 captions/ images/ metadata/ prompts/ metadata_dashboard.json

`sources.nft1000` says what is in a zip. What the layout has no place for is under our own key: in
each metadata file the rest of the token, in the dashboard the collection and its order. A further
frame is `frames/NAME_<id>.1.png`; a rejected token has a metadata file only. Pictures are stored
and texts deflated, under one fixed date, so that equal tokens give equal zips.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.captions import phrase
from traitlens.exchange.config import ExportConfig
from traitlens.exchange.names import Names, file_name
from traitlens.exchange.record import SIDES, Export, Source
from traitlens.exchange.rows import to_values
from traitlens.records import CollectionInfo, Token
from traitlens.sources import nft1000 as layout

FRAMES = "frames"

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
_UNIX, _FILE_MODE = 3, 0o100644 << 16

# What the layout has files for, and so is left out of our key.
_ELSEWHERE = ("collection", "caption", "metadata")


@dataclass(slots=True)
class _Dashboard:
    """What is counted while a collection is written."""

    stems: list[str] = field(default_factory=list)
    kept: int = 0
    traits: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def count(self, stem: str, token: Token) -> None:
        self.stems.append(stem)
        self.kept += token.status == "kept"
        for trait in token.traits if token.status == "kept" else ():
            self.traits[trait.trait_type][trait.value] += 1


def write_collection(
    source: Source, folder: Path, stem: str, config: ExportConfig
) -> dict[str, list[str]]:
    """Write the zip of a collection into `folder`; return its name."""
    del config  # one zip, whatever its size
    name = f"{stem}.zip"
    prefix = stem.lstrip("_") or "collection"  # files that begin with "_" are passed over
    names, dashboard = Names(), _Dashboard()
    with files.writing(folder / name) as path, zipfile.ZipFile(path, "w") as archive:
        for token in source.tokens():
            token_stem = names.take(file_name(token.token_id))
            dashboard.count(token_stem, token)
            for member, content in _members(f"{prefix}_{token_stem}", token):
                _add(archive, member, content)
        text = json.dumps(_dashboard_values(source, prefix, dashboard), ensure_ascii=False)
        _add(archive, layout.DASHBOARD, text.encode())
    return {"all": [name]}


def _members(stem: str, token: Token) -> Iterator[tuple[str, bytes]]:
    if token.caption or token.status == "kept":
        yield f"{layout.CAPTIONS}/{stem}.txt", token.caption.encode()
    if token.image is not None:
        yield f"{layout.IMAGES}/{stem}.png", token.image
    document = layout.join_document(token.metadata, _ours(token), instead=_openly(token))
    yield f"{layout.METADATA}/{stem}.json", document.encode()
    if token.status == "kept":
        yield f"{layout.PROMPTS}/{stem}.txt", prompt(token).encode()
    for number, picture in enumerate(token.more_images, start=1):
        yield f"{FRAMES}/{stem}.{number}.png", picture


def _ours(token: Token) -> dict[str, Any]:
    ours = to_values(token, without=_ELSEWHERE)
    return {**ours, FRAMES: len(token.more_images)} if token.more_images else ours


def _openly(token: Token) -> dict[str, Any]:
    """Return what a document of the layout says, for a token that has none."""
    traits = [{"trait_type": t.trait_type, "value": t.value} for t in token.traits]
    return {"name": token.name or token.token_id, "attributes": traits}


def prompt(token: Token) -> str:
    """Return the labels of a token's traits, as models that draw are told: "red hat, blue eyes"."""
    return ", ".join(words for trait in token.traits if (words := phrase(trait)))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    is_picture = name.endswith(".png")
    info.compress_type = zipfile.ZIP_STORED if is_picture else zipfile.ZIP_DEFLATED
    info.create_system, info.external_attr = _UNIX, _FILE_MODE
    archive.writestr(info, content)


def _dashboard_values(source: Source, prefix: str, dashboard: _Dashboard) -> dict[str, Any]:
    info = source.entry.info
    more = {"family": source.entry.family, "theme": info.theme, "source": info.source}
    more |= {"chain_id": info.chain_id, "licence": info.licence}
    return {
        **_listed(info, supply=len(dashboard.stems), collected=dashboard.kept),
        **{name: text for name, text in more.items() if text is not None},
        "traits": {kind: dict(counts) for kind, counts in dashboard.traits.items()},
        layout.OURS: {
            "info": asdict(info),
            "family": source.entry.family,
            "prefix": prefix,
            "tokens": dashboard.stems,
        },
    }


def _listed(info: CollectionInfo, *, supply: int, collected: int) -> dict[str, Any]:
    """Return what the authors say of a collection, in their dashboard as in their list."""
    return {
        "project_name": info.name,
        "contract_address": info.contract,
        "total_supply": supply,
        "actual_collected_quantity": collected,
        "description": info.description,
        "official_url": info.url,
    }


def write_index(export: Export, folder: Path, sums: dict[str, str]) -> None:
    """Write the list of the collections in the authors' form, with the SHA-256 of the zips."""
    collections = {}
    for collection in export.collections:
        (name,) = collection.files["all"]
        supply, rejected = len(collection.sides), collection.sides.count(SIDES["rejected"])
        said = _listed(collection.info, supply=supply, collected=supply - rejected)
        collections[collection.name] = {**said, "checksum_sha256": sums[name]}
    listed = {"total": len(collections), "collections": collections}
    files.write_json(folder / "collections.json", listed)

"""`croissant.json`: the data set in the vocabulary of MLCommons Croissant 1.0 (JSON-LD).

Search engines for data sets and the loaders of several frameworks read it
(docs.mlcommons.org/croissant/docs/croissant-spec.html). The shards are one FileSet, since a large
data set has thousands of them and a FileSet has no checksum. So `SHA256SUMS`, which
`sha256sum --check` reads, lists that of every shard, and is itself a FileObject with its checksum:
what the Croissant file says binds every byte.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from traitlens import files
from traitlens.description.publication import LICENCE_PAGES, Publication, licence_id
from traitlens.description.statistics import Description
from traitlens.description.stored import STATISTICS
from traitlens.description.texts import count
from traitlens.plain_text import one_line
from traitlens.progress import Progress, silent
from traitlens.records import SPLITS
from traitlens.shards import Column, columns
from traitlens.store import MANIFEST

CROISSANT = "croissant.json"
CHECKSUMS = "SHA256SUMS"
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

_DATA_TYPES = {"text": "sc:Text", "integer": "sc:Integer", "image": "sc:ImageObject"}

# What a column holds; a path names a field of a record.
MEANINGS = {
    "token_uid": "The token's CAIP-19 identifier.",
    "collection": "The collection's name.",
    "token_id": "The token's number in its contract, a uint256 as text.",
    "image": "The picture as PNG; none for a rejected token.",
    "width": "Width of the picture in px, 0 without a picture.",
    "height": "Height of the picture in px, 0 without a picture.",
    "frame": "Which frame of an animation the picture is, from 0.",
    "frame_count": "How many frames the original has.",
    "more_images": "Further frames of an animation as PNG.",
    "traits": "The token's traits, as the OpenSea metadata standard has them.",
    "traits.trait_type": "What kind of trait it is, such as Hat.",
    "traits.value": "The trait's value, such as Beanie.",
    "traits.display_type": "How the metadata ask to show the value, if they do.",
    "caption": "A sentence about the token, made of its traits.",
    "caption_spans": "Where in the caption each trait is said.",
    "caption_spans.start": "The first character of the trait's words.",
    "caption_spans.end": "The character after the last one of the trait's words.",
    "split": "train, validation or test; none for a rejected token.",
    "name": "The token's name, if it has one.",
    "metadata": "The original JSON document.",
    "media_type": "The media type of the original.",
    "source_uri": "Where the original was found.",
    "sha256": "SHA-256 of the original media, in hex.",
    "pixels_sha256": "SHA-256 of the pixels, in hex.",
    "perceptual_hash": "64 bits in hex, of which look-alikes share most.",
    "status": "kept or rejected.",
    "reason": "Why the token was rejected.",
}


def croissant(description: Description, publication: Publication, folder: Path) -> dict[str, Any]:
    """Return the Croissant document of the data set in `folder`, whose other files are written."""
    title = title_of(description, publication)
    found: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": title,
        "description": summary(description),
        "license": _licences(description, publication),
        "url": publication.url,
        "datePublished": publication.published,
        "version": f"1.0.0+{description.fingerprint}",
        "citeAs": _citation(title, description, publication),
        "creator": {"@type": "sc:Organization", "name": "the collections' creators"},
        "keywords": ["NFT", "PFP", "image-text retrieval", *_themes(description)],
        "isLiveDataset": False,
        "distribution": [*_file_objects(folder), _FILE_SET],
        "recordSet": [_splits(), _tokens()],
    }
    return {key: value for key, value in found.items() if value is not None}


def title_of(description: Description, publication: Publication) -> str:
    """Return the data set's title: the published one, else one that says what is in it."""
    if publication.title:
        return one_line(publication.title)
    if len(description.collections) == 1:
        return one_line(description.collections[0].name)
    return f"NFT tokens of {count(len(description.collections))} collections"


def summary(description: Description) -> str:
    """Return two sentences on what the data set is."""
    kept, collections = description.counts.kept, len(description.collections)
    return (
        f"Pictures, traits and captions of {count(kept)} non-fungible tokens of "
        f"{count(collections)} {'collection' if collections == 1 else 'collections'}, for "
        "retrieval between text and pictures. One row a token; rejected tokens are rows without a "
        "picture, with a reason."
    )


def checksums(folder: Path, shards: Sequence[str], *, progress: Progress = silent) -> str:
    """Return the lines of `SHA256SUMS`: the SHA-256 of each shard and its path."""
    lines = []
    for number, shard in enumerate(shards):
        progress("checksums", number, len(shards))
        name = f"tokens/{shard}"
        lines.append(f"{files.sha256_of(folder / name)}  {name}\n")
    progress("checksums", len(shards), len(shards))
    return "".join(lines)


def _licences(description: Description, publication: Publication) -> list[str]:
    stated = [publication.licence] if publication.licence else _stated(description)
    pages = (LICENCE_PAGES.get(licence_id(text) or "", one_line(text)) for text in stated)
    return list(dict.fromkeys(pages)) or ["No collection states a licence."]


def _stated(description: Description) -> list[str]:
    return [one.licence for one in description.collections if one.licence]


def _citation(title: str, description: Description, publication: Publication) -> str:
    plain = re.sub(r"[{}\\%$#&_~^]+", " ", title)
    year = f", year = {{{publication.published[:4]}}}" if publication.published else ""
    url = f", url = {{{publication.url}}}" if publication.url else ""
    return (
        f"@misc{{traitlens-{description.fingerprint}, title = {{{' '.join(plain.split())}}}{year}"
        f"{url}, note = {{A data set built with traitlens, {description.fingerprint}}}}}"
    )


def _themes(description: Description) -> list[str]:
    return [group.name for group in description.themes[:20]]


def _file_objects(folder: Path) -> list[dict[str, Any]]:
    said = {
        CHECKSUMS: ("text/plain", "The SHA-256 of each shard, for `sha256sum --check`."),
        MANIFEST: ("application/json", "What was read, kept and rejected, and how."),
        STATISTICS: ("application/json", "The data set in numbers."),
    }
    return [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "description": what,
            "contentUrl": name,
            "contentSize": f"{(folder / name).stat().st_size} B",
            "encodingFormat": media_type,
            "sha256": files.sha256_of(folder / name),
        }
        for name, (media_type, what) in said.items()
    ]


_FILE_SET = {
    "@type": "cr:FileSet",
    "@id": "shards",
    "name": "shards",
    "description": "Parquet files of up to 1,000 tokens; SHA256SUMS has the checksum of each.",
    "encodingFormat": "application/x-parquet",
    "includes": "tokens/*.parquet",
}


def _splits() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "Who is trained, chosen and tested on.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "name", "dataType": "sc:Text"}
        ],
        "data": [{"splits/name": split} for split in SPLITS],
    }


def _tokens() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "tokens",
        "name": "tokens",
        "description": "One row a token, kept or rejected.",
        "key": {"@id": "tokens/token_uid"},
        "field": [_field(column) for column in columns()],
    }


def _field(column: Column) -> dict[str, Any]:
    made: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"tokens/{column.name}",
        "name": column.name,
        "description": MEANINGS[column.name],
    }
    if column.repeated:
        made["repeated"] = True
    if column.kind == "record":
        return made | {"subField": [_sub_field(column, part) for part in column.fields]}
    made |= {"dataType": _DATA_TYPES[column.kind], "source": _source(column.name)}
    if column.name == "split":
        made["dataType"] = ["sc:Text", "cr:Split"]
    if column.kind == "image":
        made["source"]["transform"] = {"jsonPath": "bytes"}
    return made


def _sub_field(column: Column, part: Column) -> dict[str, Any]:
    source = _source(column.name) | {"transform": {"jsonPath": part.name}}
    return {
        "@type": "cr:Field",
        "@id": f"tokens/{column.name}/{part.name}",
        "name": part.name,
        "description": MEANINGS[f"{column.name}.{part.name}"],
        "dataType": _DATA_TYPES[part.kind],
        "source": source,
    }


def _source(column: str) -> dict[str, Any]:
    return {"fileSet": {"@id": "shards"}, "extract": {"column": column}}

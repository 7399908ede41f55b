"""Parquet shards: a row a token. What else knows Parquet are the vectors (`vector_files`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from traitlens import files
from traitlens.portions import batched
from traitlens.records import Location, Token, Trait

# A picture is fetched by decoding its row group, so a group is small.
ROWS_PER_GROUP = 128

_TRAIT = pa.struct([(name, pa.string()) for name in ("trait_type", "value", "display_type")])
_SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32())])
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_COLUMNS: dict[str, pa.DataType] = {
    "token_uid": pa.string(),
    "collection": pa.string(),
    "token_id": pa.string(),
    "image": _IMAGE,
    "width": pa.int32(),
    "height": pa.int32(),
    "frame": pa.int32(),
    "frame_count": pa.int32(),
    "more_images": pa.list_(_IMAGE),
    "traits": pa.list_(_TRAIT),
    "caption": pa.string(),
    "caption_spans": pa.list_(_SPAN),
    "split": pa.string(),
    "name": pa.string(),
    "metadata": pa.string(),
    "media_type": pa.string(),
    "source_uri": pa.string(),
    "sha256": pa.string(),
    "pixels_sha256": pa.string(),
    "perceptual_hash": pa.string(),
    "status": pa.string(),
    "reason": pa.string(),
}
_PICTURES = ("image", "more_images")


def _hugging_face_features() -> bytes:
    """Return the schema metadata that makes `datasets` show the pictures as pictures."""
    features = {name: _hugging_face_feature(kind) for name, kind in _COLUMNS.items()}
    return json.dumps({"info": {"features": features}}).encode()


def _hugging_face_feature(kind: pa.DataType) -> Any:
    if kind == _IMAGE:
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return [_hugging_face_feature(kind.value_type)]
    if pa.types.is_struct(kind):
        return {field.name: _hugging_face_feature(field.type) for field in kind}
    return {"dtype": str(kind), "_type": "Value"}


TOKEN_SCHEMA = pa.schema(
    list(_COLUMNS.items()), metadata={b"huggingface": _hugging_face_features()}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the shards; `kind` is text, integer, image, or record, which has `fields`."""

    name: str
    kind: str
    repeated: bool = False
    fields: tuple[Column, ...] = ()


def columns() -> tuple[Column, ...]:
    """Return the columns of the shards in their order, for descriptions of the format."""
    return tuple(_column(name, kind) for name, kind in _COLUMNS.items())


def _column(name: str, kind: pa.DataType) -> Column:
    repeated = pa.types.is_list(kind)
    kind = kind.value_type if repeated else kind
    if kind == _IMAGE:
        return Column(name=name, kind="image", repeated=repeated)
    if pa.types.is_struct(kind):
        fields = tuple(_column(part.name, part.type) for part in kind)
        return Column(name=name, kind="record", repeated=repeated, fields=fields)
    word = "integer" if pa.types.is_integer(kind) else "text"
    return Column(name=name, kind=word, repeated=repeated)


def write_shard(path: Path, tokens: Iterable[Token]) -> int:
    """Write one Parquet file of tokens, whole or not at all, and return their number.

    Equal tokens give equal bytes. Only one row group of them is in memory at a time.
    """
    rows = 0
    with files.writing(path) as temporary:
        # Pictures are compressed already, so only the text columns gain from a codec.
        codecs = {leaf: "none" if leaf.startswith(_PICTURES) else "zstd" for leaf in _leaves()}
        with pq.ParquetWriter(temporary, TOKEN_SCHEMA, compression=codecs) as writer:
            for group in batched(tokens, ROWS_PER_GROUP):
                table = pa.Table.from_pylist([_to_row(token) for token in group], TOKEN_SCHEMA)
                writer.write_table(table, row_group_size=ROWS_PER_GROUP)
                rows += len(group)
    return rows


@cache
def _leaves() -> tuple[str, ...]:
    """Return the paths of the columns as Parquet counts them, "traits.list.element.value"."""
    sink = pa.BufferOutputStream()
    pq.write_table(TOKEN_SCHEMA.empty_table(), sink)
    schema = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return tuple(schema.column(number).path for number in range(len(schema)))


def read_shard(path: Path, *, images: bool = True, metadata: bool = True) -> Iterator[Token]:
    """Yield the tokens of a shard in order, with their location.

    Without `images` that is quick, and without `metadata`, the original documents, quicker.
    """
    left_out = (*(() if images else _PICTURES), *(() if metadata else ("metadata",)))
    columns = [name for name in _COLUMNS if name not in left_out]
    row = 0
    # Left to itself the reader holds the whole file, for the sake of slow networks.
    with pq.ParquetFile(path, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_size=ROWS_PER_GROUP, columns=columns):
            for values in batch.to_pylist():
                yield _to_token(values, Location(shard=path.name, row=row))
                row += 1


def _to_row(token: Token) -> dict[str, Any]:
    row = asdict(token)
    del row["location"]
    row["image"] = None if token.image is None else {"bytes": token.image, "path": None}
    row["more_images"] = [{"bytes": image, "path": None} for image in token.more_images]
    row["caption_spans"] = [{"start": start, "end": end} for start, end in token.caption_spans]
    return row


def _to_token(row: dict[str, Any], location: Location) -> Token:
    image = row.pop("image", None)
    more_images = row.pop("more_images", ())
    return Token(
        **{
            **row,
            "traits": tuple(Trait(**trait) for trait in row["traits"]),
            "caption_spans": tuple((span["start"], span["end"]) for span in row["caption_spans"]),
        },
        image=image and image["bytes"],
        more_images=tuple(more["bytes"] for more in more_images),
        location=location,
    )


def read_images(folder: Path, locations: Sequence[Location]) -> list[bytes | None]:
    """Return the PNG bytes at `locations` in the shards of a folder, in their order."""
    found: dict[Location, bytes | None] = {}
    for shard in sorted({location.shard for location in locations}):
        rows = {location.row for location in locations if location.shard == shard}
        found.update(_images_of_shard(folder / shard, rows))
    return [found[location] for location in locations]


def _images_of_shard(path: Path, rows: set[int]) -> dict[Location, bytes | None]:
    found: dict[Location, bytes | None] = {}
    with pq.ParquetFile(path) as file:
        for group in sorted({row // ROWS_PER_GROUP for row in rows}):
            images = file.read_row_group(group, columns=["image"]).column("image")
            for row in (r for r in rows if r // ROWS_PER_GROUP == group):
                image = images[row % ROWS_PER_GROUP].as_py()
                found[Location(shard=path.name, row=row)] = image and image["bytes"]
    return found

"""The pictures of a data set, decoded."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from traitlens.errors import DatasetError
from traitlens.records import Location
from traitlens.standardization import Rejection, decode
from traitlens.store import Dataset


def pictures_at(data: Dataset, places: Sequence[Location]) -> list[Image.Image]:
    """Return the decoded pictures at some places; raise DatasetError where one is broken."""
    pngs = data.images(places)
    return [_decoded(place, png) for place, png in zip(places, pngs, strict=True)]


def _decoded(place: Location, png: bytes | None) -> Image.Image:
    decoded = decode(png or b"")
    if isinstance(decoded, Rejection):
        raise DatasetError(
            f"the picture in row {place.row} of {place.shard} cannot be read: {decoded.reason}"
        )
    return decoded

"""Collection zips, written whole or not at all; equal contents give equal bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from traitlens import files


class ZipFolder:
    """A zip that is being written, as if it were a folder."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @classmethod
    @contextmanager
    def writing(cls, path: Path) -> Iterator[ZipFolder]:
        """Give a zip that is at `path` when the block ends well."""
        with files.writing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            yield cls(archive)

    def bytes(self, name: str, data: bytes) -> None:
        """Put a file into the zip."""
        info = zipfile.ZipInfo(name)  # dated 1980
        packed = name.endswith(".json")
        self._archive.writestr(info, data, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)

    def json(self, name: str, value: Any) -> None:
        """Put a JSON file into the zip."""
        self.bytes(name, json.dumps(value, ensure_ascii=False).encode())

    def image(self, name: str, pixels: NDArray[np.uint8], **options: Any) -> None:
        """Put a picture into the zip, in the format that its name ends in."""
        sink = io.BytesIO()
        Image.fromarray(pixels).save(sink, Path(name).suffix[1:].replace("jpg", "jpeg"), **options)
        self.bytes(name, sink.getvalue())


def zip_of(name: str, *, pfp: Path, styles: Path) -> Path:
    """Return the zip of a collection, in the folder of real ones or in that of drawn styles."""
    real = pfp / f"{name}.zip"
    return real if real.is_file() else styles / f"{name}.zip"

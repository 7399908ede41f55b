"""The vectors of an index in Parquet, by the picture that they are of.

    vectors/00000.parquet, 00001.parquet ...     a part a write; merged when a run ends

They outlive the engine: an index is made anew from them without encoding a picture twice, and any
program can read them. Equal pictures have one vector.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from traitlens import files

Vector = NDArray[np.float32]

_ENCODER = b"traitlens.encoder"  # the key of the encoder's fingerprint in a part's metadata
_ROWS_A_PART = 65_536


class VectorFiles:
    """The parts in one folder, of one encoder.

    Those of another are no longer of use and go, and so do those that cannot be read.
    """

    def __init__(self, folder: Path, *, encoder: str, dimension: int) -> None:
        self._folder = folder
        self._schema = pa.schema(
            [("pixels", pa.string()), ("vector", pa.list_(pa.float16(), dimension))],
            metadata={_ENCODER: encoder.encode()},
        )
        folder.mkdir(parents=True, exist_ok=True)
        self._vectors: dict[str, NDArray[np.float16]] = {}
        for part in self._parts():
            found = self._read(part)
            if found is None:
                part.unlink()
            else:
                self._vectors.update(found)

    def __contains__(self, pixels: str) -> bool:
        return pixels in self._vectors

    def get(self, pixels: str) -> Vector:
        """Return the vector of a picture, of length 1; raise KeyError for one that is not here."""
        return _unit(self._vectors[pixels])

    @staticmethod
    def as_kept(vector: Vector) -> Vector:
        """Return a vector as `get` will, so that an index is the same whatever broke off a run."""
        return _unit(vector.astype(np.float16))

    def add(self, vectors: Mapping[str, Vector]) -> None:
        """Write vectors as the next part; on return they are on disk."""
        halves = {pixels: vector.astype(np.float16) for pixels, vector in vectors.items()}
        if halves:
            self._write(self._next_part(), halves)
            self._vectors.update(halves)

    def keep_only(self, pixels: Collection[str]) -> None:
        """Forget the vectors of all other pictures, and write what stays in as few parts as can be.

        A kill in between leaves the old parts beside new ones, and the next run merges them.
        """
        old = self._parts()
        left = {name: vector for name, vector in self._vectors.items() if name in pixels}
        if len(old) <= max(1, -(-len(left) // _ROWS_A_PART)) and len(left) == len(self._vectors):
            return
        names = sorted(left)
        for start in range(0, len(names), _ROWS_A_PART):
            some = names[start : start + _ROWS_A_PART]
            self._write(self._next_part(), {name: left[name] for name in some})
        for part in old:
            part.unlink()
        self._vectors = left

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("*.parquet"))

    def _read(self, part: Path) -> dict[str, NDArray[np.float16]] | None:
        """Return the vectors of a part; None where it is damaged or of another encoder."""
        try:
            table = pq.read_table(part)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's fault, not the file's
            return None
        encoder = (table.schema.metadata or {}).get(_ENCODER)
        if encoder != self._schema.metadata[_ENCODER] or not table.schema.equals(self._schema):
            return None
        flat = table.column("vector").combine_chunks().flatten().to_numpy()
        vectors_ND = flat.reshape(-1, self._schema.field("vector").type.list_size)
        return dict(zip(table.column("pixels").to_pylist(), vectors_ND, strict=True))

    def _next_part(self) -> Path:
        parts = self._parts()
        return self._folder / f"{int(parts[-1].stem) + 1 if parts else 0:05}.parquet"

    def _write(self, part: Path, vectors: Mapping[str, NDArray[np.float16]]) -> None:
        flat = pa.array(np.concatenate(list(vectors.values())))
        dimension = self._schema.field("vector").type.list_size
        columns: list[Any] = [
            pa.array(list(vectors), pa.string()),
            pa.FixedSizeListArray.from_arrays(flat, dimension),
        ]
        with files.writing(part) as temporary:
            table = pa.Table.from_arrays(columns, schema=self._schema)
            pq.write_table(table, temporary, compression="none", use_dictionary=False)


def _unit(halves: NDArray[np.float16]) -> Vector:
    # fp16 has moved its length a little off 1.
    vector = halves.astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)

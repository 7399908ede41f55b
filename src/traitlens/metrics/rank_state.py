"""How far a ranking is, in a file that is there whole or not at all."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traitlens.files import writing

SAVE_EVERY_S = 30.0
NAME = "ranking.npz"

Arrays = Mapping[str, NDArray[Any]]


class Saved:
    """The state of one ranking in a folder.

    `mark` names the work: its inputs and what is asked. A state of another mark, or one that cannot
    be read, is left aside and written over: it is of no use here and took nothing but time.
    """

    def __init__(self, work: Path, *, mark: str) -> None:
        self._path, self._mark = work / NAME, mark
        self._last = time.monotonic()

    def load(self) -> tuple[int, dict[str, NDArray[Any]]] | None:
        """Return the rows that are done and the arrays at that time; None when there are none."""
        try:
            with np.load(self._path, allow_pickle=False) as file:
                if str(file["mark"]) != self._mark:
                    return None
                arrays = {name: file[name] for name in file.files if name not in ("mark", "done")}
                return int(file["done"]), arrays
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def save(self, done: int, arrays: Arrays) -> None:
        """Write the state."""
        with writing(self._path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, mark=np.array(self._mark), done=done, **arrays)
        self._last = time.monotonic()

    def save_now_and_then(self, done: int, arrays: Arrays) -> None:
        """Write the state when the last one is some time ago."""
        if time.monotonic() - self._last >= SAVE_EVERY_S:
            self.save(done, arrays)

    def clear(self) -> None:
        """Remove the state, what killed writers left of it, and the folder if that was all."""
        for file in (self._path, *self._path.parent.glob(f".{NAME}.*")):
            file.unlink(missing_ok=True)
        with suppress(OSError):
            self._path.parent.rmdir()

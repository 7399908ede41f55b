"""One writer or many readers of a folder, whatever dies: the system frees a dead process's lock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from traitlens.errors import IndexingError


def lock(path: Path, *, shared: bool) -> IO[bytes]:
    """Return the locked file beside the folder `path`; closing it frees the lock.

    Another process's lock raises IndexingError at once. Where the system has no `flock` (Windows)
    nothing is locked.
    """
    file = path.with_name(f"{path.name}.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # A reader needs no right to write where a writer has been.
        handle = file.open("rb" if shared and file.is_file() else "ab")
    except OSError as error:
        raise IndexingError(f"{path.parent} cannot be written to: {error.strerror}") from error
    if os.name == "posix":
        _flock(handle, path, shared=shared)
    return handle


def _flock(handle: IO[bytes], path: Path, *, shared: bool) -> None:
    import fcntl

    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        doing = "is being written" if shared else "is in use"
        raise IndexingError(f"{path} {doing} by another process; try again when it ends") from error

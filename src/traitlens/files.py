"""Files and folders that are there whole or not at all, so that a kill loses no finished work."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from traitlens import bounded_json
from traitlens.errors import DatasetError

_PARTIAL = ".partial"


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` in hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary path; what was written there is at `path` when the block ends well.

    The file is flushed to disk first. When the block fails, `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_PARTIAL, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp's 0600 would lock other readers out
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Raise OSError where a file cannot be written, before the work that it is to hold."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "Is a folder, not a file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    with writing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON whole or not at all."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the value of a JSON file."""
    return bounded_json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def locked(folder: Path, *, wait: bool) -> Iterator[None]:
    """Keep other processes that ask for the same lock out of a folder, which is made.

    Where one has it, wait, or raise BlockingIOError. The system frees the lock of a dead process.
    Where it has no such lock (Windows), nobody is kept out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if os.name != "posix":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def collection_file(folder: Path, collection: str, suffix: str) -> Path:
    """Return the file of a collection in a folder; raise DatasetError when its name is a path.

    An imported data set has the names that its maker gave, and the maker may be hostile.
    """
    if not collection or Path(collection).name != collection:
        raise DatasetError(f"{collection!r} cannot be the name of a collection: it is a path")
    return folder / f"{collection}{suffix}"


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` that takes its place when the block ends well.

    When the block fails, `target` is as it was and the new folder is gone.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    made.chmod(0o755)
    try:
        yield made
        replace_folder(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def replace_folder(made: Path, target: Path) -> None:
    """Put the folder `made` at `target`; an old `target` is moved away first and then removed."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.replace(old)
    made.replace(target)
    shutil.rmtree(old, ignore_errors=True)


def is_free(target: Path) -> bool:
    """Return whether nothing is lost when `target` is replaced: it is absent or an empty folder."""
    return not target.exists() or (target.is_dir() and not any(target.iterdir()))


def work_folder(target: Path, mark: str) -> Path:
    """Return the hidden folder beside `target` in which its unfinished work waits.

    `mark` names the work; what work of another mark left there is cleared away, and so are files
    that a killed process had not finished.
    """
    work = _work_path(target)
    marked = work / "mark"
    if not marked.is_file() or marked.read_text() != mark:
        shutil.rmtree(work, ignore_errors=True)
        write_text(marked, mark)
    for partial in work.rglob(f".*{_PARTIAL}"):
        partial.unlink()
    return work


def clear_work(target: Path) -> None:
    """Remove what is left of the work on a target that is finished."""
    shutil.rmtree(_work_path(target), ignore_errors=True)


def _work_path(target: Path) -> Path:
    return target.with_name(f".{target.name}.unfinished")

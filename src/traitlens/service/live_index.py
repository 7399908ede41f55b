"""The index that is served, and the next one in its place, without a moment between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from PIL import Image

from traitlens.errors import TraitlensError
from traitlens.models.encoder import Encoder
from traitlens.retrieval import Answer, Index
from traitlens.retrieval.asking import Asked, Encoded
from traitlens.retrieval.manifest import MANIFEST
from traitlens.service.encoding import EncodeQueue

Mark = tuple[int, int, int]


class Served:
    """An index, and the queues in which its encoder is waited for."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.texts: EncodeQueue[str] = EncodeQueue(index.encoder.encode_texts)
        self.images: EncodeQueue[Image.Image] = EncodeQueue(index.encoder.encode_images)
        self.users = 1  # that it is the current one is a use

    def answer(self, asked: Asked) -> Answer:
        """Return the answer to a search, encoded together with others that wait."""
        started = time.perf_counter()
        text = None if asked.text is None else self.texts.vector(asked.text)
        image = None if asked.image is None else self.images.vector(asked.image)
        encode_ms = 1e3 * (time.perf_counter() - started)
        answer = self.index.answer(asked, Encoded(text=text, image=image))
        return answer.with_encode_ms(encode_ms)


class LiveIndex:
    """The newest complete index at a path, which may be a link to the folder.

    To serve another one, write it into a new folder and point the link there: requests that are
    under way end with the old one, which is closed after the last of them.
    """

    def __init__(self, path: Path, *, load_encoder: Callable[[str], Encoder] | None = None) -> None:
        self._path = path
        self._load_encoder = load_encoder
        self._lock = Lock()
        self._mark = _mark_of(path)
        self._current = self._open()

    @contextmanager
    def served(self) -> Iterator[Served]:
        """Yield what is served now; it stays open within the block."""
        served = self.take()
        try:
            yield served
        finally:
            self.release(served)

    def take(self) -> Served:
        """Return what is served now; it stays open until its `release`."""
        with self._lock:
            self._current.users += 1
            return self._current

    def release(self, served: Served) -> None:
        """Let go of what is served; the last one to do so closes it."""
        with self._lock:
            served.users -= 1
            is_last = served.users == 0
        if is_last:
            served.index.close()

    def refresh(self) -> bool:
        """Open what is at the path now, if it is another index; return whether it was.

        One that cannot be opened leaves the old one in place, and raises TraitlensError, once.
        """
        mark = _mark_of(self._path)
        if mark == self._mark:
            return False
        self._mark = mark
        newer = self._open()
        with self._lock:
            older, self._current = self._current, newer
        self.release(older)
        return True

    def close(self) -> None:
        """Close the index, after the last request that is at work with it."""
        self.release(self._current)

    def _open(self) -> Served:
        # Resolved once, so that all of its files are those of one folder.
        index = Index.open(self._path.resolve(), load_encoder=self._load_encoder)
        try:
            index.warm_up()
        except TraitlensError:
            index.close()
            raise
        return Served(index)


def _mark_of(path: Path) -> Mark | None:
    """Return what tells one index at a path from the next; None where there is none."""
    try:
        found = (path.resolve() / MANIFEST).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_mtime_ns)

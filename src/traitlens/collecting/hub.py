"""Collections of NFT1000 from the Hugging Face hub: each is one zip that its authors published.

It lies at `datasets/shuxunoo/NFT-Net/resolve/main/NFT1000/<name>.zip`, as the authors' own tool has
it (`download.py` of github.com/ShuxunoO/NFT-NET-Hub, which asks for `NFT1000/<name>.zip`). A
`resolve` address redirects to a host with the content (https://huggingface.co/docs/xet/file-id).

A zip has up to some tens of GB, so it is asked for in pieces (RFC 9110, section 14) that go to disk
one after another, through the same guards as everything else. Pieces that had arrived before a
connection broke, or before a kill, are not asked for again; what does not have the SHA-256 of the
authors' list is removed.
"""

from __future__ import annotations

import asyncio
import os
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from traitlens import files
from traitlens.collecting.answers import judged
from traitlens.collecting.catalogue import CatalogueEntry, find
from traitlens.collecting.fetch_config import FetchConfig
from traitlens.collecting.records import FetchError
from traitlens.collecting.transport import Answer, Question, Transport
from traitlens.config import check_range
from traitlens.errors import CollectError
from traitlens.progress import Progress, silent

HUB = "https://huggingface.co"
FOLDER = "datasets/shuxunoo/NFT-Net/resolve/main/NFT1000"
PAGE = "https://huggingface.co/datasets/shuxunoo/NFT-Net"

_MIB = 2**20
_SMALLEST_PIECE = 2**16
_WHOLE, _PART, _NO_SUCH_PART = 200, 206, 416


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """Where collections are downloaded from, and how patiently."""

    base_url: str = HUB
    max_bytes: int = 200 * 2**30  # of one zip; the whole data set has 1.75 TB
    piece_bytes: int = 32 * _MIB  # asked for at once, and held in memory; less on a bad line
    tries: int = 5  # one after another that bring nothing
    wait_s: float = 1.0  # after the first of them; each waits twice as long

    def __post_init__(self) -> None:
        check_range("hub.max_bytes", self.max_bytes, low=1)
        check_range("hub.piece_bytes", self.piece_bytes, low=1)
        check_range("hub.tries", self.tries, low=1)
        check_range("hub.wait_s", self.wait_s, low=0)


def download_collection(
    name: str,
    out: str | Path,
    *,
    config: HubConfig | None = None,
    fetch_config: FetchConfig | None = None,
    progress: Progress = silent,
) -> Path:
    """Return the path of a collection's zip in the folder `out`, downloaded and checked.

    The collection is named as in the catalogue, or by its contract; another name is a CollectError
    that suggests some. See `download`.
    """
    entry = find(name)

    async def run() -> Path:
        async with Transport(fetch_config or FetchConfig()) as transport:
            return await download(entry, out, transport, config=config, progress=progress)

    return asyncio.run(run())


async def download(
    entry: CatalogueEntry,
    out: str | Path,
    transport: Transport,
    *,
    config: HubConfig | None = None,
    progress: Progress = silent,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Path:
    """Return the path of a collection's zip in the folder `out`, downloaded and checked.

    A zip that is there already is checked and left alone. Raises CollectError: where the hub has
    no such file, wants an account or does not answer, and where the bytes are not those that the
    authors published. A download that broke off goes on where it was when it is asked for again.
    """
    path = files.collection_file(Path(out), entry.name, ".zip")
    if path.exists():
        if _fault(path, entry) is None:
            return path
        raise CollectError(f"{path} is not the zip that the authors published; move it away first")
    partial = path.with_name(f".{path.name}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    config = config or HubConfig()
    url = f"{config.base_url.rstrip('/')}/{FOLDER}/{quote(entry.name, safe='')}.zip"
    pieces = _Pieces(transport, url, config, sleep)
    try:
        with partial.open("r+b" if partial.exists() else "w+b") as sink:
            await pieces.write_to(sink, lambda done: _tell(progress, entry, done))
    except FetchError as error:
        if error.reason == "too large" or not partial.stat().st_size:
            partial.unlink()
        raise _failure(error, entry) from None
    _keep(partial, path, entry)
    _tell(progress, entry, path.stat().st_size, is_all=True)
    return path


def _tell(progress: Progress, entry: CatalogueEntry, size: int, *, is_all: bool = False) -> None:
    """Tell how much there is; how much there will be is not known before the end."""
    total = size // _MIB + (not is_all)
    progress("download", size // _MIB, total, f"MiB of {entry.name}.zip")


class _Pieces:
    """A file of the hub, asked for piece by piece."""

    def __init__(
        self,
        transport: Transport,
        url: str,
        config: HubConfig,
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self._transport, self._url, self._config, self._sleep = transport, url, config, sleep
        self._piece_bytes = config.piece_bytes

    async def write_to(self, sink: BinaryIO, told: Callable[[int], None]) -> None:
        """Write what a file lacks to its end; raise FetchError, with what had come in the file."""
        done = sink.seek(0, os.SEEK_END)
        while True:
            answer = await self._patiently(done)
            if answer.status == _WHOLE:  # asked for a part: it does not know parts, or is empty
                sink.seek(0)
                sink.truncate()
            if answer.status != _NO_SUCH_PART:
                sink.write(answer.data)
            done = sink.tell()
            told(done)
            if done > self._config.max_bytes:
                limit = f"{self._config.max_bytes:,} bytes"
                raise FetchError("too large", f"more than the {limit} that are accepted")
            if answer.status != _PART or not answer.data:
                sink.flush()
                os.fsync(sink.fileno())
                return

    async def _patiently(self, start: int) -> Answer:
        """Return the answer with the next piece; try again, for less, what failed and may pass."""
        for tries in range(1, self._config.tries + 1):
            try:
                return await self._ask(start)
            except FetchError as error:
                if error.for_good or tries == self._config.tries:
                    raise
            self._piece_bytes = max(self._piece_bytes // 2, _SMALLEST_PIECE)
            await self._sleep(self._config.wait_s * 2 ** (tries - 1))
        raise AssertionError("tries is at least 1")

    async def _ask(self, start: int) -> Answer:
        last = start + self._piece_bytes - 1
        headers = {"Range": f"bytes={start}-{last}", "Accept-Encoding": "identity"}
        question = Question(url=self._url, headers=headers)
        try:
            answer = await self._transport.ask(question, max_bytes=self._piece_bytes)
        except FetchError as error:
            if error.reason != "too large":
                raise
            said = "a whole file came where a part of it was asked for"
            raise FetchError("too large", said) from None
        parts_or_end = (_WHOLE, _PART, _NO_SUCH_PART)
        return answer if answer.status in parts_or_end else judged(answer)


def _keep(partial: Path, path: Path, entry: CatalogueEntry) -> None:
    """Put the finished file at its place, or remove it and raise CollectError."""
    fault = _fault(partial, entry)
    if fault is not None:
        partial.unlink()
        raise CollectError(
            f"what the hub has as {path.name} is not what the authors published: {fault}; "
            "it was removed"
        )
    partial.replace(path)


def _fault(path: Path, entry: CatalogueEntry) -> str | None:
    """Return in what a file is not what the authors published; None where it is.

    For the two collections without a SHA-256 it is enough that it is a whole zip: its directory is
    at its end.
    """
    if entry.sha256 is None:
        return None if zipfile.is_zipfile(path) else "it is no zip"
    found = files.sha256_of(path)
    return None if found == entry.sha256 else f"its SHA-256 is {found}, not {entry.sha256}"


def _failure(error: FetchError, entry: CatalogueEntry) -> CollectError:
    """Return what to tell the user of a download that failed: one sentence."""
    if error.reason == "not found":
        said = f"the hub has no {entry.name}.zip; {PAGE} says what became of it"
    elif error.reason == "refused":
        said = (
            f"the hub does not give {entry.name}.zip to everyone; see {PAGE}, download it there "
            "and run `traitlens build` on it"
        )
    elif error.for_good:
        said = f"{entry.name}.zip was not downloaded: {error}"
    else:
        said = f"{entry.name}.zip is not whole yet: {error}; run it again to go on where it was"
    return CollectError(said)

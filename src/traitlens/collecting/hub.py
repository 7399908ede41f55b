"""Collections of NFT1000 from the Hugging Face hub: each is one zip that its authors published.

It lies at `datasets/shuxunoo/NFT-Net/resolve/main/NFT1000/<name>.zip`, as the authors' own tool has
it (`download.py` of github.com/ShuxunoO/NFT-NET-Hub, which asks for `NFT1000/<name>.zip`). A
`resolve` address redirects to a host with the content (https://huggingface.co/docs/xet/file-id).

A zip has up to some tens of GB, so it is asked for in pieces (RFC 9110, section 14) that go to disk
one after another, through the same guards and with the same patience as everything else. Pieces
that had arrived before a connection broke, or before a kill, are not asked for again; what does not
have the SHA-256 of the authors' list is removed.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import shutil
import zipfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from yarl import URL

from traitlens import files
from traitlens.collecting.addresses import authority
from traitlens.collecting.answers import judged
from traitlens.collecting.catalogue import CatalogueEntry, find
from traitlens.collecting.fetch_config import FetchConfig
from traitlens.collecting.gateways import Gateway, Gateways
from traitlens.collecting.records import FetchError
from traitlens.collecting.transport import Answer, Question, Transport
from traitlens.collecting.workspace import held
from traitlens.config import check_range
from traitlens.errors import CollectError, ConfigError
from traitlens.progress import Progress, silent

HUB = "https://huggingface.co"
ENDPOINT = "HF_ENDPOINT"  # the variable of the environment that names a mirror
FOLDER = "datasets/shuxunoo/NFT-Net/resolve/main/NFT1000"
PAGE = "https://huggingface.co/datasets/shuxunoo/NFT-Net"

_MIB = 2**20
_SMALLEST_PIECE = 2**16
_WHOLE, _PART, _NO_SUCH_PART = 200, 206, 416
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15})")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """Where collections are downloaded from, and how much at once."""

    base_url: str = HUB
    max_bytes: int = 200 * 2**30  # of one zip; the whole data set has 1.75 TB
    piece_bytes: int = 32 * _MIB  # asked for at once, and held in memory; less on a bad line

    def __post_init__(self) -> None:
        if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", self.base_url, re.IGNORECASE):
            raise ConfigError(f"{ENDPOINT} must be like {HUB}; got {self.base_url!r}")
        check_range("hub.max_bytes", self.max_bytes, low=1)
        check_range("hub.piece_bytes", self.piece_bytes, low=1)


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
    that suggests some. A mirror is named by HF_ENDPOINT in the environment, as for the hub's own
    library. See `download`.
    """
    config = config or HubConfig(base_url=os.environ.get(ENDPOINT) or HUB)
    fetch_config = fetch_config or FetchConfig()
    return download(find(name), Path(out), config, fetch_config, progress=progress)


def download(
    entry: CatalogueEntry,
    out: Path,
    config: HubConfig,
    fetch_config: FetchConfig,
    *,
    progress: Progress = silent,
) -> Path:
    """Return the path of a collection's zip in the folder `out`, downloaded and checked.

    A zip that is there already is checked and left alone. Raises CollectError: where the hub has
    no such file, wants an account or does not answer, and where the bytes are not those that the
    authors published. A download that broke off goes on where it was when it is asked for again.
    """
    path, is_new = files.collection_file(out, entry.name, ".zip"), not out.exists()
    work = path.with_name(f".{path.name}.collecting")
    with held(work, path):
        begun = work / "partial"
        try:
            if not path.exists():
                asyncio.run(_download(entry, begun, config, fetch_config, progress))
                _keep(begun, path, entry)
            elif _fault(path, entry) is not None:
                raise CollectError(
                    f"{path} is not the zip that the authors published; move it away first"
                )
        finally:
            if not begun.is_file() or not begun.stat().st_size:
                shutil.rmtree(work)
                if is_new and not path.exists():
                    out.rmdir()
    return path


async def _download(
    entry: CatalogueEntry,
    path: Path,
    config: HubConfig,
    fetch_config: FetchConfig,
    progress: Progress,
) -> None:
    """Write what a zip lacks to its end; raise CollectError, with what had come in the file."""
    # A piece is large: whoever is slow with it is not asked for it a second time.
    patience = replace(fetch_config, hedge_after_s=None)
    try:
        async with Transport(fetch_config) as transport:
            pieces = _Pieces(entry, transport, config, patience, progress)
            with path.open("ab") as sink:
                await pieces.write_to(sink)
    except FetchError as error:
        if error.reason == "too large":
            path.unlink(missing_ok=True)
        raise _failure(error, entry) from None


class _Pieces:
    """A zip of the hub, asked for piece by piece."""

    def __init__(
        self,
        entry: CatalogueEntry,
        transport: Transport,
        config: HubConfig,
        patience: FetchConfig,
        progress: Progress,
    ) -> None:
        self._file = f"{entry.name}.zip"
        self._url = f"{config.base_url.rstrip('/')}/{FOLDER}/{quote(entry.name, safe='')}.zip"
        self._transport, self._config, self._progress = transport, config, progress
        self._piece_bytes = config.piece_bytes
        host = transport.hosts.of(authority(URL(self._url)))
        hub = Gateway(url=self._url, host=host)
        self._hub = Gateways([hub], patience, random.Random())

    async def write_to(self, sink: BinaryIO) -> None:
        """Write what a file lacks to its end; raise FetchError, with what had come in the file."""
        done, size = sink.tell(), None
        while size is None or done < size:
            answer = await self._hub.first_good(partial(self._ask, done))
            if answer.status == _NO_SUCH_PART:
                size = done
            elif answer.status == _WHOLE:  # asked for a part: it does not know parts, or is empty
                sink.truncate(0)
                size = len(answer.data)
            else:
                size = _size_of(answer, start=done)
            if max(size, done) > self._config.max_bytes:
                raise FetchError("too large", f"more than {self._config.max_bytes:,} bytes")
            if answer.status != _NO_SUCH_PART:
                sink.write(answer.data)
            done = sink.tell()
            self._progress("download", _mib(done), _mib(size), f"MiB of {self._file}")
        sink.flush()
        os.fsync(sink.fileno())

    async def _ask(self, start: int, _: Gateway) -> Answer:
        """Return the answer with a piece; after a failure the next one is smaller."""
        last = start + self._piece_bytes - 1
        headers = {"Range": f"bytes={start}-{last}", "Accept-Encoding": "identity"}
        question = Question(url=self._url, headers=headers)
        try:
            answer = await self._transport.ask(question, max_bytes=self._piece_bytes)
            return answer if answer.status in (_PART, _NO_SUCH_PART) else judged(answer)
        except FetchError as error:
            if error.reason == "too large":
                said = "a whole file came where a part of it was asked for"
                raise FetchError("too large", said) from None
            self._piece_bytes = max(self._piece_bytes // 2, _SMALLEST_PIECE)
            raise


def _mib(size: int) -> int:
    return -(-size // _MIB)


def _size_of(answer: Answer, *, start: int) -> int:
    """Return the size of the whole, from an answer with the part of it that begins at `start`."""
    found = _CONTENT_RANGE.fullmatch(answer.content_range or "")
    if found is None or int(found[1]) != start or not answer.data:
        raise FetchError("server error", f"{answer.host.name} sent another part than was asked for")
    return int(found[2])


def _keep(begun: Path, path: Path, entry: CatalogueEntry) -> None:
    """Put the finished file at its place, or remove it and raise CollectError."""
    fault = _fault(begun, entry)
    if fault is not None:
        begun.unlink()
        raise CollectError(
            f"what the hub has as {path.name} is not what the authors published: {fault}; "
            "it was removed"
        )
    begun.replace(path)


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
    elif error.reason == "forbidden address":
        said = f"{entry.name}.zip: {error}; a mirror of your own is named by --allow-private-hosts"
    elif error.for_good:
        said = f"{entry.name}.zip was not downloaded: {error}"
    else:
        said = f"{entry.name}.zip is not whole yet: {error}; run it again to go on where it was"
    return CollectError(said)

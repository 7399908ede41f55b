"""IPFS content from gateways, checked against its CID.

A raw block is asked for as such, everything else as a CAR file of the file and the directories on
its path (trustless gateway specification, https://specs.ipfs.tech/http-gateways/trustless-gateway/).
The first token of a directory brings the whole directory along; the others are then asked for by
their own CIDs. So a token costs one request and one file's bytes. Directories that are spread over
shards (HAMT) are too large for that: each path brings its own shards.

A gateway that serves neither is asked for the plain file: what it says is unverified, unless the
CID is the hash of the file itself.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace

from traitlens.collecting.answers import Asker, judged
from traitlens.collecting.car import read_car
from traitlens.collecting.cids import RAW, Cid
from traitlens.collecting.gateways import Gateway, Gateways
from traitlens.collecting.records import FetchError, Proof
from traitlens.collecting.transport import Answer, Question
from traitlens.collecting.unixfs import (
    Blocks,
    MissingBlockError,
    find_entry,
    follow,
    read_file,
    read_node,
)
from traitlens.collecting.uris import Uri

CAR_TYPE, RAW_TYPE = "application/vnd.ipld.car", "application/vnd.ipld.raw"
CAR_ACCEPT = f"{CAR_TYPE}; version=1; order=dfs; dups=n"
DIRECTORY_BYTES = 16 * 2**20  # that a CAR file may have beyond the file: directories on the path
MAX_ENTRIES = 400_000  # of all directories that are remembered, some 100 bytes each

_INDEX = "index.html"
# How gateways say that they do not serve blocks.
_DECLINED = frozenset({400, 401, 403, 405, 406, 415, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file, where it came from, and whether it is what its address promises."""

    data: bytes
    url: str
    media_type: str | None
    proof: Proof


class Ipfs:
    """Files by CID and path, from gateways; it remembers the directories it has seen."""

    def __init__(self, gateways: Gateways, ask: Asker) -> None:
        self._gateways = gateways
        self._ask = ask
        self._directories = _Directories()
        self._first: dict[Cid, asyncio.Lock] = {}
        self._met: set[Cid] = set()  # directories that were asked for once, learnt or not

    async def fetch(self, uri: Uri, *, max_bytes: int) -> Content:
        """Return a file; raise FetchError where it is not to be had."""
        cid, names = self._resolved(uri)
        if cid.inline is not None and not names:
            return self._inline(uri, cid, max_bytes)
        if not names or cid in self._met:
            return await self._fetch(uri, cid, names, max_bytes)
        async with self._first.setdefault(cid, asyncio.Lock()):
            if cid not in self._met:
                try:
                    return await self._fetch(uri, cid, names, max_bytes)
                finally:
                    self._met.add(cid)
                    self._first.pop(cid, None)
        return await self.fetch(uri, max_bytes=max_bytes)

    def _resolved(self, uri: Uri) -> tuple[Cid, tuple[str, ...]]:
        """Return the deepest CID on the path that is known, and the path below it."""
        assert uri.cid is not None
        cid, names = uri.cid, uri.segments
        while names and (entries := self._directories.get(cid)) is not None:
            if names[0] not in entries:
                raise FetchError("not found", f"{names[0][:80]!r} is not in {cid}")
            cid, names = follow(entries[names[0]]), names[1:]
        return cid, names

    @staticmethod
    def _inline(uri: Uri, cid: Cid, max_bytes: int) -> Content:
        try:
            data = read_file(cid, {}, max_bytes=max_bytes)
        except MissingBlockError:
            raise FetchError("unusable address", "a CID that holds links, not content") from None
        return Content(data=data, url=f"ipfs://{uri.root}", media_type=None, proof="verified")

    async def _fetch(self, uri: Uri, cid: Cid, names: tuple[str, ...], max_bytes: int) -> Content:
        """Return the file at a path below a CID, which is where `uri` leads."""
        root = uri.root if cid == uri.cid else str(cid)  # as it was written, where it was
        place = Uri(kind="ipfs", root=root, cid=cid, segments=names)

        async def ask(gateway: Gateway) -> Content | None:
            if not gateway.is_plain:
                try:
                    return await self._proved(gateway, place, uri.at(gateway.url), max_bytes)
                except FetchError:
                    if not gateway.is_plain:
                        raise  # else it became clear just now that there are no proofs here
            return await self._plain(gateway, uri, place, max_bytes)

        content = await self._gateways.first_good(ask)
        if content is None:
            if names[-1:] == (_INDEX,):  # a chain of these can be as long as its writer likes
                raise FetchError("not found", f"{_INDEX} of {uri.root} is a directory")
            index = replace(uri, segments=(*uri.segments, _INDEX))
            return await self.fetch(index, max_bytes=max_bytes)
        return content

    async def _proved(
        self, gateway: Gateway, place: Uri, url: str, max_bytes: int
    ) -> Content | None:
        """Return a file that was checked, or None for a directory with an index.html."""
        assert place.cid is not None
        if place.cid.codec == RAW and not place.segments:
            return await self._raw(gateway, place, url, max_bytes)
        return await self._car(gateway, place, url, max_bytes)

    async def _raw(self, gateway: Gateway, place: Uri, url: str, max_bytes: int) -> Content:
        answer = await self._ask(
            Question(url=f"{place.at(gateway.url)}?format=raw", headers={"Accept": RAW_TYPE}),
            max_bytes=max_bytes,
        )
        if answer.status != 200:
            self._accept(gateway, answer, RAW_TYPE)
        _check(place, answer)
        return Content(data=answer.data, url=url, media_type=None, proof="verified")

    async def _car(self, gateway: Gateway, place: Uri, url: str, max_bytes: int) -> Content | None:
        answer = await self._ask(
            Question(
                url=f"{place.at(gateway.url)}?format=car&dag-scope=entity",
                headers={"Accept": CAR_ACCEPT},
            ),
            max_bytes=max_bytes + max_bytes // 16 + DIRECTORY_BYTES,
        )
        self._accept(gateway, answer, CAR_TYPE)
        blocks = read_car(answer.data)
        gateway.proved()
        try:
            return self._read(place, blocks, url, max_bytes)
        except MissingBlockError as error:
            raise FetchError("cut off", f"{gateway.host.name} left out {error}") from None

    @staticmethod
    def _accept(gateway: Gateway, answer: Answer, media_type: str) -> None:
        """Return if the answer is what was asked for, blocks; else raise FetchError."""
        is_other = answer.status == 200 and answer.media_type != media_type
        if is_other or (answer.status in _DECLINED and not gateway.proves):
            gateway.declined()
            raise FetchError("wrong content", f"{gateway.host.name} sent no blocks")
        judged(answer)

    def _read(self, place: Uri, blocks: Blocks, url: str, max_bytes: int) -> Content | None:
        """Return the file at the end of a path, or None for a directory with an index.html.

        The directories on the path are remembered.
        """
        assert place.cid is not None
        cid = place.cid
        for name in place.segments:
            self._learn(cid, blocks)
            entry = find_entry(cid, name, blocks)
            if entry is None:
                raise FetchError("not found", f"{name[:80]!r} is not in {cid}")
            cid = entry
        node = read_node(cid, blocks)
        if node.is_directory:
            if find_entry(cid, _INDEX, blocks) is None:
                raise FetchError("not found", f"{cid} is a directory without {_INDEX}")
            return None
        if not node.is_file:
            raise FetchError("unusable address", f"{cid} is no file")
        data = read_file(cid, blocks, max_bytes=max_bytes)
        return Content(data=data, url=url, media_type=None, proof="verified")

    def _learn(self, cid: Cid, blocks: Blocks) -> None:
        if cid not in self._directories:
            node = read_node(cid, blocks)
            if node.is_directory and not node.is_sharded:
                self._directories.add(cid, node.entries())

    async def _plain(self, gateway: Gateway, uri: Uri, place: Uri, max_bytes: int) -> Content:
        """Return a file as a gateway without blocks serves it."""
        url = uri.at(gateway.url)
        answer = judged(
            await self._ask(Question(url=url, headers={"Accept": "*/*"}), max_bytes=max_bytes)
        )
        assert place.cid is not None
        is_hashed = place.cid.codec == RAW and not place.segments
        if is_hashed:
            _check(place, answer)
        return Content(
            data=answer.data,
            url=answer.url,
            media_type=answer.media_type,
            proof="verified" if is_hashed else "unverified",
        )


def _check(place: Uri, answer: Answer) -> None:
    assert place.cid is not None
    if not place.cid.fits(answer.data):
        raise FetchError("wrong content", f"{answer.host.name} sent what is not {place.root}")


class _Directories:
    """The entries of directories, the latest used ones, up to `MAX_ENTRIES` in all.

    CIDs are kept as bytes: the garbage collector does not look at strings and bytes, and would look
    at 10,000 objects again and again.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[Cid, dict[str, bytes]] = OrderedDict()
        self._count = 0

    def __contains__(self, cid: Cid) -> bool:
        return cid in self._entries

    def get(self, cid: Cid) -> dict[str, bytes] | None:
        """Return all entries of a directory by name, or None where it is not known."""
        if cid not in self._entries:
            return None
        self._entries.move_to_end(cid)
        return self._entries[cid]

    def add(self, cid: Cid, entries: dict[str, bytes]) -> None:
        """Remember a directory, and forget the oldest ones where there are too many."""
        self._entries[cid] = entries
        self._count += len(entries) + 1
        while self._count > MAX_ENTRIES and len(self._entries) > 1:
            _, oldest = self._entries.popitem(last=False)
            self._count -= len(oldest) + 1

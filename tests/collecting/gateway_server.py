"""A real HTTP gateway on loopback: UnixFS content by CID, as files, raw blocks and CAR files.

    store = Store()
    root = store.add_directory({"1.json": store.add_file(b"{}")})
    with GatewayServer(store) as server:
        ... server.url, server.authority, server.requests

It follows the path and trustless gateway specifications as far as a client sees them, and encodes
what the code that it tests decodes. Faults and latency come from `Behaviour`, pages from `pages`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from traitlens.collecting.cids import BASE58

CHUNK_BYTES = 262_144
RAW, DAG_PB = 0x55, 0x70
FAULTS = ("429", "503", "cut off", "slow", "wrong bytes")


def varint(value: int) -> bytes:
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + varint(value >> 7)


def _bytes_field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


def _number_field(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def unixfs_data(kind: int, data: bytes | None = None, sizes: tuple[int, ...] = ()) -> bytes:
    """Return the data field of a dag-pb node, with file size and block sizes for files."""
    message = _number_field(1, kind)
    if data is not None:
        message += _bytes_field(2, data)
    if kind == 2:
        message += _number_field(3, sum(sizes) or len(data or b""))
        message += b"".join(_number_field(4, size) for size in sizes)
    return message


def dag_pb(links: list[tuple[str, bytes, int]], data: bytes) -> bytes:
    """Return a dag-pb block; links are (name, binary CID, size)."""
    fields = []
    for name, cid, size in links:
        link = _bytes_field(1, cid) + _bytes_field(2, name.encode()) + _number_field(3, size)
        fields.append(_bytes_field(2, link))
    return b"".join(fields) + _bytes_field(1, data)


def cid_v1(codec: int, block: bytes) -> bytes:
    """Return a binary CID of version 1 with a sha2-256 hash."""
    return b"\x01" + varint(codec) + b"\x12\x20" + hashlib.sha256(block).digest()


def base32(cid: bytes) -> str:
    """Return the usual spelling of a CID of version 1."""
    return "b" + base64.b32encode(cid).decode().rstrip("=").lower()


def base58(binary: bytes) -> str:
    """Return base58btc; of a bare multihash it is a CID of version 0."""
    value, out = int.from_bytes(binary, "big"), ""
    while value:
        value, digit = divmod(value, 58)
        out = BASE58[digit] + out
    return "1" * (len(binary) - len(binary.lstrip(b"\x00"))) + out


def as_v0(cid: str) -> str:
    """Return the version 0 spelling of a dag-pb CID."""
    return base58(_binary(cid)[2:])


def _binary(cid: str) -> bytes:
    return base64.b32decode(cid[1:].upper() + "=" * (-len(cid[1:]) % 8))


def car(blocks: list[tuple[bytes, bytes]]) -> bytes:
    """Return a CAR file of (binary CID, block); its header names no roots that matter."""
    header = b"\xa2eroots\x80gversion\x01"
    out = [varint(len(header)), header]
    for cid, block in blocks:
        out += [varint(len(cid) + len(block)), cid, block]
    return b"".join(out)


@dataclass(kw_only=True)
class _Entity:
    """A file or a directory: its own blocks in order, and what it stands for."""

    blocks: list[tuple[bytes, bytes]]
    data: bytes | None = None
    entries: Mapping[str, str] | None = None
    shards: Mapping[str, list[tuple[bytes, bytes]]] | None = None  # on the way to each name

    @property
    def size(self) -> int:
        return sum(len(block) for _, block in self.blocks)


class Store:
    """Content by CID; all CIDs are given and returned as base32 of version 1."""

    def __init__(self) -> None:
        self.entities: dict[str, _Entity] = {}
        self.blocks: dict[bytes, bytes] = {}  # by sha2-256

    def add_file(self, data: bytes, *, raw: bool = True, chunk_bytes: int = CHUNK_BYTES) -> str:
        """Return the CID of a file: one block, or a node with links to several."""
        chunks = [data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes)] or [b""]
        leaves = [self._leaf(chunk, raw=raw) for chunk in chunks]
        if len(leaves) == 1:
            return self._add(_Entity(blocks=leaves, data=data))
        links = [("", cid, len(block)) for cid, block in leaves]
        root = dag_pb(links, unixfs_data(2, sizes=tuple(map(len, chunks))))
        return self._add(_Entity(blocks=[(cid_v1(DAG_PB, root), root), *leaves], data=data))

    @staticmethod
    def _leaf(chunk: bytes, *, raw: bool) -> tuple[bytes, bytes]:
        block = chunk if raw else dag_pb([], unixfs_data(2, chunk))
        return cid_v1(RAW if raw else DAG_PB, block), block

    def add_directory(self, entries: Mapping[str, str]) -> str:
        """Return the CID of a directory in one block."""
        links = [(name, _binary(cid), self.entities[cid].size) for name, cid in entries.items()]
        block = dag_pb(sorted(links), unixfs_data(1))
        return self._add(_Entity(blocks=[(cid_v1(DAG_PB, block), block)], entries=dict(entries)))

    def add_sharded_directory(self, entries: Mapping[str, str]) -> str:
        """Return the CID of a directory of two levels of shards (HAMT of fan-out 256).

        Names are placed by sha2-256 where Kubo takes murmur3: a client that only follows checked
        links does not see the difference.
        """
        places: dict[str, list[str]] = {}
        for name in entries:
            places.setdefault(hashlib.sha256(name.encode()).hexdigest()[:2].upper(), []).append(
                name
            )
        links, shards, blocks = [], {}, []
        for place, names in sorted(places.items()):
            if len(names) == 1:
                links.append((place + names[0], _binary(entries[names[0]]), 0))
                continue
            inner = [(f"{n:02X}{name}", _binary(entries[name]), 0) for n, name in enumerate(names)]
            block = dag_pb(inner, _shard_data())
            blocks.append((cid_v1(DAG_PB, block), block))
            links.append((place, blocks[-1][0], len(block)))
            shards.update({name: [blocks[-1]] for name in names})
        root = dag_pb(links, _shard_data())
        entity = _Entity(
            blocks=[(cid_v1(DAG_PB, root), root), *blocks], entries=dict(entries), shards=shards
        )
        return self._add(entity)

    def _add(self, entity: _Entity) -> str:
        for _, block in entity.blocks:
            self.blocks[hashlib.sha256(block).digest()] = block
        cid = base32(entity.blocks[0][0])
        self.entities[cid] = entity
        return cid

    def find(self, root: str, names: list[str]) -> tuple[_Entity, list[tuple[bytes, bytes]]] | None:
        """Return what is at a path, and the blocks of the directories on it."""
        entity, passed = self._named(root), list[tuple[bytes, bytes]]()
        for name in names:
            if entity is None or entity.entries is None or name not in entity.entries:
                return None
            passed.append(entity.blocks[0])
            passed += (entity.shards or {}).get(name, [])
            if entity.shards is None:
                passed += entity.blocks[1:]
            entity = self.entities[entity.entries[name]]
        return None if entity is None else (entity, passed)

    def _named(self, cid: str) -> _Entity | None:
        if cid.startswith("Qm"):
            value = 0
            for sign in cid:
                value = value * 58 + BASE58.index(sign)
            cid = base32(b"\x01" + varint(DAG_PB) + value.to_bytes(34, "big"))
        return self.entities.get(cid)

    def raw(self, cid: str) -> bytes | None:
        """Return the block of a CID, also one inside a file."""
        if entity := self._named(cid):
            return entity.blocks[0][1]
        return self.blocks.get(_binary(cid)[-32:]) if cid[0] == "b" else None


def _shard_data() -> bytes:
    return _number_field(1, 5) + _number_field(5, 0x22) + _number_field(6, 256)


@dataclass(frozen=True, kw_only=True)
class Page:
    """An answer to a path that is not below /ipfs."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    declared_bytes: int | None = None  # more than there are: the connection is cut
    wait_s: float = 0.0

    @classmethod
    def typed(cls, body: bytes, media_type: str) -> Page:
        return cls(body=body, headers={"Content-Type": media_type})


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a client sent."""

    method: str
    target: str  # path and query
    headers: Mapping[str, str]  # by lower-case name
    body: bytes


Pages = Mapping[str, "Page | Callable[[Request], Page]"]


@dataclass(kw_only=True)
class Behaviour:
    """What the server does beyond the specification. A test may change it while it runs."""

    latency_s: float = 0.0
    proofs: tuple[str, ...] = ("raw", "car")  # formats that it serves; plain files it always does
    fault_share: float = 0.0  # of the answers below /ipfs, drawn evenly from `faults`
    faults: tuple[str, ...] = FAULTS
    slow_s: float = 0.5
    retry_after: str | None = None  # of the answers 429 and 503
    seed: int = 0


class GatewayServer:
    """A gateway in a thread of its own, at `url`; it keeps all requests and counts connections."""

    def __init__(
        self,
        store: Store | None = None,
        *,
        behaviour: Behaviour | None = None,
        pages: Pages | None = None,
        keep_requests: bool = True,
    ) -> None:
        self.store = store or Store()
        self.behaviour = behaviour or Behaviour()
        self.pages: dict[str, Page | Callable[[Request], Page]] = dict(pages or {})
        self.requests: list[Request] = []
        self.connections = 0
        self.faults_made = 0
        self._keep = keep_requests
        self._rng = random.Random(self.behaviour.seed)
        self.port = 0

    @property
    def authority(self) -> str:
        """Host and port, as `allow_private_hosts` names them."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    def __enter__(self) -> GatewayServer:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        starting = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)
        server = self._loop.run_until_complete(starting)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.close()

    def answer(self, request: Request) -> Page:
        """Return what is answered, with a fault where one is drawn."""
        if self._keep:
            self.requests.append(request)
        path = request.target.partition("?")[0]
        if path in self.pages:
            page = self.pages[path]
            return page(request) if callable(page) else page
        page = self._content(request)
        if page.status == 200 and self._rng.random() < self.behaviour.fault_share:
            self.faults_made += 1
            return self._spoilt(page, self._rng.choice(self.behaviour.faults))
        return page

    def _spoilt(self, page: Page, fault: str) -> Page:
        if fault in ("429", "503"):
            after = self.behaviour.retry_after
            return Page(status=int(fault), headers={"Retry-After": after} if after else {})
        if fault == "slow":
            return Page(body=page.body, headers=page.headers, wait_s=self.behaviour.slow_s)
        if fault == "cut off":
            half = page.body[: len(page.body) // 2]
            return Page(body=half, headers=page.headers, declared_bytes=len(page.body) + 1)
        middle = len(page.body) // 2
        wrong = page.body[:middle] + bytes(255 - b for b in page.body[middle : middle + 1])
        return Page(body=wrong + page.body[middle + 1 :], headers=page.headers)

    def _content(self, request: Request) -> Page:
        path, _, query = request.target.partition("?")
        names = [unquote(name) for name in path.split("/") if name]
        form = dict(parse_qsl(query)).get("format")
        if len(names) < 2 or names[0] != "ipfs":
            return Page(status=404)
        if form == "raw" and form in self.behaviour.proofs:
            block = self.store.raw(names[1]) if len(names) == 2 else None
            if block is None:
                return Page(status=404)
            return Page.typed(block, "application/vnd.ipld.raw")
        found = self.store.find(names[1], names[2:])
        if found is None:
            return Page(status=404, body=b"no such content")
        entity, passed = found
        if form == "car" and form in self.behaviour.proofs:
            return Page.typed(car(passed + entity.blocks), "application/vnd.ipld.car; version=1")
        if entity.data is None:
            return Page.typed(b"<html>index</html>", "text/html")
        return Page.typed(entity.data, "application/octet-stream")


class _Connection(asyncio.Protocol):
    """One connection: requests one after another, answered after the latency."""

    def __init__(self, server: GatewayServer) -> None:
        self._server, self._received = server, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (request := self._next()) is not None:
            page = self._server.answer(request)
            wait_s = self._server.behaviour.latency_s + page.wait_s
            if wait_s:
                asyncio.get_running_loop().call_later(wait_s, self._send, page)
            else:
                self._send(page)

    def _next(self) -> Request | None:
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._received = rest[length:]
        method, target, _ = first.split(" ", 2)
        return Request(method=method, target=target, headers=headers, body=rest[:length])

    def _send(self, page: Page) -> None:
        if self._transport.is_closing():
            return
        declared = len(page.body) if page.declared_bytes is None else page.declared_bytes
        headers = dict(page.headers)
        if "Transfer-Encoding" not in headers:
            headers["Content-Length"] = str(declared)
        head = f"HTTP/1.1 {page.status} Status\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._transport.write(head.encode("latin-1") + b"\r\n" + page.body)
        if declared != len(page.body):
            self._transport.close()

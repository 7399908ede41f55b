"""A node's bad days, on loopback: a real HTTP server before a real chain.

Requests go through to the chain unless a fault answers them; a fault may also spoil the answer.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

Json = Any


@dataclass(frozen=True)
class Reply:
    """What is sent instead of the chain's answer."""

    body: Json  # JSON, or bytes that are sent as they are
    status: int = 200


@dataclass
class FaultyNode:
    """A node whose faults a test chooses; `asked` keeps what came, batches as lists."""

    upstream: str
    url: str = ""
    before: Callable[[Json], Reply | None] = lambda asked: None
    after: Callable[[Json, Json], Json] = lambda asked, answer: answer
    asked: list[Json] = field(default_factory=list)
    sick: bool = False  # for the faults' own use

    def methods(self) -> list[str]:
        """The methods that were asked for, those in batches too."""
        flat = [
            one for asked in self.asked for one in (asked if isinstance(asked, list) else [asked])
        ]
        return [one["method"] for one in flat]

    def reply(self, asked: Json) -> Reply:
        self.asked.append(asked)
        if (fault := self.before(asked)) is not None:
            return fault
        request = urllib.request.Request(
            self.upstream, json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return Reply(self.after(asked, json.load(response)))


@contextmanager
def faulty(
    upstream: str,
    *,
    before: Callable[[Json], Reply | None] = lambda asked: None,
    after: Callable[[Json, Json], Json] = lambda asked, answer: answer,
) -> Iterator[FaultyNode]:
    """Serve a node with these faults before the one at `upstream`."""
    node = FaultyNode(upstream, before=before, after=after)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # the head of an answer would wait 40 ms for its body

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = node.reply(asked)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        node.url = f"http://127.0.0.1:{server.server_port}/v2/SECRETKEY"
        yield node
        server.shutdown()


def error(asked: Json, code: int, message: str, *, status: int = 200, data: Json = None) -> Reply:
    """Return the reply that refuses a call, or a whole batch with one error for all of it."""
    name = asked.get("id") if isinstance(asked, dict) else None
    said = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return Reply({"jsonrpc": "2.0", "id": name, "error": said}, status)


@dataclass(frozen=True)
class Cap:
    """How a provider refuses a range of logs: over so many blocks, or so many results."""

    says: Callable[[int, int], str]  # of the first and the last block that were asked for
    blocks: int | None = None
    results: int | None = None
    code: int = -32602
    status: int = 200
    data: Callable[[int], Json] = lambda asked: None  # of the number of blocks

    def before(self, asked: Json) -> Reply | None:
        ends = _ends(asked)
        if ends is None or self.blocks is None or ends[1] - ends[0] + 1 <= self.blocks:
            return None
        return self._refusal(asked, *ends)

    def after(self, asked: Json, answer: Json) -> Json:
        ends = _ends(asked)
        if ends is None or self.results is None or len(answer.get("result", ())) <= self.results:
            return answer
        return self._refusal(asked, *ends).body

    def _refusal(self, asked: Json, first: int, last: int) -> Reply:
        data = self.data(last - first + 1)
        return error(asked, self.code, self.says(first, last), status=self.status, data=data)


def _ends(asked: Json) -> tuple[int, int] | None:
    if not isinstance(asked, dict) or asked["method"] != "eth_getLogs":
        return None
    return int(asked["params"][0]["fromBlock"], 16), int(asked["params"][0]["toBlock"], 16)


def _working(first: int, blocks: int) -> str:
    return f"[{first:#x}, {first + blocks - 1:#x}]"


# In the words of the providers, with smaller numbers. Seen in: Alchemy's free and paid plans
# (boundless-xyz/boundless#838, INFURA/infura#237 and its documentation), Infura
# (beethovenxfi/beethovenx-backend#606), QuickNode (OffchainLabs/arbitrum-sdk#609), Ankr,
# Cloudflare, BlockPI and Chainstack (the tests of ponder-sh/ponder, packages/utils), PublicNode
# and dRPC (notes of indexers on Berachain), Tenderly (bobanetwork/boba_legacy#827), reth
# (paradigmxyz/reth#23810), Morph (enviodev/hyperindex#605), Moonbeam (its pull request 3250).
CAPS: Mapping[str, Cap] = MappingProxyType(
    {
        "Alchemy, free": Cap(
            blocks=10,
            code=-32600,
            status=400,
            says=lambda first, last: (
                "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block "
                f"range. Based on your parameters, this block range should work: "
                f"{_working(first, 10)}. Upgrade to PAYG for expanded block range."
            ),
        ),
        "Alchemy, by size": Cap(
            results=5,
            says=lambda first, last: (
                "Log response size exceeded. You can make eth_getLogs requests with up to a 2K "
                "block range and no limit on the response size, or you can request any block range "
                "with a cap of 10K logs in the response. Based on your parameters and the response "
                f"size limit, this block range should work: {_working(first, 4)}"
            ),
        ),
        "Infura, by results": Cap(
            results=5,
            code=-32005,
            says=lambda first, last: (
                "query returned more than 10000 results. Try with this block range "
                f"{_working(first, 3)}."
            ),
        ),
        "Infura, by blocks": Cap(
            blocks=12,
            says=lambda first, last: f"range {last - first + 1} exceeds limit of 12",
        ),
        "QuickNode": Cap(
            blocks=11,
            code=-32614,
            status=413,
            says=lambda first, last: "eth_getLogs is limited to a 11 range",
        ),
        "Ankr": Cap(blocks=9, code=-32600, says=lambda first, last: "block range is too wide"),
        "Cloudflare": Cap(
            blocks=8,
            code=-32047,
            says=lambda first, last: (
                "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 8"
            ),
        ),
        "PublicNode": Cap(
            blocks=7, code=-32701, says=lambda first, last: "exceed maximum block range: 7"
        ),
        "dRPC": Cap(
            blocks=10,
            code=35,
            status=400,
            says=lambda first, last: "ranges over 10 blocks are not supported on freetier",
        ),
        "Tenderly": Cap(
            blocks=6,
            says=lambda first, last: "invalid params",
            data=lambda blocks: {
                "error_id": "4ed94073",
                "payload": f"range {blocks} is bigger than range limit 6",
            },
        ),
        "reth": Cap(
            results=4,
            says=lambda first, last: (
                f"query exceeds max results 20000, retry with the range {first}-{first + 2}"
            ),
        ),
        "reth, with a useless hint": Cap(
            results=4,
            says=lambda first, last: (
                f"query exceeds max results 20000, retry with the range {first}-{last}"
            ),
        ),
        "Morph": Cap(
            blocks=5,
            code=-32000,
            says=lambda first, last: (
                "block range is larger than max block range, block range = "
                f"{last - first + 1}, max block range = 5"
            ),
        ),
        "Chainstack": Cap(
            blocks=9, code=-32000, says=lambda first, last: "Block range limit exceeded. See more"
        ),
        "BlockPI": Cap(
            blocks=8, says=lambda first, last: "eth_getLogs is limited to 8 block range"
        ),
        "Moonbeam": Cap(blocks=8, says=lambda first, last: "block range is too wide (maximum 8)"),
        "in words of nobody": Cap(
            results=3, code=-32099, says=lambda first, last: "zu viel auf einmal"
        ),
    }
)

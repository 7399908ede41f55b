"""A real chain for the tests: anvil where npm has installed it, else eth-tester (py-evm).

`npm ci` in this folder installs anvil. Both are asked by JSON-RPC on loopback, mine a block a
transaction, and have our Multicall at Multicall3's address. `TRAITLENS_TEST_EVM=eth-tester` takes
the second also where there is the first.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_hash.auto import keccak

FOLDER = Path(__file__).parent
MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
GAS_LIMIT = 1_000_000_000  # of a block: some thousand tokens can be minted in one transaction

_PLATFORMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@cache
def artefacts() -> dict[str, Any]:
    """Return `contracts.json`: what `compile.mjs` made of our Solidity."""
    read: dict[str, Any] = json.loads((FOLDER / "contracts.json").read_text())
    return read


def runtime(name: str) -> str:
    """Return the code that a contract of ours has on the chain, in hex with 0x."""
    return "0x" + str(artefacts()["contracts"][name]["runtime"])


def anvil_binary() -> Path | None:
    """Return the binary of anvil's package for this platform, or None where npm has not run."""
    system = f"{_PLATFORMS.get(platform.system())}-{_MACHINES.get(platform.machine())}"
    folder = FOLDER / "node_modules" / "@foundry-rs" / f"anvil-{system}" / "bin"
    return next((file for file in folder.glob("anvil*") if file.is_file()), None)


class ChainError(Exception):
    """The chain said no."""


@dataclass(frozen=True)
class Chain:
    """A running chain, for tests that put contracts on it and change them."""

    url: str
    kind: str  # "anvil" or "eth-tester"

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of a JSON-RPC method; raises `ChainError`."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            self.url, json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        if "error" in answer:
            raise ChainError(answer["error"])
        return answer["result"]

    @property
    def block(self) -> int:
        """The newest block's number."""
        return int(self.rpc("eth_blockNumber"), 16)

    @property
    def owner(self) -> str:
        """The account that sends everything."""
        return str(self.rpc("eth_accounts")[0])

    def deploy(self, name: str, types: str = "", *arguments: Any) -> str:
        """Put a contract of ours on the chain; returns its address, in lower case.

        `types` are those of its constructor's arguments, as in "bytes32,address".
        """
        code = str(artefacts()["contracts"][name]["creation"])
        return self.deploy_code(bytes.fromhex(code) + _encoded(types, arguments))

    def deploy_code(self, creation: bytes) -> str:
        """Put on the chain what this code returns; returns its address."""
        receipt = self._transact({"data": "0x" + creation.hex()})
        return str(receipt["contractAddress"]).lower()

    def deploy_clone(self, implementation: str) -> str:
        """Put an EIP-1167 minimal proxy on the chain; returns its address."""
        runtime_code = f"363d3d373d3d3d363d73{implementation[2:]}5af43d82803e903d91602b57fd5bf3"
        return self.deploy_code(bytes.fromhex("3d602d80600a3d3981f3" + runtime_code))

    def send(self, address: str, signature: str, *arguments: Any) -> int:
        """Call a function in a transaction of its own, as `send(a, "mint(uint256)", 1)`.

        Returns the number of its block.
        """
        types = signature[signature.index("(") + 1 : -1]
        data = keccak(signature.encode())[:4] + _encoded(types, arguments)
        return int(self._transact({"to": address, "data": "0x" + data.hex()})["blockNumber"], 16)

    def mine(self, count: int = 1) -> int:
        """Add empty blocks; returns the newest one's number."""
        for _ in range(count):
            self.rpc("evm_mine")
        return self.block

    @contextmanager
    def forked_off(self) -> Iterator[None]:
        """Take back whatever happens inside, as a reorganisation of the chain does."""
        snapshot = self.rpc("evm_snapshot")
        yield
        self.rpc("evm_revert", snapshot)

    def _transact(self, transaction: dict[str, str]) -> dict[str, Any]:
        sent = {"from": self.owner, "gas": hex(GAS_LIMIT // 2), **transaction}
        name = self.rpc("eth_sendTransaction", sent)
        while (receipt := self.rpc("eth_getTransactionReceipt", name)) is None:
            time.sleep(0.001)
        if int(receipt["status"], 16) != 1:
            raise ChainError(f"reverted: {transaction}")
        return dict(receipt)


def _encoded(types: str, arguments: tuple[Any, ...]) -> bytes:
    return encode(types.split(","), arguments) if types else b""


@contextmanager
def start_chain(kind: str | None = None) -> Iterator[Chain]:
    """Start a chain on loopback and stop it in the end."""
    binary = anvil_binary()
    kind = kind or os.environ.get("TRAITLENS_TEST_EVM") or ("anvil" if binary else "eth-tester")
    if kind == "eth-tester":
        limit = sys.getrecursionlimit()
        from tests.collecting.chain.eth_tester_node import serve

        sys.setrecursionlimit(limit)  # py-evm raises it for the whole process
        with serve({MULTICALL3: runtime("Multicall")}, gas_limit=GAS_LIMIT) as url:
            yield Chain(url=url, kind=kind)
        return
    assert binary is not None, "npm ci has not run in tests/collecting/chain"
    with _anvil(binary) as url:
        chain = Chain(url=url, kind=kind)
        chain.rpc("anvil_setCode", MULTICALL3, runtime("Multicall"))
        yield chain


@contextmanager
def _anvil(binary: Path) -> Iterator[str]:
    command = [str(binary), "--port", "0", "--accounts", "1", "--gas-limit", str(GAS_LIMIT)]
    with (
        tempfile.NamedTemporaryFile(mode="w+") as said,
        subprocess.Popen(command, stdout=said, stderr=said) as process,
    ):
        try:
            yield f"http://{_listening(Path(said.name), process)}"
        finally:
            process.kill()


def _listening(said: Path, process: subprocess.Popen[bytes]) -> str:
    """Return the host and port that anvil has chosen, once it says them."""
    while process.poll() is None:
        if found := re.search(r"Listening on (\S+)", said.read_text()):
            return found[1]
        time.sleep(0.01)
    raise ChainError(f"anvil did not start: {said.read_text()[-500:]}")

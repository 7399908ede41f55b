"""py-evm behind a JSON-RPC server on loopback, with the methods that the tests need."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_tester import EthereumTester, PyEVMBackend  # type: ignore[import-untyped]
from eth_tester.backends.pyevm import main as pyevm  # type: ignore[import-untyped]
from eth_tester.exceptions import BlockNotFound  # type: ignore[import-untyped]
from eth_utils.address import to_canonical_address, to_checksum_address


class RpcFaultError(Exception):
    """An error as JSON-RPC words it."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message} | ({"data": data} if data else {})


class Node:
    """The methods of a node, on an `EthereumTester`."""

    def __init__(self, codes: Mapping[str, str], *, gas_limit: int) -> None:
        state = PyEVMBackend.generate_genesis_state(num_accounts=1)
        for address, code in codes.items():
            account = {"balance": 0, "nonce": 1, "code": bytes.fromhex(code[2:]), "storage": {}}
            state[to_canonical_address(address)] = account
        genesis = PyEVMBackend.generate_genesis_params(overrides={"gas_limit": gas_limit})
        # The number of accounts is otherwise guessed from the state, in which our code stands too.
        backend = PyEVMBackend.__new__(PyEVMBackend)
        backend.reset_to_genesis(genesis, state, 1)
        self._tester = EthereumTester(backend=backend)
        self._snapshots: dict[str, Any] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        envelope = {"jsonrpc": "2.0", "id": request.get("id")}
        method = getattr(self, str(request["method"]), None)
        try:
            if method is None:
                raise RpcFaultError(-32601, "the method does not exist/is not available")
            return envelope | {"result": method(*request["params"])}
        except RpcFaultError as fault:
            return envelope | {"error": fault.error}
        except BlockNotFound:
            return envelope | {"error": {"code": -32000, "message": "header not found"}}

    def eth_chainId(self) -> str:  # noqa: N802
        return hex(self._tester.backend.chain.chain_id)

    def eth_accounts(self) -> list[str]:
        return list(self._tester.get_accounts())

    def eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self._newest())

    def eth_getBlockByNumber(self, name: str, _: bool) -> dict[str, str] | None:  # noqa: N802
        number = self._newest() if name == "latest" else int(name, 16)
        if number > self._newest():
            return None
        return {"number": hex(number), "hash": self._tester.get_block_by_number(number)["hash"]}

    def eth_getCode(self, address: str, block: Any) -> str:  # noqa: N802
        return str(self._tester.get_code(to_checksum_address(address), self._number(block)))

    def eth_getStorageAt(self, address: str, slot: str, block: Any) -> str:  # noqa: N802
        found = self._tester.get_storage_at(
            to_checksum_address(address), hex(int(slot, 16)), self._number(block)
        )
        return str(found)

    def eth_call(self, call: dict[str, str], block: Any) -> str:
        backend, number = self._tester.backend, self._number(block)
        sender = to_canonical_address(self._tester.get_accounts()[0])
        transaction = {
            "from": sender,
            "to": to_canonical_address(call["to"]),
            "data": bytes.fromhex(call["data"][2:]),
            "gas": backend._max_available_gas(),
        }
        unsigned = backend._get_normalized_and_unsigned_evm_transaction(transaction, number)
        spoofed = pyevm.EVMSpoofTransaction(unsigned, from_=sender)
        done = pyevm._execute_and_revert_transaction(backend.chain, spoofed, number)
        if not done.is_error:
            return "0x" + bytes(done.output).hex()
        if type(done.error).__name__ == "Revert":
            raise RpcFaultError(3, "execution reverted", "0x" + bytes(done.output).hex())
        raise RpcFaultError(-32000, f"{type(done.error).__name__}: invalid opcode or out of gas")

    def eth_getLogs(self, asked: dict[str, Any]) -> list[dict[str, Any]]:  # noqa: N802
        found = self._tester.get_logs(
            from_block=int(asked["fromBlock"], 16),
            to_block=min(int(asked["toBlock"], 16), self._newest()),
            address=to_checksum_address(asked["address"]),
            topics=asked["topics"],
        )
        return [
            {
                "address": log["address"].lower(),
                "topics": list(log["topics"]),
                "data": log["data"],
                "blockNumber": hex(log["block_number"]),
                "logIndex": hex(log["log_index"]),
            }
            for log in found
        ]

    def eth_sendTransaction(self, sent: dict[str, str]) -> str:  # noqa: N802
        transaction = {"from": sent["from"], "data": sent["data"], "gas": int(sent["gas"], 16)}
        if "to" in sent:
            transaction["to"] = to_checksum_address(sent["to"])
        return str(self._tester.send_transaction(transaction))

    def eth_getTransactionReceipt(self, name: str) -> dict[str, Any]:  # noqa: N802
        receipt = self._tester.get_transaction_receipt(name)
        return {
            "status": hex(receipt["status"]),
            "blockNumber": hex(receipt["block_number"]),
            "contractAddress": receipt["contract_address"],
        }

    def evm_mine(self) -> str:
        self._tester.mine_block()
        return "0x0"

    def evm_snapshot(self) -> str:
        name = hex(len(self._snapshots))
        self._snapshots[name] = self._tester.take_snapshot()
        return name

    def evm_revert(self, name: str) -> bool:
        self._tester.revert_to_snapshot(self._snapshots.pop(name))
        return True

    def _newest(self) -> int:
        return int(self._tester.get_block_by_number("latest")["number"])

    def _number(self, block: Any) -> int:
        if isinstance(block, dict):
            return int(self._tester.get_block_by_hash(block["blockHash"])["number"])
        if block == "latest":
            return self._newest()
        if int(block, 16) > self._newest():
            raise RpcFaultError(-32000, "header not found")
        return int(block, 16)


@contextmanager
def serve(codes: Mapping[str, str], *, gas_limit: int) -> Iterator[str]:
    """Serve a fresh chain on which some addresses have code; yields its URL."""
    node, lock = Node(codes, gas_limit=gas_limit), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # the head of an answer would wait 40 ms for its body

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                if isinstance(asked, list):
                    answer: Any = [node.answer(request) for request in asked]
                else:
                    answer = node.answer(asked)
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

"""What a contract is: ours, on a real chain."""

import asyncio
import hashlib
from typing import Any

import pytest
from eth_hash.auto import keccak

from tests.collecting.chain import node as chains
from tests.collecting.chain.asking import ask, ids_of, opened
from tests.collecting.chain.faulty_node import Json, Reply, error, faulty
from tests.collecting.chain.node import FOLDER, Chain, artefacts, start_chain
from traitlens.collecting import proxies
from traitlens.collecting.config import CollectConfig
from traitlens.collecting.contract import open_contract
from traitlens.collecting.listing import NodeListing
from traitlens.collecting.pinning import block_parameter, pin
from traitlens.collecting.proxies import minimal_implementation
from traitlens.collecting.rpc import Rpc
from traitlens.errors import CollectError


def test_the_compiled_contracts_are_those_of_the_sources_beside_them() -> None:
    sources = sorted((FOLDER / "contracts").glob("*.sol"))
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sources}
    assert artefacts()["sha256"] == found


def test_an_erc_721_is_recognised_by_erc_165(chain: Chain) -> None:
    contract = opened(chain.url, chain.deploy("Logged721"))
    assert (contract.standard, contract.recognised_by) == ("erc721", "ERC-165")
    assert (contract.name, contract.symbol) == ("Logged", "LOG")
    assert (contract.enumerable, contract.total_supply) == (False, None)
    assert contract.chain_id == f"eip155:{int(chain.rpc('eth_chainId'), 16)}"
    assert contract.implementation is None


def test_an_erc_1155_is_recognised_by_erc_165(chain: Chain) -> None:
    contract = opened(chain.url, chain.deploy("Multi1155"))
    assert (contract.standard, contract.recognised_by) == ("erc1155", "ERC-165")
    assert contract.name is None


def test_an_enumerable_contract_says_so_with_its_supply(chain: Chain) -> None:
    address = chain.deploy("Enumerable721")
    chain.send(address, "mint(uint256,uint256)", 5, 3)
    contract = opened(chain.url, address)
    assert (contract.enumerable, contract.total_supply) == (True, 3)


def test_an_enumerable_contract_without_tokens_is_enumerable(chain: Chain) -> None:
    assert opened(chain.url, chain.deploy("Enumerable721")).enumerable


def test_an_old_contract_is_recognised_by_trying_and_its_bytes32_name_is_read(chain: Chain) -> None:
    address = chain.deploy("Old721")
    chain.send(address, "mint(uint256)", 1)
    contract = opened(chain.url, address)
    assert (contract.standard, contract.recognised_by) == ("erc721", "trying")
    assert (contract.name, contract.symbol) == ("Ancient Things", "OLD")


def test_an_old_contract_without_a_token_among_those_tried_is_recognised_by_its_code(
    chain: Chain,
) -> None:
    assert opened(chain.url, chain.deploy("Old721")).standard == "erc721"


def test_a_uri_without_erc_165_makes_an_erc_1155(chain: Chain) -> None:
    contract = opened(chain.url, chain.deploy("Bare1155"))
    assert (contract.standard, contract.recognised_by) == ("erc1155", "trying")


def test_who_says_yes_to_every_interface_is_not_believed(chain: Chain) -> None:
    assert opened(chain.url, chain.deploy("Yes721")).recognised_by == "trying"


def test_a_contract_without_token_uris_is_refused_by_name(chain: Chain) -> None:
    with pytest.raises(CollectError, match=r"\(PUNKS\) has no tokenURI.*provider.*nft1000"):
        opened(chain.url, chain.deploy("Punks"))


def test_an_address_without_code_is_refused(chain: Chain) -> None:
    with pytest.raises(CollectError, match="no contract at 0xabab"):
        opened(chain.url, "0x" + "ab" * 20)


@pytest.mark.parametrize("address", ["", "0x12", "ab" * 20, "0x" + "zz" * 20, "0x" + "ab" * 21])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(CollectError, match="40 hex digits"):
        asyncio.run(open_contract(None, address, block=None))  # type: ignore[arg-type]


def test_an_address_in_capitals_is_the_same(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    assert opened(chain.url, "0x" + address[2:].upper()).address == address


def hashed(text: str) -> str:
    return "0x" + keccak(text.encode()).hex()


def one_less(text: str) -> str:
    return f"{int(hashed(text), 16) - 1:#066x}"


def test_the_slots_of_proxies_are_their_names_hashes() -> None:
    assert one_less("eip1967.proxy.implementation") == proxies.IMPLEMENTATION_SLOT
    assert one_less("eip1967.proxy.beacon") == proxies.BEACON_SLOT
    assert hashed("org.zeppelinos.proxy.implementation") == proxies.ZEPPELIN_SLOT
    assert hashed("PROXIABLE") == proxies.PROXIABLE_SLOT


@pytest.mark.parametrize("slot", ["IMPLEMENTATION_SLOT", "ZEPPELIN_SLOT", "PROXIABLE_SLOT"])
def test_a_proxy_with_a_slot_is_seen_through(chain: Chain, slot: str) -> None:
    implementation = chain.deploy("Logged721")
    at = bytes.fromhex(getattr(proxies, slot)[2:])
    address = chain.deploy("SlotProxy", "bytes32,address", at, implementation)
    chain.send(address, "mint(uint256,uint256)", 0, 2)
    contract = opened(chain.url, address)
    assert (contract.address, contract.implementation) == (address, implementation)
    assert ids_of(chain.url, address) == [0, 1]
    assert ids_of(chain.url, implementation) == []


def test_a_proxy_with_a_beacon_is_seen_through(chain: Chain) -> None:
    implementation = chain.deploy("Logged721")
    beacon = chain.deploy("Beacon", "address", implementation)
    proxy = chain.deploy("BeaconProxy", "address", beacon)
    assert opened(chain.url, proxy).implementation == implementation


def test_a_minimal_proxy_is_seen_through(chain: Chain) -> None:
    implementation = chain.deploy("Enumerable721")
    clone = chain.deploy_clone(implementation)
    chain.send(clone, "mint(uint256,uint256)", 3, 2)
    contract = opened(chain.url, clone)
    assert (contract.implementation, contract.total_supply) == (implementation, 2)


@pytest.mark.parametrize(
    ("code", "address"),
    [
        ("363d3d373d3d3d363d73" + "ab" * 20 + "5af43d82803e903d91602b57fd5bf3", "ab" * 20),
        ("363d3d373d3d3d363d6f" + "ab" * 16 + "5af43d82803e903d91602757fd5bf3", "ab" * 16),
        ("3d3d3d3d363d3d37363d73" + "cd" * 20 + "5af43d3d93803e602a57fd5bf3", "cd" * 20),
        ("363d3d373d3d3d3d363d73" + "cd" * 20 + "5af43d3d93803e602a57fd5bf3", "cd" * 20),
        ("363d3d373d3d3d363d6f" + "ab" * 20 + "5af43d82803e903d91602757fd5bf3", None),
        (
            "6080604052" + "363d3d373d3d3d363d73" + "ab" * 20 + "5af43d82803e903d91602b57fd5bf3",
            None,
        ),
        ("", None),
    ],
)
def test_the_known_forms_of_minimal_proxies_are_read(code: str, address: str | None) -> None:
    expected = None if address is None else "0x" + address.rjust(40, "0")
    assert minimal_implementation(bytes.fromhex(code)) == expected


def test_a_node_that_keeps_storage_to_itself_is_no_obstacle(chain: Chain) -> None:
    def refuse(asked: Json) -> Reply | None:
        first = asked[0] if isinstance(asked, list) else asked
        if first["method"] != "eth_getStorageAt":
            return None
        return error(first, -32601, "the method eth_getStorageAt does not exist/is not available")

    address = chain.deploy("Logged721")
    with faulty(chain.url, before=refuse) as node:
        assert opened(node.url, address).standard == "erc721"


@pytest.mark.parametrize("empty", ["0x", "0x0", None])
def test_slots_are_read_however_a_node_writes_them(chain: Chain, empty: Json) -> None:
    implementation = chain.deploy("Logged721")
    at = bytes.fromhex(proxies.ZEPPELIN_SLOT[2:])
    address = chain.deploy("SlotProxy", "bytes32,address", at, implementation)

    def shorten(asked: Json, answer: Json) -> Json:
        if not isinstance(asked, list) or asked[0]["method"] != "eth_getStorageAt":
            return answer
        short = [one["result"].replace("0x" + "0" * 24, "0x") for one in answer]
        return [
            one | {"result": result if int(result, 16) else empty}
            for one, result in zip(answer, short, strict=True)
        ]

    with faulty(chain.url, after=shorten) as node:
        assert opened(node.url, address).implementation == implementation


def test_a_contract_is_what_it_was_at_the_block_that_is_asked_for(chain: Chain) -> None:
    address = chain.deploy("Enumerable721")
    before = chain.send(address, "mint(uint256,uint256)", 0, 2)
    chain.send(address, "mint(uint256,uint256)", 2, 5)
    contract = opened(chain.url, address, block=before)
    assert (contract.block, contract.total_supply) == (before, 2)
    assert contract.block_hash == chain.rpc("eth_getBlockByNumber", hex(before), False)["hash"]


def test_before_its_creation_there_is_no_contract(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    with pytest.raises(CollectError, match="no contract"):
        opened(chain.url, address, block=chain.block - 1)


def test_a_block_that_is_not_there_yet_is_refused_with_the_newest(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    with pytest.raises(CollectError, match=f"block 1000000; its newest is {chain.block}"):
        opened(chain.url, address, block=1_000_000)


def test_a_newest_block_without_a_hash_is_refused(chain: Chain) -> None:
    def pending(asked: Json, answer: Json) -> Json:
        blocks = isinstance(asked, dict) and asked["method"] == "eth_getBlockByNumber"
        return answer | {"result": answer["result"] | {"hash": None}} if blocks else answer

    address = chain.deploy("Logged721")
    with (
        faulty(chain.url, after=pending) as node,
        pytest.raises(CollectError, match="the node sent 'None' where hex was due"),
    ):
        opened(node.url, address)


def test_a_machine_that_is_a_block_behind_is_no_reorganisation(chain: Chain) -> None:
    asked_for: list[str] = []

    def lag(asked: Json) -> Reply | None:
        if isinstance(asked, list) or asked["method"] != "eth_getBlockByNumber":
            return None
        asked_for.append(asked["params"][0])
        behind = asked_for.count(asked_for[-1]) < 3 and asked_for[-1] != "latest"
        null = {"jsonrpc": "2.0", "id": asked["id"], "result": None}
        return Reply(null) if behind else None

    address = chain.deploy("Logged721")
    with faulty(chain.url, before=lag) as node:
        assert opened(node.url, address).block == chain.block
    assert asked_for == ["latest", *[hex(chain.block)] * 3]


def test_a_node_that_does_not_say_its_chain_is_told(chain: Chain) -> None:
    contract = opened(chain.url, chain.deploy("Logged721"))

    def forget(asked: Json, answer: Json) -> Json:
        return answer | {"result": None}

    async def work(rpc: Rpc) -> None:
        await NodeListing(rpc, contract.address, CollectConfig()).check(contract)

    with (
        faulty(chain.url, after=forget) as node,
        pytest.raises(CollectError, match="the node sent 'None' where hex was due"),
    ):
        ask(node.url, work)


def test_a_block_before_the_first_is_refused(chain: Chain) -> None:
    with pytest.raises(CollectError, match="--block must be 0 or more; got -1"):
        opened(chain.url, chain.deploy("Logged721"), block=-1)


def test_a_node_that_forgot_the_state_is_told_with_what_to_do(chain: Chain) -> None:
    def forget(asked: Json) -> Reply | None:
        if isinstance(asked, dict) and asked["method"] == "eth_getCode":
            return error(asked, -32000, "missing trie node b03d68 (path ) state is not available")
        return None

    address = chain.deploy("Logged721")
    with faulty(chain.url, before=forget) as node, pytest.raises(CollectError, match="archive"):
        opened(node.url, address)


def parameter(url: str, address: str) -> Any:
    async def work(rpc: Rpc) -> Any:
        return await block_parameter(rpc, address, await pin(rpc, None))

    return ask(url, work)


def test_a_node_that_knows_eip_1898_is_asked_by_the_blocks_hash(chain: Chain) -> None:
    address = chain.deploy("Logged721")
    newest = chain.rpc("eth_getBlockByNumber", "latest", False)["hash"]
    assert parameter(chain.url, address) == {"blockHash": newest, "requireCanonical": True}


def test_a_node_that_refuses_hashes_is_asked_by_number(chain: Chain) -> None:
    def refuse(asked: Json) -> Reply | None:
        if asked["method"] == "eth_call" and isinstance(asked["params"][1], dict):
            return error(asked, -32602, "invalid argument 1: hex string without 0x prefix")
        return None

    address = chain.deploy("Logged721")
    with faulty(chain.url, before=refuse) as node:
        assert parameter(node.url, address) == hex(chain.block)


def test_a_node_that_takes_no_notice_of_hashes_is_asked_by_number(chain: Chain) -> None:
    address = chain.deploy("Logged721")

    def ignore(asked: Json) -> Reply | None:
        if asked["method"] == "eth_call" and isinstance(asked["params"][1], dict):
            result = chain.rpc("eth_call", asked["params"][0], hex(chain.block))
            return Reply({"jsonrpc": "2.0", "id": asked["id"], "result": result})
        return None

    with faulty(chain.url, before=ignore) as node:
        assert parameter(node.url, address) == hex(chain.block)


def test_a_node_that_stumbles_over_the_hash_of_no_block_is_asked_by_number(chain: Chain) -> None:
    address = chain.deploy("Logged721")

    def ignore(asked: Json) -> Reply | None:
        if asked["method"] != "eth_call" or not isinstance(asked["params"][1], dict):
            return None
        if len(node.asked) > 3:  # the third is for the hash of no block
            return Reply(b"bad gateway", 502)
        result = chain.rpc("eth_call", asked["params"][0], hex(chain.block))
        return Reply({"jsonrpc": "2.0", "id": asked["id"], "result": result})

    with faulty(chain.url, before=ignore) as node:
        assert parameter(node.url, address) == hex(chain.block)


def test_where_npm_has_not_run_another_chain_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAITLENS_TEST_EVM", raising=False)
    monkeypatch.setattr(chains, "anvil_binary", lambda: None)
    with start_chain() as chain:
        assert chain.kind == "eth-tester"
        address = chain.deploy("Enumerable721")
        chain.send(address, "mint(uint256,uint256)", 7, 2)
        contract = opened(chain.url, address)
        assert (contract.name, contract.total_supply, contract.enumerable) == ("Logged", 2, True)
        assert ids_of(chain.url, address) == [7, 8]

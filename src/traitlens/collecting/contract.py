"""Which kind of collection a contract is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from traitlens.collecting.abi import (
    SELECTORS,
    call_data,
    checked_address,
    read_bool,
    read_bytes,
    read_uint,
    supports_data,
)
from traitlens.collecting.calls import MAX_URI_BYTES, Failed, Outcome, call_many
from traitlens.collecting.pinning import at_pin, block_parameter, pin
from traitlens.collecting.proxies import find_implementation
from traitlens.collecting.records import Contract, Standard
from traitlens.collecting.rpc import Rpc, blob, quantity
from traitlens.errors import CollectError
from traitlens.plain_text import one_line

_MAX_NAME_CHARS = 128
_PROBED_IDS = (0, 1, 2, 1000)  # where collections begin; asked for when ERC-165 is silent

# ERC-165 interfaces: ERC-165 itself and none, ERC-721 with its two extensions, ERC-1155 and its.
_INTERFACES = {
    "ERC-165": "01ffc9a7",
    "none": "ffffffff",
    "ERC-721": "80ac58cd",
    "ERC-721 metadata": "5b5e139f",
    "ERC-721 enumerable": "780e9d63",
    "ERC-1155": "d9b67a26",
    "ERC-1155 metadata": "0e89341c",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probed:
    """What a contract answered to being asked for everything at once."""

    claims: frozenset[str]  # of `_INTERFACES`; empty where it does not follow ERC-165
    name: str | None
    symbol: str | None
    total_supply: int | None
    numbered: bool  # tokenByIndex(0) answers
    token_uri: bool  # for some id
    uri: bool

    @property
    def enumerable(self) -> bool:
        return self.numbered or ("ERC-721 enumerable" in self.claims and self.total_supply == 0)


async def open_contract(rpc: Rpc, address: str, *, block: int | None) -> Contract:
    """Return what a contract is at a block, the newest one for None.

    Recognised are ERC-721 and ERC-1155, by ERC-165 with both of its checks, else by trying what it
    answers to `tokenURI` and `uri`, and by which functions its code knows, where none of the ids
    that were tried exists. Raises `CollectError` where there is no contract, or one that does not
    say where its metadata lie.
    """
    address = checked_address(address)
    chain_id = f"eip155:{quantity(await rpc.call('eth_chainId', []))}"
    pinned = await pin(rpc, block)
    code, implementation = await _read_code(rpc, address, hex(pinned.number))
    if not code:
        raise CollectError(
            f"there is no contract at {address} on {chain_id}, block {pinned.number}"
        )
    parameter = await block_parameter(rpc, address, pinned)
    probed = await at_pin(rpc, pinned, _probe(rpc, address, parameter))
    standard, recognised_by = _recognise(probed, code, address)
    return Contract(
        chain_id=chain_id,
        address=address,
        standard=standard,
        block=pinned.number,
        block_hash=pinned.hash,
        name=probed.name,
        symbol=probed.symbol,
        total_supply=probed.total_supply,
        implementation=implementation,
        enumerable=standard == "erc721" and probed.enumerable,
        recognised_by=recognised_by,
    )


async def _read_code(rpc: Rpc, address: str, block: str) -> tuple[bytes, str | None]:
    """Return a contract's code, its implementation's after it, and where that is; b"" for none."""
    code = blob(await rpc.call("eth_getCode", [address, block]))
    implementation = await find_implementation(rpc, address, code, block) if code else None
    if implementation is not None:
        code += blob(await rpc.call("eth_getCode", [implementation, block]))
    return code, implementation


async def _probe(rpc: Rpc, address: str, block: Any) -> _Probed:
    asked: dict[object, bytes] = {name: supports_data(i) for name, i in _INTERFACES.items()}
    asked |= {name: call_data(name) for name in ("name()", "symbol()", "totalSupply()")}
    asked["first"] = call_data("tokenByIndex(uint256)", 0)
    for signature in ("tokenURI(uint256)", "uri(uint256)"):
        asked |= {(signature, i): call_data(signature, i) for i in _PROBED_IDS}
    calls = [(address, data) for data in asked.values()]
    outcomes = await call_many(rpc, calls, block, max_bytes=MAX_URI_BYTES)
    answers = dict(zip(asked, outcomes, strict=True))
    claims = {name for name in _INTERFACES if _bool(answers[name])}
    follows = "ERC-165" in claims and "none" not in claims
    return _Probed(
        claims=frozenset(claims) if follows else frozenset(),
        name=_text(answers["name()"]),
        symbol=_text(answers["symbol()"]),
        total_supply=_uint(answers["totalSupply()"]),
        numbered=_uint(answers["first"]) is not None,
        token_uri=any(_is_string(answers["tokenURI(uint256)", i]) for i in _PROBED_IDS),
        uri=any(_is_string(answers["uri(uint256)", i]) for i in _PROBED_IDS),
    )


def _recognise(probed: _Probed, code: bytes, address: str) -> tuple[Standard, str]:
    """Return the standard, and by what it was recognised."""
    token_uri = probed.token_uri or _has(code, "tokenURI(uint256)")
    uri = probed.uri or _has(code, "uri(uint256)")
    if "ERC-721" in probed.claims and (token_uri or "ERC-721 metadata" in probed.claims):
        return "erc721", "ERC-165"
    if "ERC-1155" in probed.claims and (uri or "ERC-1155 metadata" in probed.claims):
        return "erc1155", "ERC-165"
    if probed.token_uri or (token_uri and _has(code, "ownerOf(uint256)")):
        return "erc721", "trying"
    if uri or token_uri:
        return "erc1155" if uri else "erc721", "trying"
    known = f" ({probed.name})" if probed.name else ""
    raise CollectError(
        f"{address}{known} has no tokenURI and no uri function, so the chain does not say where "
        "its metadata lie (as with CryptoPunks); take it from a provider, or from nft1000:NAME"
    )


def _has(code: bytes, signature: str) -> bool:
    """Return whether code compares something with a function's selector (PUSH4)."""
    return b"\x63" + bytes.fromhex(SELECTORS[signature]) in code


def _bool(outcome: Outcome) -> bool:
    return not isinstance(outcome, Failed) and read_bool(outcome) is True


def _uint(outcome: Outcome) -> int | None:
    return None if isinstance(outcome, Failed) else read_uint(outcome)


def _is_string(outcome: Outcome) -> bool:
    return not isinstance(outcome, Failed) and read_bytes(outcome) is not None


def _text(outcome: Outcome) -> str | None:
    """Return a name in one line; old contracts give it as bytes32, padded with zeros."""
    if isinstance(outcome, Failed):
        return None
    said = outcome.rstrip(b"\0") if len(outcome) == 32 else read_bytes(outcome)
    if said is None:
        return None
    return one_line(said.decode(errors="replace"), max_chars=_MAX_NAME_CHARS) or None

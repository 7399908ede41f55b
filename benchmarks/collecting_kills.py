"""Whether kills and faults leave a trace in a collected folder.

    python benchmarks/collecting_kills.py --tokens 300 --kills 100

A drawn collection is minted on a chain of our own (anvil, else eth-tester) and served by a gateway
on loopback. It is collected once undisturbed from a gateway without faults. Then it is collected
again and again from one of whose answers a share is 429, 503, cut off, slow or wrong bytes, in a
process that is killed (SIGKILL) at a random moment and started anew, until all kills are done. Each
finished folder must be the undisturbed one, byte for byte, but for `run.jsonl`. Each round is two
runs: one from nothing, and one that brings the folder up to date after mints, burns and refreshes.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.collecting.chain.node import Chain, start_chain
from tests.collecting.drawn_collection import config_for, contents, publish_on_ipfs
from tests.collecting.gateway_server import Behaviour, GatewayServer, Store
from tests.collecting.killing import collect_with_kills, seconds_undisturbed
from traitlens.collecting.config import CollectConfig


def main() -> None:
    """Print how many kills there were, when they came, and whether anything differs."""
    options = _options()
    store, rng = Store(), random.Random(options.seed)
    faults = Behaviour(
        fault_share=options.fault_share, latency_s=options.latency_s, slow_s=0.2, seed=options.seed
    )
    with (
        start_chain() as chain,
        GatewayServer(store) as calm,
        GatewayServer(store, behaviour=faults, keep_requests=False) as faulty,
        tempfile.TemporaryDirectory() as folder,
    ):
        blocks = _publish(chain, store, options.tokens)
        address = blocks.address
        expected = _undisturbed(address, Path(folder) / "calm", config_for(calm, chain.url), blocks)
        config = config_for(faulty, chain.url, fetch={"retries": 8})
        kills, begun = 0, time.monotonic()
        rounds = 0
        while kills < options.kills:
            rounds += 1
            out = Path(folder) / str(rounds)
            kills += _round(address, out, config, blocks, options.kills - kills, rng, expected)
        seconds = time.monotonic() - begun
        print(
            f"{options.tokens} tokens, {rounds} rounds of two runs, {kills} kills, "
            f"{faulty.faults_made} faulty answers, {seconds:.0f} s: every folder is byte-identical"
        )


@dataclass(frozen=True, slots=True)
class _Blocks:
    """A contract at two blocks: as it was minted, and after mints, burns and refreshes."""

    address: str
    first: int
    second: int


def _publish(chain: Chain, store: Store, tokens: int) -> _Blocks:
    base = publish_on_ipfs(store, range(1, tokens + 11))
    address = chain.deploy("Logged721")
    chain.send(address, "mint(uint256,uint256)", 1, tokens)
    chain.send(address, "setBaseURI(string)", base)
    first = chain.block
    chain.send(address, "mint(uint256,uint256)", tokens + 1, 10)
    chain.send(address, "refreshMany(uint256,uint256)", 1, tokens // 2)
    chain.send(address, "burn(uint256)", tokens)
    return _Blocks(address, first, chain.block)


def _undisturbed(
    address: str, out: Path, config: CollectConfig, blocks: _Blocks
) -> list[Mapping[str, bytes]]:
    """Return the folder's content after the first and after the second run."""
    found = []
    for block in (blocks.first, blocks.second):
        seconds_undisturbed(address, out, replace(config, block=block))
        found.append(contents(out))
    return found


def _round(
    address: str,
    out: Path,
    config: CollectConfig,
    blocks: _Blocks,
    kills: int,
    rng: random.Random,
    expected: list[Mapping[str, bytes]],
) -> int:
    """Collect at both blocks, with kills; return how many there were."""
    done = 0
    for block, content in zip((blocks.first, blocks.second), expected, strict=True):
        pinned = replace(config, block=block)
        alone = out.with_name(f"{out.name}-{block}-alone")
        within_s = seconds_undisturbed(address, alone, pinned)
        shutil.rmtree(alone)
        done += collect_with_kills(
            address, out, pinned, kills=min(8, kills - done), within_s=within_s, rng=rng
        )
        found = contents(out)
        names = [name for name in {*found, *content} if found.get(name) != content.get(name)]
        assert not names, f"{out} differs in {sorted(names)[:5]}"
    return done


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=300)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--fault-share", type=float, default=0.2)
    parser.add_argument("--latency-s", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()

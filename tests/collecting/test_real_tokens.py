"""Collections of pictures and traits, minted on a chain of our own and collected.

Everywhere a sample collection, drawn on the spot. CryptoPunks are no part of this repository:
`TRAITLENS_SHARED`, or `../shared`, names the folder that they are in.
"""

import json
import os
from pathlib import Path

import pytest

from tests.collecting.chain.node import anvil_binary, start_chain
from tests.collecting.drawn_collection import config_for, minted
from tests.collecting.gateway_server import GatewayServer, Store
from traitlens.collecting.pipeline import CollectReport, collect
from traitlens.sources import open_sources, read_traits
from traitlens.sources.folder import Collection
from traitlens.sources.samples import SampleConfig, draw_samples

SHARED = Path(os.environ.get("TRAITLENS_SHARED", Path(__file__).parents[3] / "shared"))
PUNKS = SHARED / "pfp" / "cryptopunks.zip"
AT_ONCE = 2_000  # tokens minted in one transaction


def publish(store: Store, collection: Collection) -> str:
    """Return the base URI of a collection: sharded directories, as IPFS keeps large ones."""
    tokens = [collection.read(found) for found in collection.found]
    pictures = {f"{token.token_id}.png": store.add_file(token.media or b"") for token in tokens}
    images = store.add_sharded_directory(pictures)
    documents = {}
    for token in tokens:
        document = {**token.metadata, "image": f"ipfs://{images}/{token.token_id}.png"}
        documents[token.token_id] = store.add_file(json.dumps(document).encode())
    return f"ipfs://{store.add_sharded_directory(documents)}/"


def collected(collection: Collection, out: Path, *, kind: str | None = None) -> CollectReport:
    """Publish a collection, mint its tokens and collect them into a folder."""
    store = Store()
    base = publish(store, collection)
    ids = sorted(int(found.token_id) for found in collection.found)
    tokens = range(ids[0], ids[-1] + 1)
    assert len(tokens) == len(ids)
    with start_chain(kind) as chain, GatewayServer(store, keep_requests=False) as server:
        address = minted(chain, base, tokens=tokens[:AT_ONCE])
        for some in (tokens[at : at + AT_ONCE] for at in range(AT_ONCE, len(tokens), AT_ONCE)):
            chain.send(address, "mint(uint256,uint256)", some[0], len(some))
        config = config_for(server, chain.url, fetch={"concurrency": 64})
        return collect(address, out, config=config)


def check_equal(raw: Path, original: Collection, *, every: int = 1) -> None:
    """Assert that each token, or one of some, is what it was."""
    (copy,) = open_sources([raw])
    assert copy.count == original.count
    for one, other in zip(copy.found[::every], original.found[::every], strict=True):
        ours, theirs = copy.read(one), original.read(other)
        assert (ours.token_id, ours.media) == (theirs.token_id, theirs.media)
        assert read_traits(ours.metadata) == read_traits(theirs.metadata)


@pytest.mark.parametrize("kind", ["anvil", "eth-tester"])
def test_a_sample_collection_comes_as_it_was_drawn(kind: str, tmp_path: Path) -> None:
    if kind == "anvil" and anvil_binary() is None:
        pytest.skip("npm ci has not run in tests/collecting/chain")
    config = SampleConfig(styles=("voxel-bot",), tokens=40, size=32, workers=1)
    (original,) = open_sources(draw_samples(tmp_path / "drawn", config))
    report = collected(original, tmp_path / "raw", kind=kind)
    assert report.statuses == {"collected": 40, "rejected": 0, "failed": 0}
    check_equal(tmp_path / "raw", original)


@pytest.mark.slow
@pytest.mark.skipif(not PUNKS.is_file(), reason=f"no {PUNKS}")
def test_ten_thousand_punks_come_as_they_are(tmp_path: Path) -> None:
    (original,) = open_sources([PUNKS])
    report = collected(original, tmp_path / "raw")
    assert report.statuses == {"collected": 10_000, "rejected": 0, "failed": 0}
    assert sum(report.requests.values()) < 2.2 * 10_000
    check_equal(tmp_path / "raw", original, every=100)

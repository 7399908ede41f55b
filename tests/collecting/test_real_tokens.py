"""Real tokens: CryptoPunks' pictures and traits, minted on a chain of our own and collected.

They are no part of this repository: `TRAITLENS_SHARED`, or `../shared`, names the folder.
"""

import json
import os
import zipfile
from pathlib import Path

import pytest

from tests.collecting.chain.node import start_chain
from tests.collecting.drawn_collection import config_for, minted
from tests.collecting.gateway_server import GatewayServer, Store
from traitlens.collecting.pipeline import collect
from traitlens.sources import open_sources, read_traits

SHARED = Path(os.environ.get("TRAITLENS_SHARED", Path(__file__).parents[3] / "shared"))
PUNKS = SHARED / "pfp" / "cryptopunks.zip"
TOKENS = range(10_000)
AT_ONCE = 2_000  # tokens minted in one transaction


def publish(store: Store) -> str:
    """Return the base URI of the punks: sharded directories, as IPFS keeps ones of that size."""
    with zipfile.ZipFile(PUNKS) as archive:
        pictures = {f"{n}.png": store.add_file(archive.read(f"images/{n}.png")) for n in TOKENS}
        images = store.add_sharded_directory(pictures)
        documents = {}
        for n in TOKENS:
            document = json.loads(archive.read(f"metadata/{n}.json"))
            document["image"] = f"ipfs://{images}/{n}.png"
            documents[str(n)] = store.add_file(json.dumps(document).encode())
    return f"ipfs://{store.add_sharded_directory(documents)}/"


@pytest.mark.slow
@pytest.mark.skipif(not PUNKS.is_file(), reason=f"no {PUNKS}")
def test_ten_thousand_punks_come_as_they_are(tmp_path: Path) -> None:
    store = Store()
    base = publish(store)
    with start_chain() as chain, GatewayServer(store, keep_requests=False) as server:
        address = minted(chain, base, tokens=TOKENS[:AT_ONCE])
        for first in TOKENS[AT_ONCE::AT_ONCE]:
            chain.send(address, "mint(uint256,uint256)", first, AT_ONCE)
        config = config_for(server, chain.url, fetch={"concurrency": 64})
        report = collect(address, tmp_path / "raw", config=config)
    assert report.statuses == {"collected": 10_000, "rejected": 0, "failed": 0}
    assert sum(report.requests.values()) < 2.2 * len(TOKENS)
    (raw,), (punks,) = open_sources([tmp_path / "raw"]), open_sources([PUNKS])
    assert raw.count == punks.count == len(TOKENS)
    for collected, original in zip(raw.found[::100], punks.found[::100], strict=True):
        ours, theirs = raw.read(collected), punks.read(original)
        assert (ours.token_id, ours.media) == (theirs.token_id, theirs.media)
        assert read_traits(ours.metadata) == read_traits(theirs.metadata)

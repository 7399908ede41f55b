"""Make `src/traitlens/collecting/nft1000.json` out of the authors' own lists.

    python benchmarks/catalogue.py ../shared/nft1000

The folder holds `collections.json` and `partitioning.json`, the data files of the repositories
ShuxunoO/NFT-NET-Hub (`nft_net_hub/info/NFT1000.json`) and ShuxunoO/NFT-Net
(`NFT1000_partitioning.json`). Facts are taken and nothing else: no descriptions, no links. What
`split/nft1000.json` has already (names, contracts, numbers of tokens, splits) is compared with the
lists and stays there. What is odd in the lists is printed.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

from traitlens.collecting import catalogue
from traitlens.split import official_collections

_SPLITS = {"training_list": "train", "validation_list": "validation", "test_list": "test"}


def main() -> None:
    """Write the file and print what is odd in the lists."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lists", type=Path, help="the folder with the two files")
    shipped = Path(catalogue.__file__).parent / catalogue.FACTS
    parser.add_argument("--out", type=Path, default=shipped)
    options = parser.parse_args()
    listed = _read(options.lists / "collections.json")
    partition = _read(options.lists / "partitioning.json")
    _compare(listed["collections"], partition)
    counts = Counter(chain.from_iterable(partition.values()))
    twice = [name for name, count in counts.items() if count > 1]
    options.out.write_text(_facts(listed, twice), encoding="utf-8")
    _print_oddities(listed, partition, twice)
    print(f"{options.out}: {len(listed['collections'])} collections")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _compare(collections: dict[str, Any], partition: dict[str, list[str]]) -> None:
    """Assert that the lists are those that the shipped partition was made from."""
    splits = {name: _SPLITS[part] for part, names in partition.items() for name in names}
    ours = official_collections()
    assert [entry.name for entry in ours] == list(collections)
    for entry in ours:
        theirs = collections[entry.name]
        assert entry.contract == theirs["contract_address"].lower(), entry
        assert entry.tokens == theirs["actual_collected_quantity"], entry
        assert entry.split == splits[entry.also or entry.name], entry


def _facts(listed: dict[str, Any], twice: list[str]) -> str:
    """Return the file's text: a line a collection, so that a change can be read."""
    lines = [
        f"{json.dumps(entry['contract_address'].lower())}: "
        + json.dumps([entry["total_supply"], entry["checksum_sha256"]])
        for entry in listed["collections"].values()
    ]
    source = f"github.com/ShuxunoO/NFT-NET-Hub, {listed['last_update'].split()[0]}"
    head = json.dumps({"source": source, "columns": ["supply", "sha256"], "listed_twice": twice})
    return f'{head[:-1]}, "collections": {{\n' + ",\n".join(lines) + "\n}}\n"


def _print_oddities(
    listed: dict[str, Any], partition: dict[str, list[str]], twice: list[str]
) -> None:
    collections = listed["collections"]
    partitioned = set(chain.from_iterable(partition.values()))
    unknown, unparted = partitioned - set(collections), set(collections) - partitioned
    print(f"twice in the partition: {', '.join(twice)}")
    print(f"only in the partition: {', '.join(unknown)}; only in the list: {', '.join(unparted)}")
    unproven = [name for name, entry in collections.items() if not entry["checksum_sha256"]]
    print(f"without a SHA-256: {', '.join(unproven)}")
    print(f"the list says {listed['total']} collections and has {len(collections)}")
    more = [
        name
        for name, entry in collections.items()
        if entry["actual_collected_quantity"] > entry["total_supply"]
    ]
    print(f"more tokens collected than the supply says: {len(more)}, such as {', '.join(more[:5])}")


if __name__ == "__main__":
    main()

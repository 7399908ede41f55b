"""NFT1000 is known by the names and splits of its collections."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from traitlens.records import SPLITS, CollectionInfo, Split
from traitlens.reproduction.identity import collections_of, identify, ours_by_published
from traitlens.split import OfficialCollection, official_collections
from traitlens.store import CollectionEntry, Dataset, Manifest


def entry(
    name: str, split: Split, *, tokens: int = 5, contract: str | None = None
) -> CollectionEntry:
    return CollectionEntry(
        info=CollectionInfo(name=name, contract=contract),
        read=tokens,
        kept=tokens,
        rejected={},
        splits={side: tokens if side == split else 0 for side in SPLITS},
        shards=(),
    )


def dataset(entries: Iterable[CollectionEntry]) -> Dataset:
    manifest = Manifest(fingerprint="0", config={}, versions={}, collections=tuple(entries))
    return Dataset(Path("data"), manifest)


def official(each: OfficialCollection) -> CollectionEntry:
    return entry(each.name, each.split, tokens=each.tokens)


def test_all_collections_in_their_splits_are_nft1000() -> None:
    data = dataset(map(official, official_collections()))
    assert identify(data).is_nft1000
    assert collections_of(data) == {"train": 800, "validation": 50, "test": 150}


def test_a_collection_on_another_side_makes_another_data_set() -> None:
    first, *rest = map(official, official_collections())
    moved = replace(first, splits={"train": 0, "validation": 0, "test": first.kept})
    found = identify(dataset([moved, *rest]))
    assert (found.official, found.is_nft1000) == (999, False)
    assert found.words == "not NFT1000, of which it has 999 of 1,000 collections"


def test_a_subset_of_every_collection_is_another_data_set() -> None:
    mini = [entry(each.name, each.split, tokens=500) for each in official_collections()]
    found = identify(dataset(mini))
    assert (found.official, found.is_nft1000) == (1000, False)


def test_some_tokens_that_could_not_be_read_make_no_other_data_set() -> None:
    first, *rest = map(official, official_collections())
    fewer = replace(first, splits={**first.splits, "train": 9000}, kept=9000)
    assert first.splits["train"] == 10_000
    assert identify(dataset([fewer, *rest])).is_nft1000


def test_one_collection_more_makes_another_data_set() -> None:
    more = entry("mine", "test")
    assert not identify(dataset([*map(official, official_collections()), more])).is_nft1000


def test_other_collections_are_none_of_it() -> None:
    assert identify(dataset([entry("mine", "test")])).words == "not NFT1000"


def test_a_published_collection_is_found_by_its_letters_or_its_contract() -> None:
    contract = next(e.contract for e in official_collections() if e.name == "Gazer")
    data = dataset(
        [
            entry("apedaoremix", "test"),
            entry("renamed", "test", contract=contract.upper().replace("X", "x")),
            entry("Hor1zon", "test", contract="0x" + "0" * 40),
        ]
    )
    found = ours_by_published(data, ["APE DAO REMIX!", "Gazer", "Hor1zon"])
    assert found == {"APE DAO REMIX!": "apedaoremix", "Gazer": "renamed"}

"""The authors' partition of NFT1000, with the counts that their paper prints."""

import re

import pytest

from traitlens.errors import ConfigError
from traitlens.records import CollectionInfo
from traitlens.split import (
    official_collections,
    official_counts,
    official_split,
    official_splits,
)


def info(name: str, **more: str) -> CollectionInfo:
    return CollectionInfo(name=name, **more)


def test_the_counts_are_those_of_the_paper_but_for_train_which_does_not_add_up_there() -> None:
    counts = official_counts()
    found = {split: (c.collections, c.tokens, c.mini_tokens) for split, c in counts.items()}
    assert found == {
        "train": (800, 6_187_959, 793_860),
        "validation": (50, 383_916, 49_738),
        "test": (150, 1_000_838, 147_615),
    }


def test_names_and_contracts_are_distinct() -> None:
    entries = official_collections()
    assert len({entry.contract for entry in entries}) == 1000
    assert len({entry.name.casefold() for entry in entries}) == 1000


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("BoredApeYachtClub", "train"),
        ("bored ape yacht club", "train"),
        ("Bored_Ape-Yacht Club", "train"),
        ("UninterestedUnicorns", "train"),
        ("Etherbananas", "train"),
        ("Etherbanullas", "train"),
        ("Stoner Ape Club", "test"),
        ("not among them", None),
    ],
)
def test_a_collection_is_known_by_its_name(name: str, split: str | None) -> None:
    assert official_split(info(name)) == split


def test_a_collection_is_known_by_its_contract_whatever_it_is_called() -> None:
    contract = "0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D"
    assert official_split(info("apes", contract=contract)) == "train"
    assert official_split(info("apes", contract=contract, chain_id="eip155:1")) == "train"


def test_a_namesake_of_another_contract_or_chain_is_another_collection() -> None:
    other = info("BoredApeYachtClub", contract="0x" + "0" * 40)
    assert official_split(other) is None
    contract = "0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"
    assert official_split(info("apes", contract=contract, chain_id="eip155:137")) is None


def test_collections_that_are_not_in_the_partition_are_named_and_refused() -> None:
    assert official_splits([info("Azuki")]) == {"Azuki": "train"}
    with pytest.raises(ConfigError, match="'my cats', 'my dogs' are not among them"):
        official_splits([info("Azuki"), info("my cats"), info("my dogs")])
    with pytest.raises(ConfigError, match="'x9' and 5 more"):
        official_splits([info(f"x{number}") for number in range(15)])


def test_a_name_that_went_through_a_file_name_is_still_known() -> None:
    for entry in official_collections():
        name = re.sub(r"[^\w. -]+", "-", entry.name).strip(". -")
        assert official_split(CollectionInfo(name=name)) == entry.split, entry.name

"""Attributes as they occur in the wild become traits, or a reason."""

from typing import Any

import pytest

from traitlens.records import Trait
from traitlens.sources import read_traits


def test_the_opensea_list_is_read_in_order_with_repeated_types() -> None:
    metadata = {
        "attributes": [
            {"trait_type": "Accessory", "value": "Pipe"},
            {"trait_type": "Accessory", "value": "Cap", "extra": 1},
            {"trait_type": "Level", "value": 5, "display_type": "number"},
        ]
    }
    assert read_traits(metadata) == (
        Trait("Accessory", "Pipe"),
        Trait("Accessory", "Cap"),
        Trait("Level", "5", "number"),
    )


def test_a_plain_object_is_read_as_type_and_value() -> None:
    assert read_traits({"attributes": {"Hat": "Cap", "Rare": True}}) == (
        Trait("Hat", "Cap"),
        Trait("Rare", "Yes"),
    )


@pytest.mark.parametrize("attributes", [None, [], {}, "Hat: Cap", 7, [{"value": None}], [None]])
def test_attributes_without_any_usable_value_are_a_reason(attributes: Any) -> None:
    assert read_traits({"attributes": attributes}) == "no attributes"


@pytest.mark.parametrize("metadata", [None, [], "text", 3])
def test_metadata_that_is_no_object_is_a_reason(metadata: Any) -> None:
    assert read_traits(metadata) == "metadata is no JSON object"


def test_odd_items_are_left_out_and_the_rest_is_read() -> None:
    items = [{"trait_type": "A", "value": [1]}, {"value": "x\ny"}, "bare", {"trait_type": "B"}]
    assert read_traits({"attributes": items}) == (
        Trait("Attribute", "x y"),
        Trait("Attribute", "bare"),
    )


def test_features_are_read_where_there_are_no_attributes() -> None:
    assert read_traits({"attributes": [], "features": {"City": "Venice"}}) == (
        Trait("City", "Venice"),
    )
    both = {"features": {"City": "Venice"}, "traits": [{"trait_type": "City", "value": "Berlin"}]}
    assert read_traits(both) == (Trait("City", "Berlin"),)


@pytest.mark.parametrize("word", ["trait_type", "key", "name"])
def test_the_type_of_a_trait_has_three_names(word: str) -> None:
    assert read_traits({"attributes": [{word: "Hat", "value": "Cap"}]}) == (Trait("Hat", "Cap"),)


def test_trait_type_counts_before_the_other_names() -> None:
    items = [{"name": "n", "key": "k", "trait_type": "Hat", "value": "Cap"}]
    assert read_traits({"attributes": items}) == (Trait("Hat", "Cap"),)


def test_lists_within_the_list_are_read_in_order() -> None:
    items = [[{"trait_type": "A", "value": 1}, ["x"]], {"trait_type": "B", "value": 2}]
    assert read_traits({"attributes": items}) == (
        Trait("A", "1"),
        Trait("Attribute", "x"),
        Trait("B", "2"),
    )


def test_lists_nested_without_end_are_no_traits() -> None:
    items: list[Any] = ["x"]
    for _ in range(500):
        items = [items]
    assert read_traits({"attributes": items}) == "no attributes"


def test_hostile_lengths_are_cut() -> None:
    traits = read_traits({"attributes": [{"trait_type": "A", "value": "x" * 10**6}] * 10**4})
    assert len(traits) == 256
    assert all(isinstance(t, Trait) and len(t.value) == 512 for t in traits)

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


def test_hostile_lengths_are_cut() -> None:
    traits = read_traits({"attributes": [{"trait_type": "A", "value": "x" * 10**6}] * 10**4})
    assert len(traits) == 256
    assert all(isinstance(t, Trait) and len(t.value) == 512 for t in traits)

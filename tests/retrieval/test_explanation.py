"""Which traits a query names."""

from __future__ import annotations

import pytest

from traitlens.records import Trait
from traitlens.retrieval.explanation import matched_traits


@pytest.mark.parametrize(
    ("trait", "words", "named"),
    [
        (Trait("Type", "Zombie"), "two zombies", True),
        (Trait("Accessory", "3D Glasses"), "a zombie with 3d glasses", True),
        (Trait("Accessory", "3D Glasses"), "a zombie with glasses", False),
        (Trait("Hat", "Beanie"), "beanies", True),
        (Trait("Body", "Hoodies"), "a hoodie", True),
        (Trait("Eyes", "Lens"), "len", True),
        (Trait("Hat", "Bus"), "bu", False),
        (Trait("Head", "blue_cap"), "a cap, BLUE!", True),
        (Trait("Mohawk", "Yes"), "with a mohawk", True),
        (Trait("Mohawk", "No"), "with a mohawk", False),
        (Trait("Level", "3"), "3 birds", False),
        (Trait("Level", "3"), "level 3", True),
        (Trait("Hat", "None"), "none", False),
        (Trait("Hat", ""), "hat", False),
        (Trait("帽子", "赤い帽子"), "赤い帽子", True),
        (Trait("Hat", "Beanie"), "", False),
    ],
)
def test_a_trait_is_named_when_all_its_words_are(trait: Trait, words: str, named: bool) -> None:
    assert matched_traits([trait], words) == ((trait,) if named else ())


def test_the_type_decides_between_equal_values() -> None:
    eyes, body = Trait("Eyes", "Blue"), Trait("Body", "Blue")
    assert matched_traits([eyes, body], "blue eye") == (eyes,)
    assert matched_traits([eyes, body], "something blue") == (eyes, body)

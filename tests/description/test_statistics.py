"""Numbers as records, and back from the file that they are stored in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.description.datasets import dataset, token
from traitlens.description import describe
from traitlens.description.statistics import Colour, Group, Histogram, groups
from traitlens.description.stored import STATISTICS, description_from_json, read_stored


def test_a_histogram_knows_its_middle_and_its_ends() -> None:
    odd = Histogram.of({7: 1, 2: 3, 4: 1})
    assert (odd.values, odd.counts) == ((2, 4, 7), (3, 1, 1))
    assert (odd.minimum, odd.maximum, odd.total, odd.median, odd.mean) == (2, 7, 5, 2, 3.4)
    assert Histogram.of({1: 2, 4: 2}).median == 2.5


def test_an_empty_histogram_is_all_zeros() -> None:
    empty = Histogram.of({3: 0})
    assert (empty.minimum, empty.maximum, empty.total, empty.median, empty.mean) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("values", "counts"), [((1,), ()), ((2, 1), (1, 1)), ((1, 1), (1, 1)), ((1,), (0,))]
)
def test_a_histogram_that_does_not_add_up_is_refused(
    values: tuple[int, ...], counts: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="histogram"):
        Histogram(values=values, counts=counts)


def test_a_colour_is_six_hex_digits() -> None:
    with pytest.raises(ValueError, match="no colour"):
        Colour(hex="red;background:url(//evil)", share=1)


def test_groups_are_ordered_by_their_tokens() -> None:
    found = groups([("ape", 5), ("punk", 7), ("ape", 3), ("cat", 0)])
    assert found == (
        Group(name="ape", collections=2, tokens=8),
        Group(name="punk", collections=1, tokens=7),
        Group(name="cat", collections=1, tokens=0),
    )


def test_a_description_comes_back_from_json_as_it_was(tmp_path: Path) -> None:
    found = describe(dataset(tmp_path, robots=[token(1, "Hat=Cap"), token(2, "Hat=Crown")]))
    assert description_from_json(json.loads(json.dumps(found.to_json()))) == found


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        at: Any = document
        for name in parents:
            at = at[int(name)] if isinstance(at, list) else at[name]
        at[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("counts", None),
        _set("counts/kept", "many"),
        _set("counts/kept", True),
        _set("counts/kept", 10**400),
        _set("counts/rejected", []),
        _set("collections", {}),
        _set("collections/0/name", 7),
        _set("collections/0/surprise", 1),
        _set("traits/per_token/counts", [1, 2, 3]),
        _set("captions/ceilings/top1", "1"),
        _set("captions/ceilings/top1", float("nan")),
        _set("version", 0),
        _set("fingerprint", "another"),
        lambda document: document.pop("themes"),
    ],
)
def test_a_stored_description_that_is_not_sound_does_not_count(
    change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    found = describe(dataset(tmp_path, robots=[token(1, "Hat=Cap")]))
    document = json.loads(json.dumps(found.to_json()))
    (tmp_path / STATISTICS).write_text(json.dumps(document))
    assert read_stored(tmp_path, found.fingerprint) == found
    change(document)
    (tmp_path / STATISTICS).write_text(json.dumps(document))
    assert read_stored(tmp_path, found.fingerprint) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]", b"[" * 100_000])
def test_a_stored_description_that_is_no_json_does_not_count(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / STATISTICS).write_bytes(content)
    assert read_stored(tmp_path, "x") is None

"""Configs are checked once and say what they accept."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from traitlens.config import (
    check_choice,
    check_range,
    fingerprint,
    from_dict,
    nearest,
    put,
    read_assignment,
    read_toml,
    to_dict,
)
from traitlens.errors import ConfigError


def test_an_error_names_the_option_the_value_and_the_accepted_ones() -> None:
    with pytest.raises(ConfigError, match=r"fill must be one of zero, mean; got 'blue'"):
        check_choice("fill", "blue", ["zero", "mean"])
    with pytest.raises(ConfigError, match=r"p must be in \[0, 1\]; got 1.5"):
        check_range("p", 1.5, low=0, high=1)


def test_nan_is_in_no_range() -> None:
    with pytest.raises(ConfigError):
        check_range("p", math.nan, low=0, high=1)


def test_the_nearest_name_ignores_case_and_far_names_are_no_suggestion() -> None:
    assert nearest("BEANEI", ["Beanie", "Cap"]) == "Beanie"
    assert nearest("zzz", ["Beanie", "Cap"]) is None


def test_a_fingerprint_follows_the_values_and_not_the_order_of_keys() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    colour: str = "red"
    layers: int | None = 2
    share: float = 0.5
    sizes: tuple[int, ...] = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    rooms: int = 3
    paint: Paint = field(default_factory=Paint)


def test_a_config_comes_back_from_its_plain_values() -> None:
    house = House(rooms=4, paint=Paint(colour="blue", layers=None, sizes=(3,)))
    assert from_dict(House, to_dict(house)) == house
    assert from_dict(House, {}) == House()


def test_whole_numbers_are_accepted_as_shares_and_none_is_written_as_a_word() -> None:
    paint = from_dict(Paint, {"share": 1, "layers": "none"})
    assert paint == Paint(share=1.0, layers=None)
    assert type(paint.share) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"room": 3}, r"no field 'room' \(did you mean rooms\?\); accepted: rooms, paint"),
        ({"paint": {"x": 1}}, "no field 'paint.x'; accepted: colour, layers, share, sizes"),
        ({"rooms": "four"}, "rooms must be of type int; got 'four'"),
        ({"rooms": True}, "rooms must be of type int; got True"),
        ({"paint": {"layers": 1.5}}, "paint.layers must be of type int; got 1.5"),
        ({"paint": 3}, "paint has fields of its own and is no single value: 3"),
    ],
)
def test_a_wrong_field_or_value_is_named_with_its_path(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        from_dict(House, values)


def test_an_assignment_reads_as_toml_and_else_as_a_string() -> None:
    assert read_assignment("paint.share = 0.25") == ("paint.share", 0.25)
    assert read_assignment("paint.colour=dark blue") == ("paint.colour", "dark blue")
    assert read_assignment("paint.sizes=[1, 2]") == ("paint.sizes", [1, 2])
    for broken in ("rooms", "=3", "rooms="):
        with pytest.raises(ConfigError, match="expected field=value"):
            read_assignment(broken)


def test_a_field_is_put_at_its_path_beside_the_others() -> None:
    values: dict[str, Any] = {"rooms": 2, "paint": {"colour": "red"}}
    put(values, "paint.share", 0.1)
    assert values == {"rooms": 2, "paint": {"colour": "red", "share": 0.1}}
    with pytest.raises(ConfigError, match="rooms is a single value, 2"):
        put(values, "rooms.share", 1)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("rooms = 4\n[paint]\nshare = 1\n")
    assert from_dict(House, read_toml(tmp_path / "a.toml")) == House(rooms=4, paint=Paint(share=1))
    (tmp_path / "b.toml").write_text("rooms 4")
    for name in ("b.toml", "absent.toml"):
        with pytest.raises(ConfigError, match=f"{name} cannot be read as TOML"):
            read_toml(tmp_path / name)

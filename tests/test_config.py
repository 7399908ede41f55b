"""Configs are checked once and say what they accept."""

import math

import pytest

from traitlens.config import check_choice, check_range, fingerprint, nearest
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

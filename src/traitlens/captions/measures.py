"""Numbers, boosts and dates in words, by the `display_type` of the OpenSea metadata standard."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")
_BARE = re.compile(r"[#+-]?[0-9][0-9.,:%/+-]*")
_COUNT = re.compile(r"[0-9]+ (traits?|attributes?|accessor(y|ies)|properties)")

_BOOSTS = {"boost_number": "", "boost_percentage": "%"}

# Seconds; what is beyond is no date that anyone meant, or is told in milliseconds.
_EARLIEST_S, _LATEST_S = -2_208_988_800, 4_102_444_800  # the years 1900 to 2100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_measure(value: str) -> bool:
    """Return whether a value is bare digits: "5", "#1234", "2021-05-04", "10%"."""
    return _BARE.fullmatch(value) is not None


def is_count(value: str) -> bool:
    """Return whether a value counts a token's traits: "4 attributes"."""
    return _COUNT.fullmatch(value) is not None


def boost_words(value: str, display_type: str | None) -> str | None:
    """Return "+10%" for a boost of 10 percent, or None for what is no boost."""
    if display_type not in _BOOSTS or not _NUMBER.fullmatch(value):
        return None
    sign = "" if value[0] in "+-" else "+"
    return f"{sign}{value}{_BOOSTS[display_type]}"


def date_words(value: str, display_type: str | None) -> str | None:
    """Return the UTC day of a Unix time as "2021-05-04", or None for what is no date.

    The standard says seconds; many collections write milliseconds.
    """
    if display_type != "date" or not _NUMBER.fullmatch(value):
        return None
    seconds = float(value)
    if not _EARLIEST_S <= seconds <= _LATEST_S:
        seconds /= 1000
    if not _EARLIEST_S <= seconds <= _LATEST_S:
        return None
    return (_EPOCH + timedelta(seconds=seconds)).date().isoformat()

"""JSON of strangers is read as it is, and never too deep."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traitlens import bounded_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_json_is_read_as_ever(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert bounded_json.loads(text) == value
    assert bounded_json.loads(text.encode()) == value


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_what_is_too_deep_is_refused_whatever_the_recursion_limit(opening: str) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)  # as some libraries do; `json.loads` would crash
    try:
        with pytest.raises(bounded_json.TooDeepError, match="more than 256"):
            bounded_json.loads(opening * 200_000)
    finally:
        sys.setrecursionlimit(before)


def test_depth_counts_what_is_open_at_once_and_not_what_stands_in_strings() -> None:
    assert bounded_json.loads("[" * 3 + "]" * 3, most=3) == [[[]]]
    with pytest.raises(bounded_json.TooDeepError):
        bounded_json.loads("[" * 4 + "]" * 4, most=3)
    assert bounded_json.loads("[[],[],[],[],{}]", most=2) == [[], [], [], [], {}]
    assert bounded_json.loads('["[[[[\\"[[[["]', most=1) == ['[[[["[[[[']


def test_what_is_no_json_is_a_value_error() -> None:
    for text in ("", "[", '"', "]" * 1000, "nul", b"\xff"):
        with pytest.raises(ValueError, match=r".+"):
            bounded_json.loads(text)


def test_half_a_surrogate_pair_is_read_as_ever() -> None:
    assert bounded_json.loads(b'"\xed\xa0\x80"') == json.loads(b'"\xed\xa0\x80"')

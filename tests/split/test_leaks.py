"""What is on two sides is found: equal pixels, look-alikes by hash, near-duplicates by pixels."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.helpers import drawn_token, png, write_dataset
from traitlens.errors import ConfigError
from traitlens.records import Split, Token
from traitlens.split import LeakConfig, find_leaks, write_leaks
from traitlens.split.neighbours import (
    NONE,
    Entries,
    differing_bits,
    nearest_of_earlier_splits,
)
from traitlens.standardization.hashing import perceptual_hash, pixels_sha256


def token(
    collection: str,
    number: int,
    split: Split | None,
    image: Image.Image,
    *,
    bits: str | None = None,
) -> Token:
    """Return a token that shows `image`; `bits` is its perceptual hash, if not the true one."""
    return dataclasses.replace(
        drawn_token(collection, number),
        image=png(image),
        split=split,
        pixels_sha256=pixels_sha256(image),
        perceptual_hash=bits or perceptual_hash(image),
    )


def picture(seed: int) -> Image.Image:
    cells = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return Image.fromarray(cells).resize((48, 48), Image.Resampling.NEAREST)


def touched(image: Image.Image, value: int = 7) -> Image.Image:
    """Return the picture with one pixel changed."""
    other = image.copy()
    other.putpixel((3, 3), (value, value, value))
    return other


def test_different_pictures_are_no_leak(tmp_path: Path) -> None:
    tokens = [token("a", n, ("train", "test")[n % 2], picture(n)) for n in range(20)]
    report = find_leaks(write_dataset(tmp_path, {"a": tokens}))
    assert (report.tokens, report.held_out) == (20, 10)
    assert report.clean and report.exact
    assert (report.equal, report.closest, report.groups) == ((), (), ())


def test_equal_pixels_are_listed_once_for_each_held_out_token(tmp_path: Path) -> None:
    same = picture(0)
    tokens = [
        token("a", 0, "train", same),
        token("a", 1, "train", same),
        token("a", 2, "validation", same),
        token("a", 3, "test", same),
        token("a", 4, "test", picture(1)),
    ]
    report = find_leaks(write_dataset(tmp_path, {"a": tokens}))
    assert report.equal_total == 2
    pairs = [(leak.held_out.token_id, leak.seen.token_id) for leak in report.equal]
    assert pairs == [("2", "0"), ("3", "0")]
    assert report.look_alikes == 0, "what is equal is not counted as similar, too"
    assert not report.clean


def test_a_near_duplicate_is_listed_with_how_near_it_is(tmp_path: Path) -> None:
    tokens = [token("a", n, "train", picture(n)) for n in range(5)]
    twin = token("b", 9, "test", touched(picture(3)))
    report = find_leaks(write_dataset(tmp_path, {"a": tokens, "b": [twin]}))
    (leak,) = report.closest
    assert (leak.held_out.collection, leak.held_out.token_id) == ("b", "9")
    assert (leak.seen.collection, leak.seen.token_id) == ("a", "3")
    assert 0 < leak.difference <= 1
    assert report.near_duplicates == report.look_alikes == 1 and report.exact
    (group,) = report.groups
    assert (group.held_out, group.held_out_split, group.seen, group.seen_split) == (
        *("b", "test"),
        *("a", "train"),
    )


def test_equal_hashes_of_unlike_pictures_are_look_alikes_but_no_duplicates(tmp_path: Path) -> None:
    bits = "0123456789abcdef"
    tokens = [
        token("a", 0, "train", picture(0), bits=bits),
        token("a", 1, "test", picture(1), bits=bits),
    ]
    report = find_leaks(write_dataset(tmp_path, {"a": tokens}))
    assert (report.look_alikes, report.near_duplicates) == (1, 0)
    assert report.clean


def test_a_look_alike_of_its_own_collection_does_not_hide_one_of_another(tmp_path: Path) -> None:
    base = picture(0)
    own = [token("a", 0, "train", touched(base, 1)), token("a", 1, "test", base)]
    other = [token("b", 0, "train", touched(base, 2))]
    report = find_leaks(write_dataset(tmp_path, {"a": own, "b": other}))
    assert [leak.seen.collection for leak in report.closest] == ["b", "a"], "others come first"


def test_what_has_no_split_or_hash_or_is_rejected_takes_no_part(tmp_path: Path) -> None:
    same = picture(0)
    gone = dataclasses.replace(
        token("a", 1, None, same), status="rejected", reason="x", image=None, split=None
    )
    bare = dataclasses.replace(
        token("a", 2, "test", same), perceptual_hash=None, pixels_sha256=None
    )
    tokens = [token("a", 0, "train", same), gone, bare, token("a", 3, None, same)]
    report = find_leaks(write_dataset(tmp_path, {"a": tokens}))
    assert report.clean
    assert report.tokens == 2


def test_a_sample_gives_an_estimate_that_says_so(tmp_path: Path) -> None:
    bases = [picture(n) for n in range(12)]
    train = [token("a", n, "train", touched(base)) for n, base in enumerate(bases)]
    test = [token("a", 100 + n, "test", base) for n, base in enumerate(bases)]
    data = write_dataset(tmp_path, {"a": [*train, *test]})
    report = find_leaks(data, config=LeakConfig(compared_within=5))
    assert (report.look_alikes, report.compared) == (12, 5)
    assert report.near_duplicates == 12 and not report.exact
    assert find_leaks(data, config=LeakConfig(compared=0)).compared == 0


def test_a_crowd_of_equal_hashes_is_compared_with_a_sample_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("traitlens.split.neighbours.MOST_IN_A_PART", 2)
    train = [token("a", n, "train", picture(n), bits=f"0123456789abcde{n:x}") for n in range(1, 8)]
    data = write_dataset(
        tmp_path, {"a": [*train, token("a", 9, "test", picture(9), bits="0123456789abcde0")]}
    )
    report = find_leaks(data)
    assert report.look_alikes == 1
    assert not report.exact


def test_the_list_is_bounded_and_the_total_is_not(tmp_path: Path) -> None:
    same = picture(0)
    tokens = [token("a", n, "test" if n else "train", same) for n in range(8)]
    report = find_leaks(write_dataset(tmp_path, {"a": tokens}), config=LeakConfig(listed=3))
    assert report.equal_total == 7
    assert len(report.equal) == 3


def test_the_report_is_written_as_json_and_the_same_each_time(tmp_path: Path) -> None:
    same = picture(0)
    tokens = [token("a", 0, "train", same), token("a", 1, "test", same)]
    data = write_dataset(tmp_path, {"a": tokens})
    report = write_leaks(data)
    first = (data.path / "leaks.json").read_bytes()
    assert json.loads(first) == json.loads(json.dumps(report.to_json()))
    assert json.loads(first)["equal_pixels"]["total"] == 1
    assert json.loads(first)["near_duplicates"]["total"] == 0
    write_leaks(data)
    assert (data.path / "leaks.json").read_bytes() == first


@pytest.mark.parametrize("options", [{"bits": 8}, {"difference": -1.0}, {"listed": -1}])
def test_options_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        LeakConfig(**options)


def test_differing_bits_are_counted() -> None:
    a, b = np.array([0, 2**64 - 1, 5], np.uint64), np.array([0, 0, 6], np.uint64)
    assert differing_bits(a, b).tolist() == [0, 64, 2]


@given(st.data())
def test_the_nearest_within_some_bits_is_the_one_that_comparing_all_finds(
    data: st.DataObject,
) -> None:
    # Few hashes, each near one of two centres, so that there is much to find.
    count, bits = data.draw(st.integers(1, 30)), data.draw(st.integers(0, 7))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    hashes = rng.integers(0, 2**63, 2).astype(np.uint64)[rng.integers(0, 2, count)]
    for _ in range(4):
        hashes = hashes ^ (np.uint64(1) << rng.integers(0, 64, count).astype(np.uint64))
    entries = Entries(
        hashes_E=hashes,
        split_E=rng.integers(0, 3, count).astype(np.int8),
        collection_E=rng.integers(0, 2, count).astype(np.int32),
    )
    nearest = nearest_of_earlier_splits(entries, bits=bits)
    assert nearest.complete
    for one in range(count):
        for same, index_E, bits_E in (
            (True, nearest.within_E, nearest.within_bits_E),
            (False, nearest.across_E, nearest.across_bits_E),
        ):
            near = [
                (int(hashes[one] ^ hashes[other]).bit_count(), other)
                for other in range(count)
                if entries.split_E[other] < entries.split_E[one]
                and (entries.collection_E[other] == entries.collection_E[one]) == same
            ]
            expected = min((pair for pair in near if pair[0] <= bits), default=(NONE, None))
            found = (int(bits_E[one]), int(index_E[one]) if bits_E[one] != NONE else None)
            assert found == expected

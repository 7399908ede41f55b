"""Counts of hand-made collections, each and together."""

import shutil
from pathlib import Path

import pytest

from tests.description.datasets import dataset, plain_png, rejected, token, with_infos
from tests.helpers import drawn_dataset
from traitlens.description import describe, write
from traitlens.description.statistics import Group, Histogram, Size, TraitType
from traitlens.errors import DatasetError
from traitlens.records import CollectionInfo


def test_counts_close(tmp_path: Path) -> None:
    rows = [token(0, "Hat=Cap"), rejected(1, "broken"), rejected(2, "broken"), rejected(3, "empty")]
    found = describe(dataset(tmp_path, robots=rows))
    assert found.counts.read == found.counts.kept + sum(found.counts.rejected.values()) == 4
    assert found.counts.rejected == {"broken": 2, "empty": 1}
    assert found.collections[0].counts == found.counts


def test_traits_are_counted_over_kept_tokens(tmp_path: Path) -> None:
    rows = [token(0, "Hat=Cap", "Eyes=Blue"), token(1, "Hat=Crown"), rejected(2, "broken")]
    one = describe(dataset(tmp_path, robots=rows)).collections[0]
    assert (one.traits.types, one.traits.distinct, one.traits.single) == (2, 3, 3)
    assert one.traits.per_token == Histogram(values=(1, 2), counts=(1, 1))
    assert one.trait_types == (
        TraitType(name="Hat", values=2, tokens=2),
        TraitType(name="Eyes", values=1, tokens=1),
    )


def test_traits_that_are_worded_alike_are_one_phrase_and_empty_ones_none(tmp_path: Path) -> None:
    rows = [token(0, "Hat=Red Hat", "Hat=red_hat"), token(1, "Hat=None", "Hat=Cap")]
    one = describe(dataset(tmp_path, robots=rows)).collections[0]
    assert (one.traits.distinct, one.traits.phrases) == (4, 2)


def test_what_collections_share_is_distinct_once_in_all(tmp_path: Path) -> None:
    robots = [token(0, "Hat=Cap"), token(1, "Hat=Crown")]
    owls = [token(0, "Hat=Cap", collection="owls")]
    found = describe(dataset(tmp_path, robots=robots, owls=owls))
    assert (found.traits.types, found.traits.distinct, found.traits.phrases) == (1, 2, 2)
    assert found.traits.single == 1, "two tokens have a cap"
    assert [one.traits.single for one in found.collections] == [2, 1]
    assert found.traits.per_token.total == found.counts.kept == 3


def test_captions_that_repeat_lower_the_ceiling(tmp_path: Path) -> None:
    rows = [token(n, "Hat=Cap") for n in range(3)] + [token(3, "Hat=Crown")]
    captions = describe(dataset(tmp_path, robots=rows)).collections[0].captions
    assert (captions.distinct, captions.shared, captions.largest_group) == (2, 3, 3)
    assert captions.ceilings.top1 == 0.5  # (1/3 + 1/3 + 1/3 + 1) / 4
    assert captions.ceilings.top5 == 1
    assert captions.words == Histogram(values=(3,), counts=(4,))


def test_captions_repeat_over_collections_too(tmp_path: Path) -> None:
    same = {"caption": "a cap"}
    robots, owls = [token(0, "a=b", **same)], [token(0, "a=b", collection="owls", **same)]
    found = describe(dataset(tmp_path, robots=robots, owls=owls))
    assert found.captions.largest_group == 2
    assert [one.captions.largest_group for one in found.collections] == [1, 1]


def test_pictures_are_counted_by_size_media_and_frames(tmp_path: Path) -> None:
    rows = [
        token(0, "a=b", width=24, height=24, media_type="image/gif", frame_count=9),
        token(1, "a=b", width=24, height=24, pixels_sha256="ab" * 32),
        token(2, "a=b", width=48, height=32, pixels_sha256="ab" * 32),
        rejected(3, "broken"),
    ]
    pictures = describe(dataset(tmp_path, robots=rows)).collections[0].pictures
    assert pictures.sizes == (
        Size(width=24, height=24, tokens=2),
        Size(width=48, height=32, tokens=1),
    )
    assert pictures.media_types == {"image/png": 2, "image/gif": 1}
    assert (pictures.animated, pictures.equal) == (1, 2)
    assert pictures.stored_bytes == sum(f.stat().st_size for f in tmp_path.glob("tokens/*"))


def test_sizes_beyond_the_most_frequent_are_summed_up(tmp_path: Path) -> None:
    rows = [token(n, "a=b", width=n + 1, height=5) for n in range(15)]
    pictures = describe(dataset(tmp_path, robots=rows)).pictures
    assert len(pictures.sizes) == 12
    assert pictures.other_sizes == 3


def test_themes_and_licences_are_grouped(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"coolapes": 3, "punks": 4, "evilpunks": 2}, rejected=0)
    info = CollectionInfo(name="punks", licence="CC0-1.0", family="punk heads")
    found = describe(with_infos(data, {"punks": info}))
    assert found.themes == (
        Group(name="punk", collections=2, tokens=6),
        Group(name="ape", collections=1, tokens=3),
    )
    assert found.licences == (
        Group(name="not stated", collections=2, tokens=5),
        Group(name="CC0-1.0", collections=1, tokens=4),
    )
    assert [one.family for one in found.collections] == [None, "punk heads", None]


def test_a_collection_that_was_rejected_whole_is_described(tmp_path: Path) -> None:
    found = describe(dataset(tmp_path, robots=[rejected(0, "x")], owls=[token(0, "a=b")]))
    robots = found.collections[0]
    assert (robots.counts.kept, robots.traits.distinct, robots.captions.distinct) == (0, 0, 0)
    assert (robots.pictures.sampled, robots.pictures.colours) == (0, ())


def test_a_token_without_traits_and_a_picture_that_is_broken_are_described(tmp_path: Path) -> None:
    found = describe(dataset(tmp_path, robots=[token(0, caption="", image=b"broken")]))
    assert found.traits.per_token == Histogram(values=(0,), counts=(1,))
    assert found.pictures.sampled == 0


def test_the_colours_are_those_of_the_pictures(tmp_path: Path) -> None:
    rows = [token(0, "a=b", image=plain_png((200, 30, 30)), width=8, height=8)] * 3
    rows += [token(1, "a=b", image=plain_png((20, 20, 220)), width=8, height=8)]
    colours = describe(dataset(tmp_path, robots=rows)).collections[0].pictures.colours
    assert [(colour.hex, colour.share) for colour in colours] == [
        ("#c81e1e", 0.75),
        ("#1414dc", 0.25),
    ]


def test_stored_numbers_are_read_and_nothing_is_counted_again(tmp_path: Path) -> None:
    written = write(drawn_dataset(tmp_path, {"robots": 5}))
    shutil.rmtree(tmp_path / "tokens")
    assert describe(tmp_path) == written


def test_numbers_of_another_state_of_the_data_set_are_not_taken(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 5})
    write(data)
    named = with_infos(data, {"robots": CollectionInfo(name="robots", theme="golem")})
    assert [group.name for group in describe(named).themes] == ["golem"]


def test_fresh_counts_anew(tmp_path: Path) -> None:
    data = drawn_dataset(tmp_path, {"robots": 5})
    written = write(data)
    drawn_dataset(tmp_path, {"robots": 5}, seed=1)  # other tokens under the old manifest
    assert describe(data) == written
    assert describe(data, fresh=True).traits != written.traits


def test_progress_ends_at_the_number_of_tokens_read(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    data = drawn_dataset(tmp_path, {"robots": 5, "owls": 3})
    describe(data, progress=lambda stage, done, total, note="": told.append((stage, done, total)))
    assert told == [("describe", 0, 10), ("describe", 6, 10), ("describe", 10, 10)]


def test_a_path_that_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no data set"):
        describe(tmp_path)

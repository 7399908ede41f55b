"""The sample of a collection's pictures: who is in it, and what it looks like."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.description.datasets import dataset, plain_png, rejected, token
from traitlens.description.counting import Tally
from traitlens.description.pictures import Canvas, Gallery, fitted_into, gallery, sample_rows
from traitlens.digest import Digest
from traitlens.records import Token
from traitlens.sheets import PAPER


def gallery_of(tokens: list[Token], path: Path, *, sample: int = 256) -> Gallery:
    data = dataset(path, robots=tokens)
    tally = Tally()
    digest = Digest.of(tally.watch(data.tokens(images=False, rejected=True)))
    return gallery(data, "robots", digest, tally, sample=sample)


def flat(number: int, colour: tuple[int, ...], size: tuple[int, int] = (8, 8)) -> Token:
    image = plain_png(colour, size)
    return token(number, "a=b", image=image, width=size[0], height=size[1])


def test_the_mean_image_is_the_mean_of_each_pixel(tmp_path: Path) -> None:
    found = gallery_of([flat(0, (200, 0, 0)), flat(1, (0, 100, 0))], tmp_path)
    assert found.mean is not None
    assert found.mean.size == (8, 8)
    assert found.mean.getcolors() == [(64, (100, 50, 0))]
    assert found.sampled == 2


def test_what_is_transparent_shows_the_paper(tmp_path: Path) -> None:
    found = gallery_of([flat(0, (9, 9, 9, 0))], tmp_path)
    assert found.mean is not None
    assert found.mean.getcolors() == [(64, PAPER)]
    assert found.colours == ()


def test_pictures_of_other_sizes_are_fitted_into_the_most_frequent_one(tmp_path: Path) -> None:
    wide = flat(2, (0, 0, 0), (16, 8))
    found = gallery_of([flat(0, (0, 0, 0)), flat(1, (0, 0, 0)), wide], tmp_path)
    assert found.mean is not None
    assert found.mean.size == (8, 8)
    assert found.mean.getpixel((4, 4)) == (0, 0, 0)
    bright = found.mean.getpixel((4, 0))
    assert isinstance(bright, tuple)
    assert abs(bright[0] - PAPER[0] / 3) < 1, "the wide picture leaves paper above"


def test_a_mean_image_is_at_most_128_px(tmp_path: Path) -> None:
    found = gallery_of([flat(0, (1, 2, 3), (512, 256))], tmp_path)
    assert found.mean is not None
    assert found.mean.size == (128, 64)
    assert found.examples[0][1].size == (128, 64)


def test_pixel_art_grows_without_smoothing() -> None:
    art = Image.new("RGB", (2, 1), (0, 0, 0))
    art.putpixel((1, 0), (255, 255, 255))
    grown = fitted_into(art, (8, 8))
    assert grown.size == (8, 4)
    assert len(grown.getcolors() or []) == 2


def test_rejected_and_broken_pictures_are_not_in_the_sample(tmp_path: Path) -> None:
    broken = token(1, "a=b", image=b"broken", width=8, height=8)
    found = gallery_of([rejected(0, "x"), broken, flat(2, (5, 5, 5))], tmp_path)
    assert found.sampled == 1
    assert [name for name, _ in found.examples] == ["2"]


def test_examples_are_spread_over_the_sample(tmp_path: Path) -> None:
    found = gallery_of([flat(n, (n, n, n)) for n in range(15)], tmp_path)
    assert [name for name, _ in found.examples] == ["0", "2", "4", "6", "8", "10", "12", "14"]


def test_the_pictures_are_those_of_their_rows_over_shards_and_row_groups(tmp_path: Path) -> None:
    found = gallery_of([flat(n, (n % 256, n // 256, 7)) for n in range(300)], tmp_path, sample=40)
    assert found.sampled == 40
    for name, picture in found.examples:
        assert picture.getpixel((0, 0)) == (int(name) % 256, int(name) // 256, 7, 255)


def test_a_sample_is_bounded_seeded_and_ascending() -> None:
    rows = np.arange(0, 10_000, 2)
    groups = rows // 128
    one = sample_rows(rows, groups, 256, seed="robots")
    assert len(one) == 256 == len(np.unique(one))
    assert (np.diff(one) > 0).all()
    assert set(one) <= set(rows)
    assert len(np.unique(one // 128)) <= 16, "few row groups are read"
    assert (one == sample_rows(rows, groups, 256, seed="robots")).all()
    assert not np.array_equal(one, sample_rows(rows, groups, 256, seed="owls"))


def test_short_row_groups_are_made_up_for_by_others() -> None:
    rows = np.arange(300)
    groups = np.where(rows < 5, 0, np.where(rows < 150, 1, 2))
    assert len(sample_rows(rows, groups, 200, seed="x")) == 200


def test_a_small_collection_is_its_own_sample() -> None:
    rows = np.array([3, 5, 9])
    assert sample_rows(rows, rows // 128, 256, seed="x").tolist() == [3, 5, 9]


def test_a_canvas_without_pictures_has_no_mean() -> None:
    canvas = Canvas((4, 4))
    assert canvas.mean() is None
    assert canvas.colours() == ()
